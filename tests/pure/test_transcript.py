"""Log lines become events: from either format, with nothing dropped and nothing forged."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import logs
from comparison.transcript import parse, parse_line

PLAIN, JSON = logs.PlainFormatter(), logs.JSONFormatter()


def lines_of(event: str, values: dict[str, object], name: str = "echo_127.0.0.1_64624") -> tuple[str, str]:
    """What the two formats make of one record."""
    text = logs.EVENTS[event].text.format_map(values)
    record = logging.LogRecord(name, logs.EVENTS[event].level, "", 0, text, (), None)
    record.event, record.fields = event, {}
    return PLAIN.format(record), JSON.format(record)


@given(data=st.binary(max_size=300), event=st.sampled_from(["received", "sent", "sending"]))
def test_any_payload_is_read_back_from_both_formats(data, event):
    plain, json = map(parse_line, lines_of(event, {"payload": logs.show(data)}))
    assert plain.payload == json.payload
    assert (plain.name, plain.speaker, plain.message) == (json.name, json.speaker, json.message)
    assert (plain.name, plain.payload.shown, plain.payload.length) == (event, data[:128], len(data))


@pytest.mark.parametrize("event", logs.EVENTS)
def test_every_line_of_the_vocabulary_is_read_back_from_both_formats(event):
    values = dict.fromkeys(["address", "reason", "limit", "returned", "expected"], "7") | {"limit_s": 7.0}
    plain, json = map(parse_line, lines_of(event, values | {"payload": logs.show(b"seven")}))
    assert plain.name == json.name == event
    assert plain.plain == json.plain


def test_asyncio_naming_its_selector_is_an_event_of_its_own():
    assert parse_line("asyncio: Using selector: EpollSelector").name == "selector"
    assert parse_line("asyncio: socket.send() raised exception.").name == "log"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Traceback (most recent call last):",
        "ValueError: boom",
        "{",
        '{"event": "closing"}',
        '{"event": 1, "logger": 2, "message": 3, "level": 4, "t_ns": 5}',
        "[" * 100_000,
        '{"a":' * 100_000,
        "main: an unknown line",
        "echo_client: received 'text'",
        "echo_client: received b'unclosed",
        r"echo_client: received b'\x4'",
        "echo_client: received b'abc'... (x bytes)",
    ],
)
def test_a_line_that_cannot_be_read_is_reported(line):
    (event,) = parse([line])
    assert (event.name, event.message) == ("unreadable", line)


@given(line=st.text())
def test_no_line_breaks_the_reader(line):
    (event,) = parse([line])
    assert event.name == "unreadable" or event.speaker
