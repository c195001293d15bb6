"""The tutorial's own server and client, as its chapter tells of them: no flow of control but drain(), no options, no
care for what goes wrong. `tutorials_own.py server|client HOST PORT`; the client sends what it reads, in 64 KiB pieces.
"""

import asyncio
import logging
import sys

READ_BYTES = 128


async def echo(reader, writer):
    address = writer.get_extra_info("peername")
    log = logging.getLogger(f"echo_{address[0]}_{address[1]}")
    log.debug("connection accepted")
    while True:
        data = await reader.read(READ_BYTES)
        if data:
            log.debug("received %r", data)
            writer.write(data)
            await writer.drain()
            log.debug("sent %r", data)
        else:
            log.debug("closing")
            writer.close()
            return


def server(host, port):
    log = logging.getLogger("main")
    with asyncio.Runner() as runner:
        serving = runner.run(asyncio.start_server(echo, host, port))
        log.debug("starting up on %s port %s", host, port)
        try:
            runner.run(serving.serve_forever())
        except KeyboardInterrupt:
            pass
        finally:
            log.debug("closing server")
            serving.close()
            runner.run(serving.wait_closed())
            log.debug("closing event loop")


async def echo_client(host, port, messages):
    log = logging.getLogger("echo_client")
    log.debug("connecting to %s port %s", host, port)
    reader, writer = await asyncio.open_connection(host, port)
    for message in messages:
        writer.write(message)
        log.debug("sending %r", message)
    if writer.can_write_eof():
        writer.write_eof()
    await writer.drain()
    log.debug("waiting for response")
    while True:
        data = await reader.read(READ_BYTES)
        if data:
            log.debug("received %r", data)
        else:
            log.debug("closing")
            writer.close()
            return


def client(host, port):
    messages = iter(lambda: sys.stdin.buffer.read(65536), b"")
    asyncio.run(echo_client(host, port, messages))
    logging.getLogger("main").debug("closing event loop")


if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG, format="%(name)s: %(message)s", stream=sys.stderr)
    {"server": server, "client": client}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
