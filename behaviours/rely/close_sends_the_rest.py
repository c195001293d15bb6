"""close() sends all that was written before

However much is unsent when a program calls close(): it goes out first, and the end of file comes after the last byte.
wait_closed() and connection_lost() come when that is done.

Sources: Python documentation, WriteTransport.close() and StreamWriter.wait_closed().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

ALL = outcome("all came")
KNOWN = known(rely=[seen(ALL)])

DATA = bytes(range(256)) * (128 * 1024)


# --- Streams ---
async def streams_rely(address):
    _, writer = await asyncio.open_connection(*address)
    writer.write(DATA)
    writer.close()
    await writer.wait_closed()


# --- Protocol ---
async def protocol_rely(address):
    transport, client = await kit.connected(address)
    transport.write(DATA)
    transport.close()
    await client.lost


# --- How it is observed: the peer begins to read when it has been closed ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            subject.settle()
            got = kit.all_of(peer)
            call.result()
    if got != DATA:
        return kit.unforeseen(f"{len(got)} bytes of {len(DATA)}")
    kit.tell("the peer got 32 MiB as they were written, and the end of file")
    return ALL


if __name__ == "__main__":
    kit.main()
