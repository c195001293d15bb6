"""What waited while reading was paused comes when it is resumed

A Protocol that has called pause_reading() gets all that came meanwhile after resume_reading(), and in order. A
StreamReader pauses by itself where nobody reads, at twice its limit, and goes on when somebody does: nothing is lost.

Sources: Python documentation, ReadTransport.pause_reading() and StreamReader.
"""

import asyncio
import socket

from behaviours import kit
from behaviours.known import known, outcome, seen

ALL = outcome("all came")
KNOWN = known(rely=[seen(ALL)])


# --- Streams ---
async def streams_rely(reader, writer):
    await kit.work()  # much comes meanwhile
    while data := await reader.read(65536):
        kit.handle(len(data))
    writer.close()


# --- Protocol ---
class ProtocolRely(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        kit.handle(len(data))
        if data == b"x":
            self.transport.pause_reading()
            kit.work().add_done_callback(self.resume)

    def resume(self, _):
        self.transport.resume_reading()


# --- How it is observed: the client sends until nothing more is taken ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        client.sendall(b"x")
        subject.settle()
        sent = 1 + kit.fill(client)
        kit.finish_work()
        client.shutdown(socket.SHUT_WR)
        if not kit.happens(lambda: sum(kit.handled(0)) == sent):
            return kit.unforeseen("a part came, then nothing")
        kit.tell(f"after the pause all came, and then the client saw {kit.ending(client)}")
        return ALL


if __name__ == "__main__":
    kit.main()
