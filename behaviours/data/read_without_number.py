"""read() without a number waits for the end of the connection

`await reader.read()` looks as if it read what is there. It reads until the end of file: a server that answers and waits
for the next request is never heard, and both wait for each other. `limit` is no limit to it.

Instead: say how much at most, as in `read(65536)`, or what ends an answer, as in readline() or readexactly().

Sources: Python documentation, StreamReader.read().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

WAITS = outcome("waits for the end", bites="the answer has come, and is not seen")
CAME = outcome("the answer came")
KNOWN = known(trap=[seen(WAITS)], remedy=[seen(CAME)])


# --- Streams ---
async def streams_trap(address):
    reader, writer = await asyncio.open_connection(
        *address,
    )
    writer.write(b"question\n")
    kit.handle(await reader.read())
    writer.close()


async def streams_remedy(address):
    reader, writer = await asyncio.open_connection(
        *address,
    )
    writer.write(b"question\n")
    kit.handle(await reader.readline())
    writer.close()


# --- Protocol ---
protocol_trap = None  # what comes is handed over at once
protocol_remedy = None


# --- How it is observed: the peer answers and stays connected, until the client is seen to wait ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            kit.answer(peer)
            peer.sendall(b"answer\n")
            came = call.returns()
            peer.shutdown(1)
            call.result()
    kit.tell(f"it read {kit.handled()[0]} {'at once' if came else 'when the peer had ended, and not before'}")
    return CAME if came else WAITS


if __name__ == "__main__":
    kit.main()
