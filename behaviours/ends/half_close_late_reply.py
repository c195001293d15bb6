"""A Protocol closes when the client has sent all, and a late reply is lost

A client sends its request, shuts down its sending side, and waits. A Protocol whose eof_received() returns nothing is
closed there and then, so a reply that takes its time goes nowhere: asyncio drops it in silence, uvloop raises
RuntimeError. Streams keep the connection open.

Instead: return True from eof_received(), and close the transport yourself when you have answered.

Sources: Python documentation, Protocol.eof_received().
"""

import asyncio
import socket

from behaviours import kit
from behaviours.known import known, outcome, seen

LOST = outcome("the reply was lost", bites="the client sees the end, and no reply")
CAME = outcome("the reply came")
KNOWN = known(trap=[seen(LOST, api="protocol"), seen(CAME)], remedy=[seen(CAME)])


# --- Streams ---
async def streams_trap(reader, writer):
    await reader.readline()
    await kit.work()
    writer.write(b"reply")
    writer.close()


streams_remedy = None


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        kit.work().add_done_callback(self.reply)

    def reply(self, _):
        self.transport.write(b"reply")
        self.transport.close()


class ProtocolRemedy(ProtocolTrap):
    def eof_received(self):
        return True  # we close when we have answered


# --- How it is observed: the work is done after the end of file has come ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        client.sendall(b"request\n")
        client.shutdown(socket.SHUT_WR)
        subject.settle()
        kit.finish_work()
        got = kit.all_of(client)
    kit.tell(f"the client got {got}")
    for line in kit.logged():
        kit.tell(f"logged: {line}")
    return kit.one_of(got, {b"reply": CAME, b"": LOST})


if __name__ == "__main__":
    kit.main()
