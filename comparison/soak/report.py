"""A soak as Markdown, for a terminal, a file and a pull request; and as JSON."""

import dataclasses
import json
from collections.abc import Iterator

from comparison.bench.views.markdown import row
from comparison.soak.plan import LIMITS, Course, Limit, Soak

SCHEMA = 1


def render(found: Soak) -> str:
    """The whole view."""
    return "\n".join(_lines(found)) + "\n"


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


def _lines(found: Soak) -> Iterator[str]:
    yield f"# {found.minutes:g} minutes under good and bad peers"
    yield ""
    yield ", ".join(f"{name} {value}" for name, value in found.environment.items())
    yield ""
    if found.interrupted:
        yield "**Interrupted: this is what was seen until then.**"
        yield ""
    yield "| server | connections | figure | median | grows by | at least | per | tolerated | |"
    yield "| --- | ---: | --- | ---: | ---: | ---: | --- | ---: | --- |"
    for course in found.courses:
        for limit in LIMITS:
            yield _row(course, limit)
    yield ""
    for course in found.courses:
        yield from (f"- {course.label}: {trouble}" for trouble in course.troubles)
    yield verdict(found)


def verdict(found: Soak) -> str:
    """One sentence that says how it went."""
    failed = [course.label for course in found.courses if course.failed]
    if failed:
        return f"Failed: {', '.join(failed)}."
    if any(course.slope(LIMITS[0]) is None for course in found.courses):
        return "Too short to tell whether anything grows: give it more minutes."
    return "Nothing grows above noise, and every good peer got its echo."


def _row(course: Course, limit: Limit) -> str:
    points = course.points(limit)
    values = sorted(value for _, value in points)
    slope = course.slope(limit)
    connections = course.looks[-1].connections if course.looks else 0
    grown = [_number(slope.value), _number(slope.low)] if slope is not None else ["too short", ""]
    cells = (
        course.label,
        f"{connections:,}",
        limit.title,
        f"{_number(values[len(values) // 2])}{'' if limit.unit == limit.title else ' ' + limit.unit}" if values else "",
        *grown,
        limit.per,
        _number(course.limits(limit)[0]),
        "" if slope is None else "GROWS" if limit in course.growing else "steady",
    )
    return row(cells)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
