"""The HTML report, without a browser: what stands in it, on recorded results."""

import dataclasses
import json
import re
import shlex
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock

import pytest

pytest.importorskip("jinja2", reason="jinja2 is not installed: pip install '.[report]'")

import recorded_bench
from recorded_page import ALL_VERDICTS, ENDPOINTS, HOSTILE, MADE, PAYLOAD, recorded, survey
from test_compare_cli import run

from common.logs import EVENTS
from compare import main
from comparison import endpoints
from comparison.bench import view
from comparison.judge.catalogue import CATALOGUE
from comparison.judge.condense import condense
from comparison.model import CannotCompare, Pairing, Survey, Verdict
from comparison.report import causes, code, command, export, repeat, sentence, timeline, words
from comparison.report.html import behaviours, evidence, page
from comparison.vocabulary import KINDS

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parents[1] / "golden"
"""`PYTHONPATH=.:tests python tests/report/test_html_report.py` writes what is in it anew."""
VOID = {"meta", "link", "br", "wbr", "img", "input"}
STREAMS, PROTOCOL = ENDPOINTS[0], ENDPOINTS[2]


class Outline(HTMLParser):
    """The elements of a page: that they are closed in order, their ids, links and addresses, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text += data

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.elements if name in attributes]


def golden() -> dict[str, str]:
    """The page of the recorded survey without the code, the style and the script, and its data: by file name."""
    with mock.patch.object(code, "source_of", return_value=None), mock.patch.object(behaviours, "collect", dict):
        text = page.render(survey(), MEASURED, *MADE)
    text = text.replace("><", ">\n<")
    text = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", text, flags=re.DOTALL)
    document = json.dumps(data_of(text), indent=1) + "\n"
    return {"page.html": re.sub(r"(<script type=[^>]*>).*?(</script>)", r"\1\2", text), "page.json": document}


def data_of(text: str) -> dict:
    """The data from which the script of a page draws."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


@pytest.fixture(scope="module")
def text() -> str:
    return page.render(survey(), None, *MADE)


@pytest.fixture(scope="module")
def outline(text) -> Outline:
    found = Outline()
    found.feed(text)
    found.close()
    return found


@pytest.fixture(scope="module")
def data(text) -> dict:
    return data_of(text)


@pytest.mark.parametrize("name", ["page.html", "page.json"])
def test_the_page_is_the_golden_one(name):
    assert golden()[name] == (GOLDEN / name).read_text()


def test_the_recording_has_every_verdict():
    assert {cell.verdict for comparison in survey().comparisons for cell in comparison.cells} == ALL_VERDICTS


def test_the_page_is_well_formed_and_every_link_has_its_target(outline):
    assert outline.open == []
    ids = outline.attributes("id")
    assert len(ids) == len(set(ids))
    targets = [address for address in outline.attributes("href") if address.startswith("#") and "=" not in address]
    assert set(targets) <= {f"#{name}" for name in ids}
    labelled = outline.attributes("aria-labelledby")
    assert set(labelled) <= set(ids)


def test_nothing_is_asked_of_anybody(text, outline):
    addresses = [*outline.attributes("href"), *outline.attributes("src")]
    assert [address for address in addresses if not address.startswith(("#", "data:"))] == []
    assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttpRequest|https?://(?!www\.w3\.org/2000/svg)", text)
    assert "default-src 'none'" in text


def test_the_page_opens_with_what_was_found(outline):
    found = sentence.of(survey())
    assert outline.text.index(found.partition(". ")[0]) < outline.text.index("What differs", 200)
    assert [tag for tag, attributes in outline.elements if attributes.get("class") == "lead"] == ["p"]


def test_each_cell_of_the_map_leads_to_evidence(outline, data):
    shown = [attributes for tag, attributes in outline.elements if tag == "td" and "aria-label" in attributes]
    cells = [cell for scenario in data["scenarios"].values() for cell in scenario["cells"]]
    assert len(shown) == len(cells) == 23
    named = Counter(f"{cell['verdict']}: {cell['server']} -> {cell['client']}" for cell in cells)
    assert Counter(attributes["aria-label"] for attributes in shown) == named
    assert all(cell["runs"] and cell["commands"] for cell in cells)


def test_a_verdict_is_a_symbol_a_word_and_a_colour(text):
    signs = {"*": "reference", "=": "identical", "~": "alike", "^": "explained", "!": "different", "x": "failed"}
    for symbol, word in signs.items():
        assert re.search(rf'<td class="{word}"[^>]* aria-label="{word}: [^"]+">{re.escape(symbol)}[ <]', text)
        assert f'<span class="chip {word}"><b>{symbol}</b>' in text


def test_what_stands_out_comes_first():
    by_name = {words.name(comparison): comparison for comparison in survey().comparisons}
    [pairs] = page.heat_map(Survey(tuple(by_name[name] for name in ("tutorial", "full", "hostile")), 1.0))
    assert [words.name(comparison) for comparison in pairs.rows] == ["hostile", "full", "tutorial"]
    alone = dataclasses.replace(by_name["full"].scenario, name="alone", on_trial=("server",))
    sheets = page.heat_map(Survey((by_name["tutorial"], dataclasses.replace(by_name["full"], scenario=alone)), 1.0))
    assert [[side for side, _ in sheet.heads] for sheet in sheets] == [["server"], ["server", "client"]]


def test_each_cause_tells_all_there_is_to_it(outline, text):
    for comparison in survey().comparisons:
        for cause in comparison.causes:
            assert f'id="cause-{cause.name}"' in text
            if cause.explanation is not None:
                assert cause.explanation.text in outline.text
                assert cause.explanation.source in outline.text
    assert all(cause.finding in outline.text for cause in survey().comparisons[0].causes)


def test_a_card_shows_its_cause_beside_the_reference(data):
    card = data["causes"]["eof-callback"]
    assert card["scenario"] == "tutorial"
    assert card["cells"] == [["streams/asyncio"] * 2, ["protocol/asyncio", "streams/asyncio"]]
    assert card["sections"] == ["code-server-the-peer-has-sent-everything", "code-client-the-peer-has-sent-everything"]


def test_what_is_done_comes_before_what_is_only_told():
    verdicts = [card.cause.verdict for card in causes.collect(survey())]
    assert verdicts == sorted(verdicts, key=list(Verdict).index, reverse=True)
    assert set(verdicts) == {Verdict.FAILED, Verdict.DIFFERENT, Verdict.EXPLAINED, Verdict.ALIKE}


def test_a_behaviour_stands_there_with_both_codes_and_every_place(data):
    one = data["behaviours"]["reused-bytearray"]
    assert one["differs"] == ["loop", "Python"]
    blocks: dict[str, list] = {}
    for kind, *fields in one["blocks"]:
        blocks.setdefault(kind, []).append(fields)
    assert [titles for titles, *_ in blocks["Beside"]] == [
        ["Streams, trap", "Protocol, trap"],
        ["Streams, remedy", "Protocol, remedy"],
    ]
    for head, rows, _ in blocks["Table"]:
        assert all(len(row) == len(head) for row in rows)
        seen = {text for row in rows for text, _ in row[2:]}
        lines = [words for words, _, mark, _ in blocks["Line"] if mark]
        assert all(any(words.startswith(outcome) for words in lines) for outcome in seen)


def test_without_a_record_there_are_no_behaviours(tmp_path):
    assert behaviours.collect(tmp_path / "none.json") == {}


def test_hostile_text_shows_as_itself(text, outline):
    assert text.count("<script") == 2
    assert "<b>markup" not in text
    assert "<i>results" not in text
    assert "lines that want to be <b>markup</b>" in outline.text
    assert [c for c in text if not c.isprintable() and c != "\n"] == []


def test_hostile_lines_show_as_themselves_in_the_data(data):
    for line in HOSTILE:
        shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
        assert any(text.endswith(shown) for text in data["texts"])


def test_the_diagram_shows_how_the_stream_was_cut():
    run = recorded(Pairing(PROTOCOL, STREAMS))
    found = timeline.of(run)
    lines = {side: run.log(side).events for side in ("server", "client")}
    flows = [(lines[f.start[0]][f.start[1]].message, lines[f.end[0]][f.end[1]].message, f.length) for f in found.flows]
    whole, first, last = (repr(data) for data in (PAYLOAD, PAYLOAD[:37], PAYLOAD[37:]))
    assert flows == [
        ("sending b'This is the message. '", f"received {first}", 21),
        ("sending b'It will be sent '", f"received {first}", 16),
        ("sending b'in parts.'", f"received {last}", 9),
        ("waiting for response", "received EOF", 0),
        (f"sent {first}", f"received {whole}", 37),
        (f"sent {last}", f"received {whole}", 9),
        ("closing", "closing", 0),
    ]


def test_the_diagram_has_every_line_in_the_order_of_the_clock():
    run = recorded(Pairing(STREAMS, PROTOCOL))
    rows = timeline.of(run).rows
    assert len(rows) == len(run.server.events) + len(run.client.events)
    times = [run.log(side).events[place].t_ns for side, place in rows]
    assert times == sorted(times)


def test_without_a_half_close_only_the_close_is_eof():
    run = recorded(Pairing(STREAMS, PROTOCOL))
    ends = [flow for flow in timeline.of(run, half_close=False).flows if not flow.length]
    lines = [(flow.start[0], run.log(flow.start[0]).events[flow.start[1]].name) for flow in ends]
    assert lines == [("server", "closing")]


def test_each_event_belongs_to_a_section_that_each_implementation_has():
    for side in ("server", "client"):
        labels = [
            set(endpoints.sections_of((ROOT / f"{api}_impl/{side}.py").read_text())) for api in ("protocol", "streams")
        ]
        assert {getattr(kind, side) for kind in KINDS.values() if getattr(kind, side)} <= labels[0] & labels[1]
    linked = {name for name, kind in KINDS.items() if kind.server or kind.client}
    assert linked >= EVENTS.keys() & KINDS.keys()


@pytest.mark.parametrize("side", ["server", "client"])
def test_sections_stand_side_by_side_and_no_line_is_lost(side):
    rows = code.collect(ENDPOINTS)[side].values()
    assert all(len(parts) == 2 for parts in rows)
    for path in (f"streams_impl/{side}.py", f"protocol_impl/{side}.py"):
        source = (ROOT / path).read_text().splitlines()
        shown = {number: text for parts in rows for number, text, _, _ in parts[path]}
        assert all(source[number - 1] == text for number, text in shown.items())
        hidden = [line for n, line in enumerate(source, 1) if n not in shown and line.strip()]
        assert all(endpoints.LABEL.fullmatch(line) for line in hidden)


def marked(*sources: str) -> list[list[int]]:
    """The numbers of the lines that differ, in each source."""
    rows = code.rows({f"{n}.py": source for n, source in enumerate(sources)}, {})
    lines = [[line for parts in rows.values() for line in parts[f"{n}.py"]] for n in range(len(sources))]
    return [[number for number, _, differs, _ in own if differs] for own in lines]


def test_lines_that_both_have_do_not_stand_out():
    assert marked("# --- Open ---\nx = 1\ny = 2\n", "# --- Open ---\nx = 1\nz = 3\n") == [[3], [3]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("log.sent(data)", "self.log.sent(data)"),
        ("def close(): pass", "def close(self): pass"),
        ("def close(error): pass", "def close(self, error): pass"),
        ("x = 1", "x = 1  # a comment"),
        ("x = 1", "# a comment\nx = 1"),
    ],
)
def test_self_and_comments_are_no_differences(one, other):
    assert marked(f"# --- Open ---\n{one}\n", f"# --- Open ---\n{other}\n") == [[], []]


def test_a_sign_of_a_comment_in_a_text_is_none():
    assert marked("x = '# a'\n", "x = '# b'\n") == [[1], [1]]


def test_a_note_stands_beside_its_line():
    [parts] = code.rows({"a.py": "x = 1\n"}, {("a.py", 1): "why"}).values()
    assert [note for _, _, _, note in parts["a.py"]] == ["why"]


def test_letters_of_several_files_are_one_alphabet():
    one, other, _ = survey().comparisons
    swapped = command.merge([Survey((other,), 1.0), Survey((one,), 2.0)])
    by_name: dict[str, set[object]] = {}
    for comparison in swapped.comparisons:
        for cause in comparison.causes:
            by_name.setdefault(cause.name, set()).add(
                cause.explanation.name if cause.explanation else (cause.event, cause.axes)
            )
        used = {name for cell in comparison.cells for name in cell.causes}
        assert used <= {cause.name for cause in comparison.causes}
    assert all(len(causes) == 1 for causes in by_name.values())
    assert swapped.duration_s == 3.0


def test_a_long_log_is_cut_and_says_so():
    run = recorded(Pairing(STREAMS, PROTOCOL))
    texts = evidence.Texts()
    shown = evidence._run(run, evidence.Trim(1, 1), texts, True)
    server = shown["logs"][0]
    gaps = [line for line in server if line[3] == "gap"]
    cut = [f"({count} left out here)" for count in ("1 line", "2 lines", "1 line")]
    assert [list(texts)[line[2]] for line in gaps] == cut
    assert len(server) - len(gaps) == len(run.server.events) - 4
    assert sorted(shown["rows"]) == [[side, place] for side in (0, 1) for place in range(len(shown["logs"][side]))]


def test_of_a_log_that_is_cut_again_nobody_claims_to_know_how_much_is_missing():
    again = condense(condense(recorded(Pairing(STREAMS, PROTOCOL)), 1, 1), 1, 1)
    gaps = {event.message for event in again.server.events if event.name == "left_out"}
    assert gaps == {"(at least 1 line left out here)"}


def test_a_page_that_cannot_be_small_enough_is_an_error():
    with pytest.raises(CannotCompare, match="choose fewer scenarios"):
        page.render(survey(), None, *MADE, limit_bytes=1000)


def test_the_commands_bring_the_same_again():
    tutorial, *_ = survey().comparisons
    cell = tutorial.cell(PROTOCOL, STREAMS)
    assert [one.text for one in repeat.commands(tutorial, cell)] == [
        "python3 compare.py --raw",
        "python -m protocol_impl.server --loop asyncio --port 10000",
        "python -m streams_impl.client --loop asyncio --port 10000",
    ]


def test_who_was_chosen_and_how_often_it_ran_is_named_again():
    chosen = (
        "--loop",
        "asyncio",
        "--endpoint",
        "nc",
        "--server-command",
        "nc -l '{port}'",
        "--reference",
        "nc,streams",
    )
    comparison = dataclasses.replace(survey().comparisons[0], selection=chosen, repeat=3)
    assert shlex.split(repeat.compare(comparison)) == ["python3", "compare.py", *chosen, "--repeat", "3"]


def test_the_command_line_makes_a_page_of_saved_results(tmp_path, capsys):
    (tmp_path / "results.json").write_text(export.to_json(survey()))
    target = tmp_path / "report.html"
    assert main(["report", str(tmp_path / "results.json"), "-o", str(target)]) == 0
    assert target.read_text().startswith("<!doctype html>")
    assert re.fullmatch(r"compare.py: wrote .*report.html \(\d\.\d MiB\)\n", capsys.readouterr().err)


def markdown(results: Survey, folder: Path, capsys, *options: str) -> str:
    (folder / "results.json").write_text(export.to_json(results))
    assert main(["report", str(folder / "results.json"), "--format", "markdown", *options]) == 0
    return capsys.readouterr().out


def test_the_short_version_is_markdown_with_what_differs(tmp_path, capsys):
    text = markdown(survey(), tmp_path, capsys)
    assert text.startswith("**Client protocol/asyncio fails or differs in 2 of 23 pairings, ")
    for card in causes.collect(survey()):
        assert f"| {card.cause.name} |" in text
    assert f"{shlex.quote(str(tmp_path / 'results.json'))} -o report.html`" in text.splitlines()[-1]


def test_the_short_version_of_a_clean_run_is_short_and_leads_to_the_page(tmp_path, capsys):
    clean = [comparison for comparison in survey().comparisons if words.name(comparison) != "hostile"]
    text = markdown(Survey(tuple(clean), 1.0), tmp_path, capsys, "--page", "out/report.html")
    # A line for each cause, and the catalogue has no more than so many; the scenarios take none.
    assert text.count("\n") - len(causes.collect(Survey(tuple(clean), 1.0))) + len(CATALOGUE) <= 60
    assert text.splitlines()[-1].endswith("`out/report.html`")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.json"], "cannot be read"),
        (["-o", "/nowhere/report.html"], "cannot be written"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_remedy(arguments, said, tmp_path):
    done = run("report", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_the_page_has_a_place_before_anything_is_run(tmp_path):
    (tmp_path / "report.html").mkdir()
    done = run("report", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "compare.py: error: 'report.html' is a folder; name a file\n")


def test_a_wrong_number_is_one_line_with_the_remedy(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["report", "--repeat", "0"])
    assert capsys.readouterr().err.count("\n") == 1


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["report"]) == 2
    assert "needs jinja2; install with: pip install '.[report]'" in capsys.readouterr().err


MEASURED = recorded_bench.results(
    cells=recorded_bench.CELLS[:1],
    environment=recorded_bench.ENVIRONMENT | {"CPU": "<fast>"},
    notes=("one <b>note</b>",),
)


def test_the_cost_stands_in_the_page_where_a_benchmark_is_given():
    found = Outline()
    found.feed(page.render(survey(), MEASURED, *MADE))
    told = [text for texts in view.told(MEASURED).values() for text in texts]
    titles = [title for _, title, _ in view.charts(MEASURED)]
    [[table]] = [tables.values() for tables in view.sections(MEASURED).values()]
    figures = [text for row in table.rows for text, _ in row]
    assert view.told(MEASURED)["sentences"]
    for said in ("<fast>", "one <b>note</b>", *told, *(title.partition(": ")[2] for title in titles), *figures):
        assert said in found.text
    assert found.attributes("src") == []


def test_a_result_of_the_benchmark_is_known_by_what_is_in_it(tmp_path):
    (tmp_path / "bench.json").write_text('{"arms": [], "samples": []}')
    (tmp_path / "results.json").write_text(export.to_json(survey()))
    assert command.is_benchmark((tmp_path / "bench.json").read_bytes())
    assert not command.is_benchmark((tmp_path / "results.json").read_bytes())
    assert not command.is_benchmark(b"# not JSON")


if __name__ == "__main__":
    for name, text in golden().items():
        (GOLDEN / name).write_text(text)
