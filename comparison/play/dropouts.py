"""Who drops out: a server that cannot start for the tutorial, or an endpoint that fails at all of it, is not tried any
further; and what hangs in a scenario hangs there once. What is not tried is skipped for that reason."""

from collections.abc import Iterable, Sequence

from comparison.model import SIDES, Comparison, Endpoint, Pairing, Side, Verdict

_CANNOT_START, _FAILS = "cannot start", "fails in all of tutorial"


class Dropouts:
    """Those who take no further part, each with the reason."""

    def __init__(self) -> None:
        self._why: dict[tuple[Side, Endpoint], str] = {}

    def learn(self, comparison: Comparison) -> None:
        """Of a scenario that everyone must be able to play: which servers could not start, so that no client was, and
        who failed with all whom others can play with."""
        for server in comparison.servers:
            runs = [run for cell in comparison.cells if cell.pairing.server == server for run in cell.runs]
            if runs and not any(run.client.command for run in runs):
                self._why["server", server] = f"the server {server.label} {_CANNOT_START}"
        sound = [cell.pairing for cell in comparison.cells if cell.verdict not in (Verdict.FAILED, Verdict.SKIPPED)]
        partners = {side: {pairing.end(side) for pairing in sound} for side in SIDES}
        for side, other in (SIDES, SIDES[::-1]):
            for endpoint in {cell.pairing.end(side) for cell in comparison.cells} - partners[side]:
                own = [cell for cell in comparison.cells if cell.pairing.end(side) == endpoint]
                if any(cell.verdict is Verdict.FAILED and cell.pairing.end(other) in partners[other] for cell in own):
                    self._why.setdefault((side, endpoint), f"the {side} {endpoint.label} {_FAILS}")

    def skipped(self, pairings: Iterable[Pairing]) -> dict[Pairing, str]:
        """Which of these need not be tried, each with the reason."""
        reasons = {pairing: [self._why.get((side, pairing.end(side))) for side in SIDES] for pairing in pairings}
        return {pairing: why for pairing, of_sides in reasons.items() for why in filter(None, of_sides[::-1])}


def shown_elsewhere(reason: str) -> bool:
    """Whether a pairing was skipped for what another scenario shows."""
    return reason.endswith((_CANNOT_START, _FAILS))


def hung(reference: Pairing | None, hanging: Iterable[Pairing], pairings: Sequence[Pairing]) -> dict[Pairing, str]:
    """Which need not be tried, or count, since the server hangs with the reference's client, too, or the client with
    its server; each with the reason. Where the reference hangs itself, nobody can tell."""
    found: dict[Pairing, str] = {}
    known = set(hanging)
    if reference is None or reference in known:
        return found
    for pairing in pairings:
        for other in (Pairing(pairing.server, reference.client), Pairing(reference.server, pairing.client)):
            if other in known - {pairing}:
                found.setdefault(pairing, f"hangs in {other}, which is enough")
    return found
