"""What every view says in the same words."""

from collections.abc import Iterable, Sequence

from comparison.model import Cause, Cell, Comparison, Endpoint, Group, Pairing, Run, Side, Verdict

SYMBOLS = {
    Verdict.IDENTICAL: "=",
    Verdict.EXPLAINED: "~",
    Verdict.DIFFERENT: "!",
    Verdict.FAILED: "x",
}
"""A sign for each verdict besides its word and its colour."""

MEANINGS = {
    Verdict.IDENTICAL: "the same lines as the reference (which counts as one)",
    Verdict.EXPLAINED: "other lines, and a known cause for each",
    Verdict.DIFFERENT: "other lines, and no explanation for at least one",
    Verdict.FAILED: "bytes lost or altered, a wrong exit code, a crash, or a deadline missed",
}


LOGS = "The logs with chunks joined and ports replaced; the letters name the causes below."


def title(comparison: Comparison) -> str:
    servers, clients = len(comparison.servers), len(comparison.clients)
    times = f", {comparison.repeat} times each" if comparison.repeat > 1 else ""
    tried = f"{comparison.scenario.description}, over {comparison.transport.description}"
    return f"{_count(servers, 'server')} x {_count(clients, 'client')}{times}: {tried}"


def environment(comparison: Comparison) -> str:
    return ", ".join(f"{name} {version}".strip() for name, version in comparison.environment.items())


def legend(comparison: Comparison) -> list[str]:
    """The verdicts that occur, each with its meaning."""
    present = [verdict for verdict in Verdict if comparison.count(verdict)]
    return [f"{SYMBOLS[verdict]} {verdict}: {MEANINGS[verdict]}" for verdict in present]


def cell(cell: Cell, repeat: int, short: bool = False) -> list[str]:
    """A cell of the matrix: its verdict and the letters of its causes; over several runs also how many agreed and how
    often TCP cut the stream. `short` leaves the verdict its sign only."""
    letters = " ".join(cell.letters)
    parts = [f"{SYMBOLS[cell.verdict]} {letters}"] if short else [f"{SYMBOLS[cell.verdict]} {cell.verdict}", letters]
    if repeat > 1:
        agreed = f"{cell.agreed}/{len(cell.runs)}"
        parts += [agreed, f"cut {cell.cut}"] if short else [f"{agreed} agree", f"cut in {cell.cut}"]
    return [part.rstrip() for part in parts if part]


def troubles(comparison: Comparison) -> list[str]:
    """A line for each cell that is different or failed, with its reason."""
    bad = [cell for cell in comparison.cells if cell.verdict in (Verdict.DIFFERENT, Verdict.FAILED)]
    return [f"{SYMBOLS[cell.verdict]} {cell.pairing} {cell.verdict}: {cell.reason}" for cell in bad]


def group_title(comparison: Comparison, group: Group) -> str:
    return f"{group.side} log: {pairings(comparison, group.pairings)}"


def changed(comparison: Comparison, side: Side) -> list[Group]:
    """The groups of a side whose log is not the reference's."""
    return [
        group for group in comparison.groups if group.side == side and any(sign != " " for sign, _, _ in group.diff)
    ]


def alike(comparison: Comparison, side: Side) -> str:
    """Which pairings wrote the reference's log on a side."""
    group = next(
        group for group in comparison.groups if group.side == side and all(sign == " " for sign, _, _ in group.diff)
    )
    return f"{side} log as in the reference: {pairings(comparison, group.pairings) or 'none'}"


def pairings(comparison: Comparison, some: Sequence[Pairing]) -> str:
    """Pairings in as few words as possible."""
    servers, clients = _unique(pairing.server for pairing in some), _unique(pairing.client for pairing in some)
    if len(some) < len(servers) * len(clients):
        return ", ".join(map(str, some[:4])) + (f" and {len(some) - 4} more" if len(some) > 4 else "")
    server_names = "every server" if len(servers) == len(comparison.servers) else "server " + _labels(servers)
    client_names = "every client" if len(clients) == len(comparison.clients) else "client " + _labels(clients)
    return f"{server_names}, {client_names}" if some else ""


def cause_title(cause: Cause) -> str:
    return cause.explanation.name if cause.explained and cause.explanation else f"unexplained: {cause.event}"


def cause_text(cause: Cause) -> list[str]:
    """Under the title: what was computed, what it means, where to read on."""
    lines = [f"{cause.finding}."]
    if cause.explained and cause.explanation is not None:
        return [*lines, cause.explanation.text, f"Source: {cause.explanation.source}."]
    if cause.explanation is not None:
        axis = cause.explanation.axis
        lines.append(
            f"The catalogue explains this event only where the {axis} predicts it, and only where it is seen once."
        )
    else:
        lines.append("The catalogue has no entry for this event.")
    return lines + [f"{d.side} {d.sign} {d.text}" for d in cause.differences]


def closing(comparison: Comparison) -> str:
    """The counts, the time, and what to type next."""
    shown = (Verdict.IDENTICAL, Verdict.EXPLAINED, Verdict.DIFFERENT, Verdict.FAILED)
    counts = ", ".join(f"{comparison.count(verdict)} {verdict}" for verdict in shown)
    return f"{_count(len(comparison.cells), 'pairing')} in {comparison.duration_s:.1f} s: {counts}. {_next(comparison)}"


def plain_log(run: Run, side: Side) -> list[str]:
    """One side's log of one run as a person reads it."""
    return [event.plain for event in run.events(side)]


def _next(comparison: Comparison) -> str:
    for cell in comparison.cells:
        if cell.verdict in (Verdict.DIFFERENT, Verdict.FAILED):
            server, client = cell.pairing.server.label, cell.pairing.client.label
            return f"Next: compare.py --server {server} --client {client} --raw"
    if comparison.repeat == 1:
        return "Next: compare.py --repeat 20"
    return "Next: compare.py --raw"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _unique(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    return list(dict.fromkeys(endpoints))


def _labels(endpoints: Iterable[Endpoint]) -> str:
    return ", ".join(endpoint.label for endpoint in endpoints)
