"""Before 3.13 the file of a Unix socket stays when its server has closed

A server that has closed leaves its path behind: it looks as if it were there, a client is refused instead of finding
nothing, and whoever waits for the file to appear or to go is misled. From 3.13 on close() removes it.

Instead: remove the file yourself, and do not mind when it has gone.

Sources: Python issue gh-111246; Python documentation, loop.create_unix_server(), cleanup_socket.
"""

import asyncio
import contextlib
import os
import tempfile

from behaviours import kit
from behaviours.known import known, outcome, seen

LEFT = outcome("the file was left behind", bites="a server that has ended seems to be there")
GONE = outcome("the file has gone")
KNOWN = known(trap=[seen(GONE, since="3.13.0"), seen(LEFT)], remedy=[seen(GONE)])


# --- Streams ---
async def streams_trap(path):
    server = await asyncio.start_unix_server(
        kit.echo,
        path,
    )
    server.close()


async def streams_remedy(path):
    server = await asyncio.start_unix_server(
        kit.echo,
        path,
    )
    server.close()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


# --- Protocol ---
async def protocol_trap(path):
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(kit.Echo, path)
    server.close()


async def protocol_remedy(path):
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(kit.Echo, path)
    server.close()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


# --- How it is observed: whether the file is there afterwards ---
def experiment(subject):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        subject.call(path)
        subject.settle()
        left = os.path.exists(path)
    kit.tell(f"after close() the file {'is there' if left else 'has gone'}")
    return LEFT if left else GONE


if __name__ == "__main__":
    kit.main()
