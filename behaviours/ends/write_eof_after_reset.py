"""write_eof() on a connection that was reset raises an OSError that is no ConnectionError

The program has computed for a while, and the peer has reset meanwhile: the loop has not heard of it yet. asyncio's
write_eof() then raises "Transport endpoint is not connected", which `suppress(ConnectionError)` lets through. uvloop
raises nothing here, and tells of the reset as usual.

Instead: `contextlib.suppress(OSError)` around write_eof().

Sources: websockets issue #1117; Python documentation, WriteTransport.write_eof().
"""

import asyncio
import contextlib

from behaviours import kit
from behaviours.known import known, outcome, seen

ESCAPED = outcome("OSError", bites="an error that nobody catches, when a peer resets")
WENT_ON = outcome("the program goes on")
KNOWN = known(trap=[seen(WENT_ON, loop="uvloop"), seen(ESCAPED)], remedy=[seen(WENT_ON)])


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(*address)
    kit.handle("connected")
    kit.compute()
    with contextlib.suppress(ConnectionError):
        writer.write_eof()


async def streams_remedy(address):
    _, writer = await asyncio.open_connection(*address)
    kit.handle("connected")
    kit.compute()
    with contextlib.suppress(OSError):
        writer.write_eof()


# --- Protocol ---
async def protocol_trap(address):
    transport, _ = await kit.connected(address)
    kit.handle("connected")
    kit.compute()
    with contextlib.suppress(ConnectionError):
        transport.write_eof()


async def protocol_remedy(address):
    transport, _ = await kit.connected(address)
    kit.handle("connected")
    kit.compute()
    with contextlib.suppress(OSError):
        transport.write_eof()


# --- How it is observed: the peer resets while the client computes ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        kit.handled()
        kit.reset(peer)
        kit.finish_work()
        try:
            call.result()
        except OSError as error:
            kit.tell(f"write_eof() raised {error!r}")
            return ESCAPED
    kit.tell("no error")
    return WENT_ON


if __name__ == "__main__":
    kit.main()
