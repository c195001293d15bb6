"""compare.py why: which changes are tried, what is remembered of them, and how the notes look. Nothing is started."""

import contextlib
import io
import json
import re

import pytest

import compare
from comparison import layout
from comparison.model import CannotCompare
from comparison.play.processes import ROOT
from comparison.scenarios import SCENARIOS
from comparison.why import command, record, view
from comparison.why.record import Evidence
from comparison.why.statements import alterations, digest
from comparison.why.trial import DEFECTS

PROGRAMS = tuple(f"{api}/{role}.py" for api in ("protocol_impl", "streams_impl") for role in ("server", "client"))
SOURCES = {file: (ROOT / file).read_text() for file in PROGRAMS}

SMALL = '''"""A program."""

import sys


# --- Serve ---
async def serve(reader, writer):
    """Answer."""
    try:
        while data := await reader.read():
            if not data:  # nothing
                writer.transport.abort()
            writer.write(
                data
            )
            # --- Wait ---
            await writer.drain()
    finally:
        with suppress(OSError):
            writer.close()


if __name__ == "__main__":
    sys.exit(0)
'''


def changed(first, change):
    """The body of the small program's function with a change of the statement in a line."""
    [found] = [one for one in alterations("a.py", SMALL) if (one.first, one.change) == (first, change)]
    return found.source


def test_the_alterations_of_a_small_program_are_the_ones_expected():
    assert [(one.first, one.last, one.section, one.change) for one in alterations("a.py", SMALL)] == [
        (9, 9, "Serve", "no finally"),
        (10, 10, "Serve", "left out"),
        (10, 10, "Serve", "always true"),
        (10, 10, "Serve", "opposite"),
        (11, 11, "Serve", "always true"),
        (11, 11, "Serve", "opposite"),
        (12, 12, "Serve", "left out"),
        (12, 12, "Serve", "close"),
        (13, 15, "Serve", "left out"),
        (17, 17, "Wait", "left out"),
        (19, 19, "Wait", "bare"),
        (20, 20, "Wait", "left out"),
        (20, 20, "Wait", "abort"),
        (23, 23, "Wait", "left out"),
        (24, 24, "Wait", "left out"),
    ]


@pytest.mark.parametrize(
    ("first", "change", "gone", "there"),
    [
        (9, "no finally", "finally:", "    with suppress(OSError):"),
        (10, "always true", None, "while (data := (await reader.read())) or True:"),
        (10, "opposite", None, "while not (data := (await reader.read())):"),
        (11, "always true", "if not data", "            writer.transport.abort()"),
        (11, "opposite", None, "if not not data:"),
        (12, "left out", "abort", "pass"),
        (12, "close", "abort", "writer.transport.close()"),
        (17, "left out", "drain", "writer.write(data)"),
        (19, "bare", "suppress", "        writer.close()"),
        (20, "abort", "writer.close", "writer.transport.abort()"),
    ],
)
def test_a_change_changes_what_it_says_and_nothing_else(first, change, gone, there):
    source = changed(first, change)
    usual = alterations("a.py", SMALL)[-1].source
    assert there in source
    assert source != usual
    assert gone is None or (gone in usual and gone not in source)
    compile(source, "a.py", "exec")


def test_an_except_an_else_and_a_second_statement_alike_are_told_apart():
    source = "def f(a):\n    try:\n        a()\n        a()\n    except OSError:\n        b()\n"
    source += "    if a:\n        c()\n    else:\n        d()\n"
    found = alterations("a.py", source)
    assert [one.key for one in found if one.code == "a()"] == [("a.py", "a()", "left out", nth) for nth in (1, 2)]
    changes = {one.code: [other.change for other in found if other.code == one.code] for one in found}
    assert changes["try:"] == ["no handler"]
    assert changes["if a:"] == ["always false", "always true", "opposite"]


def test_only_what_a_program_does_counts_for_its_digest():
    assert digest(SMALL) == digest(SMALL.replace("Answer", "Reply").replace("  # nothing", "").replace("\n\n\n", "\n"))
    assert digest(SMALL) != digest(SMALL.replace("OSError", "ValueError"))


# --- The record of the project ---


@pytest.mark.parametrize("file", PROGRAMS)
def test_the_record_is_of_the_programs_as_they_are_and_has_a_reason_for_each_statement(file):
    remedy = "compare.py why --save docs/why.json; compare.py why --format markdown > docs/why.md"
    digests, everything = record.read()
    known = {key: seen for key, seen in everything.items() if key[0] == file}
    assert digests[file] == digest(SOURCES[file]), f"{file} has changed: {remedy}"
    assert [one.key for one in alterations(file, SOURCES[file])] == list(known), remedy
    assert [key for key, seen in known.items() if seen is None] == []
    noticed = [seen for seen in known.values() if seen is not None]
    assert {seen.scenario for seen in noticed} <= SCENARIOS.keys(), remedy
    assert {seen.defect for seen in noticed} <= {"", *DEFECTS}, remedy


def test_the_page_shows_the_record_beside_the_programs():
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        assert compare.main(["why", "--format", "markdown"]) == 0
    assert output.getvalue() == (ROOT / "docs" / "why.md").read_text()


def test_what_was_found_can_be_read_back(tmp_path):
    [first, second, *_] = alterations("streams_impl/server.py", SOURCES["streams_impl/server.py"])
    seen = Evidence("tutorial", "tcp", ("asyncio",), "client exited with 1", told=True, defect="the end raises")
    path = tmp_path / "why.json"
    path.write_text(record.to_json({first.file: SOURCES[first.file]}, {first: seen, second: None}))
    known = {first.key: seen, second.key: None}
    assert record.read(path) == ({first.file: digest(SOURCES[first.file])}, known)
    assert record.read(tmp_path / "none") == ({}, {})


@pytest.mark.parametrize("text", ["", "[]", '{"why": 2}', '{"why": 1, "programs": {"a": {}}}', "{" * 100_000])
def test_a_record_that_is_none_is_one_line_with_the_remedy(text, tmp_path):
    (tmp_path / "why.json").write_text(text)
    with pytest.raises(CannotCompare, match=r"is not a file of `compare.py why --save`.*; name one, or make it anew"):
        record.read(tmp_path / "why.json")


# --- The view ---


def evidence_of(source):
    """Every statement with a long reason but for the first, which has none."""
    seen = Evidence("never-reads", "tcp6", ("asyncio",), "server took 256 MiB of memory, more than 64 MiB " * 3)
    first, *others = alterations("a.py", source)
    return {first: None, **dict.fromkeys(others, seen)}


def test_the_margins_are_readable_at_80_columns():
    long = SMALL.replace("writer.write(", f"writer.write({'a' * 100}, ")
    found = evidence_of(long)
    lines = ["".join(text for text, _ in line) for line in layout.text_of(view.whole({"a.py": long}, found), 80)]
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for number, line in enumerate(SMALL.splitlines(), 1):
        assert re.search(rf"^ +{number} *{re.escape(line[:40])}" if line else rf"^ +{number}$", text, re.MULTILINE), (
            line
        )
    assert "      - were its finally left out after an error: nothing shows it; give it a" in text
    assert "      - were it always so, or were it the opposite, server took 256 MiB of" in text
    assert "nothing shows it at a.py:9" in " ".join(text.split())


def test_a_note_says_where_it_shows_if_that_is_not_everywhere():
    [one, *_] = alterations("a.py", SMALL)
    told = {}
    for seen in (
        Evidence("tutorial", "tcp", ("asyncio", "uvloop"), "x"),
        Evidence("tutorial", "unix", ("uvloop",), "x"),
        Evidence("tutorial", "tcp", ("asyncio", "uvloop"), "x", defect="the end raises"),
    ):
        blocks = view.whole({"a.py": SMALL}, {one: seen})
        told[seen] = next(block.text for block in blocks if getattr(block, "mark", ""))
    assert [text.rpartition(", x ")[2] for text in told.values()] == [
        "(tutorial)",
        "(tutorial over unix, on uvloop only)",
        "(tutorial when the end raises)",
    ]


# --- The command line ---


def run(*words):
    """Exit code, standard output and standard error."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            code = compare.main(["why", *words])
        except SystemExit as end:
            code = end.code
    return code, output.getvalue(), errors.getvalue()


def test_a_statement_is_named_by_any_line_of_it():
    [first] = [one for one in alterations(PROGRAMS[2], SOURCES[PROGRAMS[2]]) if "start_server" in one.code]
    assert first.last > first.first + 2
    for line in range(first.first, first.last + 1):
        assert command.named(f"streams_impl/server.py:{line}", SOURCES) == [first]
    for path in (PROGRAMS[0], f"./{PROGRAMS[0]}", str(ROOT / PROGRAMS[0])):
        assert {one.file for one in command.named(path, SOURCES)} == {PROGRAMS[0]}
    assert {one.file for one in command.named(None, SOURCES)} == set(PROGRAMS)


def test_all_about_one_statement_with_the_commands_that_show_it():
    [write] = [one for one in alterations(PROGRAMS[2], SOURCES[PROGRAMS[2]]) if one.code == "writer.write(data)"]
    code, output, errors = run(write.place)
    assert (code, errors) == (0, "")
    assert output.startswith(f"{write.place}, Bytes arrive\n  ")
    assert "writer.write(data)\n\nwithout it, " in output
    assert "as it is: python compare.py run --scenario " in output
    assert f"altered: python compare.py why {write.place} --again\n" in output


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["servers.py"], "why 'servers.py' is unknown; known are streams_impl/server.py, "),
        (["server.py"], "why 'server.py' stands for several; give one of streams_impl/server.py, "),
        (["streams_impl/sever.py"], "did you mean streams_impl/server.py"),
        (["streams_impl/server.py:1"], "stands in line '1'; see compare.py why streams_impl/server.py"),
        (["streams_impl/server.py:"], "no statement that is tried stands in line ''"),
        (["streams_impl/server.py:\u0661"], "no statement that is tried stands in line "),
        (["streams_impl/server.py:" + "9" * 5000], "no statement that is tried stands in line '9999"),
        (["common/server.py"], "why 'common/server.py' is unknown"),
        (["a\x1b[2K\nb"], "is unknown"),
        (["--sample", "0"], "'0' is not a whole number of at least 1"),
        (["--save", "/no/such/folder/x"], "its folder cannot be written; make it or name another"),
    ],
)
def test_bad_input_is_one_line_with_the_remedy(words, wrong):
    code, output, errors = run(*words)
    assert (code, output) == (2, "")
    assert wrong in errors
    assert errors.count("\n") == 1
    assert "\x1b" not in errors


def test_json_is_what_the_record_has():
    code, output, _ = run(PROGRAMS[0], "--format", "json")
    assert code == 0
    own = json.loads(output)["programs"][PROGRAMS[0]]
    assert own == json.loads((ROOT / "docs" / "why.json").read_text())["programs"][PROGRAMS[0]]
