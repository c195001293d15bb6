"""The benchmark's own servers: what they are held against differs from them in nothing but what it is about."""

import asyncio
import socket

import pytest
from harness import DEADLINE_S, HOST

from comparison.bench import servers
from comparison.play.serving import free_port


class Sees(asyncio.Protocol):
    """A Protocol that only sees whether its connection sends each write at once."""

    def __init__(self, seen):
        self.seen = seen

    def connection_made(self, transport):
        self.seen.set_result(sends_at_once(transport))


def sends_at_once(connection):
    return connection.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


async def what_is_seen(name, seen):
    """What a server of this name sees of its first connection."""
    port = free_port(HOST)
    serving = asyncio.create_task(servers.serve(name, HOST, port))
    await asyncio.sleep(0)  # it listens then
    _, writer = await asyncio.open_connection(HOST, port)
    writer.close()
    try:
        return await asyncio.wait_for(seen, DEADLINE_S)
    finally:
        serving.cancel()


@pytest.mark.parametrize("api", ["streams", "protocol"])
def test_they_send_each_write_at_once_as_the_servers_beside_them_do(api, monkeypatch):
    async def main():
        seen = asyncio.get_running_loop().create_future()

        async def handle(reader, writer):
            seen.set_result(sends_at_once(writer))
            writer.close()

        if api == "streams":
            monkeypatch.setitem(servers.STREAMS, "sees", handle)
        else:
            monkeypatch.setitem(servers.PROTOCOLS, "sees", lambda: Sees(seen))
        return await what_is_seen("sees", seen)

    assert asyncio.run(main())
