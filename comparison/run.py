"""One comparison from the choice of endpoints to the verdicts."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from comparison import endpoints, matrix, verdicts
from comparison.model import CannotCompare, Comparison, Endpoint, Interpreter, Pairing, Scenario, Transport
from comparison.scenarios import TCP


@dataclass(frozen=True)
class Selection:
    """Who takes part in a comparison, and what everyone is held against."""

    pythons: tuple[Interpreter, ...]
    servers: tuple[Endpoint, ...]
    clients: tuple[Endpoint, ...]
    reference: Pairing
    notes: tuple[str, ...]

    @property
    def pairings(self) -> int:
        return len(self.servers) * len(self.clients)


def choose(
    *,
    servers: Sequence[str] | None = None,
    clients: Sequence[str] | None = None,
    loops: Sequence[str] | None = None,
    pythons: Sequence[str] = (),
    reference: Sequence[str] | None = None,
) -> Selection:
    """Find out what this machine can run, and pick from it. Raises CannotCompare."""
    found = endpoints.interpreters(pythons, loops or endpoints.DEFAULT_LOOPS)
    everyone, notes = endpoints.available(found, loops)
    chosen_servers = endpoints.select(everyone, servers, "--server")
    chosen_clients = endpoints.select(everyone, clients, "--client")
    if reference is None:
        held_against = Pairing(chosen_servers[0], chosen_clients[0])
    else:
        if len(reference) > 2:
            raise CannotCompare("--reference takes one pairing: give SERVER, or SERVER,CLIENT")
        # An implementation alone stands for itself on the first loop.
        server = endpoints.select(chosen_servers, reference[:1], "--reference")[0]
        client = endpoints.select(chosen_clients, reference[-1:], "--reference")[0]
        held_against = Pairing(server, client)
    return Selection(tuple(found), tuple(chosen_servers), tuple(chosen_clients), held_against, tuple(notes))


def compare(
    selection: Selection,
    scenario: Scenario,
    *,
    transport: Transport = TCP,
    repeat: int = 1,
    jobs: int = 1,
    tick: Callable[[], None] = lambda: None,
) -> Comparison:
    """Run every pairing of the selection and judge it. `tick` is called after each run of a client."""
    start_s = time.monotonic()
    runs = matrix.run_all(
        scenario, selection.servers, selection.clients, transport=transport, repeat=repeat, jobs=jobs, tick=tick
    )
    cells, causes, groups = verdicts.judge(scenario, runs, selection.reference)
    return Comparison(
        scenario=scenario,
        transport=transport,
        environment=endpoints.environment(selection.pythons),
        endpoints=tuple(dict.fromkeys((*selection.servers, *selection.clients))),
        servers=selection.servers,
        clients=selection.clients,
        reference=selection.reference,
        repeat=repeat,
        cells=cells,
        causes=causes,
        groups=groups,
        notes=selection.notes,
        duration_s=time.monotonic() - start_s,
    )
