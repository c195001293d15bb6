"""What is said and shown of results: sentences, doubts, tables and charts, of figures that are known."""

import dataclasses
import importlib.util
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import recorded_bench

from comparison.bench import meaning, noise
from comparison.bench.estimates import Estimate
from comparison.bench.metrics import METRICS
from comparison.bench.plan import Results, size_text
from comparison.bench.views import charts, markdown, svg, words

GOLDEN = Path(__file__).parents[1] / "golden" / "bench.md"
RESULTS = recorded_bench.results()
CELL = recorded_bench.CELLS[1]


def needs(package: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(missing, reason=f"{package} is not installed: pip install {package}")


def test_the_markdown_view_is_what_it_was():
    """After a change on purpose: write `markdown.render(recorded_bench.results())` to the golden file."""
    assert markdown.render(RESULTS) == GOLDEN.read_text()


def test_every_workload_has_its_table_and_every_arm_its_row():
    text = markdown.render(RESULTS)
    for cell in recorded_bench.CELLS:
        part = text.partition(f"### {cell}\n")[2].partition("### ")[0]
        assert [arm for arm in cell.arms if f"| {arm} |" not in part] == []


@needs("rich")
@pytest.mark.parametrize("width", ["80", "200"])
def test_the_terminal_shows_the_same_figures(width, monkeypatch):
    from comparison.bench.views import terminal

    monkeypatch.setenv("COLUMNS", width)
    file = io.StringIO()
    terminal.show(RESULTS, file)
    text = file.getvalue()
    assert max(map(len, text.splitlines())) <= int(width)
    for part in ("What this means", "How to read it", "streams/asyncio", "reference", "1.6"):
        assert part in text


def test_a_choice_is_put_in_words_with_its_interval():
    said = meaning.sentences(RESULTS)
    pattern = r"streams costs (1\.\d\d) x the server CPU per message of protocol on asyncio, 95 % 1\.\d\d to 1\.\d\d"
    found = [match for match in (re.match(pattern, sentence) for sentence in said) if match]
    assert len(found) == 1
    assert float(found[0][1]) == pytest.approx(1.6, rel=0.03)


def test_two_choices_that_cancel_out_are_called_about_as_much():
    said = meaning.sentences(RESULTS)
    about = [sentence for sentence in said if "about as much" in sentence]
    assert len(about) == 1
    assert {"streams/uvloop", "protocol/asyncio"} == set(re.findall(r"\w+/\w+", about[0]))
    assert about[0].startswith("At 1 KiB and 10 connections ")


def test_debug_logs_and_proportion_are_put_in_words():
    said = "\n".join(meaning.sentences(RESULTS))
    assert re.search(r"streams/asyncio, debug logs costs [45]\.\d\d x .* of the same at info", said)
    assert re.search(r"buffered/asyncio costs 1\.1\d x .* of protocol/uvloop, the cheapest endpoint", said)


def test_no_sentence_is_made_without_figures():
    empty = dataclasses.replace(RESULTS, samples=())
    assert meaning.sentences(empty) == []
    assert noise.advice(empty) == []
    assert "# What it costs" in markdown.render(empty)


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (Estimate(1.62, 1.58, 1.66, 7), "a costs 1.62 x the server CPU per message of b, 95 % 1.58 to 1.66"),
        (
            Estimate(1.01, 0.98, 1.02, 7),
            "a against b, server CPU per message: no difference seen; one of 3 % would have been",
        ),
        (
            Estimate(1.3, None, None, 3),
            "a costs 1.30 x the server CPU per message of b; too few rounds to say how sure that is",
        ),
    ],
)
def test_a_ratio_in_words(estimate, expected):
    assert words.sentence("a", estimate, CELL, "b") == expected


def advice(**changes: object) -> list[str]:
    return noise.advice(recorded_bench.results(**changes))


def machine(**changes: object) -> dict[str, object]:
    return {**recorded_bench.ENVIRONMENT, **changes}


def test_a_quiet_run_has_no_doubts():
    assert advice() == []


@pytest.mark.parametrize(
    ("environment", "remedy"),
    [
        (machine(load=1.9), "end what else runs on this machine"),
        (machine(governor="powersave"), "cpupower frequency-set -g performance"),
        ({**machine(), "server on cores": "any"}, "on a machine with two or more"),
        (machine(), "--sample 1"),
    ],
)
def test_a_spread_is_named_with_the_advice_that_fits(environment, remedy):
    found = [text for text in advice(noise=0.3, environment=environment) if "rounds disagree" in text]
    assert len(found) == 1
    assert remedy in found[0]
    assert "echo, 1 KiB, 10 connections (" in found[0]


def test_too_few_rounds_are_named():
    assert advice(rounds=2)[0].startswith("2 rounds: too few for an interval")


def with_first_sample(**changes: object) -> Results:
    first, *rest = RESULTS.samples
    return dataclasses.replace(RESULTS, samples=(dataclasses.replace(first, **changes), *rest))


def test_what_went_wrong_is_named_with_its_place():
    found = noise.advice(with_first_sample(troubles=("3 connections: reset by the server",)))
    assert found[0].startswith("echo, 64 B, 10 connections: streams/asyncio: 3 connections: reset by the server")


def test_a_generator_at_its_limit_is_named():
    found = noise.advice(with_first_sample(notes=("the load generator was the limit",)))
    assert any("the load generator was the limit of streams/asyncio" in text for text in found)


def texts(chart: str) -> list[str]:
    """What a reader of a chart can read; that it is one is checked."""
    return [element.text or "" for element in ElementTree.fromstring(chart).iter("{http://www.w3.org/2000/svg}text")]


def test_a_chart_for_each_cell_says_each_value_with_its_interval(tmp_path):
    written = charts.write(RESULTS, tmp_path / "charts")
    assert [path.stem for path in written] == [cell.key.replace("/", "-") for cell in recorded_bench.CELLS]
    found = texts((tmp_path / "charts" / "echo-1024-10.svg").read_text())
    assert "lines: 95 % interval" in found
    for arm in recorded_bench.CELLS[1].arms:
        assert arm in found
    assert "1, the reference" in found
    assert (
        len([text for text in found if re.fullmatch(r"\d\.\d\d x, \d\.\d\d to \d\.\d\d", text)]) == len(CELL.arms) - 1
    )


def test_what_is_unknown_is_drawn_as_unknown():
    few = recorded_bench.results(rounds=1, cells=recorded_bench.CELLS[:1])
    missing = dataclasses.replace(few, samples=tuple(one for one in few.samples if one.arm != "streams/uvloop"))
    ((_, chart),) = charts.draw(missing)
    assert {"?", "not known"} <= set(texts(chart))
    assert chart.count('class="unknown"') == len(recorded_bench.CELLS[0].arms) - 2
    assert 'class="range" x1="270' not in chart


def test_a_chart_takes_the_colours_of_a_page_and_has_its_own_without_one():
    ((_, chart),) = charts.draw(recorded_bench.results(rounds=1, cells=recorded_bench.CELLS[:1]))
    assert "var(--ink,#1b1c1a)" in chart
    assert "prefers-color-scheme:dark" in chart


def test_whatever_a_label_is_it_is_text():
    chart = svg.dots("<b> & co", "", [svg.Dot('<a "b">&', 2.0, None, None, "<2>")])
    assert {"<b> & co", '<a "b">&', "<2>"} <= set(texts(chart))


@pytest.mark.parametrize("log", [False, True])
def test_a_curve_has_its_label_at_its_end_and_its_ticks(log):
    chart = svg.curves("title", "us", {"a": [(1, 10.0), (100, 30.0)], "b": [(1, 5.0), (100, 5.0)], "none": []}, log=log)
    assert {"title", "us", "a", "b", "50" if log else "60"} <= set(texts(chart))
    assert chart.count("<polyline") == 2
    assert texts(svg.stacked([chart, chart])).count("a") == 2


@pytest.mark.parametrize(("value", "expected"), [(0.5, "0.5"), (12.345, "12.3"), (1234.5, "1,234"), (-3.0, "-3.0")])
def test_figures_have_the_digits_that_matter(value, expected):
    assert METRICS["server_cpu_us"].text(value) == expected


@pytest.mark.parametrize(
    ("size_bytes", "expected"), [(64, "64 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (1 << 27, "128 MiB")]
)
def test_sizes_are_said_as_people_say_them(size_bytes, expected):
    assert size_text(size_bytes) == expected
