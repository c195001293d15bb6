"""How a scenario with a script is declared: the function that plays one side, under what must hold."""

from collections.abc import Callable
from typing import Any

from comparison.model import MIB, Expectation, Scenario, Side

PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY"
"""Repeated, it shows a chunk that is lost or out of place: it has 61 bytes, and no power of two is a multiple of 61."""

MEMORY_MIB = 64
"""An endpoint takes about 30 MiB when it starts, and a client keeps up to 16 MiB of what it has sent; one that buffers
all that its peer does not read takes far more."""

LATE_S = 0.25
"""How late the machine may be where a limit of a second is in it: half of that can still be told from all of it."""

TCP_ONLY = ("tcp", "tcp6")
"""For what only TCP has, such as a reset."""

CUT_OFF = ("saw_eof", "saw_reset", "saw_cut")
"""How a peer may see that the other side gave up a connection: no goodbye of TLS, and a reset where bytes were lost."""

__all__ = ["CUT_OFF", "LATE_S", "MEMORY_MIB", "MIB", "PATTERN", "TCP_ONLY", "Declared", "Script"]

Script = Callable[..., None]


class Declared(list[Scenario]):
    """The scenarios of a module, in the order in which they are declared."""

    def __init__(self, on_trial: Side, **usual: Any) -> None:
        """`usual` is what holds for each of them unless it says otherwise."""
        super().__init__()
        self._on_trial = on_trial
        self._usual = {"pattern": PATTERN, **usual}

    def __call__(self, name: str, description: str, expects: Expectation, **more: Any) -> Callable[[Script], Script]:
        """A decorator: the function below it is the script of this scenario."""

        def declare(script: Script) -> Script:
            given = {**self._usual, **more}
            self.append(
                Scenario(name, description, expects=expects, on_trial=(self._on_trial,), script=script, **given)
            )
            return script

        return declare
