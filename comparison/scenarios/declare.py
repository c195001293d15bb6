"""How a scenario is declared: fields of what is tried and of what must hold, and where the engine plays one side itself
a function below them, which does so."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from comparison.judge.catalogue import shown_in
from comparison.model import MIB, Expectation, Scenario, Side

PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY"
"""Repeated, it shows a chunk that is lost or out of place: it has 61 bytes, and no power of two is a multiple of 61."""

MEMORY_MIB = 64
"""An endpoint takes about 30 MiB when it starts, and a client keeps up to 16 MiB of what it has sent; one that buffers
all that its peer does not read takes far more."""

LATE_S = 0.25
"""How late the machine may be where a limit of a second is in it: half of that can still be told from all of it."""

TCP_ONLY = ("tcp", "tcp6")  # for what only TCP has, such as a reset
PLAIN = (*TCP_ONLY, "unix")
OVER_TLS = ("tls", "mtls")

OVER = ("saw_eof", "saw_reset")
CUT_OFF = (*OVER, "saw_cut")
"""How a peer may see that the other side gave up a connection: no goodbye of TLS, and a reset where bytes were lost."""

Begin = Callable[[Any], Iterable[Any]]
"""How a scenario begins on its stage: the peers, and what else, that its script is then given."""
Script = Callable[..., None]
Variants = Mapping[str, tuple[str, Mapping[str, Any]]]
ONE: Variants = {"each": ("", {})}  # of a script that has no variants


def scenario(name: str, description: str, **fields: Any) -> Scenario:
    """A scenario, by fields of `Scenario` and of `Expectation`."""
    expected = fields.keys() & {field.name for field in dataclasses.fields(Expectation)}
    expects = Expectation(**{name: fields.pop(name) for name in expected})
    return Scenario(name, description, expects=expects, shows=shown_in(name), **fields)


def file_of(mib: int) -> dict[str, Any]:
    """The fields that have a client send a file of so many MiB, and a few bytes."""
    return {"pattern": PATTERN, "times": mib * MIB // len(PATTERN) + 1, "from_file": True}


class Declared(list[Scenario]):
    """The scenarios of a module, in the order in which they are declared."""

    def __init__(self, on_trial: Side, **usual: Any) -> None:
        """`usual` is what holds for each of them unless it says otherwise."""
        super().__init__()
        self._usual = {"on_trial": (on_trial,), "pattern": PATTERN, **usual}

    def __call__(self, begin: Begin | None = None, each: Variants = ONE, /, **given: Any) -> Callable[[Script], Script]:
        """A decorator: the function below it is the script of a scenario, from where it has begun on. Its name is that
        of the scenario, its docstring what is tried; `given` are further fields. Or of one scenario for each word of
        `each`: that stands for "each" in the name, its text in the docstring, and its values are further arguments."""

        def declare(script: Script) -> Script:
            name, told = script.__name__.strip("_"), " ".join((script.__doc__ or "").split()).removesuffix(".")
            for word, (text, values) in each.items():
                own = name.replace("each", word).replace("_", "-")
                description = told[:1].lower() + told[1:].replace("{each}", text)
                play = partial(_play, begin, script, values)
                self.append(scenario(own, description, script=play, **self._usual | given))
            return script

        return declare


def _play(begin: Begin | None, script: Script, values: Mapping[str, Any], stage: Any) -> None:
    script(stage, *(begin(stage) if begin is not None else ()), **values)
