"""A read loop that does not look for the end of file stops the whole program

At the end of file read() returns b"" at once, each time, and never lets another task run. One client that shuts down
its sending side, and the loop computes for ever: nobody else is served, no timer fires, no timeout helps.

Instead: leave the loop when there is nothing: `while data := await reader.read(n)`.

Sources: Python documentation, StreamReader.read().
"""

import socket

from behaviours import kit
from behaviours.known import known, outcome, seen

SPINS = outcome("spins, serves nobody else", bites="one client stops the whole program")
SERVES = outcome("serves the next client")
KNOWN = known(trap=[seen(SPINS)], remedy=[seen(SERVES)])


# --- Streams ---
async def streams_trap(reader, writer):
    while True:
        data = await reader.read(65536)
        writer.write(data)
        await writer.drain()


async def streams_remedy(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


# --- Protocol ---
protocol_trap = None  # eof_received() comes only once
protocol_remedy = None


# --- How it is observed: the first client half-closes, the second wants to be served ---
def experiment(subject):
    address = subject.serve()
    with kit.connect(address) as first, kit.connect(address) as second:
        kit.echoed(first)
        first.shutdown(socket.SHUT_WR)
        if subject.is_stuck():
            kit.tell("after the end of file the loop computed on, and did not turn once")
            return SPINS
        kit.echoed(second)
        kit.tell(f"at the end of file the first client saw {kit.ending(first)}; the second was served")
        return SERVES


if __name__ == "__main__":
    kit.main()
