"""A soak as a person reads it, as JSON, and as a chart."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from comparison.bench import svg
from comparison.layout import BLANK, Block, Line, Span, Table
from comparison.soak.growth import LIMITS, UNITS, Course, Limit, blocks

SCHEMA = 2
GROWS = "GROWS"


@dataclass(frozen=True)
class Soak:
    """All servers of one soak."""

    servers: tuple[Course, ...]
    minutes: float
    environment: Mapping[str, str]
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        return int(any(course.failed for course in self.servers))


def to_json(found: Soak) -> str:
    """Every look, and what is made of them."""
    document = {"schema": SCHEMA, "exit_code": found.exit_code, **dataclasses.asdict(found)}
    for server, course in zip(document["servers"], found.servers, strict=True):
        server["growing"] = [limit.name for limit in course.growing]
    return json.dumps(document) + "\n"


def chart(found: Soak) -> str:
    """One panel for each figure, with a line for each server, as SVG."""
    panels = []
    for limit in LIMITS:
        lines = {c.label + f" {GROWS}" * (limit in c.growing): blocks(c.points(limit)) for c in found.servers}
        title = f"{limit.title}{limit.unit and ','}{limit.unit}, under good and bad peers"
        panels.append(svg.curves(title, "seconds", lines, high=130))
    return svg.stacked(panels)


def view(found: Soak) -> Iterator[Block]:
    """A sentence, then each figure of each server."""
    if failed := [course.label for course in found.servers if course.failed]:
        verdict = f"Failed: {', '.join(failed)}."
    elif any(course.slope(LIMITS[0]) is None for course in found.servers):
        verdict = "Too short to tell whether anything grows: give it more minutes."
    else:
        verdict = "Nothing grows above noise, and every good peer got its echo."
    yield Line(verdict, "title")
    yield BLANK
    yield Line(f"{found.minutes:g} minutes under good and bad peers", "dim")
    yield Line(", ".join(f"{name} {value}" for name, value in found.environment.items()), "dim")
    if found.interrupted:
        yield Line("Interrupted: this is what was seen until then.", "bold")
    for course in found.servers:
        yield BLANK
        yield Line(f"{course.label}: {course.looks[-1]['connections'] if course.looks else 0:,} connections", "bold")
        head = ["figure", "median", "grows by", "at least", "per", "tolerated", ""]
        yield Table(head, [_row(course, limit) for limit in LIMITS])
        yield from (Line(trouble, "item", mark="-") for trouble in course.troubles)


def _row(course: Course, limit: Limit) -> list[Span]:
    slope = course.slope(limit)
    grown = ["too short", ""] if slope is None else [_number(slope.value), _number(slope.low)]
    cells = (
        limit.title,
        _number(course.median(limit)) + limit.unit,
        *grown,
        UNITS[limit.over][1],
        _number(course.tolerated(limit)[0]),
        "" if slope is None else GROWS if limit in course.growing else "steady",
    )
    return [(cell, "bold" if cell == GROWS else "") for cell in cells]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
