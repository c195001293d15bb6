"""A line longer than the limit stays in the reader, and readuntil() raises for it for ever

readuntil() raises LimitOverrunError and takes nothing: the next call finds the same data and raises again, at once and
without letting anybody else run. A loop that goes on to "the next line" is one client that stops the whole program.

Instead: end the connection at this error, or take what is too long out of the way by `readexactly(error.consumed)`.

Sources: Python documentation, StreamReader.readuntil() and LimitOverrunError.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

SPINS = outcome("spins, serves nobody else", bites="one client stops the whole program")
ENDED = outcome("the connection ended")
KNOWN = known(trap=[seen(SPINS)], remedy=[seen(ENDED)])


# --- Streams ---
async def streams_trap(reader, writer):
    while True:
        try:
            kit.handle(await reader.readuntil(b"\n"))
        except asyncio.LimitOverrunError:
            continue  # too long: on to the next line


async def streams_remedy(reader, writer):
    while True:
        try:
            kit.handle(await reader.readuntil(b"\n"))
        except asyncio.LimitOverrunError:
            break
    writer.close()


# --- Protocol ---
protocol_trap = None  # it has no limit, and no such error
protocol_remedy = None


# --- How it is observed: more than the limit without a newline, and whether the loop has a turn for others ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        client.sendall(b"x" * 100 * 1024)
        if subject.is_stuck():
            kit.tell("the loop computes, and lets nobody else have a turn")
            return SPINS
        kit.ending(client)
        kit.tell("the client saw the end of its connection")
    return ENDED


if __name__ == "__main__":
    kit.main()
