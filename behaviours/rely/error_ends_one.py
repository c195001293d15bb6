"""An error in a handler or in data_received() ends its own connection, and no other

What the program raises is logged, and its client sees the end. The server serves all others as before. Errors elsewhere
are another matter: see connection-made-raises, plain-callback-raises and exit-in-callback.

Sources: Python documentation, Protocol.data_received() and asyncio.start_server().
"""

from behaviours import kit
from behaviours.known import known, outcome, seen

ONE = outcome("ended one, logged")
KNOWN = known(rely=[seen(ONE)])


# --- Streams ---
async def streams_rely(reader, writer):
    while data := await reader.read(65536):
        if data == b"bad":
            raise ValueError("an unknown request")
        writer.write(data)


# --- Protocol ---
class ProtocolRely(kit.Echo):
    def data_received(self, data):
        if data == b"bad":
            raise ValueError("an unknown request")
        super().data_received(data)


# --- How it is observed: two clients, of whom one sends what the server does not know ---
def experiment(subject):
    address = subject.serve()
    with kit.connect(address) as good, kit.connect(address) as bad:
        kit.echoed(good)
        bad.sendall(b"bad")
        kit.tell(f"the client of the bad request saw {kit.ending(bad)}")
        if not kit.is_served(good, 100):
            return kit.unforeseen("the other client was served no more")
        kit.tell("the other one was answered a hundred times")
    log = kit.logged()
    for line in log:
        kit.tell(f"logged: {line}")
    return ONE if len(log) == 1 else kit.unforeseen(f"{len(log)} lines in the log")


if __name__ == "__main__":
    kit.main()
