"""A server from its first log line to its last: what is policy, around the one function that only the API can give.

An implementation passes `start`, which makes its API serve one bound socket.
"""

import asyncio
import contextlib
import dataclasses
import errno
import math
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from common import lifecycle, logs
from common.addresses import CannotListen, exposed_hosts, tcp_sockets, unix_socket
from common.config import ServerConfig
from common.live import LiveConnections
from common.options import parse_server
from common.tls import TLSArguments, server_tls

ACCEPT_AT_ONCE = 8
"""What `create_server` is given as its backlog. On asyncio that is also how many connections one turn of the loop
accepts (from 3.14 on one more), and out of file descriptors each of those attempts fails, logs and starts a timer:
with the 1024 that we want the kernel to queue, a busy loop. With 8 a burst is accepted as fast as with 100 (with 1 it
took a quarter more CPU); listen() sets the queue's length afterwards."""

OUT_OF_FILES = (errno.EMFILE, errno.ENFILE)
OUT_OF_FILES_EVERY_S = 10.0
"""Out of file descriptors, asyncio tries again every second; a line every ten is enough."""

SETTLING_TURNS = 10
"""An accepted peer takes four turns of asyncio's loop: the accept, the task that makes its transport,
connection_made(), and with Streams the handler."""

Start = Callable[[socket.socket, int, ServerConfig, LiveConnections, TLSArguments], Awaitable[asyncio.Server]]


def run_server(start: Start, arguments: Sequence[str] | None = None) -> int:
    """The whole program of a server: its command line in, its exit code out (0, or 1 where it cannot serve)."""
    config = parse_server(arguments)
    return lifecycle.run(config, server_tls, lambda tls: serve(config, start, tls))


async def serve(config: ServerConfig, start: Start, tls: TLSArguments) -> int:
    """Serve until SIGINT or SIGTERM, then give open connections `grace_s` seconds; a second one cuts them at once."""
    live = LiveConnections(limit=config.max_connections, idle_timeout_s=config.idle_timeout_s)
    asyncio.get_running_loop().set_exception_handler(quiet_about_files())
    listening = unix_socket(config.unix) if config.unix else tcp_sockets(config.host, config.port)
    with lifecycle.stopped_by_signals(on_second=live.cut_all) as stopping:
        try:
            with listening as sockets:
                exposed = exposed_hosts(sockets)
                if config.unix is None:  # the port that was really taken
                    config = dataclasses.replace(config, port=sockets[0].getsockname()[1])
                listeners = [sock.fileno() for sock in sockets]
                servers = []
                for sock in sockets:
                    # From start() on it is the loop's: rloop takes its descriptor away. A duplicate has the same queue;
                    # it is closed at once, since an open one would go on queueing peers when the server has stopped.
                    with sock.dup() as duplicate:
                        servers.append(await start(sock, ACCEPT_AT_ONCE, config, live, tls))
                        duplicate.listen(config.backlog)
                logs.tell("main", "starting", address=config.address)
                if exposed:
                    logs.tell("main", "exposed", address=" and ".join(exposed))
                async with asyncio.TaskGroup() as tasks:
                    idle_watch = tasks.create_task(live.watch_idle())
                    await stopping.wait()
                    await stop_accepting(listeners, servers)
                    logs.tell("main", "closing_server")
                    await finish(live, config.grace_s)
                    idle_watch.cancel()
        except CannotListen as error:
            logs.tell("main", "cannot_serve", address=config.address, reason=error)
            return 1
    return 0


async def stop_accepting(listeners: Iterable[int], servers: Iterable[asyncio.Server]) -> None:
    """Accept no more peers, and close the listening sockets, of which `listeners` are the descriptors.

    In two steps, because asyncio's loop drops a connection that it is just accepting when its server closes: the peer
    hangs until the program ends, and on 3.13 a traceback tells of it. Only that loop is asked: rloop ends the whole
    program when it is to remove the reader of a listener.
    """
    loop = asyncio.get_running_loop()
    if isinstance(loop, asyncio.SelectorEventLoop):
        for listener in listeners:
            with contextlib.suppress(RuntimeError):  # it listens on a copy, and a connection has the number now
                loop.remove_reader(listener)
    await settle()
    for server in servers:
        server.close()


async def settle() -> None:
    """Let the loop take a few turns, in which a peer that was just accepted becomes a connection that we know of."""
    for _ in range(SETTLING_TURNS):
        await asyncio.sleep(0)


async def finish(live: LiveConnections, grace_s: float) -> None:
    """Let open connections go on until each peer's EOF, for `grace_s` seconds at most, then cut the rest.

    `Server.wait_closed()` is no help here: it returns at once on Python 3.11 and on uvloop, and elsewhere waits for
    peers without a limit.
    """
    try:
        async with asyncio.timeout(grace_s):
            await settle()
            while len(live) > 0:
                await live.wait_until_none()
                await settle()
    except TimeoutError:
        live.cut_all()
        await live.wait_until_none()


def quiet_about_files() -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """A loop exception handler that says now and then that no file descriptor is left, and passes on everything else.

    Only asyncio reports that; uvloop accepts and closes what it has no descriptor for, and calls nobody.
    """
    quiet_until_s = -math.inf

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal quiet_until_s
        error = context.get("exception")
        if isinstance(error, ValueError) and "_start_serving" in context["message"]:
            return  # asyncio tries again a second after, though the server was closed meanwhile
        if not (isinstance(error, OSError) and error.errno in OUT_OF_FILES and "accept" in context["message"]):
            loop.default_exception_handler(context)
        elif loop.time() >= quiet_until_s:
            quiet_until_s = loop.time() + OUT_OF_FILES_EVERY_S
            logs.tell("main", "out_of_files")

    return handle
