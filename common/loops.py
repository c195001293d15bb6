"""Event loops by name: what `asyncio.Runner` is given as its loop_factory."""

import asyncio
import functools
import importlib
from collections.abc import Callable
from typing import Any

from common.config import UsageError

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

LOOPS = {
    "asyncio": ("asyncio:new_event_loop",),
    **{package: (f"{package}:new_event_loop",) for package in ("uvloop", "rloop", "rsloop", "zuvloop", "loopmini")},
    "aiofastnet": ("asyncio:new_event_loop", "aiofastnet:patch_loop"),
    "aiofastnet-uvloop": ("uvloop:new_event_loop", "aiofastnet:patch_loop"),
}
"""Loops that go by name: the function that makes one, and one that is handed it. A module is called as its package."""

USUAL = ("asyncio", "uvloop")
"""Those that are compared where the user names none."""


def packages(name: str) -> tuple[str, ...]:
    """What must be installed for a loop, besides Python: by name its packages, of `module:factory` the module."""
    modules = [function.partition(":")[0] for function in LOOPS.get(name, (name,))]
    return tuple(module for module in modules if module != "asyncio")


def loop_factory(name: str) -> LoopFactory:
    """The factory of a loop by name, or of any `module:factory`.

    Raises UsageError, with the remedy, where the name means nothing or its package is not installed; so does the
    factory where what it makes is no loop.
    """
    make, *patches = (_function(name, function) for function in LOOPS.get(name, (name,)))
    return lambda: _tried(name, lambda: functools.reduce(lambda loop, patch: patch(loop), patches, make()))


def _function(name: str, path: str) -> Callable[..., Any]:
    """What `module:function` stands for, of the loop that goes by `name`."""
    module_name, colon, attribute = path.partition(":")
    if not (colon and module_name and attribute):
        raise UsageError(f"unknown event loop {name!r}: choose {', '.join(LOOPS)}, or any MODULE:FACTORY")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        remedy = f"install it with: pip install {error.name} (or choose --loop asyncio)"
        if not any(error.name in packages(known) for known in LOOPS):  # who knows what package a module is from
            remedy = f"there is no module {error.name!r}; name one that Python finds, or choose --loop asyncio"
        raise UsageError(f"event loop {name!r} is not installed; {remedy}") from None
    except (Exception, SystemExit) as error:  # whatever stands in a module that somebody names
        raise UsageError(
            f"event loop {name!r} cannot be imported ({error!r}); mend it or choose --loop asyncio"
        ) from None
    function: Callable[..., Any] | None = getattr(module, attribute, None)
    if not callable(function):
        raise UsageError(
            f"event loop {name!r}: module {module_name} has no function {attribute!r}; name the one that makes a loop"
        )
    return function


def _tried(name: str, make: Callable[[], Any]) -> asyncio.AbstractEventLoop:
    """What a factory makes, once it has shown that it is a loop that can turn."""
    try:
        loop = make()
        if asyncio.iscoroutine(loop):
            loop.close()  # else Python complains that nobody has awaited it
        if not isinstance(loop, asyncio.AbstractEventLoop):
            raise TypeError(f"{loop!r} is no event loop")
        loop.call_soon(loop.stop)
        loop.run_forever()
    except (Exception, SystemExit) as error:
        raise UsageError(f"event loop {name!r} cannot be made ({error!r}); mend it or choose --loop asyncio") from None
    return loop
