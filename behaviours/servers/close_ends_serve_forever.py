"""Who waits in serve_forever() is never woken by close() on uvloop

A task serves, another one closes the server, as for a restart. On asyncio serve_forever() then raises CancelledError,
which not every program expects. On uvloop it goes on waiting, for ever, for a server that listens no more.

Instead: wait for an Event of your own, and close the server when it is set. A server serves without serve_forever().

Sources: Python documentation, Server.serve_forever(); uvloop issue 602.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

WAITS = outcome("waits for ever", bites="the program never goes on to its end")
CANCELLED = outcome("CancelledError")
ENDED = outcome("went on to its end")
KNOWN = known(trap=[seen(WAITS, loop="uvloop"), seen(CANCELLED)], remedy=[seen(ENDED)])


# --- Streams ---
async def streams_trap(sock):
    server = await asyncio.start_server(
        kit.echo,
        sock=sock,
    )
    stop = kit.work()
    stop.add_done_callback(lambda _: server.close())
    await server.serve_forever()


async def streams_remedy(sock):
    server = await asyncio.start_server(
        kit.echo,
        sock=sock,
    )
    stop = kit.work()
    await stop
    server.close()


# --- Protocol ---
async def protocol_trap(sock):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(kit.Echo, sock=sock)
    stop = kit.work()
    stop.add_done_callback(lambda _: server.close())
    await server.serve_forever()


async def protocol_remedy(sock):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(kit.Echo, sock=sock)
    stop = kit.work()
    await stop
    server.close()


# --- How it is observed: without a client, so that nothing else is there to wait for ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener)
        kit.finish_work()
        if not call.returns():
            kit.tell("the server is closed, and serve_forever() still waits")
            return WAITS
        try:
            call.result()
        except BaseException as error:
            kit.tell(f"it raised {type(error).__name__}")
            return kit.one_of(type(error).__name__, {"CancelledError": CANCELLED})
    kit.tell("it returned")
    return ENDED


if __name__ == "__main__":
    kit.main()
