"""What one write() sends does not come as one read

TCP carries bytes, not messages. Two writes may come together, one may come in pieces, on the same connection, today and
tomorrow. data_received() and read() hand over whatever is there.

Instead: say in the data where a message ends: a newline and readline(), a length and readexactly(). A Protocol keeps
the rest of a message until the next data come.

Sources: Python documentation, Protocol.data_received() and StreamReader.readline().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

TORN = outcome("two became one, one two", bites="messages are torn, and glued together")
WHOLE = outcome("each message came whole")
KNOWN = known(trap=[seen(TORN)], remedy=[seen(WHOLE)])


# --- Streams ---
async def streams_trap(reader, writer):
    while message := await reader.read(65536):
        kit.handle(message)
    writer.close()


async def streams_remedy(reader, writer):
    while message := await reader.readline():
        kit.handle(message)
    writer.close()


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def data_received(self, data):
        kit.handle(data)


class ProtocolRemedy(asyncio.Protocol):
    rest = b""

    def data_received(self, data):
        data = self.rest + data
        *lines, self.rest = data.split(b"\n")
        for line in lines:
            kit.handle(line + b"\n")


# --- How it is observed: two messages in one packet, then half of a third, and the rest when that has been read ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        client.sendall(b"one\ntwo\nthr")
        subject.settle()
        client.sendall(b"ee\n")
        subject.settle()
        client.shutdown(1)
        kit.all_of(client)
    got = kit.handled()
    kit.tell(f"taken for messages: {got}")
    return kit.one_of(tuple(got), {(b"one\n", b"two\n", b"three\n"): WHOLE, (b"one\ntwo\nthr", b"ee\n"): TORN})


if __name__ == "__main__":
    kit.main()
