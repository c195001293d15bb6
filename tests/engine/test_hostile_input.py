"""Whatever is parsed, from whoever it comes: an error with its remedy in one line, never a traceback."""

import contextlib
import copy
import io
import json
import logging

import pytest
from harness import ROOT, examples
from hypothesis import example, given
from hypothesis import strategies as st

import compare
from common import logs
from common.options import parse_client, parse_server
from comparison.bench import results
from comparison.bench.plan import Results
from comparison.endpoints import third_party
from comparison.model import CannotCompare, Endpoint, Survey
from comparison.report import export
from comparison.transcript import parse_line

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
HOSTILE = st.text(st.characters(codec=None), max_size=40) | st.sampled_from(
    ["\x1b[2K", "a\nmain: closing", "\u2028", "\x85", "\ud800", "%s", "{x}", "{", "a" * 100, "-", "--", "\0"]
)


def assert_read_or_refused(read, kind):
    """It makes one of `kind`, or says in one line why it does not."""
    refusal = ""
    try:
        assert isinstance(read(), kind)
    except CannotCompare as error:
        refusal = str(error)
    assert len(refusal.splitlines()) <= 1


# --- Log lines ---


@examples(200)
@given(
    st.fixed_dictionaries(
        {
            "t_ns": JSON,
            "logger": JSON | st.just("main"),
            "level": JSON | st.just("info"),
            "event": JSON | st.sampled_from(sorted(logs.EVENTS)),
            "message": JSON | st.sampled_from(["received b'x'", "sent b'\\ud800'", "received b'x'... (9 bytes)"]),
        },
        optional={"length": JSON, "offset": JSON, "local": JSON},
    )
)
def test_a_record_of_any_values_is_read_or_reported(record):
    event = parse_line(json.dumps(record))
    assert event.name == "unreadable" or event.t_ns == record["t_ns"]
    assert "\n" not in event.message + event.speaker


@examples(200)
@given(HOSTILE, HOSTILE)
def test_no_message_and_no_name_can_forge_a_line(name, message):
    for formatter in (logs.PlainFormatter(), logs.JSONFormatter()):
        text = f"starting up on {name} {message}"
        line = formatter.format(logging.LogRecord("main", logging.INFO, "", 0, text, (), None))
        assert len(line.splitlines()) == 1, line


# --- Results on disk ---


def places(value, path=()):
    """Every place in a document."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def mutated(document, path, value, delete):
    """The document with another value at a place, or with nothing there."""
    if not path:
        return value
    document = copy.deepcopy(document)
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    if delete:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return document


SURVEY = json.loads((ROOT / "tests/golden/report.json").read_text())
BENCH = json.loads((ROOT / "tests/golden/bench-1.json").read_text())


@examples(200)
@example(("duration_s",), 10**400, False)
@example(("comparisons", 0, "repeat"), float("inf"), False)
@given(st.sampled_from(list(places(SURVEY))), JSON, st.booleans())
def test_a_damaged_survey_is_refused_with_the_remedy_or_read(tmp_path_factory, path, value, delete):
    file = tmp_path_factory.getbasetemp() / "survey.json"
    file.write_text(json.dumps(mutated(SURVEY, path, value, delete)))
    assert_read_or_refused(lambda: export.from_json(file.read_bytes(), str(file)), Survey)


@examples(50)
@given(st.binary(max_size=30), st.integers(0, 200))
def test_bytes_that_are_no_survey_are_refused_with_the_remedy(tmp_path_factory, junk, kept):
    file = tmp_path_factory.getbasetemp() / "junk.json"
    file.write_bytes((ROOT / "tests/golden/report.json").read_bytes()[:kept] + junk)
    with pytest.raises(CannotCompare):
        export.from_json(file.read_bytes(), str(file))


@examples(200)
@example(("samples", 0, "round"), float("inf"), False)
@given(st.sampled_from(list(places(BENCH))), JSON, st.booleans())
def test_a_damaged_benchmark_is_refused_with_the_remedy_or_read(path, value, delete):
    text = json.dumps(mutated(BENCH, path, value, delete))
    assert_read_or_refused(lambda: results.from_json(text, "file"), Results)


# --- Command lines ---

OPTIONS = st.sampled_from(
    [
        *("--host", "--port", "--unix", "--loop", "--read-size", "--log-level", "--tls-cert", "--tls-ca", "--backlog"),
        *("--max-connections", "--idle-timeout", "--grace", "--message", "--file", "--pause", "--connections"),
        *("--timeout", "--minutes", "--server", "--endpoint", "--server-command", "--repeat", "--workload", "--size"),
        *("--rate", "--time", "--rounds", "--format", "--save", "--scenario", "--jobs"),
    ]
)
NUMBERS = st.sampled_from(["-1", "0", "1e309", "nan", "inf", "1" * 5000, "٣", "1_0", " 1", "70000", "", "²"])
WORDS = st.lists(OPTIONS | NUMBERS | HOSTILE, max_size=5)
PARSERS = {
    "server": parse_server,
    "client": parse_client,
    **{name: compare.parser(name).parse_args for name in compare.COMMANDS},
}


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
@examples(100)
@example(["\nmain: closing"])
@example(["--repeat", "²"])
@given(WORDS)
def test_any_command_line_is_read_or_refused_in_one_line(parse, line):
    errors, code = io.StringIO(), 0
    try:
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            parse(line)
    except SystemExit as end:
        code = end.code
    assert (code, len(errors.getvalue().splitlines())) in [(0, 0), (2, 1)], errors.getvalue()


@examples(200)
@given(HOSTILE, st.none() | HOSTILE, st.none() | HOSTILE | st.just("x {port}") | HOSTILE.map("{port} ".__add__))
def test_any_commands_of_an_endpoint_are_taken_or_refused_in_one_line(name, server_command, client_command):
    assert_read_or_refused(lambda: third_party(name, server_command, client_command), Endpoint)
