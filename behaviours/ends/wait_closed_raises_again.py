"""wait_closed() raises the error of the connection once more

The reset has been caught where the data are read, and the `finally` closes as it should. There wait_closed() raises the
same ConnectionResetError a second time, where nobody expects it: the clean-up below it is not done, and the log has a
traceback. A Protocol is told once, by connection_lost().

Instead: `contextlib.suppress(ConnectionError)` around wait_closed(), too.

Sources: Python issue gh-104340; Python documentation, StreamWriter.wait_closed().
"""

import asyncio
import contextlib

from behaviours import kit
from behaviours.known import known, outcome, seen

AGAIN = outcome("raised a second time", bites="what stands below in the clean-up is not done")
DONE = outcome("the clean-up was done")
KNOWN = known(trap=[seen(DONE, api="protocol"), seen(AGAIN)], remedy=[seen(DONE)])


# --- Streams ---
async def streams_trap(address):
    reader, writer = await asyncio.open_connection(
        *address,
    )
    kit.handle("connected")
    try:
        await reader.read(65536)
    except ConnectionError:
        pass  # it has gone
    finally:
        writer.close()
        await writer.wait_closed()
        kit.handle("cleaned up")


async def streams_remedy(address):
    reader, writer = await asyncio.open_connection(
        *address,
    )
    kit.handle("connected")
    try:
        await reader.read(65536)
    except ConnectionError:
        pass  # it has gone
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        kit.handle("cleaned up")


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(address)
    kit.handle("connected")
    await client.lost
    transport.close()
    kit.handle("cleaned up")


protocol_remedy = None


# --- How it is observed: the peer resets ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        kit.handled()
        kit.reset(peer)
        try:
            call.result()
        except ConnectionResetError as error:
            kit.tell(f"wait_closed() raised {error!r}")
            return AGAIN
    kit.tell(f"the client has: {', '.join(kit.handled(2))}")
    return DONE


if __name__ == "__main__":
    kit.main()
