"""A client from its first log line to its last: what is policy, around the one coroutine that only the API can give.

An implementation passes `echo_client`, which connects, carries one exchange, and returns when the connection is over.
"""

import asyncio
import contextlib
import errno
import ipaddress
import os
import re
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from common import lifecycle, logs
from common.config import ClientConfig
from common.connections import ConnectionLog, log_class
from common.exchange import Exchange
from common.options import parse_client
from common.sources import Source, SourceError, sources
from common.tls import TLSArguments, client_tls

EchoClient = Callable[[ClientConfig, Exchange, ConnectionLog, TLSArguments], Awaitable[None]]

LIBUV_THREADS = 4
"""What uvloop looks up a name with, and libuv aborts the program where it does not get all of them."""


def run_client(echo_client: EchoClient, arguments: Sequence[str] | None = None) -> int:
    """The whole program of a client: its command line in, its exit code out (0 where the whole echo came back and
    the connection came to its end, 1 where not)."""
    config = parse_client(arguments)
    return lifecycle.run(config, client_tls, lambda tls: connect_all(config, echo_client, tls))


async def connect_all(config: ClientConfig, echo_client: EchoClient, tls: TLSArguments) -> int:
    """Run all connections at once: 0 where each of them got its whole echo, else 1."""
    asyncio.get_running_loop().set_exception_handler(quiet_about_resets)
    numbers = range(1, config.connections + 1)
    names = [f"echo_client_{number}" for number in numbers] if config.connections > 1 else ["echo_client"]
    with contextlib.ExitStack() as stack:
        try:
            new_source = stack.enter_context(sources(config))
            try_lookup_threads(config)
        except RuntimeError as error:
            logs.tell("main", "no_thread", reason=error)
            return 1
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(connect_one(config, echo_client, tls, name, new_source())) for name in names]
    return 0 if all(task.result() for task in running) else 1


def try_lookup_threads(config: ClientConfig) -> None:
    """Start and end as many threads as the loop may want to look up the host, before each connection fails to get one
    in a traceback of its own, and before libuv aborts the program. Raises RuntimeError."""
    if config.unix is not None:
        return
    with contextlib.suppress(ValueError):
        if "%" not in str(ipaddress.ip_address(config.host)):  # asyncio looks up an interface, too
            return
    # asyncio's pool has so many, and one more ends it.
    threads = min(32, (os.cpu_count() or 1) + 4, max(config.connections, LIBUV_THREADS)) + 1
    end = threading.Event()
    started = [threading.Thread(target=end.wait, daemon=True) for _ in range(threads)]
    try:
        for thread in started:
            thread.start()
    finally:
        end.set()
    for thread in started:
        thread.join()


async def connect_one(
    config: ClientConfig, echo_client: EchoClient, tls: TLSArguments, name: str, source: Source
) -> bool:
    """Carry one exchange and say how it ended. True where a connection came to its end with the whole echo back."""
    log = log_class()(name)
    # Of a file nobody knows the length before its end: it may be a pipe.
    total_bytes = sum(map(len, config.messages)) if config.file is None else None
    exchange = Exchange(source, total_bytes=total_bytes, lockstep=config.lockstep, pause_s=config.pause_s)
    error: Exception | None = None
    try:
        async with contextlib.aclosing(source), asyncio.timeout(config.timeout_s) as limit:
            await echo_client(config, exchange, log, tls)
    except (OSError, SourceError, ExceptionGroup) as caught:
        error = _expected(caught)
    # Of an echo of no bytes, only an end in good order is any evidence.
    ended = log.was_opened and not limit.expired() and (error is None or exchange.sent_bytes > 0)
    if ended and exchange.complete:
        log.ended(error)
        return True
    if exchange.fault is not None:
        reason = exchange.fault
    elif limit.expired():
        reason = f"timed out after {config.timeout_s:g} s"
    else:
        reason = describe(error) if error is not None else "ended early"
    expected = exchange.sent_bytes if total_bytes is None else total_bytes
    log.tell_ending(
        "failed", reason=reason, returned=exchange.returned_bytes, expected=expected, address=config.address
    )
    return False


def quiet_about_resets(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A loop exception handler that passes on everything but a half-close that came too late.

    Where write_eof() is called before all is sent, asyncio half-closes later, in a callback of its own, and does not
    expect that the connection may be reset by then. Reading reports that reset all the same.
    """
    error = context.get("exception")
    if not (isinstance(error, OSError) and error.errno == errno.ENOTCONN):
        loop.default_exception_handler(context)


def describe(error: Exception) -> str:
    """An error of the network in words that are the same on every loop and Python version."""
    match error:
        case SourceError():
            return str(error)
        case socket.gaierror():
            return "name not found"
        case ssl.SSLCertVerificationError():
            return f"certificate not accepted ({error.verify_message})"
        case ssl.SSLError():
            return f"TLS failed ({(error.reason or str(error)).lower().replace('_', ' ')})"
        case ConnectionAbortedError() if "SSL" in str(error):  # both loops, all versions: no class of its own
            return "TLS handshake timed out"
        case ConnectionResetError() | BrokenPipeError() | ConnectionAbortedError() | OSError(errno=errno.ENOTCONN):
            # ENOTCONN: write_eof() on a connection that was reset a moment ago
            return "connection reset"
    # asyncio folds the errors of several addresses into one OSError without errno; uvloop raises the last one.
    numbers = set(re.findall(r"\[Errno (\d+)\]", str(error)))
    reasons = " and ".join(sorted(os.strerror(int(number)).lower() for number in numbers)) or str(error)
    if str(errno.EMFILE) in numbers:
        reasons += "; give fewer --connections, or raise the limit (ulimit -n)"
    return reasons


def _expected(error: Exception) -> Exception:
    """The first error of a task group, where a peer or a user can cause all of them. Raises the group otherwise."""
    if not isinstance(error, ExceptionGroup):
        return error
    if error.split((OSError, SourceError))[1] is not None:
        raise error
    return _expected(error.exceptions[0])
