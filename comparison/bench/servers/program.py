"""What the servers of the benchmark have in common: the command line, the loop, the ready line, the end."""

import argparse
import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from common.config import BACKLOG, HOST, READ_SIZE_BYTES, UsageError
from common.lifecycle import raise_file_limit
from common.loops import loop_factory

__all__ = ["BACKLOG", "READ_SIZE_BYTES", "run", "say_ready"]


class Bound(Protocol):
    """A socket, or what a server shows of one."""

    def getsockname(self) -> tuple[str, int]: ...


def run(serve: Callable[[argparse.Namespace], Awaitable[None]], arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code is 0 then."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--loop", default="asyncio")
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls-cert", metavar="PEM")
    options = parser.parse_args(arguments)
    try:
        raise_file_limit()
        with asyncio.Runner(loop_factory=loop_factory(options.loop)) as runner:
            return runner.run(_until_signalled(serve(options)))
    except UsageError as error:
        parser.error(str(error))


async def _until_signalled(serving: Awaitable[None]) -> int:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(serving)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return 0
    return 1


def say_ready(listening: Bound | socket.socket) -> None:
    """Say where it accepts connections, in the words of every endpoint."""
    host, port = listening.getsockname()[:2]
    print(f"main: starting up on {host} port {port}", flush=True)
