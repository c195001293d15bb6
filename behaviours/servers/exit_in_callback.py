"""sys.exit() in data_received() does not end the program on uvloop

A client asks the server to stop, and the callback calls sys.exit(). asyncio lets SystemExit through, and the program
ends, without any clean-up of the other connections. uvloop logs a fatal error of that one connection, closes it, and
serves the others as before. In a Streams handler it ends the program on both.

Instead: set an Event for which the main coroutine waits, and end there.

Sources: uvloop issue 612; found by an experiment.
"""

import asyncio
import sys

from behaviours import kit
from behaviours.known import known, outcome, seen

GOES_ON = outcome("the program goes on", bites="a server that does not stop when it is told")
ENDED = outcome("the program ended")
KNOWN = known(trap=[seen(GOES_ON, api="protocol", loop="uvloop"), seen(ENDED)], remedy=[seen(ENDED)])


# --- Streams ---
async def streams_trap(sock):
    async def handle(reader, writer):
        while data := await reader.read(100):
            if data == b"stop":
                sys.exit()
            writer.write(data)

    await asyncio.start_server(handle, sock=sock)
    await asyncio.Event().wait()


async def streams_remedy(sock):
    async def handle(reader, writer):
        while data := await reader.read(100):
            if data == b"stop":
                stop.set()
            writer.write(data)

    stop = asyncio.Event()
    await asyncio.start_server(handle, sock=sock)
    await stop.wait()


# --- Protocol ---
async def protocol_trap(sock):
    class Stoppable(kit.Echo):
        def data_received(self, data):
            if data == b"stop":
                sys.exit()
            super().data_received(data)

    loop = asyncio.get_running_loop()
    await loop.create_server(Stoppable, sock=sock)
    await asyncio.Event().wait()


async def protocol_remedy(sock):
    class Stoppable(kit.Echo):
        def data_received(self, data):
            if data == b"stop":
                stop.set()
            super().data_received(data)

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    await loop.create_server(Stoppable, sock=sock)
    await stop.wait()


# --- How it is observed: when the client that says "stop" has seen its end, another is answered a hundred times ---
def experiment(subject):
    program = subject.server_program()
    with kit.connect(program.address) as first, kit.connect(program.address) as second:
        kit.echoed(first)
        kit.echoed(second)
        first.sendall(b"stop")
        kit.ending(first)
        if kit.is_served(second, 100):
            kit.tell("the other client was answered a hundred times after it")
            return GOES_ON
    kit.tell(f"exit code {program.exit_code()}")
    return ENDED


if __name__ == "__main__":
    kit.main()
