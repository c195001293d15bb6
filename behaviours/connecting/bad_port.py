"""A port above 65535 is an error on asyncio, and another port on uvloop

asyncio raises OverflowError. uvloop takes the number modulo 65536 without a word, and connects to whoever listens
there: a wrong setting becomes a connection to the wrong service.

Instead: look at the port yourself before you use it.

Sources: found by an experiment.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

OTHER = outcome("connected to another port", bites="a wrong setting reaches the wrong service")
RAISED = outcome("OverflowError")
REFUSED = outcome("ValueError")
KNOWN = known(trap=[seen(OTHER, loop="uvloop"), seen(RAISED)], remedy=[seen(REFUSED)])


# --- Streams ---
async def streams_trap(host, port):
    await asyncio.open_connection(host, port)


async def streams_remedy(host, port):
    if not 0 < port < 65536:
        raise ValueError(f"{port} is no port")
    await asyncio.open_connection(host, port)


# --- Protocol ---
async def protocol_trap(host, port):
    await kit.connected((host, port))


async def protocol_remedy(host, port):
    if not 0 < port < 65536:
        raise ValueError(f"{port} is no port")
    await kit.connected((host, port))


# --- How it is observed: a port that is 65536 too high ---
def experiment(subject):
    with kit.listener() as listener:
        host, port = listener.getsockname()
        try:
            subject.call(host, port + 65536)
        except (OverflowError, ValueError) as error:
            kit.tell(f"raised {type(error).__name__}")
            return kit.one_of(type(error), {OverflowError: RAISED, ValueError: REFUSED})
        listener.accept()[0].close()
    kit.tell("it connected to the port that is 65536 less")
    return OTHER


if __name__ == "__main__":
    kit.main()
