"""A client that writes everything before it reads can wait for ever

The server cannot send its answers, since the client does not read yet, and so it stops reading; the client waits in
drain() for the server to read. With little data the kernel's buffers hide it. A Protocol reads all the time.

Instead: read and write at once: a task of its own that writes.

Sources: Python documentation, StreamWriter.drain(); the same is known of pipes: subprocess.Popen.communicate().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

STUCK = outcome("both wait for each other", bites="neither goes on, and no error comes")
WHOLE = outcome("the whole echo came back")
KNOWN = known(trap=[seen(STUCK, api="streams"), seen(WHOLE)], remedy=[seen(WHOLE)])

BYTES = 32 * 1024 * 1024


# --- Streams ---
async def streams_trap(address):
    reader, writer = await asyncio.open_connection(
        *address,
    )
    writer.write(bytes(BYTES))
    await writer.drain()
    writer.write_eof()
    return len(await reader.read())


async def streams_remedy(address):
    async def send():
        writer.write(bytes(BYTES))
        await writer.drain()
        writer.write_eof()

    reader, writer = await asyncio.open_connection(
        *address,
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(send())
        echo = await reader.read()
    return len(echo)


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(address)
    transport.write(bytes(BYTES))
    await client.may_write.wait()
    transport.write_eof()
    await client.lost
    return len(client.received)


protocol_remedy = None


# --- How it is observed: a peer that sends back each piece before it reads the next ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            if not kit.echo_all(peer):
                kit.tell("the peer can send no more, and so reads no more")
                if not call.returns():
                    kit.tell("the client waits until it does")
                    return STUCK
    came = call.result()
    kit.tell(f"{came} of {BYTES} bytes came back")
    return kit.one_of(came, {BYTES: WHOLE})


if __name__ == "__main__":
    kit.main()
