"""Log lines -> events. Plain text and JSON are two views of one record; a line that cannot be read is reported,
never dropped."""

import ast
import json
import re
from collections.abc import Iterable

from common.logs import EVENTS, escape
from comparison.model import Event, Payload

FOREIGN = {"selector": re.compile(r"asyncio: Using selector: \w+")}
"""Lines that are not the endpoint's own, and yet part of its story."""

_PLAIN = re.compile(r"(?P<speaker>main|echo_\S+?|asyncio|py\.warnings): (?P<message>.*)", re.DOTALL)
_PAYLOAD = re.compile(r"(?P<literal>b(?P<quote>['\"]).*(?P=quote))(?:\.\.\. \((?P<length>\d+) bytes\))?", re.DOTALL)
_TEXTS = {
    name: re.compile(re.sub(r"\\\{(\w+).*?\\\}", r"(?P<\1>.+)", re.escape(line.text)), re.DOTALL)
    # A text without blanks first: "received EOF" is no payload.
    for name, line in sorted(EVENTS.items(), key=lambda item: "{" in item[1].text)
}


def parse(lines: Iterable[str]) -> tuple[Event, ...]:
    """One event for each line."""
    return tuple(map(parse_line, lines))


def parse_line(line: str) -> Event:
    """Read a line in either format; one in neither is an event named `unreadable`."""
    return _parse_json(line) or _parse_plain(line) or Event("unreadable", "", escape(line))


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
    name = next((name for name, text in _TEXTS.items() if text.fullmatch(message)), None) if own else "log"
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
    try:
        shown = ast.literal_eval(parts["literal"])
        length = int(parts["length"] or len(shown))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(shown, bytes) or repr(shown) != parts["literal"]:
        return None
    return Payload(shown, length)
