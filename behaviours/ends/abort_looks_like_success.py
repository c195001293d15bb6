"""A connection that was aborted looks as if all had been sent

abort() throws away what is unsent. Whoever waits in drain() returns as if the peer had taken it all, wait_closed()
returns too, and connection_lost() is called with None: no error, anywhere.

Instead: after drain() ask is_closing(), and let whoever aborts leave a mark.

Sources: Python issue gh-80982; Python documentation, WriteTransport.abort().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

SENT = outcome("taken for sent", bites="a transfer that was cut counts as done")
NOTICED = outcome("noticed that it was cut")
KNOWN = known(trap=[seen(SENT)], remedy=[seen(NOTICED)])

BYTES = 32 * 1024 * 1024


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(*address)
    watchdog = kit.work()
    watchdog.add_done_callback(
        lambda _: writer.transport.abort(),
    )
    writer.write(bytes(BYTES))
    await writer.drain()
    return "sent"


async def streams_remedy(address):
    _, writer = await asyncio.open_connection(*address)
    watchdog = kit.work()
    watchdog.add_done_callback(
        lambda _: writer.transport.abort(),
    )
    writer.write(bytes(BYTES))
    await writer.drain()
    return "cut" if writer.is_closing() else "sent"


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(address)
    watchdog = kit.work()
    watchdog.add_done_callback(
        lambda _: transport.abort(),
    )
    transport.write(bytes(BYTES))
    transport.close()
    return "cut" if await client.lost else "sent"


async def protocol_remedy(address):
    transport, client = await kit.connected(address)
    watchdog = kit.work()
    watchdog.add_done_callback(
        lambda _: transport.abort(),
    )
    transport.write(bytes(BYTES))
    transport.close()
    await client.lost
    return "cut" if watchdog.done() else "sent"


# --- How it is observed: a peer that reads nothing, and a watchdog that aborts ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            kit.finish_work()
            said = call.result()
    kit.tell(f"of 32 MiB, which nobody has read, it says: {said}")
    return kit.one_of(said, {"sent": SENT, "cut": NOTICED})


if __name__ == "__main__":
    kit.main()
