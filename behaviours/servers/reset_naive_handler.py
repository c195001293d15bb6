"""A client that resets its connection ends a Streams handler by an error, and fills the log

A connection that is cut is everyday: a browser that is closed, a phone without a net. read() raises
ConnectionResetError, and where nobody catches it a traceback is logged as an unhandled error, and what stands below the
loop is not done. A Protocol is told by connection_lost(), and nothing is logged.

Instead: catch ConnectionError around the loop, and clean up in a `finally`.

Sources: Python documentation, StreamReader.read(); Python issue gh-83037.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

LOGGED = outcome("a traceback is logged", bites="a log full of errors that are none")
QUIET = outcome("nothing is logged")
KNOWN = known(trap=[seen(QUIET, api="protocol"), seen(LOGGED)], remedy=[seen(QUIET)])


# --- Streams ---
async def streams_trap(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
        kit.handle("the handler ends")


async def streams_remedy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # it has gone
    finally:
        writer.close()
        kit.handle("the handler ends")


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def connection_lost(self, error):
        kit.handle("connection_lost() is called")


protocol_remedy = None


# --- How it is observed: the log, when the server knows of the reset ---
def experiment(subject):
    client = kit.connect(subject.serve())
    kit.echoed(client)
    kit.reset(client)
    kit.tell(f"after the reset {kit.handled()[0]}")
    subject.settle()
    log = kit.logged()
    for line in log:
        kit.tell(f"logged: {line}")
    return LOGGED if log else QUIET


if __name__ == "__main__":
    kit.main()
