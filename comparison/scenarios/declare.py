"""How a scenario with a script is declared: a function that plays one side, under what must hold."""

import dataclasses
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

PLAIN = (*TCP_ONLY, "unix")
OVER_TLS = ("tls", "mtls")

OVER = ("saw_eof", "saw_reset")
CUT_OFF = (*OVER, "saw_cut")
"""How a peer may see that the other side gave up a connection: no goodbye of TLS, and a reset where bytes were lost."""

__all__ = ["CUT_OFF", "LATE_S", "MEMORY_MIB", "MIB", "OVER", "OVER_TLS", "PATTERN", "PLAIN", "TCP_ONLY"]

Script = Callable[..., None]
EXPECTED = {field.name for field in dataclasses.fields(Expectation)}


class Declared(list[Scenario]):
    """The scenarios of a module, in the order in which they are declared."""

    def __init__(self, on_trial: Side, **usual: Any) -> None:
        """`usual` is what holds for each of them unless it says otherwise."""
        super().__init__()
        self._usual = {"on_trial": (on_trial,), "pattern": PATTERN, **usual}

    def __call__(self, **given: Any) -> Callable[[Script], Script]:
        """A decorator: the function below it is the script of a scenario. Its name is that of the scenario, its
        docstring what is tried; `given` are fields of `Scenario` and of `Expectation`."""

        def declare(script: Script) -> Script:
            self.add(*named(script), script, **given)
            return script

        return declare

    def add(self, name: str, description: str, script: Script, **given: Any) -> None:
        """One more, whose script has its name from elsewhere."""
        fields = self._usual | given
        expects = Expectation(**{field: fields.pop(field) for field in EXPECTED & fields.keys()})
        self.append(Scenario(name, description, expects=expects, script=script, **fields))


def named(script: Script) -> tuple[str, str]:
    """The name and the description of a scenario, as its script has them: a name of Python, and a sentence."""
    told = " ".join((script.__doc__ or "").split()).removesuffix(".")
    return script.__name__.strip("_").replace("_", "-"), told[:1].lower() + told[1:]
