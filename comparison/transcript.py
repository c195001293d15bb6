"""Log lines -> events -> connections. Plain text and JSON are two views of one record; a line that cannot be read is
reported, never dropped."""

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from sys import intern
from types import MappingProxyType, NoneType

from common.logs import EVENTS, SHOWN_BYTES, escape
from comparison.model import Event, Payload
from comparison.vocabulary import BYTES, ENDINGS, OPENINGS

SELECTOR = re.compile(r"Using selector: \w+")  # a line of asyncio's own that is yet part of the story
NOTHING = Payload(b"", 0)
"""What passed where nothing did."""

Fields = Mapping[str, object]
NO_FIELDS: Fields = MappingProxyType({})  # of all lines that have none

SHARED_CHARACTERS = 600
"""Payloads up to this length are kept once, as texts are: a log of a million lines has few different ones."""

_PLAIN = re.compile(r"(?P<speaker>main|echo_\S+?|asyncio|py\.warnings): (?P<message>.*)", re.DOTALL)
_PAYLOAD = re.compile(
    r"""(?P<literal>b'(?:[ -&(-\[\]-~]|\\[\\'nrt]|\\x[0-9a-f]{2})*+'|b"(?:[ !#-\[\]-~]|\\[\\nrt]|\\x[0-9a-f]{2})*+")"""
    r"(?:\.\.\. \((?P<length>\d{1,18}) bytes\))?"
)
"""What `common.logs.show` writes: a bytes literal as repr() gives it, and where it is cut the length."""


def _pattern(text: str) -> re.Pattern[str]:
    """A group for each field; a number has digits only, so that nothing is tried twice."""
    numbers = re.sub(r"\\\{(returned|expected)\\\}", r"(?P<\1>\\d+)", re.escape(text))
    return re.compile(re.sub(r"\\\{(\w+).*?\\\}", r"(?P<\1>.+)", numbers), re.DOTALL)


# A text without blanks first: "received EOF" is no payload.
TEXTS = {name: _pattern(line.text) for name, line in sorted(EVENTS.items(), key=lambda item: "{" in item[1].text)}
"""Event -> its text, with groups named after what is filled in."""


def parse(lines: Iterable[str]) -> tuple[Event, ...]:
    return tuple(map(parse_line, lines))


def parse_line(line: str) -> Event:
    """Read a line in either format; one in neither is an event named `unreadable`."""
    return _parse_json(line) or _parse_plain(line) or Event("unreadable", "", escape(line))


def line_of(event: Event) -> str:
    """An event as the line that it was read from, or would be."""
    if event.t_ns is None and event.name != "left_out":
        return event.plain
    head = {"t_ns": event.t_ns, "logger": event.speaker, "level": event.level, "event": event.name}
    return json.dumps(head | {"message": event.message} | dict(event.fields))


def tells(events: Iterable[Event]) -> bool:
    """Whether some line is of the contract: an endpoint that writes none is judged by what is seen on the wire."""
    return any(event.name in EVENTS for event in events)


def places(events: Sequence[Event]) -> list[list[int]]:
    """Where in a log each connection is told, in the order in which the connections began. A port, and with it a
    speaker, comes again: where one opens after it has ended, another connection begins."""
    found: list[list[int]] = []
    current: dict[str, list[int]] = {}
    for place, event in enumerate(events):
        if not is_connection(event.speaker):
            continue
        block = current.get(event.speaker)
        if block is None or (event.name in OPENINGS and events[block[-1]].name in ENDINGS):
            block = current[event.speaker] = []
            found.append(block)
        block.append(place)
    return found


def connections(events: Sequence[Event]) -> list[list[Event]]:
    return [[events[place] for place in block] for block in places(events)]


def ending(block: Iterable[Event]) -> Event | None:
    """How a connection ended, as it was told first."""
    return next((event for event in block if event.name in ENDINGS), None)


def is_connection(speaker: str) -> bool:
    return speaker.startswith(("echo_", "peer_", "bystander"))


def told_speaker(events: Iterable[Event], end: str = "local") -> str:
    """What the server calls a connection: by the client's address, its `local` or the server's `peer`; "" if untold."""
    for event in events:
        match event.fields.get(end):
            case [str(host), int(port)]:
                return f"echo_{host}_{port}"
    return ""


def joined(events: Iterable[Event], name: str) -> Payload:
    """All chunks of one direction as one: its first bytes as far as they are shown; NOTHING without a chunk."""
    chunks = [event.payload for event in events if event.name == name and event.payload is not None]
    if not chunks:
        return NOTHING
    first = b""
    for chunk in chunks:
        first += chunk.shown[:SHOWN_BYTES]
        if len(chunk.shown) < chunk.length or len(first) >= SHOWN_BYTES:
            break  # the rest of this one is not shown, so what follows has no known place
    return Payload(first[:SHOWN_BYTES], sum(chunk.length for chunk in chunks))


def _parse_json(line: str) -> Event | None:
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
        name, speaker, message = record.pop("event"), record.pop("logger"), record.pop("message")
        level, t_ns = record.pop("level"), record.pop("t_ns")
    except (ValueError, KeyError, RecursionError):
        return None
    if not all(isinstance(text, str) for text in (name, speaker, message, level)) or type(t_ns) not in (int, NoneType):
        return None
    fields = {intern(name): value for name, value in record.items()}
    return _event(intern(name), speaker, message, intern(level), t_ns, fields)


def _parse_plain(line: str) -> Event | None:
    parts = _PLAIN.fullmatch(line)
    if parts is None:
        return None
    speaker, message = parts["speaker"], parts["message"]
    if speaker in ("asyncio", "py.warnings"):
        return _event("log", speaker, message, "", None, NO_FIELDS)
    name = next((name for name, text in TEXTS.items() if text.fullmatch(message)), None)
    return None if name is None else _event(name, speaker, message, "", None, NO_FIELDS)


def _event(name: str, speaker: str, message: str, level: str, t_ns: int | None, fields: Fields) -> Event | None:
    if speaker == "asyncio" and name == "log" and SELECTOR.fullmatch(message):
        name = "selector"
    payload = None
    if name in BYTES:
        text = message.partition(" ")[2]
        payload = _known_payload(text) if len(text) <= SHARED_CHARACTERS else _payload(text)
        if payload is None:
            return None
    return Event(name, intern(escape(speaker)), intern(escape(message)), level, t_ns, payload, fields)


def _payload(text: str) -> Payload | None:
    parts = _PAYLOAD.fullmatch(text)
    if parts is None:
        return None
    # Not ast.literal_eval(): on Python 3.11 it was seen to raise SystemError where several threads parse at once.
    literal = parts["literal"]
    shown = literal[2:-1].encode("latin-1").decode("unicode_escape").encode("latin-1")
    return Payload(shown, int(parts["length"] or len(shown))) if repr(shown) == literal else None


_known_payload = functools.lru_cache(maxsize=1024)(_payload)
