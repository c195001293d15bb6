"""What the overview and the matrices show besides what they are drawn from: where a cell leads, and how often each
verdict was given."""

from collections.abc import Sequence
from urllib.parse import urlencode

from comparison.model import Cell, Comparison, Part, Verdict
from comparison.report import words


def link(comparison: Comparison, cell: Cell | None = None) -> str:
    """The fragment that shows a scenario, or a cell of it."""
    view = {"scenario": words.name(comparison)}
    if cell is not None:
        view |= {"server": cell.pairing.server.label, "client": cell.pairing.client.label}
    return "#" + urlencode(view, errors="backslashreplace")


def counts(comparisons: Sequence[Comparison], part: Part | None = None) -> list[tuple[Verdict, int]]:
    """How often each verdict was given: in all, or on one of the two questions."""
    found = [(verdict, sum(one.count(verdict, part) for one in comparisons)) for verdict in Verdict]
    return [(verdict, number) for verdict, number in found if number]
