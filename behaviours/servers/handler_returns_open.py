"""A Streams handler that returns leaves its connection open

The end of the handler is not the end of the connection: nobody closes it. The client waits for an end of file that does
not come, and the descriptor stays in use. It may look right in a test, since it is closed if garbage collection happens
to find it. A Protocol has no such end: it closes when it is told to.

Instead: `writer.close()` in a `finally`.

Sources: Python documentation, asyncio.start_server() and StreamWriter.close().
"""

from behaviours import kit
from behaviours.known import known, outcome, seen

OPEN = outcome("stays open", bites="the client waits for an end, descriptors are used up")
CLOSED = outcome("was closed")
KNOWN = known(trap=[seen(OPEN)], remedy=[seen(CLOSED)])


# --- Streams ---
connections = []  # who else needs them, such as a log


async def streams_trap(reader, writer):
    connections.append(writer)
    writer.write(await reader.readline())
    await writer.drain()


async def streams_remedy(reader, writer):
    connections.append(writer)
    try:
        writer.write(await reader.readline())
        await writer.drain()
    finally:
        writer.close()


# --- Protocol ---
protocol_trap = None  # it has no end but close()
protocol_remedy = None


# --- How it is observed: the client has its answer, and waits for the end ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        got = kit.echoed(client, b"hello\n")
        kit.tell(f"the client got {got}")
        end = kit.hears(client)
    kit.tell("then nothing" if end is None else "then the end of file")
    return kit.one_of(end, {None: OPEN, b"": CLOSED})


if __name__ == "__main__":
    kit.main()
