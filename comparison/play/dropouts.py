"""Who drops out: a server that cannot even start, or an endpoint that fails at all of the tutorial, is not tried any
further, and what hangs in a scenario hangs there once. One pairing shows it; the others are skipped for that reason."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from comparison.model import SIDES, Cell, Comparison, Endpoint, Pairing, Scenario, Side, Transport, Verdict
from comparison.play.commands import not_supported
from comparison.play.processes import Closed, Launcher
from comparison.play.serving import AddressTaken, NotReady, alone, serve
from comparison.play.workers import Workers

_CANNOT_START, _FAILS = "cannot start", "fails in all of tutorial"


class Dropouts:
    """Those who take no further part, each with the reason."""

    def __init__(self) -> None:
        self._why: dict[tuple[Side, Endpoint], str] = {}
        self._to_show: set[Endpoint] = set()

    def try_servers(self, servers: Iterable[Endpoint], scenario: Scenario, transport: Transport, jobs: int) -> None:
        """Start each server once, side by side; those that cannot start drop out after one pairing that shows why."""
        with (
            tempfile.TemporaryDirectory(prefix="compare-", ignore_cleanup_errors=True) as folder,
            Workers(jobs) as workers,
            Launcher() as launcher,
        ):

            def unable(server: Endpoint) -> Iterator[Endpoint]:
                if not _starts(launcher, scenario, transport, server, Path(folder)):
                    yield server

            cannot = list(workers.each(unable, servers))
        self._to_show.update(cannot)
        self._why |= {("server", server): f"the server {server.label} {_CANNOT_START}" for server in cannot}

    def learn(self, comparison: Comparison) -> None:
        """Of a scenario that everyone must be able to play: who failed with all whom others can play with."""
        sound = [cell.pairing for cell in comparison.cells if cell.verdict not in (Verdict.FAILED, Verdict.SKIPPED)]
        partners = {side: {pairing.end(side) for pairing in sound} for side in SIDES}
        for side, other in (SIDES, SIDES[::-1]):
            for endpoint in {cell.pairing.end(side) for cell in comparison.cells} - partners[side]:
                own = [cell for cell in comparison.cells if cell.pairing.end(side) == endpoint]
                if any(cell.verdict is Verdict.FAILED and cell.pairing.end(other) in partners[other] for cell in own):
                    self._why.setdefault((side, endpoint), f"the {side} {endpoint.label} {_FAILS}")

    def skipped(self, pairings: Sequence[Pairing]) -> dict[Pairing, str]:
        """Which of these need not be tried, each with the reason."""
        found: dict[Pairing, str] = {}
        for pairing in pairings:
            why = next(filter(None, (self._why.get((side, pairing.end(side))) for side in SIDES)), None)
            if pairing.server in self._to_show:
                self._to_show.discard(pairing.server)
            elif why is not None:
                found[pairing] = why
        return found


def shown_elsewhere(cell: Cell) -> bool:
    """Whether a pairing was skipped for what another scenario shows: in a run of one scenario nobody drops out."""
    return cell.verdict is Verdict.SKIPPED and cell.reason.endswith((_CANNOT_START, _FAILS))


def hung(reference: Pairing | None, hanging: Iterable[Pairing], pairings: Sequence[Pairing]) -> dict[Pairing, str]:
    """Which pairings need not be tried, or count, since the server hangs with the reference's client too, or the
    client with the reference's server; each with the reason. Where the reference hangs itself, nobody can tell."""
    found: dict[Pairing, str] = {}
    known = set(hanging)
    if reference is None or reference in known:
        return found
    for pairing in pairings:
        shown_by = (Pairing(pairing.server, reference.client), Pairing(reference.server, pairing.client))
        shows = next((other for other in shown_by if other in known and other != pairing), None)
        if shows is not None:
            found[pairing] = f"hangs in {shows}, which is enough"
    return found


def _starts(launcher: Launcher, scenario: Scenario, transport: Transport, server: Endpoint, folder: Path) -> bool:
    try:
        with alone(server):
            process, *_ = serve(launcher, scenario, transport, server, folder)
            process.kill()
    except NotReady as error:  # what it does not support, or the machine lacks, is for each scenario to say
        return (error.lacking or not_supported(server, error.log)) is not None
    except (Closed, AddressTaken):  # which tells nothing of the server
        pass
    return True
