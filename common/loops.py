"""Event loops by name: what `asyncio.Runner` is given as its loop_factory."""

import asyncio
import importlib
from collections.abc import Callable

from common.config import UsageError

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


LOOPS = {"asyncio": "asyncio:new_event_loop", "uvloop": "uvloop:new_event_loop"}
"""The loops that go by name, which is that of their package: the function that makes one."""


def loop_factory(name: str) -> LoopFactory:
    """The factory of a loop by name, or of any `module:factory`.

    Raises UsageError, with the remedy, where the name means nothing or its package is not installed; so does the
    factory where what it makes is no loop.
    """
    module_name, colon, attribute = LOOPS.get(name, name).partition(":")
    if not (colon and module_name and attribute):
        known = ", ".join(LOOPS)
        raise UsageError(
            f"unknown event loop {name!r}: choose {known}, or MODULE:FACTORY such as uvloop:new_event_loop"
        )
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        remedy = f"install it with: pip install {error.name} (or choose --loop asyncio)"
        if error.name not in LOOPS:  # who knows what package a module is from
            remedy = f"there is no module {error.name!r}; name one that Python finds, or choose --loop asyncio"
        raise UsageError(f"event loop {name!r} is not installed; {remedy}") from None
    except (Exception, SystemExit) as error:  # whatever stands in a module that somebody names
        raise UsageError(
            f"event loop {name!r} cannot be imported ({error!r}); mend it or choose --loop asyncio"
        ) from None
    factory = getattr(module, attribute, None)
    if not callable(factory):
        raise UsageError(
            f"event loop {name!r}: module {module_name} has no function {attribute!r}; name the one that makes a loop"
        )
    return lambda: _made(name, factory)


def _made(name: str, factory: Callable[[], object]) -> asyncio.AbstractEventLoop:
    """What the factory makes, once it has shown that it is a loop that can turn."""
    try:
        loop = factory()
        if asyncio.iscoroutine(loop):
            loop.close()  # else Python complains that nobody has awaited it
        if not isinstance(loop, asyncio.AbstractEventLoop):
            raise TypeError(f"{loop!r} is no event loop")
        loop.call_soon(loop.stop)
        loop.run_forever()
    except (Exception, SystemExit) as error:
        raise UsageError(f"event loop {name!r} cannot be made ({error!r}); mend it or choose --loop asyncio") from None
    return loop
