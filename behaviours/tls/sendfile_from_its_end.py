"""Over TLS loop.sendfile() sends nothing of a file that was read before

A program reads a file for its checksum, and sends it by loop.sendfile(), whose `offset` is 0. Over TLS asyncio reads
the file itself, from where it stands: at its end. Nothing is sent, and no error raised. Over TCP all is sent.

Instead: `file.seek(0)` before.

Sources: Python issue gh-150107; Python documentation, loop.sendfile().
"""

import asyncio
import hashlib
from pathlib import Path

from behaviours import kit
from behaviours.known import known, outcome, seen

NOTHING = outcome("nothing was sent", bites="an empty file arrives, and no error is raised")
SENT = outcome("the file was sent")
RAISED = outcome("NotImplementedError")
KNOWN = known(
    trap=[
        seen(RAISED, loop="uvloop"),
        seen(NOTHING, fixed="3.14.10", bug="gh-150107"),
        seen(SENT),
    ],
    remedy=[seen(RAISED, loop="uvloop"), seen(SENT)],
)


# --- Streams ---
async def streams_trap(address, file):
    _, writer = await asyncio.open_connection(
        *address,
        **kit.client_tls(),
    )
    loop = asyncio.get_running_loop()
    hashlib.file_digest(file, "sha256")
    await loop.sendfile(writer.transport, file)
    writer.close()


async def streams_remedy(address, file):
    _, writer = await asyncio.open_connection(
        *address,
        **kit.client_tls(),
    )
    loop = asyncio.get_running_loop()
    hashlib.file_digest(file, "sha256")
    file.seek(0)
    await loop.sendfile(writer.transport, file)
    writer.close()


# --- Protocol ---
async def protocol_trap(address, file):
    transport, _ = await kit.connected(
        address,
        **kit.client_tls(),
    )
    loop = asyncio.get_running_loop()
    hashlib.file_digest(file, "sha256")
    await loop.sendfile(transport, file)
    transport.close()


async def protocol_remedy(address, file):
    transport, _ = await kit.connected(
        address,
        **kit.client_tls(),
    )
    loop = asyncio.get_running_loop()
    hashlib.file_digest(file, "sha256")
    file.seek(0)
    await loop.sendfile(transport, file)
    transport.close()


# --- How it is observed: the file is this one ---
def experiment(subject):
    kit.client_tls()  # says it here where there are no certificates to be had
    content = Path(__file__).read_bytes()
    with kit.listener() as listener, open(__file__, "rb") as file:
        call = subject.begin(listener.getsockname(), file)
        sock, _ = listener.accept()
        with sock:
            peer = kit.TLSPeer(sock, server_side=True)
            try:
                call.result()
            except NotImplementedError as error:
                kit.tell(f"raised {error!r}")
                return RAISED
            got = peer.all_of()
    kit.tell(f"{'something' if got else 'nothing'} came")
    return kit.one_of(got, {b"": NOTHING, content: SENT})


if __name__ == "__main__":
    kit.main()
