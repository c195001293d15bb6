"""On uvloop data may come before create_connection() has returned

`transport, client = await loop.create_connection(...)`, and then the client is given what it needs: where the server
speaks first, uvloop has called data_received() by then. asyncio reads only when the program has had its turn, and a
StreamReader keeps what comes.

Instead: give a Protocol all that it needs in its constructor.

Sources: Python documentation, loop.create_connection(); found by an experiment.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

EARLY = outcome("data came too early", bites="the first data meet a half-made object")
CAME = outcome("the greeting was read")
KNOWN = known(trap=[seen(CAME, api="streams"), seen(EARLY, loop="uvloop"), seen(CAME)], remedy=[seen(CAME)])


# --- Streams ---
async def streams_trap(sock):
    reader, _writer = await asyncio.open_connection(
        sock=sock,
    )
    kit.handle(("ours", await reader.read(65536)))


streams_remedy = None


# --- Protocol ---
class Greeted(asyncio.Protocol):
    def __init__(self, name=None):
        self.name = name

    def data_received(self, data):
        kit.handle((self.name, data))


async def protocol_trap(sock):
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(
        Greeted,
        sock=sock,
    )
    client.name = "ours"
    await kit.work()


async def protocol_remedy(sock):
    loop = asyncio.get_running_loop()
    await loop.create_connection(
        lambda: Greeted("ours"),
        sock=sock,
    )
    await kit.work()


# --- How it is observed: the greeting is there when the connection is handed over ---
def experiment(subject):
    with kit.listener() as listener, kit.connect(listener.getsockname()) as sock:
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"hello")
            subject.begin(sock)
            (got,) = kit.handled()
    kit.tell(f"{got[1]} came for a client whose name is {got[0]!r}")
    return kit.one_of(got, {(None, b"hello"): EARLY, ("ours", b"hello"): CAME})


if __name__ == "__main__":
    kit.main()
