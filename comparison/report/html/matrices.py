"""The overview of all scenarios and the matrix of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from comparison.model import PARTS, Cell, Comparison, Part, Survey, Verdict
from comparison.report import words


@dataclass(frozen=True)
class Count:
    """How often a verdict was given."""

    verdict: str
    symbol: str
    number: int


@dataclass(frozen=True)
class CellView:
    """A cell of a matrix: where it leads, and what it shows."""

    server: str
    client: str
    link: str
    verdict: str
    symbol: str
    letters: tuple[str, ...]
    notes: tuple[str, ...]
    is_reference: bool


@dataclass(frozen=True)
class Matrix:
    """One scenario: its row of the overview, and its matrix."""

    key: str
    anchor: str
    link: str
    description: str
    over: str
    expectation: tuple[str, ...]
    not_compared: str
    reference: str
    counts: Mapping[str, tuple[Count, ...]]
    """The question -> how its verdicts are spread."""
    letters: tuple[str, ...]
    clients: tuple[str, ...]
    rows: tuple[tuple[str, tuple[CellView, ...]], ...]
    troubles: tuple[str, ...]
    skipped: tuple[str, ...]
    duration_s: float


def collect(survey: Survey) -> list[Matrix]:
    """A matrix for each scenario, in the order in which they were tried."""
    return [_matrix(comparison, number) for number, comparison in enumerate(survey.comparisons, 1)]


def link(comparison: Comparison, cell: Cell | None = None) -> str:
    """The fragment that shows a scenario, or a cell of it."""
    view = {"scenario": words.name(comparison)}
    if cell is not None:
        view |= {"server": cell.pairing.server.label, "client": cell.pairing.client.label}
    return "#" + urlencode(view, errors="backslashreplace")


def totals(survey: Survey) -> list[Count]:
    """How often each verdict was given in all."""
    return [
        Count(str(verdict), words.SYMBOLS[verdict], count) for verdict in Verdict if (count := survey.count(verdict))
    ]


def _matrix(comparison: Comparison, number: int) -> Matrix:
    scenario = comparison.scenario
    cells = {(cell.pairing.server, cell.pairing.client): cell for cell in comparison.cells}
    rows = tuple(
        (server.label, tuple(_cell(comparison, cells[server, client]) for client in comparison.clients))
        for server in comparison.servers
    )
    return Matrix(
        key=words.name(comparison),
        anchor=f"matrix-{number}",
        link=link(comparison),
        description=scenario.description,
        over=comparison.transport.description,
        expectation=tuple(words.expectation(scenario)),
        not_compared=words.not_compared(scenario),
        reference=str(comparison.reference),
        counts={question: _counts(comparison, part) for part, question in PARTS.items()},
        letters=tuple(dict.fromkeys(cause.letter for cause in comparison.causes)),
        clients=tuple(client.label for client in comparison.clients),
        rows=rows,
        troubles=_signed(words.troubles(comparison)),
        skipped=_signed(words.skipped([comparison])),
        duration_s=comparison.duration_s,
    )


def _signed(lines: Iterable[words.Told]) -> tuple[str, ...]:
    return tuple(f"{words.SYMBOLS[verdict]} {line}" for verdict, line in lines)


def _counts(comparison: Comparison, part: Part) -> tuple[Count, ...]:
    return tuple(
        Count(str(verdict), words.SYMBOLS[verdict], count)
        for verdict in Verdict
        if (count := comparison.count(verdict, part))
    )


def _cell(comparison: Comparison, cell: Cell) -> CellView:
    notes = (f"{cell.agreed} of {cell.repeat} alike", f"cut in {cell.cut}") if cell.repeat > 1 else ()
    return CellView(
        server=cell.pairing.server.label,
        client=cell.pairing.client.label,
        link=link(comparison, cell),
        verdict=str(cell.verdict),
        symbol=words.SYMBOLS[cell.verdict],
        letters=cell.letters,
        notes=notes,
        is_reference=cell.pairing == comparison.reference and cell.verdict is not Verdict.REFERENCE,
    )
