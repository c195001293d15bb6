"""What passed through one connection: it is counted and logged, and nothing else is done here.

An implementation says what happened. Its end is the last line of a connection, whatever an API still hands out or takes
after it, so that the totals of the end are the sum of the lines.
"""

import asyncio
import hashlib
import os
from collections.abc import Mapping

from common import logs


class ConnectionLog:
    """Counts what passes, which costs next to nothing for each chunk, and logs the rest; `ChunkLog` logs each chunk."""

    # Of the class until they change: a server makes a log for each connection.
    addresses: Mapping[str, object] = {}
    was_opened = False
    _ending_told = False

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.received_bytes = self.sent_bytes = 0

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """The API handed out the transport. Its addresses are kept: over TLS no loop tells them once it is closed."""
        self.was_opened = True
        self.addresses = {
            "local": _address(transport.get_extra_info("sockname")),
            "peer": _address(transport.get_extra_info("peername")),
        }

    def received(self, data: bytes) -> None:
        """The API handed out `data`."""
        self.received_bytes += len(data)

    def sent(self, data: bytes) -> None:
        """The API took `data`, which does not say that it is on the wire yet."""
        self.sent_bytes += len(data)

    sending = sent  # `data` is about to be given to the API

    def tell(self, event: str, fields: Mapping[str, object] | None = None, /, **values: object) -> None:
        """Log `event`, one of `common.logs.EVENTS`: `values` fill its text, `fields` stand in the JSON record only."""
        if not self._ending_told and logs.tells(event):
            logs.tell(self.name, event, fields, **values)

    def ended(self, error: Exception | None = None) -> None:
        """The connection is over: in good order, or with the error that the API reported.

        An error that is no OSError is a defect of the program. The loop shows its traceback; there is nothing to add
        to that.
        """
        if error is None:
            self.tell_ending("closing")
        elif isinstance(error, OSError):
            self.tell_ending("lost", reason=type(error).__name__)

    def tell_ending(self, event: str, **values: object) -> None:
        """Log how the connection ends, with its totals in the JSON record: once, the first cause wins."""
        if not self._ending_told:
            self._ending_told = True
            if logs.tells(event):
                logs.tell(self.name, event, self.account(), **values)

    def account(self) -> dict[str, object]:
        """What passed, and between whom: the fields of the JSON record of the end."""
        return {"received_bytes": self.received_bytes, "sent_bytes": self.sent_bytes, **self.addresses}


class ChunkLog(ConnectionLog):
    """For log level debug: logs each chunk, too, and keeps a digest (BLAKE2b, 16 bytes) of each direction."""

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._received_digest = hashlib.blake2b(digest_size=16)
        self._sent_digest = hashlib.blake2b(digest_size=16)

    def received(self, data: bytes) -> None:
        self._tell_chunk("received", data, self.received_bytes, self._received_digest)
        super().received(data)

    def sending(self, data: bytes) -> None:
        self._tell_chunk("sending", data, self.sent_bytes, self._sent_digest)
        super().sending(data)

    def sent(self, data: bytes) -> None:
        self._tell_chunk("sent", data, self.sent_bytes, self._sent_digest)
        super().sent(data)

    def account(self) -> dict[str, object]:
        return super().account() | {
            "received_digest": self._received_digest.hexdigest(),
            "sent_digest": self._sent_digest.hexdigest(),
        }

    def _tell_chunk(self, event: str, data: bytes, offset: int, digest: "hashlib.blake2b") -> None:
        if not self._ending_told:
            digest.update(data)
            self.tell(event, {"offset": offset, "length": len(data)}, payload=logs.show(data))


def log_class() -> type[ConnectionLog]:
    """What logs a connection: each chunk of it only where the level shows that, which is asked once."""
    return ChunkLog if logs.tells("received") else ConnectionLog


def _address(address: object) -> object:
    """Host and port as a list of two, for IPv6 too; the path of a Unix socket, empty for its client; None: unknown."""
    if isinstance(address, bytes):  # Linux: a Unix socket with a name that is no file
        return os.fsdecode(address)
    return list(address[:2]) if isinstance(address, tuple) else address
