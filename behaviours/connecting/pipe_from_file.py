"""connect_read_pipe() of a file ends the whole process on uvloop

A program reads its standard input by connect_read_pipe(), and works behind a pipe and in a terminal. Somebody starts it
as `program < file`: asyncio raises ValueError, since a file is no pipe; uvloop ends the process by SIGABRT, without a
`finally`.

Instead: ask `stat.S_ISREG(os.fstat(fd).st_mode)` first, and read a file in a thread.

Sources: Python documentation, loop.connect_read_pipe(); found by an experiment.
"""
# ruff: noqa: ASYNC230

import asyncio
import os
import signal
import stat

from behaviours import kit
from behaviours.known import known, outcome, seen

KILLED = outcome("the process was killed", bites="no error to catch, and no clean-up")
RAISED = outcome("ValueError")
READ = outcome("the file was read")
KNOWN = known(trap=[seen(KILLED, loop="uvloop"), seen(RAISED)], remedy=[seen(READ)])


# --- Streams ---
async def streams_trap(path):
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    with open(path, "rb") as file:
        await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader),
            file,
        )
        print(await reader.read())


async def streams_remedy(path):
    with open(path, "rb") as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            print(await asyncio.to_thread(file.read))


# --- Protocol ---
async def protocol_trap(path):
    loop = asyncio.get_running_loop()
    with open(path, "rb") as file:
        _, client = await loop.connect_read_pipe(
            kit.Client,
            file,
        )
        await client.eof.wait()
        print(client.received)


async def protocol_remedy(path):
    with open(path, "rb") as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            print(await asyncio.to_thread(file.read))


# --- How it is observed: a program that is given this very file ---
def experiment(subject):
    program = subject.program(__file__)
    code = program.exit_code()
    error = next((line for line in program.printed() if line.startswith("ValueError: ")), "")
    kit.tell(f"exit code {code}{error and f'; {error}'}")
    return kit.one_of((code, bool(error)), {(-signal.SIGABRT, False): KILLED, (1, True): RAISED, (0, False): READ})


if __name__ == "__main__":
    kit.main()
