"""The views of a recorded comparison: Markdown, JSON, and the terminal.

`PYTHONPATH=.:tests python tests/report/test_report.py` writes the golden files anew; read their diff.
"""

import dataclasses
import importlib.util
import io
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded import judged

from comparison import files, layout
from comparison.judge.causes import Names
from comparison.model import (
    PARTS,
    RAW,
    CannotCompare,
    Cell,
    Comparison,
    Endpoint,
    Expectation,
    Log,
    Pairing,
    Run,
    Scenario,
    Survey,
    Verdict,
)
from comparison.play.transports import TCP, TRANSPORTS
from comparison.report import causes, export, view
from comparison.transcript import parse

GOLDEN = Path(__file__).parents[1] / "golden"
PAYLOAD = b"This is the message."
SCENARIO = Scenario("recorded", "one message, recorded", PAYLOAD, shows=("eof-callback", "selector"))


def endpoint(implementation: str) -> Endpoint:
    start = ("python", "-m")
    return Endpoint(
        implementation,
        "asyncio",
        "3.12.1",
        f"{implementation}/asyncio",
        (*start, f"{implementation}.server"),
        (*start, f"{implementation}.client"),
    )


STREAMS, PROTOCOL = endpoint("streams"), endpoint("protocol")


def server_log(*more: str, eof: bool) -> list[str]:
    peer = "echo_127.0.0.1_64624"
    return [
        "main: starting up on localhost port 10000",
        f"{peer}: connection accepted",
        f"{peer}: received {PAYLOAD!r}",
        f"{peer}: sent {PAYLOAD!r}",
        *([f"{peer}: received EOF"] if eof else []),
        f"{peer}: closing",
        *more,
        "main: closing server",
        "main: closing event loop",
    ]


def client_log(*more: str, eof: bool) -> list[str]:
    return [
        "echo_client: connecting to localhost port 10000",
        f"echo_client: sending {PAYLOAD!r}",
        "echo_client: waiting for response",
        f"echo_client: received {PAYLOAD!r}",
        *(["echo_client: received EOF"] if eof else []),
        *more,
        "echo_client: closing",
        "main: closing event loop",
    ]


def recorded(pairing: Pairing, server: list[str], client: list[str], code: int = 0) -> Run:
    """One run of which these are the logs."""
    logs = (
        Log(pairing.server.server_command, tuple(server), 0, events=parse(server)),
        Log(pairing.client.client_command, tuple(client), code, events=parse(client)),
    )
    return Run(pairing, 1, *logs)


def compared(*odd_lines: str, repeat: int = 1, names: Names | None = None) -> Comparison:
    """Streams and Protocol with each other: EOF is known; where a Streams server has a Protocol client, its log
    has lines that nothing explains; Protocol with itself loses bytes."""
    both = (STREAMS, PROTOCOL)
    ended_early = "echo_client: ERROR ended early: 12 of 20 bytes came back from localhost port 10000"
    runs = [
        recorded(Pairing(STREAMS, STREAMS), server_log(eof=False), client_log(eof=False)),
        recorded(Pairing(STREAMS, PROTOCOL), server_log(*odd_lines, eof=False), client_log(eof=True)),
        recorded(Pairing(PROTOCOL, STREAMS), server_log(eof=True), client_log(eof=False)),
        recorded(Pairing(PROTOCOL, PROTOCOL), server_log(eof=True), client_log(ended_early, eof=True), 1),
    ]
    reference = Pairing(STREAMS, STREAMS)
    cells, causes, groups = judged(SCENARIO, runs, reference, names)
    return Comparison(
        scenario=SCENARIO,
        transport=TCP,
        environment={"Python": "3.12.1", "system": "Linux 6.1 x86_64"},
        endpoints=both,
        servers=both,
        clients=both,
        reference=reference,
        repeat=repeat,
        cells=cells,
        causes=causes,
        groups=groups,
        notes=("uvloop is not installed for Python 3.12.1, so it is left out",),
        duration_s=1.25,
    )


ODD_LINE = "asyncio: Executing <Task> took 0.101 seconds"


def survey(*comparisons: Comparison) -> Survey:
    """What one call has compared."""
    return Survey(comparisons, sum(comparison.duration_s for comparison in comparisons))


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compared(ODD_LINE)


def test_the_recording_shows_each_kind_of_verdict_that_can_come_up(comparison):
    assert [cell.verdict for cell in comparison.cells] == [
        Verdict.REFERENCE,
        Verdict.DIFFERENT,
        Verdict.ALIKE,
        Verdict.FAILED,
    ]
    assert [(cause.event, cause.explanation is not None, cause.is_failure) for cause in comparison.causes] == [
        ("client exited with 1: ERROR ended early: <n> of <n> bytes came back from localhost port <n>", False, True),
        ("log", False, False),
        ("eof", True, False),
    ]
    assert [[str(cell.verdicts[part]) for part in PARTS] for cell in comparison.cells] == [
        ["reference", "reference"],
        ["identical", "different"],
        ["identical", "alike"],
        ["identical", "failed"],
    ]
    assert survey(comparison).exit_code == 1


def markdown(what: Survey, **options: bool) -> str:
    """The whole view as Markdown."""
    return layout.markdown_of(view.blocks(what, **options))


def test_the_markdown_view_is_the_golden_one(comparison):
    assert markdown(survey(comparison)) == (GOLDEN / "report.md").read_text()


def test_the_json_view_is_the_golden_one(comparison):
    text = export.to_json(survey(comparison))
    assert text.endswith("}\n")
    assert json.loads(text) == json.loads((GOLDEN / "report.json").read_text())


def test_the_raw_logs_are_shown_in_markdown_as_they_came(comparison):
    text = markdown(survey(comparison), raw=True)
    for cell in comparison.cells:
        for log in (cell.runs[0].server, cell.runs[0].client):
            assert "\n".join(("```text", *log.lines, "```")) in text


def shown(what: Comparison | Survey, monkeypatch: pytest.MonkeyPatch, width: int = 160, **options: bool) -> str:
    """The view of a terminal so many columns wide, as it lands in a file: the same with rich and without."""
    monkeypatch.setenv("COLUMNS", str(width))
    views = []
    for found in (importlib.util.find_spec("rich"), None):
        with monkeypatch.context() as patch:
            patch.setattr(layout.importlib.util, "find_spec", lambda name, found=found: found)
            file = io.StringIO()
            layout.draw(view.blocks(what if isinstance(what, Survey) else survey(what), **options), file)
            views.append(file.getvalue())
    assert len(set(views)) == 1
    return views[0]


def words(text: str) -> str:
    """A text as it reads, wherever its lines are broken."""
    return " ".join(text.split())


@pytest.mark.parametrize("raw", [False, True], ids=["", "raw"])
@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(comparison, monkeypatch, width, raw):
    text = shown(comparison, monkeypatch, width, raw=raw, diff=True)
    *lines, last = text.splitlines()
    assert [line for line in lines if len(line) > width] == []
    assert re.fullmatch("Next: python3 compare.py --scenario .* --raw", last)  # in one line, to be copied
    squeezed = "".join(text.split())
    lines = [line.text for group in comparison.groups for line in group.diff]  # broken anywhere, and not cut
    assert [line for line in lines if "".join(line.split()) not in squeezed] == []
    text = words(text)
    for verdict in ("* reference", "~ alike", "! different", "x failed"):
        assert f"{verdict}:" in text
    for cell in comparison.cells:
        if cell.verdict.is_trouble:
            assert words(f"{cell.pairing} {cell.verdict} (how it ended): {cell.reason}") in text
    for cause in comparison.causes:
        assert f"{cause.name}: " in text
        assert words(cause.finding) in text
        if cause.explanation is not None:
            assert words(cause.explanation.text) in text
    assert all(words(note) in text for note in comparison.notes)
    assert "4 pairings in 1.2 s: 1 reference, 1 alike, 1 different, 1 failed" in text
    assert "Must hold for everybody: all that was sent comes back, byte for byte; " in text


def matrix(text: str) -> list[list[str]]:
    """Head and body of the matrix of a terminal: a row for each line, split into its cells."""
    lines = text[text.index("server / client") :].splitlines()
    return [re.split(" {2,}", line.strip()) for line in itertools.takewhile(lambda line: line[:2] != "* ", lines)]


def test_the_matrix_of_a_wide_terminal_is_in_words(comparison, monkeypatch):
    """What is only told otherwise has a sign and no name."""
    assert matrix(shown(comparison, monkeypatch, 80)) == [
        ["server / client", "streams/", "protocol/"],
        ["asyncio", "asyncio"],
        ["streams/asyncio", "* reference", "! different B"],
        ["protocol/asyncio", "~ alike", "x failed A"],
    ]


def test_the_matrix_of_a_narrow_terminal_is_in_signs_that_are_explained(comparison, monkeypatch):
    assert matrix(shown(comparison, monkeypatch, 40)) == [
        ["server / client", "1", "2"],
        ["streams/asyncio", "*", "! B"],
        ["protocol/asyncio", "~", "x A"],
        ["1 client streams/asyncio"],
        ["2 client protocol/asyncio"],
    ]


def test_a_cause_has_its_lines_with_one_of_context_and_what_both_sides_tell_alike_is_shown_once(comparison):
    lines = {cause.event: list(causes.lines_of(comparison, cause)) for cause in comparison.causes}
    assert lines["eof"] == [
        (
            "server log against the reference's: server protocol/asyncio, client streams/asyncio",
            [
                " echo_127.0.0.1_<port>: sent b'This is the message.'",
                "+echo_127.0.0.1_<port>: received EOF",
                " echo_127.0.0.1_<port>: closing",
            ],
        ),
        ("client log against the reference's: server streams/asyncio, client protocol/asyncio", []),
    ]
    [(_, odd)] = lines["log"]
    assert odd == [
        " main: starting up on localhost port <port>",
        f"+{ODD_LINE}",
        " echo_127.0.0.1_<port>: connection accepted",
    ]


def test_a_cause_with_many_lines_shows_the_first():
    odd = [f"asyncio: odd {number}" for number in range(100)]
    comparison = compared(*odd)
    [lines] = [
        lines for cause in comparison.causes if cause.event == "log"
        for _, lines in causes.lines_of(comparison, cause)
    ]  # fmt: skip
    assert (len(lines), lines[-1]) == (13, "@@ 90 lines more @@")


def test_the_whole_diff_is_shown_on_request_with_what_each_cause_goes_by(comparison, monkeypatch):
    lines = shown(comparison, monkeypatch, 160, diff=True).splitlines()
    assert f"  +{ODD_LINE}   [B]" in lines
    assert "  +echo_127.0.0.1_<port>: received EOF   [eof-callback]" in lines
    assert "   main: closing event loop" in lines
    assert "main: closing event loop" not in shown(comparison, monkeypatch, 160)


def test_the_raw_logs_are_shown_side_by_side(comparison, monkeypatch):
    text = shown(comparison, monkeypatch, 160, raw=True)
    assert re.search(r"^server +\| client$", text, re.MULTILINE)
    first_lines = r"main: starting up on localhost port 10000 +\| echo_client: connecting to localhost port 10000"
    assert len(re.findall(first_lines, text)) == 4


def test_a_file_gets_no_escape_codes_and_no_trailing_blanks(comparison, monkeypatch):
    text = shown(comparison, monkeypatch, raw=True)
    assert "\x1b" not in text
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


HOSTILE = {
    "html": "<script>alert(1)</script>",
    "a fence": "```",
    "a long fence": "   ````````` x",
    "a fence of tildes": "~~~",
    "a table": "| a | b | `c` | \\| d",
    "markdown": "# [a](b) *c* _d_ ![e](f) &lt; 1. \\",
    "markup of the terminal": "[bold red]a[/] [link=x]b[/link]",
    "control characters": "\x1b[31mred\x1b[2J \x07\x08\r\x0b\x0c\x00\x7f\x9b31m",
    "ends of lines": "a\rb\x0bc\x0cd\x1ce\x85f\u2028g",
    "what looks the other way": "\u202eabc\u2066 \ufeff",
    "half a character": "\udc80 \ud83d",
}
"""Lines of a log that want to be something else."""

AS_A_RECORD = {
    "several lines": "a\n```\n| b |\n# c\n<script>",
    "several lines and an escape code": "a\n\x1b[31m\n",
}
"""What a record of JSON can hold in one line, besides."""


def record(message: str, event: str = "log", logger: str = "asyncio") -> str:
    return json.dumps({"t_ns": 1, "logger": logger, "level": "info", "event": event, "message": message})


HOSTILE_LINES = [
    *(pytest.param(text, id=name) for name, text in HOSTILE.items()),
    *(pytest.param(record(text), id=f"{name} in a record") for name, text in (HOSTILE | AS_A_RECORD).items()),
]


def unprintable(text: str) -> list[str]:
    """What would move the cursor, change a colour, or turn the text around."""
    return [character for character in text if not character.isprintable() and character not in "\n"]


def blocks(view: str) -> Iterator[tuple[bool, str]]:
    """The lines of a Markdown text, each with whether it stands inside a code block, as CommonMark reads it."""
    fence = ""
    for line in view.split("\n"):
        found = re.match(r" {0,3}(`{3,}|~{3,})([^`]*)$", line)
        if fence and found and found[1].startswith(fence) and not found[2].strip():
            yield True, line
            fence = ""
        elif not fence and found:
            yield True, line
            fence = found[1]
        else:
            yield bool(fence), line
    assert not fence, "a code block has no end"


def spoken(line: str) -> str:
    """A hostile line as a reader should see it: what cannot be printed as Python would escape it."""
    text = json.loads(line)["message"] if line.startswith("{") else line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@pytest.mark.parametrize("line", HOSTILE_LINES)
def test_hostile_text_in_a_log_shows_as_itself_in_markdown(line):
    comparison = compared(line)
    plain = markdown(survey(compared(ODD_LINE)), raw=True)
    shown = markdown(survey(comparison), raw=True)
    shown.encode()
    assert unprintable(shown) == []
    inside = [text for in_block, text in blocks(shown) if in_block]
    assert any(text.rstrip().endswith(spoken(line).rstrip()) for text in inside)
    assert any(spoken(line).rstrip() in text for text in inside if text.startswith("+"))
    outside = [text for in_block, text in blocks(shown) if not in_block]
    assert "<script>" not in "".join(outside)
    structure = re.compile(r"^(\||#)")
    same = [text for in_block, text in blocks(plain) if not in_block and structure.match(text)]
    assert [text for text in outside if structure.match(text)] == same


@pytest.mark.parametrize("line", HOSTILE_LINES)
def test_hostile_text_in_a_log_shows_as_itself_in_a_terminal(line, monkeypatch):
    text = shown(compared(line), monkeypatch, raw=True)
    text.encode()
    assert unprintable(text) == []
    assert words(spoken(line)) in words(text.replace("|", " ")) or words(spoken(line)) in words(text)


@pytest.mark.parametrize("line", HOSTILE_LINES)
def test_hostile_text_in_a_log_is_kept_in_json(line):
    document = json.loads(export.to_json(survey(compared(line))))
    message = json.loads(line)["message"] if line.startswith("{") else line
    log = document["comparisons"][0]["cells"][1]["runs"][0]["server"]["lines"]
    assert any(line in told or message in told for told in log)


@pytest.mark.parametrize("text", ["a|b", "<script>", "`", "**", "[a](b)", "&lt;", "~~a~~", "\\"])
def test_hostile_text_in_a_reason_stays_text(text):
    lost = recorded(Pairing(STREAMS, STREAMS), server_log(eof=False), [*client_log(eof=False), text], 1)
    cells, causes, groups = judged(SCENARIO, [lost], lost.pairing)
    one = (STREAMS,)
    comparison = Comparison(SCENARIO, TCP, {}, one, one, one, lost.pairing, 1, cells, causes, groups, (), 1.0)
    assert cells[0].reason.endswith(f": {text}")
    (line,) = [line for line in markdown(survey(comparison)).splitlines() if line.startswith("- **")]
    bold = re.fullmatch(r"- \*\*`x` (.*)\*\*", line)[1]
    assert re.findall(r"[`*_<>|\[\]&~\\]", re.sub(r"\\[!-/:-@\[-`{-~]", "", bold)) == []
    assert re.sub(r"\\(.)", r"\1", bold).endswith(text)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"), (3.61, "3.6 s"), (9, "9 s"), (59.4, "59.4 s"), (59.6, "1 min 0 s"), (351.9, "5 min 52 s"),
        (3599.7, "1 h 0 min"), (7321, "2 h 2 min"),
    ],
)  # fmt: skip
def test_a_time_is_said_as_one_says_it(seconds, said):
    assert layout.duration(seconds) == said


# --- Several scenarios ---


def skipped_comparison() -> Comparison:
    """A scenario that could not be tried: two servers, and a client that the engine would have played."""
    scenario = dataclasses.replace(
        SCENARIO, name="recorded-tls", description="one message over TLS", transports=("tls",), on_trial=("server",)
    )
    why = "it needs trustme: pip install trustme (or '.[tls]')"
    pairings = [Pairing(STREAMS, RAW), Pairing(PROTOCOL, RAW)]
    return dataclasses.replace(
        compared(),
        scenario=scenario,
        transport=TRANSPORTS["tls"],
        clients=(RAW,),
        reference=pairings[0],
        cells=tuple(Cell(pairing, {}, why, (), (), 0, 0, 0) for pairing in pairings),
        causes=(),
        groups=(),
        duration_s=0.0,
    )


def three_scenarios() -> Survey:
    """A comparison in which all is well, one in which something is wrong, and one that was skipped."""
    names = Names()
    well = compared(names=names)
    fine = [cell for cell in well.cells if cell.verdict is not Verdict.FAILED]
    well = dataclasses.replace(
        well,
        scenario=dataclasses.replace(SCENARIO, name="all-well"),
        servers=(STREAMS,),
        cells=tuple(fine[:2]),
        causes=tuple(cause for cause in well.causes if cause.explanation is not None),
    )
    return survey(well, compared(ODD_LINE, names=names), skipped_comparison())


@pytest.fixture(scope="module")
def several() -> Survey:
    return three_scenarios()


def test_the_overview_in_markdown_is_the_golden_one(several):
    assert markdown(several) == (GOLDEN / "overview.md").read_text()


@pytest.mark.parametrize("width", [60, 80, 160])
def test_the_overview_of_a_terminal_loses_nothing(several, monkeypatch, width):
    text = shown(several, monkeypatch, width)
    *lines, _ = text.splitlines()
    assert [line for line in lines if len(line) > width and not line.startswith("  By itself: ")] == []
    if width == 160:
        assert [words(line) for line in lines[lines.index("") + 4 :][:4]] == [
            "scenario what was echoed how it ended time causes",
            "all-well *1 =1 *1 ~1 1.2 s",
            "recorded *1 =3 *1 ~1 !1 x1 1.2 s A B",
            "recorded-tls -2 -2 0.0 s",
        ]
    text = words(text)
    assert "3 scenarios Python" in text
    for cell in several.comparisons[1].cells:
        if cell.verdict.is_trouble:
            assert words(f"{cell.pairing} {cell.verdict} (how it ended): {cell.reason}") in text
    assert "- 2 pairings skipped in recorded-tls: it needs trustme: pip install trustme (or '.[tls]')" in text
    assert text.count("eof-callback: Protocol is told of the end of file") == 1
    assert "Seen in all-well, recorded." in text
    assert "8 pairings in 2.5 s: 2 skipped, 2 reference, 2 alike, 1 different, 1 failed." in text


def test_where_nothing_ran_the_view_says_why_and_the_exit_code_is_2(monkeypatch):
    nothing = survey(skipped_comparison())
    assert nothing.exit_code == 2
    counts = "2 skipped, 0 different, 0 failed"
    for text in (markdown(nothing), shown(nothing, monkeypatch)):
        assert text.startswith("Nothing was tried: it needs trustme: pip install trustme")
        assert "2 pairings skipped in recorded-tls: it needs trustme: pip install trustme" in words(text)
        assert f"2 pairings in 0.0 s: {counts}." in words(text)


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([Verdict.REFERENCE, Verdict.IDENTICAL, Verdict.ALIKE, Verdict.EXPLAINED, Verdict.SKIPPED], 0),
        ([Verdict.REFERENCE], 0),
        ([Verdict.SKIPPED, Verdict.SKIPPED], 2),
        ([Verdict.SKIPPED, Verdict.DIFFERENT], 1),
        ([Verdict.IDENTICAL, Verdict.FAILED], 1),
        ([], 2),
    ],
)
def test_the_exit_code_is_that_of_diff(verdicts, code):
    cells = tuple(
        Cell(Pairing(STREAMS, STREAMS), {} if v is Verdict.SKIPPED else {"echo": v}, "", (), (), 1, 1, 0)
        for v in verdicts
    )
    assert survey(dataclasses.replace(compared(), cells=cells)).exit_code == code


# --- JSON, there and back ---


def views(what: Survey, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every view of it."""
    return [
        markdown(what),
        markdown(what, diff=True, raw=True),
        export.to_json(what),
        shown(what, monkeypatch),
        shown(what, monkeypatch, diff=True, raw=True),
    ]


def judged_by_the_wire() -> Comparison:
    """Programs that tell nothing of the contract: what is known of one was seen on the wire, the other talks of other
    things."""
    expects = Expectation(echo="part", client_exit=0, warnings=("idle",), memory_mib=96, by_timing=("lost",))
    scenario = dataclasses.replace(SCENARIO, expects=expects)
    pairing = Pairing(STREAMS, STREAMS)
    on_the_wire = parse(record(event.message, event.name, event.speaker) for event in parse(client_log(eof=False)))
    chatty = recorded(pairing, ["Hello, world!", "echo_x: closing"], [])
    client = dataclasses.replace(chatty.client, events=on_the_wire)
    chatty = dataclasses.replace(chatty, client=client, silent=("server", "client"))
    cells, causes, groups = judged(scenario, [chatty], pairing)
    one = (STREAMS,)
    return dataclasses.replace(
        compared(repeat=3), scenario=scenario, servers=one, clients=one, cells=cells, causes=causes, groups=groups
    )


def load(path: Path) -> Survey:
    """The results in a file, as `report` reads them."""
    return export.from_json(files.read(path, export.WANTED), str(path))


@pytest.mark.parametrize("which", ["several", "one", "by the wire", "skipped"])
def test_what_is_read_back_has_the_same_views(which, several, comparison, monkeypatch, tmp_path):
    what = {
        "several": several,
        "one": survey(comparison),
        "by the wire": survey(judged_by_the_wire()),
        "skipped": survey(skipped_comparison()),
    }[which]
    path = tmp_path / "result.json"
    path.write_text(export.to_json(what))
    read = load(path)
    assert views(read, monkeypatch) == views(what, monkeypatch)
    assert read.exit_code == what.exit_code


@pytest.mark.parametrize("line", HOSTILE_LINES)
def test_hostile_text_in_a_log_is_read_back_from_json(line, tmp_path):
    path = tmp_path / "result.json"
    path.write_text(export.to_json(survey(compared(line))))
    (read,) = load(path).comparisons
    assert [run.server.lines for cell in read.cells for run in cell.runs] == [
        run.server.lines for cell in compared(line).cells for run in cell.runs
    ]


def damaged(*keys: object, value: object = None) -> str:
    """A document in which the field at `keys` is something else, or missing."""
    document = json.loads(export.to_json(survey(compared())))
    inner = document
    for key in keys[:-1]:
        inner = inner[key]
    if value is None:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    return json.dumps(document)


BAD_FILES = {
    "nothing": ("", "it is not JSON"),
    "no JSON": ("# 2 servers x 2 clients", "it is not JSON"),
    "no end": ('{"schema": 3,', "it is not JSON"),
    "too deep": ("[" * 100_000, "it is too deep"),
    "no text": (b"\xff\xfe\x00", "it is not JSON"),
    "a list": ("[]", "it has layout None, and 3 is what is read here"),
    "another layout": ('{"schema": 2}', "it has layout 2, and 3 is what is read here"),
    "no endpoints": ('{"schema": 3}', "there is no 'endpoints'"),
    "a cell without a reason": (
        damaged("comparisons", 0, "cells", 0, "reason"),
        "it.comparisons[0].cells[0] has no 'reason'",
    ),
    "an unknown verdict": (
        damaged("comparisons", 0, "cells", 0, "verdicts", "echo", value="good"),
        "it.comparisons[0].cells[0].verdicts['echo'] is no Verdict",
    ),
    "an unknown endpoint": (
        damaged("comparisons", 0, "cells", 0, "server", value="nobody"),
        "there is no 'nobody'",
    ),
    "an unknown cause": (
        damaged("comparisons", 0, "causes", -1, "explanation", "name", value="magic"),
        "there is no 'magic'",
    ),
    "comparisons that are none": (
        damaged("comparisons", value=[7]),
        "it.comparisons[0] is no Comparison",
    ),
}


@pytest.mark.parametrize("bad", BAD_FILES)
def test_a_file_that_is_no_result_is_refused_with_the_remedy(bad, tmp_path):
    content, why = BAD_FILES[bad]
    path = tmp_path / "result.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CannotCompare) as caught:
        load(path)
    told = f"is not a file that --format json has written ({why}); name one, or make it anew"
    assert str(caught.value) == f"{str(path)!r} {told}"


def test_a_file_that_is_not_there_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(CannotCompare) as caught:
        load(tmp_path / "nosuch")
    name = str(tmp_path / "nosuch")
    assert str(caught.value) == (
        f"{name!r} cannot be read (No such file or directory); name a file that --format json has written"
    )


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    (GOLDEN / "report.md").write_text(markdown(survey(compared(ODD_LINE))))
    (GOLDEN / "report.json").write_text(export.to_json(survey(compared(ODD_LINE))))
    (GOLDEN / "overview.md").write_text(markdown(three_scenarios()))
