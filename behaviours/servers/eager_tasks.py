"""Eager tasks keep a Streams server on uvloop from serving, on 3.13

asyncio.eager_task_factory starts a task at once, up to where it first waits. On Python 3.13 uvloop does not get on with
it: no handler starts, every client sees an end of file, and only the log tells of a TypeError. Elsewhere clients are
served. A Protocol has no task, and so no such trouble.

Instead: set no eager task factory on uvloop.

Sources: uvloop issue 746; Python documentation, asyncio.eager_task_factory().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

NOBODY = outcome("serves nobody", bites="every client sees an end of file at once")
SERVES = outcome("serves")
KNOWN = known(
    trap=[seen(NOBODY, loop="uvloop", since="3.13.0", fixed="3.14.0"), seen(SERVES)],
    remedy=[seen(SERVES)],
)


# --- Streams ---
async def greet(reader, writer):
    writer.write(b"hello")
    writer.close()


async def streams_trap(sock):
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    await asyncio.start_server(greet, sock=sock)
    await kit.work()


async def streams_remedy(sock):
    await asyncio.start_server(greet, sock=sock)
    await kit.work()


# --- Protocol ---
protocol_trap = None  # it makes no task
protocol_remedy = None


# --- How it is observed: a client that waits for a greeting ---
def experiment(subject):
    if not hasattr(asyncio, "eager_task_factory"):
        kit.skip("this Python has no eager tasks")
    with kit.listener() as listener:
        subject.begin(listener)
        with kit.connect(listener.getsockname()) as client:
            got = kit.all_of(client)
    kit.tell(f"the client got {got}")
    for line in kit.logged():
        kit.tell(f"logged: {line}")
    return kit.one_of(got, {b"": NOBODY, b"hello": SERVES})


if __name__ == "__main__":
    kit.main()
