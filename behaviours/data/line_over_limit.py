"""A line longer than the limit is thrown away by readline()

A StreamReader has a limit of 64 KiB. readline() and `async for` raise ValueError for a longer line and drop what they
have of it: the next call starts in the middle of the same line. A Protocol has no limit, and so no such error: a peer
that sends no newline fills its memory.

Instead: `open_connection(limit=...)` or `start_server(limit=...)` that fits the longest line, and end the connection at
the error.

Sources: Python documentation, StreamReader.readline() and start_server().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

TORN = outcome("went on in mid-line", bites="a part of a request is taken for a request")
WHOLE = outcome("the line came whole")
KNOWN = known(trap=[seen(WHOLE, api="protocol"), seen(TORN)], remedy=[seen(WHOLE)])


# --- Streams ---
async def streams_trap(address):
    reader, writer = await asyncio.open_connection(
        *address,
    )
    while True:
        try:
            kit.handle(await reader.readline())
        except ValueError:
            continue  # too long: on to the next line
        break
    writer.close()


async def streams_remedy(address):
    reader, writer = await asyncio.open_connection(
        *address,
        limit=1024 * 1024,
    )
    kit.handle(await reader.readline())
    writer.close()


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(address)
    await client.eof.wait()
    kit.handle(client.received)  # as much as was sent
    transport.close()


protocol_remedy = None


# --- How it is observed: a line of 200 KiB that ends in a word, and then the end of file ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"x" * 200 * 1024 + b" end\n")
            peer.shutdown(1)
            (line,) = kit.handled()
            call.result()
    kit.tell(f"taken for a line: {len(line)} bytes of {200 * 1024 + 5}")
    return WHOLE if len(line) == 200 * 1024 + 5 else TORN


if __name__ == "__main__":
    kit.main()
