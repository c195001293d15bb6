"""Log lines -> events. Plain text and JSON are two views of one record; a line that cannot be read is reported,
never dropped."""

import json
import re
from collections.abc import Iterable

from common.logs import EVENTS, escape
from comparison.model import Event, Payload

FOREIGN = {"selector": re.compile(r"asyncio: Using selector: \w+")}
"""Lines that are not the endpoint's own, and yet part of its story."""

_PLAIN = re.compile(r"(?P<speaker>main|echo_\S+?|asyncio|py\.warnings): (?P<message>.*)", re.DOTALL)
_PAYLOAD = re.compile(
    r"""(?P<literal>b(?P<quote>['"])(?P<bytes>(?:[ -\[\]-~]|\\[\\'nrt]|\\x[0-9a-f]{2})*)(?P=quote))"""
    r"(?:\.\.\. \((?P<length>\d{1,18}) bytes\))?"
)
"""What `common.logs.show` writes: a bytes literal as repr() gives it, and where it is cut the length."""

TEXTS = {
    name: re.compile(re.sub(r"\\\{(\w+).*?\\\}", r"(?P<\1>.+)", re.escape(line.text)), re.DOTALL)
    # A text without blanks first: "received EOF" is no payload.
    for name, line in sorted(EVENTS.items(), key=lambda item: "{" in item[1].text)
}
"""Event -> its text, with groups named after what is filled in."""


def parse(lines: Iterable[str]) -> tuple[Event, ...]:
    """One event for each line."""
    return tuple(map(parse_line, lines))


def parse_line(line: str) -> Event:
    """Read a line in either format; one in neither is an event named `unreadable`."""
    return _parse_json(line) or _parse_plain(line) or Event("unreadable", "", escape(line))


def tells(events: Iterable[Event]) -> bool:
    """Whether some line is of the contract: an endpoint that writes none is judged by what is seen on the wire."""
    return any(event.name in EVENTS for event in events)


def _parse_json(line: str) -> Event | None:
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
        name, speaker, message = record.pop("event"), record.pop("logger"), record.pop("message")
        level, t_ns = record.pop("level"), record.pop("t_ns")
    except (ValueError, KeyError, RecursionError):
        return None
    if not all(isinstance(text, str) for text in (name, speaker, message, level)) or not isinstance(t_ns, int):
        return None
    return _event(name, speaker, message, level, t_ns, record)


def _parse_plain(line: str) -> Event | None:
    parts = _PLAIN.fullmatch(line)
    if parts is None:
        return None
    speaker, message = parts["speaker"], parts["message"]
    own = speaker not in ("asyncio", "py.warnings")
    name = next((name for name, text in TEXTS.items() if text.fullmatch(message)), None) if own else "log"
    return _event(name, speaker, message) if name is not None else None


def _event(
    name: str,
    speaker: str,
    message: str,
    level: str = "",
    t_ns: int | None = None,
    fields: dict[str, object] | None = None,
) -> Event | None:
    for foreign, pattern in FOREIGN.items():
        if pattern.fullmatch(f"{speaker}: {message}"):
            name = foreign
    payload = None
    if name in ("received", "sent", "sending"):
        payload = _payload(message.partition(" ")[2])
        if payload is None:
            return None
    return Event(name, escape(speaker), escape(message), level, t_ns, payload, fields or {})


def _payload(text: str) -> Payload | None:
    parts = _PAYLOAD.fullmatch(text)
    if parts is None:
        return None
    # Not ast.literal_eval(): on Python 3.11 it was seen to raise SystemError where several threads parse at once.
    shown = parts["bytes"].encode("latin-1").decode("unicode_escape").encode("latin-1")
    return Payload(shown, int(parts["length"] or len(shown))) if repr(shown) == parts["literal"] else None
