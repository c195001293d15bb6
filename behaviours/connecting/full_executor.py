"""Connecting by name waits for a free thread on asyncio

asyncio looks names up in the loop's default executor, where to_thread() runs, too. A few calls there that take their
time and no connection can be made any more, though nothing is wrong with the net. uvloop has threads of its own, and an
address that is a number needs none.

Instead: an executor of its own for work that blocks.

Sources: Python issue gh-112169.
"""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from behaviours import kit
from behaviours.known import known, outcome, seen

WAITS = outcome("waits for a free thread", bites="slow work of others keeps it from connecting")
CONNECTED = outcome("connected")
KNOWN = known(trap=[seen(CONNECTED, loop="uvloop"), seen(WAITS)], remedy=[seen(CONNECTED)])


# --- Streams ---
async def streams_trap(port, slow_work):
    loop = asyncio.get_running_loop()
    for _ in range(100):  # more than it has threads
        loop.run_in_executor(None, slow_work)
    await asyncio.open_connection("localhost", port)


async def streams_remedy(port, slow_work):
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor()
    for _ in range(100):
        loop.run_in_executor(pool, slow_work)
    await asyncio.open_connection("localhost", port)


# --- Protocol ---
async def protocol_trap(port, slow_work):
    loop = asyncio.get_running_loop()
    for _ in range(100):  # more than it has threads
        loop.run_in_executor(None, slow_work)
    await kit.connected(("localhost", port))


async def protocol_remedy(port, slow_work):
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor()
    for _ in range(100):
        loop.run_in_executor(pool, slow_work)
    await kit.connected(("localhost", port))


# --- How it is observed: the work goes on until the call has returned, or is seen to wait ---
def experiment(subject):
    done = threading.Event()
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname()[1], done.wait)
        if call.returns():
            kit.tell("it has connected while the others worked")
            return CONNECTED
        done.set()
        call.result()
    kit.tell("it has connected when the work of the others was done")
    return WAITS


if __name__ == "__main__":
    kit.main()
