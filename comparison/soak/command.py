"""`compare.py soak`: its options, what it does with them, and how that looks: for a person, as JSON, and as a chart."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.config import INTERRUPTED
from common.logs import escape
from comparison import files, layout
from comparison.bench import resources, svg
from comparison.endpoints import environment
from comparison.layout import BLANK, Block, Line, Span, Table, rounded
from comparison.model import CannotCompare
from comparison.options import above_zero
from comparison.selection import add_selection, chosen
from comparison.soak.growth import LIMITS, UNITS, Course, Limit, blocks
from comparison.soak.load import soak

DESCRIPTION = "Leave each server with good and bad peers for minutes, and see whether anything grows."
EPILOG = "Exit code: 0, 1 where something grows or a good peer got no echo, 2 for trouble, 130 after Ctrl-C."

SCHEMA = 2
GROWS = "GROWS"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of the soak."""
    add = parser.add_argument
    add("--minutes", type=above_zero, metavar="N", default=1.0, help="how long (%(default)g)")
    add_selection(parser, "SERVER")
    add("--format", choices=("text", "markdown"), default="text", help="what to write (%(default)s)")
    add("--save", type=files.target, metavar="FILE", help="keep every look there, as JSON")
    add("--plot", type=files.target, metavar="FILE", help="draw a chart there, as SVG")


def run(options: argparse.Namespace) -> int:
    """Do what the options say; after Ctrl-C show what there is. Raises CannotCompare."""
    resources.check()
    if options.plot is not None and options.plot.suffix != ".svg":
        raise CannotCompare(f"--plot {str(options.plot)!r}: a chart is drawn as SVG; its name must end in .svg")
    selection = chosen(options)
    courses, interrupted = soak(selection.servers, options.minutes)
    failed = [course.label for course in courses if course.growing or course.troubles]
    versions = environment(selection.pythons)
    about: dict[str, Any] = {"minutes": options.minutes, "environment": versions, "interrupted": interrupted}
    if options.save is not None:
        servers = [dataclasses.asdict(one) | {"growing": [limit.name for limit in one.growing]} for one in courses]
        document = {"schema": SCHEMA, "exit_code": int(bool(failed)), "servers": servers, **about}
        files.replace(options.save, json.dumps(document) + "\n")
    layout.write(view(courses, failed, **about), options.format)
    if options.plot is not None:
        files.write(options.plot, chart(courses))
        print(f"compare.py: drew {escape(str(options.plot))}", file=sys.stderr)
    return INTERRUPTED if interrupted else int(bool(failed))


def chart(courses: Sequence[Course]) -> str:
    """One panel for each figure, with a line for each server, as SVG."""
    panels = []
    for limit in LIMITS:
        lines = {one.label + f" {GROWS}" * (limit in one.growing): blocks(one.points(limit)) for one in courses}
        title = f"{limit.title}{limit.unit and ','}{limit.unit}, under good and bad peers"
        panels.append(svg.curves(title, "seconds", lines, high=130))
    return svg.stacked(panels)


def view(
    courses: Sequence[Course], failed: Sequence[str], minutes: float, environment: Mapping[str, str], interrupted: bool
) -> Iterator[Block]:
    """A sentence, then each figure of each server."""
    if failed:
        verdict = f"Failed: {', '.join(failed)}."
    elif any(course.growth(LIMITS[0]).slope is None for course in courses):
        verdict = "Too short to tell whether anything grows: give it more minutes."
    else:
        verdict = "Nothing grows above noise, and every good peer got its echo."
    yield Line(verdict, "title")
    yield BLANK
    yield Line(f"{minutes:g} minutes under good and bad peers", "dim")
    yield Line(", ".join(f"{name} {value}" for name, value in environment.items()), "dim")
    if interrupted:
        yield Line("Interrupted: this is what was seen until then.", "bold")
    for course in courses:
        yield BLANK
        yield Line(f"{course.label}: {course.looks[-1]['connections'] if course.looks else 0:,} connections", "bold")
        head = ["figure", "median", "grows by", "at least", "per", "tolerated", ""]
        yield Table(head, [_row(course, limit) for limit in LIMITS])
        yield from (Line(trouble, "item", mark="-") for trouble in course.troubles)


def _row(course: Course, limit: Limit) -> list[Span]:
    median, slope, tolerated, grows = course.growth(limit)
    grown = ["too short", ""] if slope is None else [rounded(slope.value), rounded(slope.low)]
    verdict = "" if slope is None else GROWS if grows else "steady"
    cells = (limit.title, rounded(median) + limit.unit, *grown, UNITS[limit.over][1], rounded(tolerated), verdict)
    return [(cell, "bold" if cell == GROWS else "") for cell in cells]
