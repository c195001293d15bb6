"""A program that ends after close() loses what is unsent

close() returns at once and sends the rest in the background: of the loop, which ends with main(). The peer gets a part
of the data and a proper end of file, the exit code is 0, and nothing is printed.

Instead: wait for wait_closed(), or connection_lost(), before main() returns.

Sources: Python documentation, StreamWriter.close() and wait_closed().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

PART = outcome("a part, and a proper end", bites="silent truncation, with exit code 0")
WHOLE = outcome("all of it")
KNOWN = known(trap=[seen(PART)], remedy=[seen(WHOLE)])

BYTES = 32 * 1024 * 1024


# --- Streams ---
async def streams_trap(host, port):
    _, writer = await asyncio.open_connection(host, port)
    writer.write(bytes(BYTES))
    writer.close()


async def streams_remedy(host, port):
    _, writer = await asyncio.open_connection(host, port)
    writer.write(bytes(BYTES))
    writer.close()
    await writer.wait_closed()


# --- Protocol ---
async def protocol_trap(host, port):
    transport, _ = await kit.connected((host, port))
    transport.write(bytes(BYTES))
    transport.close()


async def protocol_remedy(host, port):
    transport, client = await kit.connected((host, port))
    transport.write(bytes(BYTES))
    transport.close()
    await client.lost


# --- How it is observed: the program's peer reads to the end ---
def experiment(subject):
    with kit.listener() as listener:
        program = subject.program(*listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            got = len(kit.all_of(peer))
    kit.tell(f"exit code {program.exit_code()}; {'all' if got == BYTES else 'not all'} of 32 MiB, and the end of file")
    return WHOLE if got == BYTES else PART


if __name__ == "__main__":
    kit.main()
