"""A TLS client that never finishes its handshake is counted for ever

Over TLS a Protocol is made when a client is accepted, before the handshake. Where that fails, or never comes, neither
connection_made() nor connection_lost() is called, and nothing is logged: who counts in `__init__` counts one too many
each time, until a limit keeps all clients out. With Streams the handler is started after the handshake.

Instead: count in connection_made().

Sources: Python documentation, loop.create_server(); found by an experiment.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

STAYS = outcome("counted, and has gone", bites="a port scan fills the places of all clients")
RIGHT = outcome("counted are those there")
KNOWN = known(trap=[seen(RIGHT, api="streams"), seen(STAYS)], remedy=[seen(RIGHT)])

CLIENTS = set()


# --- Streams ---
async def streams_trap(reader, writer):
    CLIENTS.add(writer)
    try:
        await reader.read()
    finally:
        CLIENTS.discard(writer)
        writer.close()


streams_remedy = None


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def __init__(self):
        CLIENTS.add(self)

    def connection_lost(self, error):
        CLIENTS.discard(self)


class ProtocolRemedy(asyncio.Protocol):
    def connection_made(self, transport):
        CLIENTS.add(self)

    def connection_lost(self, error):
        CLIENTS.discard(self)


# --- How it is observed: one client leaves without a handshake, another one stays ---
def experiment(subject):
    address = subject.serve(**kit.server_tls())
    kit.connect(address).close()
    with kit.connect(address) as sock:
        client = kit.TLSPeer(sock)
        kit.must_happen(lambda: CLIENTS)
        right = kit.happens(lambda: len(CLIENTS) == 1)
        kit.tell(f"one client is there; counted: {len(CLIENTS)}")
        client.send(client.goodbye())
    return RIGHT if right else STAYS


if __name__ == "__main__":
    kit.main()
