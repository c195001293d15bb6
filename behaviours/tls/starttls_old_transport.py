"""After loop.start_tls() the transport that you had writes in plain text

start_tls() returns a new transport, and connection_made() is not called for it: `self.transport` is still the old one.
What is written to it goes out as it is, in the middle of the TLS connection, which breaks, too late for the secret.
A StreamWriter replaces its transport by itself.

Instead: `self.transport = await loop.start_tls(...)`.

Sources: Python documentation, loop.start_tls().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

PLAIN = outcome("sent in plain text", bites="a secret goes out in the clear")
ENCRYPTED = outcome("sent over TLS")
KNOWN = known(trap=[seen(ENCRYPTED, api="streams"), seen(PLAIN)], remedy=[seen(ENCRYPTED)])


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(*address)
    tls = kit.client_tls()
    await writer.start_tls(
        tls["ssl"],
        server_hostname=tls["server_hostname"],
    )
    writer.write(b"secret")


streams_remedy = None


# --- Protocol ---
async def protocol_trap(address):
    _, client = await kit.connected(address)
    loop = asyncio.get_running_loop()
    tls = kit.client_tls()
    await loop.start_tls(
        client.transport,
        client,
        tls["ssl"],
        server_hostname=tls["server_hostname"],
    )
    client.transport.write(b"secret")


async def protocol_remedy(address):
    _, client = await kit.connected(address)
    loop = asyncio.get_running_loop()
    tls = kit.client_tls()
    client.transport = await loop.start_tls(
        client.transport,
        client,
        tls["ssl"],
        server_hostname=tls["server_hostname"],
    )
    client.transport.write(b"secret")


# --- How it is observed: the peer reads what comes as TLS, which fails where it is none ---
def experiment(subject):
    kit.client_tls()  # says it here where there are no certificates to be had
    with kit.listener() as listener:
        subject.begin(listener.getsockname())
        sock, _ = listener.accept()
        with sock:
            try:
                peer = kit.TLSPeer(sock, server_side=True)
                got = peer.answer()
            except OSError as error:
                kit.tell(f"what came is no TLS: {type(error).__name__}")
                return PLAIN
    kit.tell(f"over TLS came {got}")
    return kit.one_of(got, {b"secret": ENCRYPTED})


if __name__ == "__main__":
    kit.main()
