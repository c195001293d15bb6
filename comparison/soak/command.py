"""`compare.py soak`: its options, what it does with them, and how that looks: for a person and as JSON."""

import argparse
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.config import INTERRUPTED
from comparison import files, layout
from comparison.bench import resources
from comparison.endpoints import environment
from comparison.layout import BLANK, Block, Line, Span, Table, rounded
from comparison.options import above_zero
from comparison.selection import add_selection, chosen
from comparison.soak.growth import LIMITS, UNITS, Course, Limit
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


def run(options: argparse.Namespace) -> int:
    """Do what the options say; after Ctrl-C show what there is. Raises CannotCompare."""
    resources.check()
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
    return INTERRUPTED if interrupted else int(bool(failed))


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
