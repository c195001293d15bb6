"""Log lines: plain text and JSON are two views of one record, and nothing that is logged can forge a line."""

import ast
import contextlib
import json
import logging
import string
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import logs
from common.logs import EVENTS, JSONFormatter, PlainFormatter, show, tell

ROOT = Path(__file__).parents[2]
ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.text(st.sampled_from("a\n\r\x0b\x1b\x1c\x85\u2028\\:{}%"))


class Records(logging.Handler):
    """A handler that keeps its records."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record)


@contextlib.contextmanager
def recorded(level: int = logging.DEBUG) -> Iterator[list[logging.LogRecord]]:
    """The records that reach the root logger; nobody else gets them."""
    root, records = logging.getLogger(), Records()
    before = root.level, root.handlers
    root.handlers = [records]
    root.setLevel(level)
    try:
        yield records.kept
    finally:
        root.handlers = before[1]
        root.setLevel(before[0])


@pytest.fixture
def root_logger(monkeypatch):
    """The root logger, to be configured like that of a program; afterwards it is as it was."""
    root = logging.getLogger()
    level = root.level
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(logs, "_shown", set(EVENTS))
    yield root
    root.setLevel(level)


def wanted(text: str) -> set[str]:
    """The names that a text of EVENTS has filled in."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_reads_the_same_in_plain_text_and_in_json(event):
    values = dict.fromkeys(wanted(EVENTS[event].text), 7)
    with recorded() as records:
        tell("somebody", event, {"offset": 3}, **values)
    (record,) = records
    plain, fields = PlainFormatter().format(record), json.loads(JSONFormatter().format(record))
    assert fields.pop("t_ns") > 0
    assert plain == f"somebody: {EVENTS[event].text.format(**values)}"
    assert fields == {
        "logger": "somebody",
        "level": logging.getLevelName(EVENTS[event].level).lower(),
        "event": event,
        "message": plain.removeprefix("somebody: "),
        "offset": 3,
    }


def test_bytes_are_told_at_debug_and_the_life_of_the_program_at_info_or_above(root_logger, capsys):
    assert {event for event, line in EVENTS.items() if line.level < logging.INFO} == {"sending", "received", "sent"}
    for level in ("info", "debug"):
        logs.configure(level, "plain")
        tell("somebody", "received", payload="b'x'")
        tell("somebody", "eof")
    assert capsys.readouterr().err.splitlines() == [
        "somebody: received EOF",
        "somebody: received b'x'",
        "somebody: received EOF",
    ]


def test_whoever_tells_an_event_fills_in_all_of_its_text():
    told, wrong = set(), []
    for path in [*ROOT.glob("common/*.py"), *ROOT.glob("*_impl/*.py")]:
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args:
                words = [word.value for word in call.args if isinstance(word, ast.Constant)]
                event = next((word for word in words if word != "main"), None)
                if call.func.attr in ("tell", "tell_ending") and event is not None:
                    told.add(event)
                    values = {keyword.arg for keyword in call.keywords}
                    if event not in EVENTS or values != wanted(EVENTS[event].text):
                        wrong.append(f"{path.name}:{call.lineno}: {ast.unparse(call)}")
    assert wrong == []
    assert told >= {"starting", "connecting", "accepted", "eof", "lost", "failed", "closing_server"}


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"", "b''"),
        (b"two\nlines", r"b'two\nlines'"),
        (b"a" * 128, f"b'{'a' * 128}'"),
        (b"a" * 128 + b"b", f"b'{'a' * 128}'... (129 bytes)"),
    ],
)
def test_a_payload_is_shown_by_its_first_128_bytes_and_its_length(data, shown):
    assert show(data) == shown


@given(st.binary(max_size=300), ANY_TEXT)
def test_neither_payload_nor_host_nor_path_can_forge_a_line(payload, name):
    with recorded() as records:
        tell("main", "starting", address=name)
        tell("main", "cannot_serve", address=name, reason=name)
        tell("main", "received", payload=show(payload))
        logging.getLogger("asyncio").warning("%s", name)
    assert len(records) == 4
    for record in records:
        plain = PlainFormatter().format(record)
        assert plain.startswith(f"{record.name}: ")
        assert len(plain.splitlines()) == 1
        assert not any(unicodedata.category(character) == "Cc" for character in plain)
        line = JSONFormatter().format(record)
        assert line.isascii()
        assert len(line.splitlines()) == 1
        assert plain == "{logger}: {message}".format_map(json.loads(line))


def test_a_thousand_speakers_leave_no_logger_behind():
    before = set(logging.Logger.manager.loggerDict)
    with recorded() as records:
        for number in range(1000):
            tell(f"echo_127.0.0.1_{number}", "accepted")
    assert records[-1].name == "echo_127.0.0.1_999"
    assert set(logging.Logger.manager.loggerDict) == before


def test_a_defect_shows_its_traceback_in_both_forms():
    with recorded() as records:
        try:
            raise ZeroDivisionError("planted")
        except ZeroDivisionError:
            logging.getLogger("asyncio").error("Unhandled exception", exc_info=sys.exc_info())
    (record,) = records
    lines = PlainFormatter().format(record).splitlines()
    assert (lines[0], lines[-1]) == ("asyncio: Unhandled exception", "ZeroDivisionError: planted")
    fields = json.loads(JSONFormatter().format(record))
    assert (fields["event"], fields["message"]) == ("log", "Unhandled exception")
    assert fields["traceback"].splitlines() == lines[1:]


@pytest.mark.parametrize("form", ["plain", "json"])
def test_the_log_goes_to_standard_error_from_the_chosen_level_up(form, root_logger, capsys):
    logs.configure("warning", form)
    tell("main", "closing_server")
    tell("main", "out_of_files")
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    told = json.loads(line)["message"] if form == "json" else line.removeprefix("main: ")
    assert (out, told) == ("", EVENTS["out_of_files"].text)
