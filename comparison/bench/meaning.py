"""What the figures mean for someone who has to choose: sentences made from the numbers, and only from them. Pure."""

import itertools
from collections.abc import Iterator, Mapping

from comparison.bench import estimates
from comparison.bench.estimates import Estimate
from comparison.bench.metrics import METRICS
from comparison.bench.plan import MIDDLE_CONNECTIONS, MIDDLE_SIZE_BYTES, Arm, Cell, Results, size_text
from comparison.bench.views import words

ALIKE = 0.1
"""Two that differ by less than this part cost about as much, whatever the interval: a choice has other reasons."""

FEW = 8
"""So many sentences of one kind are a paragraph; more are a table, and there is one above."""


def sentences(results: Results) -> list[str]:
    """From the most general to the particular; empty without samples."""
    makers = (_one_choice, _about_as_much, _by_size, _by_connections, _debug, _proportion, _bulk, _memory, _rate)
    return [sentence for maker in makers for sentence in itertools.islice(maker(results), FEW)]


def _one_choice(results: Results) -> Iterator[str]:
    """What one choice costs while the others stay: pairs of arms that differ in one factor."""
    cell = _main(results)
    if cell is None:
        return
    for factor, one, other, shared in _pairs(results, cell, 1):
        above = _above(results, cell, one, other)
        if above is None:
            continue
        dearer, cheaper, found = above
        rest = f" {_joined(shared)}" if shared else ""
        subject = dearer.factors[factor[0]]
        yield words.sentence(subject, found, cell, f"{cheaper.factors[factor[0]]}{rest}") + _where(cell)


def _about_as_much(results: Results) -> Iterator[str]:
    """Arms that differ in more than one factor, and yet cost about as much: a choice that one can make up for."""
    cell = _main(results)
    if cell is None:
        return
    for _, one, other, _ in _pairs(results, cell, 2):
        above = _above(results, cell, one, other)
        if above is None:
            continue
        dearer, cheaper, found = above
        if found.ratio < 1 + ALIKE and found.low is not None:
            yield (
                f"{_capital(_at(cell))} {dearer.label} costs about as much CPU as {cheaper.label} "
                f"({words.number(found.ratio)} x{_interval(found)})"
            )


def _by_size(results: Results) -> Iterator[str]:
    main = _main(results)
    if main is not None:
        cells = [cell for cell in results.cells_of("echo") if cell.connections == main.connections]
        yield from _course(results, sorted(cells, key=lambda cell: cell.size_bytes), "size")


def _by_connections(results: Results) -> Iterator[str]:
    main = _main(results)
    if main is not None:
        cells = [cell for cell in results.cells_of("echo") if cell.size_bytes == main.size_bytes]
        yield from _course(results, sorted(cells, key=lambda cell: cell.connections), "connections")


def _course(results: Results, cells: list[Cell], axis: str) -> Iterator[str]:
    """How the cost of a message goes from the first cell to the last, for each arm with factors."""
    if len(cells) < 2:
        return
    parts = []
    for arm in _compared(results, cells[0]):
        first, last = (_cost_us(results, cell, arm.label) for cell in (cells[0], cells[-1]))
        if first is not None and last is not None:
            parts.append(f"{arm.label} {first:.0f} to {last:.0f}")
    ends = [size_text(cell.size_bytes) if axis == "size" else f"{cell.connections:,}" for cell in (cells[0], cells[-1])]
    unit = "" if axis == "size" else " connections"
    if parts:
        yield f"From {ends[0]} to {ends[1]}{unit} the server CPU per message goes, in us: {', '.join(parts)}"


def _debug(results: Results) -> Iterator[str]:
    """What debug logs cost, by the arm that has them."""
    for cell in results.cells_of("echo"):
        for arm in results.arms:
            plain = next((other for other in cell.arms if arm.label.startswith(f"{other}, ")), None)
            if arm.label in cell.arms and plain is not None:
                found = estimates.compare(results, cell, arm.label, reference=plain)
                if found is not None:
                    yield words.sentence(arm.label, found, cell, "the same at info") + _where(cell)


def _proportion(results: Results) -> Iterator[str]:
    """The arms without factors against the cheapest that has some."""
    cell = _main(results)
    if cell is None:
        return
    costs = {arm.label: _cost_us(results, cell, arm.label) for arm in _compared(results, cell)}
    known = {label: cost for label, cost in costs.items() if cost is not None}
    if not known:
        return
    cheapest = min(known, key=known.__getitem__)
    for arm in results.arms:
        if arm.label in cell.arms and not arm.factors and ", " not in arm.label:
            found = estimates.compare(results, cell, arm.label, reference=cheapest)
            if found is not None:
                yield words.sentence(arm.label, found, cell, f"{cheapest}, the cheapest endpoint") + _where(cell)


def _bulk(results: Results) -> Iterator[str]:
    for cell in results.cells_of("bulk"):
        rates = {label: estimates.median(results.of(cell, label), "mib_per_s") for label in cell.arms}
        known = {label: rate for label, rate in rates.items() if rate is not None}
        if len(known) < 2:
            return
        slowest, fastest = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
        found = estimates.compare(results, cell, fastest, reference=slowest)
        if found is not None:
            said = words.sentence(fastest, found, cell, f"{slowest}, the slowest pairing")
            yield f"{said} ({size_text(cell.size_bytes)} each way)"


def _memory(results: Results) -> Iterator[str]:
    for cell in results.cells_of("memory"):
        parts = []
        for arm in _compared(results, cell):
            value = estimates.median(results.of(cell, arm.label), "per_connection_bytes")
            if value is not None:
                parts.append(f"{METRICS['per_connection_bytes'].text(value)} KiB with {arm.label}")
        if parts:
            yield f"An open connection takes {', '.join(parts)}, the kernel's buffers apart"


def _rate(results: Results) -> Iterator[str]:
    for cell in results.cells_of("rate"):
        parts = []
        for arm in _compared(results, cell):
            value = estimates.median(results.of(cell, arm.label), "p99_us")
            if value is not None:
                parts.append(f"{METRICS['p99_us'].text(value)} us with {arm.label}")
        if parts:
            yield f"At {cell.rate_per_s:,.0f} requests a second, 99 of 100 are answered within {', '.join(parts)}"


def _main(results: Results) -> Cell | None:
    """The cell that speaks for the rest: the middle one of the echo."""
    cells = results.cells_of("echo")
    middle = [cell for cell in cells if (cell.size_bytes, cell.connections) == (MIDDLE_SIZE_BYTES, MIDDLE_CONNECTIONS)]
    return next(iter([*middle, *cells]), None)


def _compared(results: Results, cell: Cell) -> list[Arm]:
    """The arms of a cell that have factors: those among which one chooses."""
    return [arm for arm in results.arms if arm.label in cell.arms and arm.factors]


def _pairs(results: Results, cell: Cell, least: int) -> Iterator[tuple[list[str], Arm, Arm, Mapping[str, str]]]:
    """Pairs of arms that differ in exactly one factor (`least` is 1), or in two and more, with these factors, and the
    levels that they share. A factor in which all arms agree is not named."""
    arms = _compared(results, cell)
    varying = [name for name in (arms[0].factors if arms else ()) if len({arm.factors.get(name) for arm in arms}) > 1]
    for one, other in itertools.combinations(arms, 2):
        different = [name for name in varying if one.factors.get(name) != other.factors.get(name)]
        if different and (len(different) == 1) == (least == 1):
            shared = {name: one.factors[name] for name in varying if name not in different}
            yield different, one, other, shared


def _above(results: Results, cell: Cell, one: Arm, other: Arm) -> tuple[Arm, Arm, Estimate] | None:
    """Two arms with the dearer first, and how much dearer it is."""
    found = estimates.compare(results, cell, one.label, reference=other.label)
    if found is not None and found.ratio < 1:
        one, other = other, one
        found = estimates.compare(results, cell, one.label, reference=other.label)
    return None if found is None else (one, other, found)


def _joined(shared: Mapping[str, str]) -> str:
    """Levels in a sentence: a loop and a Python one is on, an implementation one has."""
    return " ".join(f"{'with' if name == 'implementation' else 'on'} {level}" for name, level in shared.items())


def _cost_us(results: Results, cell: Cell, label: str) -> float | None:
    return estimates.median(results.of(cell, label), "server_cpu_us")


def _at(cell: Cell) -> str:
    plural = "s" * (cell.connections != 1)
    return f"at {size_text(cell.size_bytes)} and {cell.connections:,} connection{plural}"


def _where(cell: Cell) -> str:
    return f" ({_at(cell)})"


def _interval(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return ""
    return f", 95 % {words.number(found.low)} to {words.number(found.high)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
