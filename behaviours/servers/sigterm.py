"""SIGTERM ends a server without a `finally`

Ctrl-C is an exception, and what stands in a `finally` is done. `kill`, systemd, Docker and Kubernetes send SIGTERM, and
Python does nothing about it: the process is gone at once, nothing is cleaned up, and what is unsent is lost.

Instead: `loop.add_signal_handler(signal.SIGTERM, stop.set)`, and wait for this Event.

Sources: Python documentation, loop.add_signal_handler() and the module signal.
"""

import asyncio
import signal

from behaviours import kit
from behaviours.known import known, outcome, seen

KILLED = outcome("nothing was cleaned up", bites="clients, files and data are left as they are")
CLEANED = outcome("cleaned up, exit code 0")
KNOWN = known(trap=[seen(KILLED)], remedy=[seen(CLEANED)])


# --- Streams ---
async def streams_trap(sock):
    try:
        server = await asyncio.start_server(
            kit.echo,
            sock=sock,
        )
        await server.serve_forever()
    finally:
        print("cleaned up", flush=True)


async def streams_remedy(sock):
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    try:
        await asyncio.start_server(kit.echo, sock=sock)
        await stop.wait()
    finally:
        print("cleaned up", flush=True)


# --- Protocol ---
async def protocol_trap(sock):
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(
            kit.Echo,
            sock=sock,
        )
        await server.serve_forever()
    finally:
        print("cleaned up", flush=True)


async def protocol_remedy(sock):
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    try:
        await loop.create_server(kit.Echo, sock=sock)
        await stop.wait()
    finally:
        print("cleaned up", flush=True)


# --- How it is observed: a client is served, and then the program is told to end ---
def experiment(subject):
    program = subject.server_program()
    with kit.connect(program.address) as client:
        kit.echoed(client)
        program.terminate()
        code = program.exit_code()
    printed = "cleaned up" in program.printed()
    kit.tell(f"exit code {code}; {'cleaned up' if printed else 'no clean-up'}")
    return kit.one_of((code, printed), {(-signal.SIGTERM, False): KILLED, (0, True): CLEANED})


if __name__ == "__main__":
    kit.main()
