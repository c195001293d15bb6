"""The smallest echo server with Protocol to copy where nothing more is needed; docs/smallest.md: what it lacks."""

import asyncio
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


async def main():
    server = await asyncio.get_running_loop().create_server(Echo, *sys.argv[1:])
    await server.serve_forever()


asyncio.run(main())
