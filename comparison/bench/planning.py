"""From what the user asks for to a plan: which cells, with which arms, in how much time."""

from collections.abc import Sequence
from dataclasses import dataclass

from comparison.bench import arms, plan
from comparison.bench.plan import Arm, Cell, Plan
from comparison.model import CannotCompare, Endpoint

QUICK_S = 54.0
"""What `--quick` has for its samples; the last round may take longer than those before, and the result must be made."""

DEFAULT_S = 320.0
SAMPLE_S = 0.3
"""Long enough for ten thousand messages of most arms; what is left of the chance is less than between two processes, so
that more rounds are worth more than longer samples."""

QUICK_SAMPLE_S = 0.15
"""A minute has then eight rounds, and an interval."""

WARM_UP_S = 0.05
"""A thousand messages: all code has run, and CPython has specialised it, which takes it a few dozen calls."""

QUICK_WORKLOADS = ("echo", "connect", "memory")
"""What fits into a minute with enough rounds for an interval."""


@dataclass(frozen=True)
class Request:
    """What the user asks for; None where the default is wanted."""

    workloads: Sequence[str] | None = None
    sizes_bytes: Sequence[int] | None = None
    connections: Sequence[int] | None = None
    rate_per_s: float = plan.RATE_PER_S
    bulk_bytes: int = plan.BULK_BYTES
    quick: bool = False
    grid: bool = False
    rounds: int | None = None
    time_s: float | None = None
    sample_s: float | None = None


def make(
    request: Request, servers: Sequence[Endpoint], clients: Sequence[Endpoint], reference: str | None = None
) -> tuple[Plan, list[str]]:
    """The plan, and a note for what it leaves out. Raises CannotCompare where it would be empty."""
    own = _reference_first(arms.of_endpoints(servers), reference)
    beside = arms.proportions(servers)
    noisy = arms.with_debug_logs(next(e for e in servers if e.label == own[0].label))
    pairings = arms.of_pairings(sorted(servers, key=lambda e: e.label != own[0].label), clients)
    everyone = [*own, *beside, *([noisy] if noisy else []), *pairings]
    cells = []
    for workload in _workloads(request):
        if workload == "bulk":
            cells.append(Cell("bulk", request.bulk_bytes, 1, _labels(pairings)))
        elif workload == "memory":
            cells.append(Cell("memory", 64, _memory_connections(request), _labels([*own, *beside])))
        elif workload == "rate":
            size_bytes, connections = _middle(request)
            cells.append(Cell("rate", size_bytes, connections, _labels([*own, *beside]), request.rate_per_s))
        elif workload == "connect":
            size_bytes, connections = _middle(request)
            cells.append(Cell("connect", size_bytes, connections, _labels([*own, *beside])))
        else:
            cells += _echo(request, [*own, *beside], noisy)
    used = {label for cell in cells for label in cell.arms}
    time_s = request.time_s or (QUICK_S if request.quick else DEFAULT_S)
    sample_s = request.sample_s or (QUICK_SAMPLE_S if request.quick else SAMPLE_S)
    taking_part = tuple(arm for arm in everyone if arm.label in used)
    notes = []
    if request.quick and request.workloads is None:
        left_out = ", ".join(name for name in plan.WORKLOADS if name not in QUICK_WORKLOADS)
        notes.append(f"--quick leaves out {left_out}; add --workload to choose, or leave out --quick")
    return Plan(taking_part, tuple(cells), request.rounds, time_s, sample_s, WARM_UP_S), notes


def _workloads(request: Request) -> Sequence[str]:
    return request.workloads or (QUICK_WORKLOADS if request.quick else tuple(plan.WORKLOADS))


def _echo(request: Request, own: Sequence[Arm], noisy: Arm | None) -> list[Cell]:
    """Every size at the middle number of connections, and every number of connections at the middle size; `grid` takes
    every size with every number. The arm with debug logs takes part in the middle."""
    sizes, numbers = _sizes(request), _numbers(request)
    middle = _middle(request)
    if request.grid:
        chosen = [(size, number) for number in numbers for size in sizes]
    else:
        chosen = [*((size, middle[1]) for size in sizes), *((middle[0], number) for number in numbers)]
    return [
        Cell("echo", *parameters, _labels([*own, *([noisy] if noisy and parameters == middle else [])]))
        for parameters in dict.fromkeys(chosen)
    ]


def _sizes(request: Request) -> Sequence[int]:
    if request.sizes_bytes is not None:
        return request.sizes_bytes
    return (plan.MIDDLE_SIZE_BYTES,) if request.quick else plan.SIZES_BYTES


def _numbers(request: Request) -> Sequence[int]:
    if request.connections is not None:
        return request.connections
    return (plan.MIDDLE_CONNECTIONS,) if request.quick else plan.CONNECTIONS


def _middle(request: Request) -> tuple[int, int]:
    """The size and the number of connections that are held while the other one varies."""
    sizes, numbers = sorted(_sizes(request)), sorted(_numbers(request))
    return (
        plan.MIDDLE_SIZE_BYTES if plan.MIDDLE_SIZE_BYTES in sizes else sizes[len(sizes) // 2],
        plan.MIDDLE_CONNECTIONS if plan.MIDDLE_CONNECTIONS in numbers else numbers[len(numbers) // 2],
    )


def _memory_connections(request: Request) -> int:
    """Many, so that what one takes is seen; as many as asked for, should that be more."""
    return max(plan.MEMORY_CONNECTIONS, *_numbers(request))


def _reference_first(own: list[Arm], reference: str | None) -> list[Arm]:
    labels = [arm.label for arm in own]
    if reference is None:
        return own
    if reference not in labels:
        raise CannotCompare(f"--reference {reference!r} takes no part; known here: {', '.join(labels)}")
    return sorted(own, key=lambda arm: arm.label != reference)


def _labels(some: Sequence[Arm]) -> tuple[str, ...]:
    return tuple(arm.label for arm in some)
