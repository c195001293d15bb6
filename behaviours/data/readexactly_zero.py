"""read(0) looks like the end of file

read(0) and readexactly(0) return b"" at once, on a connection that is alive. A frame whose length is 0 then looks as if
the peer had gone.

Instead: ask at_eof() whether it has, or do not read a frame that is empty.

Sources: Python documentation, StreamReader.read().
"""

from behaviours import kit
from behaviours.known import known, outcome, seen

LEFT = outcome("took it for the end", bites="an empty frame ends the connection")
WENT_ON = outcome("read the next frame")
KNOWN = known(trap=[seen(LEFT)], remedy=[seen(WENT_ON)])


# --- Streams ---
async def streams_trap(reader, writer):
    while True:
        length = (await reader.readexactly(1))[0]
        frame = await reader.readexactly(length)
        if not frame:
            break  # the end of file
        kit.handle(frame)
    writer.close()


async def streams_remedy(reader, writer):
    while head := await reader.read(1):
        kit.handle(await reader.readexactly(head[0]))
    writer.close()


# --- Protocol ---
protocol_trap = None  # the end has a callback of its own
protocol_remedy = None


# --- How it is observed: an empty frame, and one that holds a byte ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        client.sendall(b"\x00\x01x")
        if kit.hears(client) == b"":
            kit.tell("the connection ended at the empty frame")
            return LEFT
        client.shutdown(1)
        kit.all_of(client)
    got = kit.handled(2)
    kit.tell(f"frames: {got}")
    return kit.one_of(tuple(got), {(b"", b"x"): WENT_ON})


if __name__ == "__main__":
    kit.main()
