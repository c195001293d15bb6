"""A loop `while not reader.at_eof()` handles a line that nobody has sent

at_eof() says whether the end has been met, and not whether it comes next. After the last line readline() waits, meets
the end of file, and returns b"": one round of the loop with nothing, which is taken for a line.

Instead: `while line := await reader.readline()`, or `async for line in reader`.

Sources: Python documentation, StreamReader.at_eof() and readline().
"""

from behaviours import kit
from behaviours.known import known, outcome, seen

EXTRA = outcome("an empty line at the end", bites="nothing is taken for a request")
SENT = outcome("the lines that were sent")
KNOWN = known(trap=[seen(EXTRA)], remedy=[seen(SENT)])


# --- Streams ---
async def streams_trap(reader, writer):
    while not reader.at_eof():
        kit.handle(await reader.readline())
    writer.close()


async def streams_remedy(reader, writer):
    while line := await reader.readline():
        kit.handle(line)
    writer.close()


# --- Protocol ---
protocol_trap = None  # eof_received() tells of the end
protocol_remedy = None


# --- How it is observed: a client that ends when its line has been handled ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        client.sendall(b"hello\n")
        kit.handled()
        client.shutdown(1)
        kit.ending(client)
    lines = kit.handled()
    kit.tell(f"handled: {lines}")
    return kit.one_of(tuple(lines), {(b"hello\n", b""): EXTRA, (b"hello\n",): SENT})


if __name__ == "__main__":
    kit.main()
