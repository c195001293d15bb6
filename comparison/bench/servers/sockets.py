"""An echo server with neither transports nor streams: one coroutine for each connection awaits its socket.

usage: python -m comparison.bench.servers.sockets [--loop NAME] [--host HOST] [--port PORT]
"""

import argparse
import asyncio
import socket
import sys

from comparison.bench.servers.program import BACKLOG, READ_SIZE_BYTES, run, say_ready


async def echo(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    try:
        while data := await loop.sock_recv(connection, READ_SIZE_BYTES):
            await loop.sock_sendall(connection, data)
    except OSError:
        return  # the peer is gone
    finally:
        connection.close()


async def serve(options: argparse.Namespace) -> None:
    listening = socket.create_server((options.host, options.port), backlog=BACKLOG)
    listening.setblocking(False)
    say_ready(listening)
    tasks = set()
    while True:
        connection, _ = await asyncio.get_running_loop().sock_accept(listening)
        # As transports do: an answer must not wait for the acknowledgement of the one before.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = asyncio.create_task(echo(connection))
        tasks.add(task)  # the loop itself refers only weakly to a task
        task.add_done_callback(tasks.discard)


if __name__ == "__main__":
    sys.exit(run(serve))
