"""After your own close() a read returns b"", as if the peer had ended

A read() that waits when another task closes the connection returns b"" at once: the same as at the peer's end of file.
Nothing says who it was.

Instead: let whoever closes leave a mark, or ask is_closing().

Sources: Python documentation, StreamReader.read() and StreamWriter.is_closing().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

PEER = outcome("took it for the peer's end", bites="an answer that was cut off counts as whole")
OURS = outcome("knew that it was us")
KNOWN = known(trap=[seen(PEER)], remedy=[seen(OURS)])


# --- Streams ---
async def streams_trap(address):
    reader, writer = await asyncio.open_connection(
        *address,
    )
    kit.work().add_done_callback(lambda _: writer.close())
    await reader.read(65536)
    return "peer"


async def streams_remedy(address):
    reader, writer = await asyncio.open_connection(
        *address,
    )
    kit.work().add_done_callback(lambda _: writer.close())
    await reader.read(65536)
    return "us" if writer.is_closing() else "peer"


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(address)
    kit.work().add_done_callback(
        lambda _: transport.close(),
    )
    error = await client.lost
    return "us" if error else "peer"


async def protocol_remedy(address):
    transport, client = await kit.connected(address)
    closing = kit.work()
    closing.add_done_callback(lambda _: transport.close())
    await client.lost
    return "us" if closing.done() else "peer"


# --- How it is observed: the peer neither sends nor closes ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            subject.settle()
            kit.finish_work()
            said = call.result()
    kit.tell(f"the peer is still there; the client says that it was: {said}")
    return kit.one_of(said, {"peer": PEER, "us": OURS})


if __name__ == "__main__":
    kit.main()
