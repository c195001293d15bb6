"""close() before the request was read to its end turns the end of the answer into a reset

A server that has seen enough answers and closes while the client is still sending. The system then knows of data that
nobody will read, and cuts the connection by a reset: the client has an error instead of the end, and may lose the
answer that it had not read yet, over a Unix socket always.

Instead: answer, write_eof(), read on to the end of file and throw it away, for a limited time; then close.

Sources: RFC 1122, section 4.2.2.13; RFC 9112, section 9.6.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

RESET = outcome("the client saw a reset", bites="the client may lose the answer")
PROPER = outcome("the answer, and its end")
KNOWN = known(trap=[seen(RESET)], remedy=[seen(PROPER)])


# --- Streams ---
async def streams_trap(reader, writer):
    await kit.work()  # to know that it is too large
    writer.write(b"too large")
    writer.close()


async def streams_remedy(reader, writer):
    await kit.work()
    writer.write(b"too large")
    writer.write_eof()
    while await reader.read(65536):
        pass
    writer.close()


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.pause_reading()
        work = kit.work()  # to know that it is too large
        work.add_done_callback(self.refuse)

    def refuse(self, _):
        self.transport.write(b"too large")
        self.transport.close()


class ProtocolRemedy(ProtocolTrap):
    refused = False

    def data_received(self, data):
        if not self.refused:
            super().data_received(data)

    def refuse(self, _):
        self.refused = True
        self.transport.write(b"too large")
        self.transport.write_eof()
        self.transport.resume_reading()


# --- How it is observed: a client sends until nothing more is taken, and then reads ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        kit.fill(client)
        kit.finish_work()
        try:
            got = kit.all_of(client)
        except ConnectionResetError as error:
            kit.tell(f"the client could not read to the end: {error!r}")
            return RESET
    kit.tell(f"the client got {got}, and the end of file")
    return kit.one_of(got, {b"too large": PROPER})


if __name__ == "__main__":
    kit.main()
