"""A time limit around read() without a number loses what has come

read() and read(-1) collect until the end of file. When a time limit cancels them, all that they had collected is gone.
read(n), readline(), readexactly() and readuntil() leave it in the reader.

Instead: read(n) in a loop, and keep the pieces yourself.

Sources: Python documentation, StreamReader.read() and asyncio.timeout().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

GONE = outcome("what had come was gone", bites="a slow answer is lost in part")
KEPT = outcome("what had come was kept")
KNOWN = known(trap=[seen(GONE)], remedy=[seen(KEPT)])


# --- Streams ---
async def streams_trap(address):
    reader, writer = await asyncio.open_connection(
        *address,
    )
    try:
        async with asyncio.timeout(None) as limit:
            kit.work().add_done_callback(
                lambda _: limit.reschedule(0),
            )
            await reader.read()
    except TimeoutError:
        kit.handle(await reader.read(65536))
    writer.close()


async def streams_remedy(address):
    reader, writer = await asyncio.open_connection(
        *address,
    )
    pieces = []
    try:
        async with asyncio.timeout(None) as limit:
            kit.work().add_done_callback(
                lambda _: limit.reschedule(0),
            )
            while data := await reader.read(65536):
                pieces.append(data)
    except TimeoutError:
        kit.handle(b"".join(pieces))
    writer.close()


# --- Protocol ---
protocol_trap = None  # what comes is handed over at once
protocol_remedy = None


# --- How it is observed: the limit runs out when a first piece has come; then a second one ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"first")
            subject.settle()
            kit.finish_work()
            subject.settle()
            peer.sendall(b"second")
            (got,) = kit.handled()
            call.result()
    kit.tell(f"after the limit ran out there was {got}")
    return kit.one_of(got, {b"second": GONE, b"first": KEPT, b"firstsecond": KEPT})


if __name__ == "__main__":
    kit.main()
