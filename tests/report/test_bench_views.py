"""What is shown of results: sentences, tables and charts, of figures that are known."""

import dataclasses
import io
import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import recorded_bench
from test_compare_cli import run

from comparison.bench import meaning, svg, view
from comparison.bench.estimates import Estimate
from comparison.bench.plan import METRICS, size_text
from comparison.layout import draw, markdown_of

GOLDEN = Path(__file__).parents[1] / "golden" / "bench.md"
RESULTS = recorded_bench.results()
CELL = recorded_bench.MIDDLE


def test_the_markdown_view_is_what_it_was():
    """After a change on purpose: write `markdown_of(view.blocks(recorded_bench.results()))` to the golden file."""
    assert markdown_of(view.blocks(RESULTS)) == GOLDEN.read_text()


def test_the_answer_comes_first_then_every_arm_in_the_table_of_its_cell():
    text = markdown_of(view.blocks(RESULTS))
    assert text.index("## What this means") < text.index("## echo")
    for cell in recorded_bench.CELLS:
        part = text.partition(f"### {cell}\n")[2].partition("### ")[0]
        assert [arm for arm in cell.arms if f"| {arm} |" not in part.replace("\\>", ">")] == []


@pytest.mark.parametrize("width", ["80", "200"])
def test_the_terminal_shows_the_same_figures(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", width)
    file = io.StringIO()
    draw(view.blocks(RESULTS), file)
    text = file.getvalue()
    assert max(map(len, text.splitlines())) <= int(width)
    assert "##" not in text
    for part in ("What this means", "How to read it", "streams/asyncio", "reference", "0.63 x"):
        assert part in text


def test_no_sentence_is_made_without_figures():
    empty = dataclasses.replace(RESULTS, samples=())
    assert meaning.sentences(empty) == []
    assert meaning.doubts(empty) == []
    assert markdown_of(view.blocks(empty)).startswith("What it costs")


def test_what_was_not_measured_is_said_with_the_option_for_it():
    few = recorded_bench.results(cells=(CELL, recorded_bench.CELLS[5]))
    said = "Not measured: lines, connect, memory, half; ask for them with --workload, and for TLS with --transport tls."
    assert said in view.told(few)["legend"]
    assert not any("Not measured" in text for text in view.told(RESULTS)["legend"])


def texts(chart: str) -> list[str]:
    """What a reader of a chart can read; that it is one is checked."""
    return [element.text or "" for element in ElementTree.fromstring(chart).iter("{http://www.w3.org/2000/svg}text")]


def test_a_chart_for_each_cell_says_each_value_with_its_interval(tmp_path):
    recorded_bench.save(RESULTS, tmp_path / "r.json")
    done = run("bench", "--load", str(tmp_path / "r.json"), "--plot", str(tmp_path / "charts"))
    names = [*(cell.key.replace("/", "-") for cell in recorded_bench.CELLS), "handler"]
    assert done.returncode == 0
    assert re.findall(r"compare\.py: drew .*/charts/(.*)\.svg\n", done.stderr) == names
    found = texts((tmp_path / "charts" / "echo-1024-10.svg").read_text())
    assert "lines: 95 % interval" in found
    assert set(CELL.arms) <= set(found)
    assert "1, the reference" in found
    values = [text for text in found if re.fullmatch(r"\d\.\d\d x, \d\.\d\d to \d\.\d\d", text)]
    assert len(values) == len(CELL.arms) - 1


def test_what_is_unknown_is_drawn_as_unknown():
    few = recorded_bench.results(rounds=1, cells=recorded_bench.CELLS[:1])
    missing = dataclasses.replace(few, samples=tuple(one for one in few.samples if one.arm != "streams/uvloop"))
    ((_, _, chart),) = view.charts(missing)
    assert {"?", "not known"} <= set(texts(chart))
    assert chart.count('class="unknown"') == len(recorded_bench.CELLS[0].arms) - 2
    assert 'class="range"' not in chart


def test_a_chart_takes_the_colours_of_a_page_and_has_its_own_without_one():
    ((_, _, chart),) = view.charts(recorded_bench.results(rounds=1, cells=recorded_bench.CELLS[:1]))
    assert "var(--ink,#1b1c1a)" in chart
    assert "prefers-color-scheme:dark" in chart


def test_whatever_a_label_is_it_is_text():
    chart = svg.dots("<b> & co", {'<a "b">&': Estimate(2.0, 0.0, math.inf, 1)})
    assert {"<b> & co", '<a "b">&'} <= set(texts(chart))


def test_a_curve_has_its_label_at_its_end_and_its_ticks():
    chart = svg.curves("title", "us", {"a": [(1, 10.0), (100, 30.0)], "b": [(1, 5.0), (100, 5.0)]})
    assert {"title", "us", "a", "b", "50"} <= set(texts(chart))
    assert chart.count("<polyline") == 2


@pytest.mark.parametrize(("value", "expected"), [(0.5, "0.50"), (12.345, "12.3"), (1234.5, "1,234"), (-3.0, "-3.00")])
def test_figures_have_the_digits_that_matter(value, expected):
    assert METRICS["server_cpu_us"].text(value) == expected


@pytest.mark.parametrize(
    ("size_bytes", "expected"), [(64, "64 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (1 << 27, "128 MiB")]
)
def test_sizes_are_said_as_people_say_them(size_bytes, expected):
    assert size_text(size_bytes) == expected
