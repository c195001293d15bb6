"""`except ConnectionError` around a TaskGroup does not catch a reset

A handler reads and writes in two tasks of a group. A client resets, a task raises ConnectionResetError, and out of the
group comes an ExceptionGroup, which the `except ConnectionError` around it does not know: a traceback for each rude
client, and what stands below is not done.

Instead: `except* ConnectionError`, or catch it inside the tasks.

Sources: Python documentation, asyncio.TaskGroup; PEP 654.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

PASSED = outcome("it was not caught", bites="a traceback for every client that resets")
CAUGHT = outcome("it was caught")
KNOWN = known(trap=[seen(PASSED)], remedy=[seen(CAUGHT)])


# --- Streams ---
async def read(reader):
    while data := await reader.readline():
        kit.handle(data)


async def news(writer):
    await kit.work()  # nothing new yet
    writer.write(b"news")


async def streams_trap(reader, writer):
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read(reader))
            tasks.create_task(news(writer))
    except ConnectionError:
        pass  # it has gone
    finally:
        writer.close()
        kit.handle("the handler ends")


async def streams_remedy(reader, writer):
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read(reader))
            tasks.create_task(news(writer))
    except* ConnectionError:
        pass  # it has gone
    finally:
        writer.close()
        kit.handle("the handler ends")


# --- Protocol ---
protocol_trap = None  # connection_lost() has the error
protocol_remedy = None


# --- How it is observed: the log, when the handler has ended ---
def experiment(subject):
    client = kit.connect(subject.serve())
    client.sendall(b"hello\n")
    kit.handled()
    kit.reset(client)
    kit.tell(f"after the reset {kit.handled(2)[1]}")
    subject.settle()
    log = kit.logged()
    for line in log:
        kit.tell(f"logged: {line}")
    return PASSED if log else CAUGHT


if __name__ == "__main__":
    kit.main()
