"""What a thread hands over by call_soon() waits until the loop wakes up for something else

A thread measures, and the loop is to send it. call_soon() only adds to a list, of which a loop that sleeps knows
nothing: on a quiet connection the data go out when the next timer fires or somebody else sends. Under load, and in
tests, it works.

Instead: loop.call_soon_threadsafe(), or asyncio.run_coroutine_threadsafe().

Sources: Python documentation, asyncio, Concurrency and Multithreading.
"""

import asyncio
import queue
import threading

from behaviours import kit
from behaviours.known import known, outcome, seen

WAITED = outcome("waited for something else", bites="data that are late by as long as it is quiet")
CAME = outcome("came at once")
KNOWN = known(trap=[seen(WAITED)], remedy=[seen(CAME)])


# --- Streams ---
async def streams_trap(address, measure):
    def sensor():  # a thread of its own
        while value := measure():
            loop.call_soon(writer.write, value)

    _, writer = await asyncio.open_connection(*address)
    loop = asyncio.get_running_loop()
    threading.Thread(target=sensor).start()
    await kit.work()


async def streams_remedy(address, measure):
    def sensor():  # a thread of its own
        while value := measure():
            loop.call_soon_threadsafe(writer.write, value)

    _, writer = await asyncio.open_connection(*address)
    loop = asyncio.get_running_loop()
    threading.Thread(target=sensor).start()
    await kit.work()


# --- Protocol ---
async def protocol_trap(address, measure):
    def sensor():  # a thread of its own
        while value := measure():
            loop.call_soon(transport.write, value)

    transport, _ = await kit.connected(address)
    loop = asyncio.get_running_loop()
    threading.Thread(target=sensor).start()
    await kit.work()


async def protocol_remedy(address, measure):
    def sensor():  # a thread of its own
        while value := measure():
            loop.call_soon_threadsafe(
                transport.write,
                value,
            )

    transport, _ = await kit.connected(address)
    loop = asyncio.get_running_loop()
    threading.Thread(target=sensor).start()
    await kit.work()


# --- How it is observed: three values, in case the loop happens to be awake; what waits comes when it is woken ---
def experiment(subject):
    values = queue.Queue()
    with kit.listener() as listener:
        subject.begin(listener.getsockname(), values.get)
        peer, _ = listener.accept()
        with peer:
            for value in (b"1", b"2", b"3"):
                subject.settle()
                values.put(value)
                if not kit.comes_by_itself(peer):
                    subject.settle()
                    kit.tell(f"nothing came until the loop was woken by something else; then {kit.answer(peer)}")
                    return WAITED
                kit.tell(f"{kit.answer(peer)} came by itself")
    return CAME


if __name__ == "__main__":
    kit.main()
