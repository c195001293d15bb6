"""A soak as a person reads it, and as JSON."""

import dataclasses
import json
from collections.abc import Iterator

from comparison.layout import BLANK, Block, Line, Span, Table
from comparison.soak.plan import LIMITS, Course, Limit, Soak

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
            dataclasses.asdict(course) | {"growing": [limit.name for limit in course.growing]}
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
        yield Table(head, [_row(course, limit) for limit in LIMITS])
        yield from (Line(trouble, "item", mark="-") for trouble in course.troubles)
        yield BLANK


def verdict(found: Soak) -> str:
    """One sentence that says how it went."""
    failed = [course.label for course in found.courses if course.failed]
    if failed:
        return f"Failed: {', '.join(failed)}."
    if any(course.slope(LIMITS[0]) is None for course in found.courses):
        return "Too short to tell whether anything grows: give it more minutes."
    return "Nothing grows above noise, and every good peer got its echo."


def _row(course: Course, limit: Limit) -> list[Span]:
    points = course.points(limit)
    values = sorted(value for _, value in points)
    slope = course.slope(limit)
    grown = [_number(slope.value), _number(slope.low)] if slope is not None else ["too short", ""]
    cells = (
        limit.title,
        f"{_number(values[len(values) // 2])}{'' if limit.unit == limit.title else ' ' + limit.unit}" if values else "",
        *grown,
        limit.per,
        _number(course.limits(limit)[0]),
        "" if slope is None else GROWS if limit in course.growing else "steady",
    )
    return [(cell, "bold" if cell == GROWS else "") for cell in cells]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
