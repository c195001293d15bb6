"""`compare.py report`: its options, and what it does with them."""

import argparse
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from common.logs import escape
from comparison import files, layout
from comparison.bench import results as bench
from comparison.layout import BLANK, Block, Command, Heading, Line, Span, Table
from comparison.model import CannotCompare, Survey
from comparison.options import at_least_one, comma_separated
from comparison.play.machine import JOBS
from comparison.progress import ended_early
from comparison.report import export, gather, repeat, sentence, words
from comparison.report.html import causes, cost
from comparison.run_command import survey_of
from comparison.selection import add_selection, chosen, trials

DESCRIPTION = (
    "Make one page that shows the pairings, the differences, their causes, the code and the cost. It needs no server "
    "and no network. Without a file of results it runs what is tried first."
)
EPILOG = "Exit code: 0 where the page was written, 2 for trouble, 130 after Ctrl-C."

NEEDED = ("jinja2",)
"""What the page is made with."""

MOST_NAMES = 6
"""So many scenarios a short report names."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of the report."""
    add = parser.add_argument
    add(
        "results",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="what --format json has written, and run nothing; of a scenario in several the last counts",
    )
    add("-o", "--output", type=Path, metavar="FILE", help="where to (report.html; Markdown to standard output)")
    add("--bench", type=Path, metavar="FILE", help="what the benchmark has saved; it may stand among the files, too")
    add("--format", choices=("html", "markdown"), default="html", help="markdown is short (%(default)s)")
    add("--page", metavar="PATH", help="where the page is, for Markdown to tell (how to make it)")
    scenario = "NAME[,NAME]"
    add("--scenario", type=comma_separated, metavar=scenario, default=["all"], help="what is run without a file (all)")
    add("--repeat", type=at_least_one, metavar="N", default=1, help="runs of each pairing then (%(default)s)")
    add_selection(parser, "SERVER[,CLIENT]")


def run(options: argparse.Namespace) -> int:
    """Make the report. Raises CannotCompare."""
    check(options)
    # Each is read once: it may be a pipe.
    texts = {str(path): files.read(path, export.WANTED) for path in options.results}
    benches = {name: text for name, text in texts.items() if cost.is_benchmark(text)}
    results = {name: text for name, text in texts.items() if name not in benches}
    if options.bench is not None:
        benches[str(options.bench)] = files.read(options.bench, bench.WANTED)
    if len(benches) > 1:
        raise CannotCompare(f"{', '.join(benches)}: several benchmarks; give one of them")
    html = options.format == "html"
    measured = next((cost.collect(bench.from_json(text, name)) for name, text in benches.items()), {})
    if results:
        survey, interrupted = gather.merge([export.from_json(text, name) for name, text in results.items()]), False
    else:
        tried, jobs = trials(options.scenario, None), JOBS
        survey, interrupted = survey_of(chosen(options), tried, repeat=options.repeat, jobs=jobs)
    if interrupted and not survey.comparisons:
        raise KeyboardInterrupt
    if not survey.comparisons:
        raise CannotCompare("there is nothing to report: the results hold no comparison")
    sources = [*results, *benches]
    if html:
        text = _page(survey, measured, sources)
    else:
        text = layout.markdown_of(_markdown(survey, measured, options.page or _again(survey, options, sources)))
    path = options.output or (Path("report.html") if html else None)
    layout.write(text, path=path)
    if path is not None:
        size = len(text.encode(errors="backslashreplace"))
        print(f"compare.py: wrote {escape(str(path))} ({size / 2**20:.1f} MiB)", file=sys.stderr)
    return ended_early(f"{words.judged(survey)} were judged") if interrupted else 0


def check(options: argparse.Namespace) -> None:
    """Find out what is in the way before anything is run. Raises CannotCompare."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing and options.format == "html":
        raise CannotCompare(
            f"the report needs {' and '.join(missing)}; install with: pip install '.[report]' (or --format markdown)"
        )
    files.check_target("--output", options.output or (Path("report.html") if options.format == "html" else None))


def _page(survey: Survey, measured: Mapping[str, Any], sources: Iterable[str]) -> str:
    from comparison.report.html import page

    typed = repeat.typed([*repeat.program(sys.orig_argv, sys.argv), *sys.argv[1:]])
    return page.render(survey, measured, page.Made(typed, tuple(sources)))


def _again(survey: Survey, options: argparse.Namespace, sources: Sequence[str]) -> str:
    """The command that makes the page of the same; empty where what was read cannot be read again, from a pipe."""
    own = ["--scenario", ",".join(options.scenario), *survey.comparisons[0].selection]
    own += ["--repeat", str(options.repeat)] if options.repeat > 1 else []
    words = [*repeat.program(sys.orig_argv, sys.argv), "report", *(sources or own), "-o", "report.html"]
    return repeat.typed(words) if all(Path(source).is_file() for source in sources) else ""


def _markdown(survey: Survey, measured: Mapping[str, Any], told: str) -> Iterator[Block]:
    """The short version: what was found, what differs, what the benchmark means, and where all of it is."""
    yield Line(sentence.of(survey), "bold")
    names = [words.name(comparison) for comparison in survey.comparisons]
    yield from (BLANK, Line(f"Tried: {words.few(names, MOST_NAMES)}."), Line(words.closing(survey)), BLANK)
    for comparison in survey.comparisons:
        for verdict, line in words.troubles(comparison):
            yield Line(f"{words.name(comparison)}: {line}", verdict, words.SYMBOLS[verdict])
    yield from (Line(line, verdict, words.SYMBOLS[verdict]) for verdict, line in words.skipped(survey.comparisons))
    cards = causes.collect(survey)
    if cards:
        yield from (BLANK, Table(["", "what differs", "cause", "who"], [_row(survey, card) for card in cards]))
    if measured.get("sentences"):
        yield Heading("What it costs")
        yield from (Line(text, "item", "-") for text in measured["sentences"])
    if told:
        yield from (BLANK, Command("All of it, with the code and the timelines", told))


def _row(survey: Survey, card: causes.Card) -> list[Span]:
    sign, cause = words.SYMBOLS[card.verdict], card.cause
    who = f"{cause.finding}. {words.seen_in(survey, cause)}"
    return [(sign, str(card.verdict)), (words.cause_title(cause), ""), (cause.name, ""), (who, "")]
