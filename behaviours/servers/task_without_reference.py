"""A task that nobody refers to may be thrown away before it is done

The loop holds its tasks weakly. One whose result was dropped goes with the garbage while it waits for something that
nobody else holds: no reply is sent, and only a line is logged. When that happens is up to the collector, so a test
passes.

Instead: keep tasks in a set, with its discard() as their done callback.

Sources: Python documentation, asyncio.create_task().
"""
# ruff: noqa: RUF006

import asyncio
import gc
import weakref

from behaviours import kit
from behaviours.known import known, outcome, seen

GONE = outcome("the task was collected", bites="now and then a reply is never sent")
DONE = outcome("the task was done")
KNOWN = known(trap=[seen(GONE)], remedy=[seen(DONE)])


# --- Streams ---
subscribers = weakref.WeakSet()


async def reply(transport):
    news = asyncio.Queue()
    subscribers.add(news)
    kit.handle("waits for news")
    transport.write(await news.get())


async def streams_trap(reader, writer):
    await reader.readline()
    asyncio.create_task(reply(writer))
    await reader.read()


tasks = set()


async def streams_remedy(reader, writer):
    await reader.readline()
    task = asyncio.create_task(reply(writer))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    await reader.read()


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        asyncio.create_task(reply(self.transport))


class ProtocolRemedy(ProtocolTrap):
    def data_received(self, data):
        task = asyncio.create_task(reply(self.transport))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


# --- How it is observed: garbage is collected while reply(), a task, waits for news ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        client.sendall(b"subscribe\n")
        kit.tell(f"the task {kit.handled()[0]}")
        subject.settle()
        subject.on_loop(gc.collect)
        listening = subject.on_loop(publish, b"news")
        if listening:
            kit.tell(f"the client got {kit.answer(client)}")
    for line in kit.logged():
        kit.tell(f"logged: {line.partition('!')[0]}")
    return kit.one_of(listening, {0: GONE, 1: DONE})


def publish(news):
    there = list(subscribers)
    for queue in there:
        queue.put_nowait(news)
    return len(there)


if __name__ == "__main__":
    kit.main()
