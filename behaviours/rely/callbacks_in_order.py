"""What happens on a connection is told in order, and its end once

A Protocol is called in this order: connection_made(), data_received() for what came, eof_received(), and
connection_lost(), which comes once and last. A Streams handler is started once, reads what came, and then b"".

Sources: Python documentation, Transports and Protocols, state machine of the callbacks.
"""

import asyncio
import socket

from behaviours import kit
from behaviours.known import known, outcome, seen

ORDERED = outcome("in order, and the end once")
KNOWN = known(rely=[seen(ORDERED)])


# --- Streams ---
async def streams_rely(reader, writer):
    kit.handle("made")
    while data := await reader.read(65536):
        kit.handle(data)
    kit.handle("EOF")
    writer.close()
    await writer.wait_closed()
    kit.handle("lost")


# --- Protocol ---
class ProtocolRely(asyncio.Protocol):
    def connection_made(self, transport):
        kit.handle("made")

    def data_received(self, data):
        kit.handle(data)

    def eof_received(self):
        kit.handle("EOF")

    def connection_lost(self, error):
        kit.handle("lost")


# --- How it is observed ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        kit.tell(f"the client saw {kit.ending(client)}")
        kit.handled(4)
        subject.settle()
        handled = kit.handled()
    kit.tell(f"the server: {', '.join(map(str, handled))}")
    return kit.one_of(tuple(handled), {("made", b"hello", "EOF", "lost"): ORDERED})


if __name__ == "__main__":
    kit.main()
