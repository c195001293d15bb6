"""`compare.py report`: its options, and what it does with them."""

import argparse
import dataclasses
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from common.logs import escape
from comparison import files, layout
from comparison.bench import results
from comparison.bench import view as bench
from comparison.bench.plan import Results
from comparison.judge.causes import Names, in_order, name_of
from comparison.layout import BLANK, Block, Command, Heading, Line, Span, Table
from comparison.model import MIB, CannotCompare, Comparison, Survey
from comparison.options import at_least_one, comma_separated
from comparison.play.machine import JOBS
from comparison.progress import ended_early
from comparison.report import causes, export, repeat, sentence, words
from comparison.run import outlined
from comparison.run_command import survey_of
from comparison.selection import add_selection, chosen, trials

DESCRIPTION = "Make one page of pairings, causes, code and cost; without a file of results it runs what is tried first."
EPILOG = "Exit code: 0 where the page was written, 2 for trouble, 130 after Ctrl-C."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of the report."""
    add = parser.add_argument
    written = "what --format json has written, and run nothing; of a scenario in several the last counts"
    add("results", nargs="*", type=Path, metavar="FILE", help=written)
    add("-o", "--output", type=files.target, metavar="FILE", help="where to (report.html; Markdown to standard output)")
    add("--bench", type=Path, metavar="FILE", help="what the benchmark has saved; it may stand among the files, too")
    add("--format", choices=("html", "markdown"), default="html", help="markdown is short (%(default)s)")
    add("--page", metavar="PATH", help="where the page is, for Markdown to tell (how to make it)")
    scenario = "NAME[,NAME]"
    add("--scenario", type=comma_separated, metavar=scenario, default=["all"], help="what is run without a file (all)")
    add("--repeat", type=at_least_one, metavar="N", default=1, help="runs of each pairing then (%(default)s)")
    add_selection(parser, "SERVER[,CLIENT]")


def run(options: argparse.Namespace) -> int:
    """Make the report. Raises CannotCompare, and ArgumentTypeError where it cannot be written."""
    if options.format == "html":
        if importlib.util.find_spec("jinja2") is None:
            raise CannotCompare("the report needs jinja2; install with: pip install '.[report]' (or --format markdown)")
        options.output = options.output or files.target("report.html")
    # Each is read once: it may be a pipe.
    texts = {str(path): files.read(path, export.WANTED) for path in options.results}
    benches = {name: text for name, text in texts.items() if is_benchmark(text)}
    saved = {name: text for name, text in texts.items() if name not in benches}
    if options.bench is not None:
        benches[str(options.bench)] = files.read(options.bench, results.WANTED)
    if len(benches) > 1:
        raise CannotCompare(f"{', '.join(benches)}: several benchmarks; give one of them")
    measured = next((results.from_json(text, name) for name, text in benches.items()), None)
    if saved:
        survey, interrupted = merge([export.from_json(text, name) for name, text in saved.items()]), False
    else:
        selection, tried = chosen(options), trials(options.scenario, None)
        survey, interrupted = survey_of([outlined(selection, trial, options.repeat) for trial in tried], jobs=JOBS)
    if not survey.comparisons:
        raise CannotCompare("there is nothing to report: the results hold no comparison")
    sources, path = [*saved, *benches], options.output
    if options.format == "html":
        from comparison.report.html import page

        text = page.render(survey, measured, repeat.again(*sys.argv[1:]), sources)
    else:
        text = layout.markdown_of(_markdown(survey, measured, options.page or _again(survey, options, sources)))
    layout.write(text, path=path)
    if path is not None:
        size = len(text.encode(errors="backslashreplace"))
        print(f"compare.py: wrote {escape(str(path))} ({size / MIB:.1f} MiB)", file=sys.stderr)
    return ended_early(f"{words.judged(survey)} were judged") if interrupted else 0


def is_benchmark(text: bytes) -> bool:
    """Whether this was written by the benchmark, and not by a comparison."""
    try:
        document = files.parse(text)
    except ValueError:
        return False
    return isinstance(document, dict) and {"arms", "samples"} <= document.keys()


def merge(surveys: Sequence[Survey]) -> Survey:
    """Several surveys as one, whose causes get new names that stand for one cause in all; the last of a kind counts."""
    names = Names()
    found = {words.name(comparison): comparison for survey in surveys for comparison in survey.comparisons}
    comparisons = tuple(_renamed(comparison, names) for comparison in found.values())
    otherwise = {loop: others for survey in surveys for loop, others in survey.otherwise.items()}
    return Survey(comparisons, sum(survey.duration_s for survey in surveys), otherwise)


def _renamed(comparison: Comparison, names: Names) -> Comparison:
    new, replace = {cause.name: name_of(cause, names) for cause in comparison.causes}, dataclasses.replace

    def renamed(part: Any) -> Any:
        return replace(part, causes=in_order(new[name] for name in part.causes))

    return replace(
        comparison,
        causes=tuple(replace(cause, name=new[cause.name]) for cause in comparison.causes),
        cells=tuple(map(renamed, comparison.cells)),
        groups=tuple(replace(group, diff=tuple(map(renamed, group.diff))) for group in comparison.groups),
    )


def _again(survey: Survey, options: argparse.Namespace, sources: Sequence[str]) -> str:
    """The command that makes the page of the same; empty where what was read cannot be read again, from a pipe."""
    own = ["--scenario", ",".join(options.scenario), *survey.comparisons[0].selection]
    own += ["--repeat", str(options.repeat)] if options.repeat > 1 else []
    can_be_read = all(Path(source).is_file() for source in sources)
    return repeat.again("report", *(sources or own), "-o", "report.html") if can_be_read else ""


def _markdown(survey: Survey, measured: Results | None, told: str) -> Iterator[Block]:
    """The short version: what was found, what differs, what the benchmark means, and where all of it is."""
    yield Line(sentence.of(survey), "bold")
    names = words.few(map(words.name, survey.comparisons))
    yield from (BLANK, Line(f"Tried: {names}."), Line(words.closing(survey)), BLANK)
    yield from words.troubles(*survey.comparisons)
    rows: list[list[Span]] = []
    for card in causes.collect(survey):
        sign, what = (words.SYMBOLS[card.cause.verdict], str(card.cause.verdict)), (causes.title(card.cause), "")
        who = f"{card.cause.finding}. {causes.seen_in(card)}"
        rows.append([sign, what, (card.cause.name, ""), (who, "")])
    if rows:
        yield from (BLANK, Table(["", "what differs", "cause", "who"], rows))
    if measured is not None and (sentences := bench.told(measured)["sentences"]):
        yield Heading("What it costs")
        yield from (Line(text, "item", "-") for text in sentences)
    if told:
        yield from (BLANK, Command("All of it, with the code and the timelines", told))
