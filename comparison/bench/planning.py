"""From what the user asks for to a plan: which cells, with which arms, in how much time."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from comparison.bench import arms, plan
from comparison.bench.generator.sockets import LEAST_LINE_BYTES
from comparison.bench.plan import LEAST_ROUNDS, TCP, TLS, Arm, Cell, Plan
from comparison.model import CannotCompare, Endpoint

DEFAULT_S = 330.0
QUICK_S = 48.0
"""What there is for the samples; the last round may take longer than those before, and the result must be made."""

SAMPLE_S = 0.2
QUICK_SAMPLE_S = 0.15
"""Long enough for some thousand messages of most arms; what is left of the chance is less than between two processes,
so that more rounds are worth more than longer samples."""

WARM_UP_S = 0.05
"""A thousand messages: all code has run, and CPython has specialised it, which takes it a few dozen calls."""

START_S = 0.45
"""What a sample takes besides: two programs are started and ended."""

QUICK_WORKLOADS = ("echo", "connect")
DEFAULT_WORKLOADS = ("echo", "lines", "connect", "fresh", "memory")
"""What fits into the time with enough rounds."""

OVER_TLS = ("echo", "fresh", "connect", "memory", "half", "rate")
"""What is measured over TLS as well, where it is asked for."""

MIB_PER_S = 200.0
"""What a transfer is reckoned with, beforehand."""


@dataclass(frozen=True)
class Request:
    """What the user asks for, by the names of the options; None where the default is wanted."""

    workload: Sequence[str] | None = None
    transport: Sequence[str] | None = None
    size: Sequence[int] | None = None
    connections: Sequence[int] | None = None
    in_flight: Sequence[int] = (plan.IN_FLIGHT,)
    rate: float = plan.RATE_PER_S
    bulk: int = plan.BULK_BYTES
    quick: bool = False
    grid: bool = False
    rounds: int | None = None
    time: float | None = None
    sample: float | None = None


ASKED = tuple(field.name for field in fields(Request))


def make(
    request: Request, servers: Sequence[Endpoint], clients: Sequence[Endpoint], reference: str | None = None
) -> tuple[Plan, list[str]]:
    """The plan, and a note for what it leaves out. Raises CannotCompare where it would be empty."""
    own = _reference_first(arms.of_endpoints(servers), reference)
    first = next(endpoint for endpoint in servers if endpoint.label == own[0].label)
    beside = arms.proportions(servers)
    noisy = [] if request.quick else arms.with_debug_logs(first)
    idioms = arms.idioms(servers)
    pairings = arms.of_pairings(sorted(servers, key=lambda e: e.label != own[0].label), clients)
    cells = []
    for workload, transport in _wanted(request):
        if workload == "bulk":
            cells.append(Cell("bulk", request.bulk, 1, _labels(pairings)))
        elif workload == "lines":
            cells += _lines(request, idioms)
        else:
            cells += _cells(request, workload, transport, own, beside, noisy)
    cells = [cell for cell in cells if cell.arms]
    if not cells:
        raise CannotCompare("nobody of these can be measured so; choose other servers, or leave out --transport")
    used = {label for cell in cells for label in cell.arms}
    taking_part = tuple(arm for arm in [*own, *beside, *noisy, *idioms, *pairings] if arm.label in used)
    return (
        Plan(
            taking_part,
            tuple(dict.fromkeys(cells)),
            request.rounds,
            request.time or (QUICK_S if request.quick else DEFAULT_S),
            request.sample or (QUICK_SAMPLE_S if request.quick else SAMPLE_S),
            WARM_UP_S,
            1 if request.time else LEAST_ROUNDS,
        ),
        _notes(request),
    )


def duration_s(made: Plan) -> float:
    """About how long it takes."""
    round_s = sum(_each_s(made, cell) * len(cell.arms) for cell in made.cells)
    return round_s * (made.rounds or max(made.least_rounds, int(made.time_s / round_s)))


def length_s(made: Plan, cell: Cell) -> float:
    """How long a sample of a cell measures. The open loops do little in a second: they get three times the length, for
    percentiles that rest on something. Of many connections each shall have a few answers."""
    times = 3 if cell.workload in ("half", "rate") else 1
    return max(times * made.sample_s, cell.connections * 200e-6)


def _each_s(made: Plan, cell: Cell) -> float:
    if cell.workload == "bulk":
        return START_S + 2 * cell.size_bytes / (MIB_PER_S * 2**20)
    if cell.workload == "memory":
        return START_S + 2 * cell.connections * (5e-3 if cell.transport == TLS else 400e-6)
    return START_S + WARM_UP_S + length_s(made, cell)


def _wanted(request: Request) -> list[tuple[str, str]]:
    """Workloads with their transports: where nothing was asked for, echo and memory are measured over TLS as well."""
    if request.transport is None and request.workload is None and not request.quick:
        return [*((workload, TCP) for workload in DEFAULT_WORKLOADS), ("echo", TLS), ("memory", TLS)]
    workloads = request.workload or (QUICK_WORKLOADS if request.quick else DEFAULT_WORKLOADS)
    transports = request.transport or (TCP,)
    for workload in workloads:
        if workload not in OVER_TLS and request.workload and TCP not in transports:
            raise CannotCompare(f"--workload {workload} is measured over tcp only; over tls: {', '.join(OVER_TLS)}")
    return [(work, over) for over in transports for work in workloads if over == TCP or work in OVER_TLS]


def _cells(
    request: Request, workload: str, transport: str, own: Sequence[Arm], beside: Sequence[Arm], noisy: Sequence[Arm]
) -> list[Cell]:
    """For echo over TCP every size at the middle number of connections, and every number at the middle size; `grid`
    takes every size with every number. Else the middle, or whatever was asked for. Those who only put the others in
    proportion take part in the middle."""
    sizes = request.size or plan.SIZES_BYTES
    numbers = request.connections or plan.CONNECTIONS
    middle = (_middle(sizes, plan.MIDDLE_SIZE_BYTES), _middle(numbers, plan.MIDDLE_CONNECTIONS))
    if workload == "memory":
        middle = (64, max(plan.MEMORY_CONNECTIONS[transport], *(request.connections or (1,))))
    if workload == "fresh" and transport == TCP:
        middle = (middle[0], max(numbers))
    chosen = [middle]
    if workload == "echo" and request.grid:
        chosen = [(size, number) for number in numbers for size in sizes]
    elif workload == "echo" and (not request.quick or request.size or request.connections):
        sizes = sizes if request.size or transport == TCP else (middle[0],)
        numbers = numbers if request.connections or transport == TCP else (middle[1],)
        chosen = [*((size, middle[1]) for size in sizes), *((middle[0], number) for number in numbers)]
    rate_per_s = request.rate if workload == "rate" else 0.0
    cells = []
    for parameters in dict.fromkeys(chosen):
        more = beside if workload in ("echo", "connect") and parameters == middle and not request.quick else []
        more = [*more, *noisy] if workload == "echo" and parameters == middle and transport == TCP else more
        taking_part = [arm for arm in [*own, *more] if transport == TCP or arm.tls_options]
        cells.append(Cell(workload, *parameters, _labels(taking_part), rate_per_s, transport))
    return cells


def _lines(request: Request, idioms: Sequence[Arm]) -> list[Cell]:
    size = (request.size or (plan.LINE_BYTES,))[0]
    if size < LEAST_LINE_BYTES:
        raise CannotCompare(f"--size {size}: a line has {LEAST_LINE_BYTES} bytes at least, its length among them")
    number = _middle(request.connections or plan.CONNECTIONS, plan.MIDDLE_CONNECTIONS)
    return [Cell("lines", size, number, _labels(idioms), in_flight=in_flight) for in_flight in request.in_flight]


def _middle(values: Sequence[int], wanted: int) -> int:
    """What is held while the other varies."""
    return wanted if wanted in values else sorted(values)[len(values) // 2]


def _notes(request: Request) -> list[str]:
    if request.workload is not None:
        return []
    measured = {workload for workload, _ in _wanted(request)}
    left_out = ", ".join(name for name in plan.WORKLOADS if name not in measured)
    return [f"not measured: {left_out}; ask for them with --workload, and for TLS with --transport tls"]


def _reference_first(own: list[Arm], reference: str | None) -> list[Arm]:
    labels = [arm.label for arm in own]
    if reference is None:
        return own
    if reference not in labels:
        raise CannotCompare(f"--reference {reference!r} takes no part; known here: {', '.join(labels)}")
    return sorted(own, key=lambda arm: arm.label != reference)


def _labels(some: Sequence[Arm]) -> tuple[str, ...]:
    return tuple(arm.label for arm in some)
