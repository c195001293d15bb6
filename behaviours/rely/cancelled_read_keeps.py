"""A read(n), readline(), readexactly() or readuntil() that is cancelled loses nothing

A time limit may run out in the middle of a line: what has come stays in the reader, and the next call goes on with it.
The exception is read() without a number: see read-cancelled.

Sources: Python documentation, StreamReader; found by an experiment.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

KEPT = outcome("nothing was lost")
KNOWN = known(rely=[seen(KEPT)])


# --- Streams ---
async def streams_rely(reader, writer):
    kit.handle("connected")
    for read in (
        reader.readline(),
        reader.readexactly(100),
        reader.readuntil(b"\r\n"),
    ):
        reading = asyncio.create_task(read)
        await kit.work()
        reading.cancel()
        await asyncio.wait([reading])
        kit.handle("too late")
    kit.handle(await reader.readline())
    writer.close()


# --- Protocol ---
protocol_rely = None  # what comes is handed over at once


# --- How it is observed: a piece of a line for each call, and its end when all have been cancelled ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        for count, piece in enumerate((b"one ", b"two ", b"three "), 1):
            kit.handled(count)
            client.sendall(piece)
            subject.settle()
            kit.finish_work()
        kit.handled(4)
        client.sendall(b"end\n")
        line = kit.handled(5)[-1]
        kit.ending(client)
    kit.tell(f"after three calls were cancelled the fourth gave {line}")
    return kit.one_of(line, {b"one two three end\n": KEPT})


if __name__ == "__main__":
    kit.main()
