"""An error in a handler that is a plain function leaves the client connected

start_server() takes a coroutine function, and a plain one, too. What a plain one raises is logged, and up to 3.13 the
connection stays open: only the error of a coroutine closes it. A Protocol's connection_made() is such a plain function.

Instead: `async def`, even where there is nothing to wait for.

Sources: Python documentation, asyncio.start_server(); Python issue gh-110894.
"""

from behaviours import kit
from behaviours.known import known, outcome, seen

OPEN = outcome("stays connected, unserved", bites="the client waits for a server that has failed")
ENDED = outcome("the client saw the end")
KNOWN = known(trap=[seen(ENDED, since="3.14.0"), seen(OPEN)], remedy=[seen(ENDED)])


# --- Streams ---
connections = []  # who else needs them, such as a log


def streams_trap(reader, writer):
    connections.append(writer)
    raise ValueError("a client that we do not like")


async def streams_remedy(reader, writer):
    connections.append(writer)
    raise ValueError("a client that we do not like")


# --- Protocol ---
protocol_trap = None  # see connection-made-raises
protocol_remedy = None


# --- How it is observed: a client that waits for the end ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        end = kit.hears(client)
    for line in kit.logged():
        kit.tell(f"logged: {line}")
    kit.tell("the client heard nothing" if end is None else "the client saw the end of file")
    return kit.one_of(end, {None: OPEN, b"": ENDED})


if __name__ == "__main__":
    kit.main()
