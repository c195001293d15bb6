"""Planted defects: what they show is what a statement is for that matters only where another part of the program is
wrong."""

RAISES = """
import {module}

def _planted(self, *arguments, **values):
    {place} = _usual
    raise ValueError("planted")

_usual, {place} = {place}, _planted
"""


def _raises(module: str, method: str) -> str:
    """Source that makes a method of `common` raise when it is called for the first time."""
    return RAISES.format(module=module, place=f"{module}.{method}")


WARNS = """
import sys
import warnings

def _show(message, category, *_):
    print(f"{category.__name__}: {str(message).split(' <')[0]}", file=sys.__stderr__)

warnings.simplefilter("always")
warnings.showwarning = _show
"""
"""Source that tells of each warning in one line, without what is another on each machine and in each run."""

BLOCKED = """
import asyncio
import time

_wait = asyncio.sleep

def _sleep(delay_s):
    asyncio.get_running_loop().call_soon(time.sleep, 0.5)
    return _wait(0.01)

asyncio.sleep = _sleep
"""
"""Source that ends each pause while the loop is blocked: what came meanwhile is dealt with in the same turn."""

UNLUCKY = """
import asyncio

del asyncio.StreamReaderProtocol.__del__
"""
"""Source without what keeps asyncio from logging the error of a connection that nobody has asked for: where both are
part of a cycle of garbage, it may come too late."""

DEFECTS = {
    "new connections raise": _raises("common.live", "LiveConnections.add"),
    "the end raises": _raises("common.connections", "ConnectionLog.ended"),
    "Python warns of what is left open": WARNS,
    "received bytes raise": _raises("common.connections", "ChunkLog.received"),
    "the loop is blocked in a pause": BLOCKED,
    "garbage is collected in an unlucky order": UNLUCKY,
}
"""What is planted -> the source that plants it, which stands before that of the program."""
