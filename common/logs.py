"""The vocabulary of log lines; plain text and JSON are two views of one record.

Every line that an endpoint writes comes from `EVENTS`. The order of that table is the order in which the story of a
program and its connections is told; a reader of logs may rely on it. The life of the program is logged at info, bytes
at debug.
"""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHOWN_BYTES = 128
"""A longer payload is shown by so many of its first bytes and by its length."""


@dataclass(frozen=True)
class Line:
    """One kind of line: its level, and its text with the names of what is filled in."""

    level: int
    text: str


EVENTS = {
    "starting": Line(logging.INFO, "starting up on {address}"),
    "exposed": Line(logging.WARNING, "open to other machines: {address} (--host localhost is not)"),
    "skipped_address": Line(logging.WARNING, "not listening on {address}: {reason}"),
    "connecting": Line(logging.INFO, "connecting to {address}"),
    "accepted": Line(logging.INFO, "connection accepted"),
    "refused": Line(logging.WARNING, "connection refused: limit of {limit} connections reached"),
    "sending": Line(logging.DEBUG, "sending {payload}"),
    "waiting": Line(logging.INFO, "waiting for response"),
    "received": Line(logging.DEBUG, "received {payload}"),
    "sent": Line(logging.DEBUG, "sent {payload}"),
    "eof": Line(logging.INFO, "received EOF"),
    "idle": Line(logging.WARNING, "nothing moved for {limit_s:g} s, cutting the connection"),
    "cut": Line(logging.WARNING, "still open at shutdown, cutting the connection"),
    "lost": Line(logging.INFO, "connection lost: {reason}"),
    "closing": Line(logging.INFO, "closing"),
    "failed": Line(logging.ERROR, "ERROR {reason}: {returned} of {expected} bytes came back from {address}"),
    "cannot_serve": Line(logging.ERROR, "ERROR cannot serve on {address}: {reason}"),
    "no_thread": Line(logging.ERROR, "ERROR {reason}: end other programs, or raise the limit (ulimit -u)"),
    "out_of_files": Line(logging.WARNING, "out of file descriptors: new connections wait until others close"),
    "closing_server": Line(logging.INFO, "closing server"),
    "closing_loop": Line(logging.INFO, "closing event loop"),
}


def show(data: bytes) -> str:
    """A payload as the log shows it: a bytes literal, so that no payload can forge a line; cut after SHOWN_BYTES."""
    return show_cut(data[:SHOWN_BYTES], len(data))


def show_cut(first: bytes, length: int) -> str:
    """Like `show`, for a payload of `length` bytes of which only the first are at hand."""
    return repr(first) if length == len(first) else f"{first!r}... ({length} bytes)"


logger = logging.getLogger("endpoint")
"""All speakers share it. The standard library keeps every logger that it was ever asked for, about 500 bytes of it for
each connection; the name of the speaker is therefore a field of the record."""


_shown = set(EVENTS)  # those that the log level shows: `logging` is asked once, and not for each connection


def tells(event: str) -> bool:
    """Whether the log level shows `event`."""
    return event in _shown


def tell(speaker: str, event: str, fields: Mapping[str, object] | None = None, /, **values: object) -> None:
    """Log `event` of `main`, `echo_client`, or one connection of a server: `values` fill its text, `fields` stand in
    the JSON record only."""
    if tells(event):
        line = EVENTS[event]
        extra = {"event": event, "fields": fields or {}}
        text = line.text.format_map(values)
        logger.handle(logger.makeRecord(speaker, line.level, "", 0, text, (), None, extra=extra))


class PlainFormatter(logging.Formatter):
    """`logger: message`, escaped, so that one record is one line (but for a traceback)."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return f"{record.name}: {escape(record.message)}"


class JSONFormatter(logging.Formatter):
    """One JSON object a line: t_ns (monotonic), logger, level, event, message (the plain line), the fields."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "t_ns": time.monotonic_ns(),
            "logger": record.name,
            "level": record.levelname.lower(),
            "event": getattr(record, "event", "log"),
            "message": escape(record.getMessage()),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=repr)


def configure(level: str, form: str) -> None:
    """Send every record to standard error, from `level` up, as `plain` text or `json`."""
    handler = logging.StreamHandler()
    handler.setFormatter(JSONFormatter() if form == "json" else PlainFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    _shown.clear()
    _shown.update(event for event, line in EVENTS.items() if logger.isEnabledFor(line.level))


def escape(text: str) -> str:
    """Text in which every character shows: control characters, line breaks, marks of direction and lone surrogates
    appear as Python writes them in a literal."""
    if text.isprintable():  # nearly every line: asked at once, which is much cheaper than for each character
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
