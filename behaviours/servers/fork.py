"""A child that was forked and closes its copy of the server takes the parent's new clients away

os.fork() in a running loop: the child shares what the loop waits with, and the tidy thing to do there, to close what it
does not need, is done to the parent as well. The parent accepts nobody any more, and nobody is told: the clients
connect, and wait.

Instead: start a program, by asyncio.create_subprocess_exec() for instance, or fork before there is a loop.

Sources: Python issues gh-66285 and gh-130442.
"""
# ruff: noqa: ASYNC222

import asyncio
import os

from behaviours import kit
from behaviours.known import known, outcome, seen

DEAF = outcome("accepts nobody any more", bites="a server that looks alive, and serves nobody new")
SERVES = outcome("serves the next client")
KNOWN = known(trap=[seen(DEAF)], remedy=[seen(SERVES)])


# --- Streams ---
async def streams_trap(sock):
    async def handle(reader, writer):
        child = os.fork()
        if child == 0:
            server.close()  # the parent's business
            os._exit(0)
        os.waitpid(child, 0)
        await kit.echo(reader, writer)

    server = await asyncio.start_server(handle, sock=sock)
    await asyncio.Event().wait()


async def streams_remedy(sock):
    async def handle(reader, writer):
        child = await asyncio.create_subprocess_exec(
            "true",
        )
        await child.wait()
        await kit.echo(reader, writer)

    await asyncio.start_server(handle, sock=sock)
    await asyncio.Event().wait()


# --- Protocol ---
async def protocol_trap(sock):
    class Forking(kit.Echo):
        def data_received(self, data):
            child = os.fork()
            if child == 0:
                server.close()  # the parent's business
                os._exit(0)
            os.waitpid(child, 0)
            super().data_received(data)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(Forking, sock=sock)
    await asyncio.Event().wait()


async def protocol_remedy(sock):
    class Starting(kit.Echo):
        def data_received(self, data):
            self.task = asyncio.create_task(
                self.work(data),
            )

        async def work(self, data):
            child = await asyncio.create_subprocess_exec(
                "true",
            )
            await child.wait()
            super().data_received(data)

    loop = asyncio.get_running_loop()
    await loop.create_server(Starting, sock=sock)
    await asyncio.Event().wait()


# --- How it is observed: a client that comes when the child of the first one has ended ---
def experiment(subject):
    program = subject.server_program()
    with kit.connect(program.address) as first:
        kit.tell(f"the first client was answered {kit.echoed(first)}")
        with kit.connect(program.address) as second:
            served = kit.is_served(second)
    kit.tell(f"the next one was {'answered, too' if served else 'connected, and heard nothing'}")
    return SERVES if served else DEAF


if __name__ == "__main__":
    kit.main()
