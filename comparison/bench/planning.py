"""From what the user asks for to a plan: who is measured, which are the endpoints of the comparison and arms that put
them in proportion; in which cells; in how many rounds."""

from argparse import Namespace
from collections.abc import Sequence

from comparison.bench.connections import LEAST_LINE_BYTES
from comparison.bench.plan import MIDDLE, TCP, TLS, WARM_UP_S, Arm, Cell, Plan
from comparison.model import FACTORS, KIB, NO_LEVEL, CannotCompare, Endpoint

PROPORTIONS = {  # servers that no endpoint is, each the shortest of its kind; the first anchors a run to another
    "buffered": "an echo with BufferedProtocol and nothing else: no log, no limits",
    "sockets": "an echo with loop.sock_recv() and sock_sendall(), and nothing else",
}
IDIOMS = {
    "readline": "Streams, a line at a time: readline(), write(), drain()",
    "readexactly": "Streams, each message by the length that stands before it: readexactly()",
    "split": "Streams, a chunk at a time: read(), split into lines, answered in one write",
    "protocol-each": "a Protocol that splits what comes into lines, with a write for each",
    "protocol-joined": "a Protocol that splits what comes into lines, with one write for all",
}

QUIET = ("--log-level", "warning")  # two or three log lines a connection are up to half of what it costs
HERE = ("--host", "{host}", "--port", "{port}")
CERTIFICATE = "{certificates}/server.pem"
OVER_TLS = ("--tls-cert", CERTIFICATE)

SIZES_BYTES = (64, KIB, 64 * KIB)
CONNECTIONS = (1, 10, 100)
SMALL_BYTES = 64
IN_FLIGHT = 16
MEMORY_CONNECTIONS = {TCP: 500, TLS: 100}  # many, so that what one takes is seen: over TLS that is much more

# Some thousand messages of most arms: less is left to chance than between two processes, so more rounds are better.
SAMPLE_S, QUICK_SAMPLE_S = 0.2, 0.15
START_S = 0.4  # what a sample takes besides: two programs are started and ended

QUICK = ("echo", "connect")
IN_PROPORTION = (*QUICK, "fresh")  # where PROPORTIONS stand beside the endpoints
DEFAULT = {TCP: ("echo", "lines", "connect", "fresh", "memory"), TLS: ("echo", "fresh", "memory")}


def of_endpoint(endpoint: Endpoint) -> Arm:
    """The arm of an endpoint's server, without logs."""
    return Arm(
        endpoint.label,
        (*endpoint.server_command, *((*QUIET, *HERE) if endpoint.takes_options else ())),
        factors={factor: endpoint.level(factor) for factor in FACTORS},
        server_address=endpoint.server_address,
        tls_options=OVER_TLS if endpoint.takes_options else (),
    )


def of_program(name: str, loop: str, python: str) -> Arm:
    """The arm of a server of the benchmark itself."""
    return Arm(
        f"{name}/{loop}",
        (python, "-m", "comparison.bench.servers", name, loop, "{host}", "{port}"),
        factors={"idiom": name, "loop": loop} if name in IDIOMS else {},
        meaning=f"{name}: {(PROPORTIONS | IDIOMS)[name]}",
        tls_options=() if name == "sockets" else (CERTIFICATE,),
    )


def make(request: Namespace, servers: Sequence[Endpoint], reference: str | None = None) -> Plan:
    """The plan of what the user asks for (see `command.add_options`; None where the default is wanted). Raises
    CannotCompare where it would be empty."""
    own = sorted(map(of_endpoint, servers), key=lambda arm: reference not in (None, arm.label))
    pythons: dict[str, str] = {}  # by loop, the first that has it
    for one in servers:
        if one.loop != NO_LEVEL and one.takes_options:
            pythons.setdefault(one.loop, one.server_command[0])
    beside = [of_program(name, *place) for place in list(pythons.items())[:1] for name in PROPORTIONS]
    idioms = [of_program(name, *place) for place in pythons.items() for name in IDIOMS]
    in_proportion = QUICK[:1] if request.quick else IN_PROPORTION
    cells = []
    for workload, transport in _wanted(request):
        middle, places = _places(request, workload, transport)
        for place in places:
            taking_part = idioms if workload == "lines" else own
            if workload in in_proportion and place == middle:
                taking_part = [*own, *beside]
            labels = tuple(arm.label for arm in taking_part if transport == TCP or arm.tls_options)
            in_flight = request.in_flight if workload == "lines" else 1
            anchor = "".join(arm.label for arm in beside[:1] if arm.label in labels)
            cells += [Cell(workload, *place, labels, transport, in_flight, anchor)] if labels else []
    if not cells:
        raise CannotCompare("nobody of these can be measured so; choose other servers, or leave out --transport")
    used = {label for cell in cells for label in cell.arms}
    who = tuple(arm for arm in [*own, *beside, *idioms] if arm.label in used)
    sample_s = request.sample or (QUICK_SAMPLE_S if request.quick else SAMPLE_S)
    return Plan(who, tuple(cells), request.rounds, sample_s)


def duration_s(plan: Plan) -> float:
    """About how long it takes."""
    round_s = 0.0
    for cell in plan.cells:
        load_s = WARM_UP_S + plan.length_s(cell)
        if cell.workload == "memory":
            load_s = 2 * cell.connections * (5e-3 if cell.transport == TLS else 400e-6)
        round_s += len(cell.arms) * (START_S + load_s)
    return plan.rounds * round_s


def _wanted(request: Namespace) -> list[tuple[str, str]]:
    """Workloads with their transports: where nothing was asked for, some are measured over TLS as well."""
    wanted = DEFAULT
    if request.workload or request.transport or request.quick:
        workloads = request.workload or (QUICK if request.quick else DEFAULT[TCP])
        wanted = dict.fromkeys(request.transport or (TCP,), workloads)
    return [(workload, transport) for transport, asked in wanted.items() for workload in dict.fromkeys(asked)]


def _places(request: Namespace, workload: str, transport: str) -> tuple[tuple[int, int], list[tuple[int, int]]]:
    """The size and number of connections that one of both is held at while the other varies, and all that are measured:
    for echo over TCP every size and every number. Else that one, or whatever was asked for."""
    sizes, numbers = request.size or SIZES_BYTES, request.connections or CONNECTIONS
    pairs = zip(MIDDLE, (sizes, numbers), strict=True)
    size, number = (usual if usual in asked else sorted(asked)[len(asked) // 2] for usual, asked in pairs)
    if workload == "memory":
        size, number = SMALL_BYTES, max(MEMORY_CONNECTIONS[transport], *(request.connections or (1,)))
    elif workload == "fresh" and transport == TCP:
        number = max(numbers)
    elif workload == "lines":
        size = (request.size or (SMALL_BYTES,))[0]
        if size < LEAST_LINE_BYTES:
            raise CannotCompare(f"--size {size}: a line has {LEAST_LINE_BYTES} bytes at least, its length among them")
    places = [(size, number)]
    if workload == "echo":
        across = transport == TCP and not request.quick
        places = [(one, number) for one in (sizes if request.size or across else (size,))]
        places += [(size, one) for one in (numbers if request.connections or across else (number,))]
    return (size, number), list(dict.fromkeys(places))
