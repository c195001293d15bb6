"""From what the user asks for to a plan: which cells, with which arms, in how many rounds."""

import argparse
from collections.abc import Sequence

from comparison.bench import arms
from comparison.bench.connections import LEAST_LINE_BYTES
from comparison.bench.metrics import WORKLOADS
from comparison.bench.plan import KIB, MIDDLE_CONNECTIONS, MIDDLE_SIZE_BYTES, TCP, TLS, Arm, Cell, Plan
from comparison.model import CannotCompare, Endpoint

SIZES_BYTES = (64, KIB, 64 * KIB)
CONNECTIONS = (1, 10, 100)
LINE_BYTES = 64
IN_FLIGHT = 16
MEMORY_CONNECTIONS = {TCP: 500, TLS: 100}
"""Many, so that what one takes is seen. A TLS connection takes much more, and a handshake a millisecond or two."""

SAMPLE_S = 0.2
QUICK_SAMPLE_S = 0.15
"""Long enough for some thousand messages of most arms; what is left of the chance is less than between two processes,
so that more rounds are worth more than longer samples."""

WARM_UP_S = 0.05
"""A thousand messages: all code has run, and CPython has specialised it, which takes it a few dozen calls."""

START_S = 0.45
"""What a sample takes besides: two programs are started and ended."""

QUICK = ("echo", "connect")
DEFAULT = ("echo", "lines", "connect", "fresh", "memory")
DEFAULT_OVER_TLS = ("echo", "memory")
"""What fits into the time with enough rounds."""


Options = argparse.Namespace
"""What the user asks for (see `command.add_options`); None where the default is wanted."""


def make(request: Options, servers: Sequence[Endpoint], reference: str | None = None) -> tuple[Plan, list[str]]:
    """The plan, and a note for what it leaves out. Raises CannotCompare where it would be empty."""
    own = [arms.of_endpoint(endpoint) for endpoint in servers]
    own.sort(key=lambda arm: reference not in (None, arm.label))
    beside, idioms = arms.proportions(servers), arms.idioms(servers)
    wanted = _wanted(request)
    cells = []
    for workload, transport in wanted:
        if workload == "lines":
            cells.append(_lines(request, idioms))
        else:
            cells += _cells(request, workload, transport, own, beside)
    cells = [cell for cell in cells if cell.arms]
    if not cells:
        raise CannotCompare("nobody of these can be measured so; choose other servers, or leave out --transport")
    used = {label for cell in cells for label in cell.arms}
    taking_part = tuple(arm for arm in [*own, *beside, *idioms] if arm.label in used)
    sample_s = request.sample or (QUICK_SAMPLE_S if request.quick else SAMPLE_S)
    notes = []
    if request.workload is None:
        left_out = ", ".join(name for name in WORKLOADS if name not in dict(wanted))
        notes = [f"not measured: {left_out}; ask for them with --workload, and for TLS with --transport tls"]
    return Plan(taking_part, tuple(cells), request.rounds, sample_s, WARM_UP_S), notes


def duration_s(plan: Plan) -> float:
    """About how long it takes."""
    return plan.rounds * sum(_each_s(plan, cell) * len(cell.arms) for cell in plan.cells)


def length_s(plan: Plan, cell: Cell) -> float:
    """How long a sample of a cell measures. The open loop does little in a second: it gets three times the length, for
    percentiles that rest on something. Of many connections each shall have a few answers."""
    times = 3 if cell.workload == "half" else 1
    return max(times * plan.sample_s, cell.connections * 200e-6)


def _each_s(plan: Plan, cell: Cell) -> float:
    if cell.workload == "memory":
        return START_S + 2 * cell.connections * (5e-3 if cell.transport == TLS else 400e-6)
    return START_S + WARM_UP_S + length_s(plan, cell)


def _wanted(request: Options) -> list[tuple[str, str]]:
    """Workloads with their transports: where nothing was asked for, echo and memory are measured over TLS as well."""
    if request.transport is None and request.workload is None and not request.quick:
        return [*((workload, TCP) for workload in DEFAULT), *((workload, TLS) for workload in DEFAULT_OVER_TLS)]
    workloads = request.workload or (QUICK if request.quick else DEFAULT)
    transports = request.transport or (TCP,)
    over_tls = [name for name, workload in WORKLOADS.items() if workload.over_tls]
    for workload in workloads:
        if workload not in over_tls and request.workload and TCP not in transports:
            raise CannotCompare(f"--workload {workload} is measured over tcp only; over tls: {', '.join(over_tls)}")
    return [(work, over) for over in transports for work in workloads if over == TCP or work in over_tls]


def _cells(request: Options, workload: str, transport: str, own: Sequence[Arm], beside: Sequence[Arm]) -> list[Cell]:
    """For echo over TCP every size at the middle number of connections, and every number at the middle size. Else the
    middle, or whatever was asked for. Those who only put the others in proportion take part in the middle."""
    sizes, numbers = request.size or SIZES_BYTES, request.connections or CONNECTIONS
    middle = (_middle(sizes, MIDDLE_SIZE_BYTES), _middle(numbers, MIDDLE_CONNECTIONS))
    if workload == "memory":
        middle = (64, max(MEMORY_CONNECTIONS[transport], *(request.connections or (1,))))
    if workload == "fresh" and transport == TCP:
        middle = (middle[0], max(numbers))
    chosen = [middle]
    if workload == "echo":
        usual = transport == TCP and not request.quick
        chosen = [(size, middle[1]) for size in (sizes if request.size or usual else middle[:1])]
        chosen += [(middle[0], number) for number in (numbers if request.connections or usual else middle[1:])]
    in_proportion = ("echo",) if request.quick else ("echo", "connect")
    cells = []
    for parameters in dict.fromkeys(chosen):
        more = beside if workload in in_proportion and parameters == middle else []
        taking_part = tuple(arm.label for arm in [*own, *more] if transport == TCP or arm.tls_options)
        cells.append(Cell(workload, *parameters, taking_part, transport))
    return cells


def _lines(request: Options, idioms: Sequence[Arm]) -> Cell:
    size = (request.size or (LINE_BYTES,))[0]
    if size < LEAST_LINE_BYTES:
        raise CannotCompare(f"--size {size}: a line has {LEAST_LINE_BYTES} bytes at least, its length among them")
    number = _middle(request.connections or CONNECTIONS, MIDDLE_CONNECTIONS)
    return Cell("lines", size, number, tuple(arm.label for arm in idioms), in_flight=request.in_flight)


def _middle(values: Sequence[int], wanted: int) -> int:
    """What is held while the other varies."""
    return wanted if wanted in values else sorted(values)[len(values) // 2]
