"""A soak as a person reads it, and as JSON."""

import dataclasses
import json
from collections.abc import Iterator

from comparison.layout import BLANK, Block, Line, Span, Table
from comparison.soak.plan import METRICS, Course, Metric, Soak

SCHEMA = 1
GROWS = "GROWS"


def to_json(found: Soak) -> str:
    """Every look, and what is made of them."""
    document = {
        "schema": SCHEMA,
        "minutes": found.minutes,
        "interrupted": found.interrupted,
        "environment": dict(found.environment),
        "exit_code": found.exit_code,
        "servers": [
            dataclasses.asdict(course) | {"growing": [metric.name for metric in course.growing]}
            for course in found.courses
        ],
    }
    return json.dumps(document) + "\n"


def blocks(found: Soak) -> Iterator[Block]:
    """The whole view: a sentence, then each figure of each server."""
    yield Line(verdict(found), "title")
    yield BLANK
    yield Line(f"{found.minutes:g} minutes under good and bad peers", "dim")
    yield Line(", ".join(f"{name} {value}" for name, value in found.environment.items()), "dim")
    if found.interrupted:
        yield Line("Interrupted: this is what was seen until then.", "bold")
    yield BLANK
    for course in found.courses:
        connections = course.looks[-1].connections if course.looks else 0
        yield Line(f"{course.label}: {connections:,} connections", "bold")
        head = ["figure", "median", "grows by", "at least", "per", "tolerated", ""]
        yield Table(head, [_row(course, metric) for metric in METRICS])
        yield from (Line(trouble, mark="-") for trouble in course.troubles)
        yield BLANK


def verdict(found: Soak) -> str:
    """One sentence that says how it went."""
    failed = [course.label for course in found.courses if course.failed]
    if failed:
        return f"Failed: {', '.join(failed)}."
    if any(course.slope(METRICS[0]) is None for course in found.courses):
        return "Too short to tell whether anything grows: give it more minutes."
    return "Nothing grows above noise, and every good peer got its echo."


def _row(course: Course, metric: Metric) -> list[Span]:
    points = course.points(metric)
    values = sorted(value for _, value in points)
    slope = course.slope(metric)
    grown = [_number(slope.value), _number(slope.low)] if slope is not None else ["too short", ""]
    cells = (
        metric.title,
        f"{_number(values[len(values) // 2])}{'' if metric.unit == metric.title else ' ' + metric.unit}"
        if values
        else "",
        *grown,
        metric.per,
        _number(course.limits(metric)[0]),
        "" if slope is None else GROWS if metric in course.growing else "steady",
    )
    return [(cell, "bold" if cell == GROWS else "") for cell in cells]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
