"""A last line without its newline is handed out like any other

At the end of file readline() and `async for` return what there is. A peer that dies in mid-line leaves the beginning
of a command that is then carried out. readuntil() raises IncompleteReadError.

Instead: readuntil(), or look whether the line ends in a newline; in a Protocol keep the rest, and drop it at the end.

Sources: Python documentation, StreamReader.readline() and readuntil().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

TAKEN = outcome("took the torso for a line", bites="the torso of a command is carried out")
DROPPED = outcome("dropped the torso")
KNOWN = known(trap=[seen(DROPPED, api="protocol"), seen(TAKEN)], remedy=[seen(DROPPED)])


# --- Streams ---
async def streams_trap(reader, writer):
    async for line in reader:
        kit.handle(line)
    writer.close()


async def streams_remedy(reader, writer):
    try:
        while True:
            kit.handle(await reader.readuntil(b"\n"))
    except asyncio.IncompleteReadError:
        writer.close()


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    rest = b""

    def data_received(self, data):
        data = self.rest + data
        *lines, self.rest = data.split(b"\n")
        for line in lines:
            kit.handle(line + b"\n")


protocol_remedy = None


# --- How it is observed: a line, and the beginning of one that ends in the middle ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        client.sendall(b"KEEP a\nDELETE b")
        client.shutdown(1)
        kit.all_of(client)
    got = kit.handled()
    kit.tell(f"taken for lines: {got}")
    return kit.one_of(tuple(got), {(b"KEEP a\n", b"DELETE b"): TAKEN, (b"KEEP a\n",): DROPPED})


if __name__ == "__main__":
    kit.main()
