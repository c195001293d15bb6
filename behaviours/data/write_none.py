"""write(None) is an error on asyncio and is nothing at all on uvloop

A function that forgot its `return`, a lookup that found nothing: asyncio raises TypeError, uvloop takes
None for no data.

Instead: test on asyncio, or look at what you send.

Sources: uvloop, tried.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

SILENT = outcome("nothing sent, no error", bites="a missing reply goes unnoticed")
RAISED = outcome("TypeError")
KNOWN = known(trap=[seen(SILENT, loop="uvloop"), seen(RAISED)])


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(*address)
    writer.write(None)
    writer.close()
    await writer.wait_closed()


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(address)
    transport.write(None)
    transport.close()
    await client.lost


# --- How it is observed: what the call raises, and what the peer gets ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            try:
                call.result()
            except TypeError as error:
                kit.tell(f"raised {error!r}")
                return RAISED
            got = kit.all_of(peer)
    kit.tell(f"no error; the peer got {got} and the end")
    return kit.one_of(got, {b"": SILENT})


if __name__ == "__main__":
    kit.main()
