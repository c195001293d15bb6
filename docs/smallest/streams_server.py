"""The smallest echo server with Streams to copy where nothing more is needed; docs/smallest.md: what it lacks."""

import asyncio
import contextlib
import sys


async def echo(reader, writer):
    with contextlib.suppress(ConnectionError), contextlib.closing(writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def main():
    server = await asyncio.start_server(echo, *sys.argv[1:])
    await server.serve_forever()


asyncio.run(main())
