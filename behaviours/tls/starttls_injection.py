"""What comes in one packet with STARTTLS is taken for encrypted

An attacker on the way puts a line of his own behind the client's STARTTLS, in plain text. It waits in the reader's
buffer, and is read after the upgrade as the first line that came over TLS: on uvloop, and on asyncio before 3.13.13 and
3.14.4. A Protocol that keeps the rest of its data does the same on every release.

Instead: refuse the upgrade where anything stands behind that line.

Sources: Python issue gh-142352; CVE-2011-0411, and many that followed it.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

TAKEN = outcome("taken for encrypted", bites="an attacker gives orders in the client's name")
REFUSED = outcome("the connection ended")
KNOWN = known(
    trap=[
        seen(TAKEN, api="streams", loop="asyncio", fixed="3.13.13, 3.14.4", bug="gh-142352"),
        seen(REFUSED, api="streams", loop="asyncio"),
        seen(TAKEN),
    ],
    remedy=[seen(REFUSED)],
)


# --- Streams ---
async def streams_trap(reader, writer):
    await reader.readline()  # STARTTLS
    writer.write(b"ready\n")
    await writer.start_tls(kit.server_tls()["ssl"])
    kit.handle(await reader.readline())


async def streams_remedy(reader, writer):
    await reader.readline()
    try:
        async with asyncio.timeout(0):
            await reader.read(1)
    except TimeoutError:
        writer.write(b"ready\n")
        await writer.start_tls(kit.server_tls()["ssl"])
        kit.handle(await reader.readline())
    else:
        writer.close()  # something stands behind it


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    rest, upgrading = b"", None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        if self.upgrading is not None:
            kit.handle(line + b"\n")
        else:  # STARTTLS
            self.upgrading = asyncio.create_task(
                self.upgrade(),
            )

    async def upgrade(self):
        self.transport.write(b"ready\n")
        loop = asyncio.get_running_loop()
        self.transport = await loop.start_tls(
            self.transport,
            self,
            kit.server_tls()["ssl"],
            server_side=True,
        )


class ProtocolRemedy(ProtocolTrap):
    async def upgrade(self):
        if self.rest:
            self.transport.abort()
        else:
            await super().upgrade()


# --- How it is observed: an honest client, and one behind whose STARTTLS an attacker has put a line ---
def experiment(subject):
    kit.server_tls()  # says it here where there are no certificates to be had
    address = subject.serve()
    with kit.connect(address) as sock:
        sock.sendall(b"STARTTLS\n")
        kit.answer(sock)
        client = kit.TLSPeer(sock)
        client.send(client.record(b"of the client\n"))
        kit.tell(f"without an attacker the first line over TLS: {kit.handled()[0]}")
    with kit.connect(address) as sock:
        sock.sendall(b"STARTTLS\nof the attacker\n")
        if kit.answer(sock) != b"ready\n":
            kit.tell("with one the server did not begin with TLS")
            return REFUSED
        try:
            client = kit.TLSPeer(sock)
        except OSError:
            kit.tell("with one TLS came to no connection")
            return REFUSED
        client.send(client.record(b"of the client\n"))
        first = kit.handled(2)[1]
    kit.tell(f"with one: {first}")
    return kit.one_of(first, {b"of the attacker\n": TAKEN})


if __name__ == "__main__":
    kit.main()
