"""From the choice of endpoints to the verdicts: one comparison, or one after another."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from comparison import endpoints
from comparison.judge import verdicts
from comparison.judge.causes import Letters
from comparison.judge.condense import condense
from comparison.model import (
    RAW,
    CannotCompare,
    Cell,
    Comparison,
    Endpoint,
    Interpreter,
    Observation,
    Pairing,
    Run,
    Scenario,
    Transport,
)
from comparison.play import runner
from comparison.play.commands import why_not
from comparison.play.dropouts import Dropouts, hung
from comparison.play.machine import too_few_files
from comparison.play.transports import TCP, TRANSPORTS, missing
from comparison.scenarios import SCENARIOS, TUTORIAL

INTERRUPTED = "interrupted before it was run"

Keep = Callable[[Scenario, Transport, Run], None]


@dataclass(frozen=True)
class Selection:
    """Who takes part in a comparison, and what everyone is held against."""

    pythons: tuple[Interpreter, ...]
    servers: tuple[Endpoint, ...]
    clients: tuple[Endpoint, ...]
    reference: Pairing
    notes: tuple[str, ...]
    options: tuple[str, ...] = ()
    """The options of the command line that choose the same once more."""

    def pairings(self, scenario: Scenario) -> list[Pairing]:
        """The cells of a scenario; where the engine plays one side, that side is always the same."""
        servers = self.servers if "server" in scenario.on_trial else (RAW,)
        clients = self.clients if "client" in scenario.on_trial else (RAW,)
        return [Pairing(server, client) for server in servers for client in clients]

    def reference_of(self, scenario: Scenario) -> Pairing:
        server = self.reference.server if "server" in scenario.on_trial else RAW
        client = self.reference.client if "client" in scenario.on_trial else RAW
        return Pairing(server, client)


@dataclass(frozen=True)
class Trial:
    """A scenario over a transport; `skipped` says why it cannot be run here."""

    scenario: Scenario
    transport: Transport
    skipped: str | None = None


def choose(
    *,
    servers: Sequence[str] | None = None,
    clients: Sequence[str] | None = None,
    loops: Sequence[str] | None = None,
    pythons: Sequence[str] = (),
    reference: Sequence[str] | None = None,
    others: Sequence[Endpoint] = (),
) -> Selection:
    """Find out what this machine can run, and pick from it and from `others`. Raises CannotCompare."""
    found = endpoints.interpreters(pythons, loops or endpoints.DEFAULT_LOOPS)
    everyone, notes = endpoints.available(found, loops)
    everyone += others
    chosen_servers = [e for e in endpoints.select(everyone, servers, "--server") if e.server_command]
    chosen_clients = [e for e in endpoints.select(everyone, clients, "--client") if e.client_command]
    for option, chosen in (("--server", chosen_servers), ("--client", chosen_clients)):
        if not chosen:
            raise CannotCompare(f"{option}: none of these has a {option[2:]} command; give one with {option}-command")
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


Named = TypeVar("Named")


def trials(scenarios: Sequence[str], transports: Sequence[str] | None) -> list[Trial]:
    """What to run for the scenarios and transports that the user named; `all` stands for every one. Without
    `transports` each scenario runs over its own. Raises CannotCompare where a name is unknown."""
    named = _named(scenarios, SCENARIOS, "--scenario")
    over = None if transports is None else _named(transports, TRANSPORTS, "--transport")
    found = []
    for scenario in named:
        for transport in over or [TRANSPORTS[scenario.transports[0]]]:
            skipped = missing(transport) or too_few_files(scenario)
            if transport.name not in scenario.transports:
                skipped = f"there is no {scenario.name} over {transport.name}, only {', '.join(scenario.transports)}"
            found.append(Trial(scenario, transport, skipped))
    return found


def compare_all(
    selection: Selection,
    chosen: Sequence[Trial],
    *,
    repeat: int = 1,
    jobs: int = 1,
    keep: Keep = lambda scenario, transport, run: None,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Comparison]:
    """One comparison after another, each as soon as it is judged; a cause has the same letter in all of them. `keep`
    gets each run, `tick` is called after each, from any thread. After Ctrl-C the last one is of what was judged."""
    letters, dropouts = Letters(), Dropouts()
    if len(chosen) > 1:
        dropouts.try_servers(selection.servers, TUTORIAL, TCP, jobs)
    for trial in chosen:
        for comparison in _compare(selection, trial, repeat, jobs, letters, dropouts, keep, tick):
            if trial.scenario == TUTORIAL:
                dropouts.learn(comparison)
            yield comparison


def _compare(
    selection: Selection,
    trial: Trial,
    repeat: int,
    jobs: int,
    letters: Letters,
    dropouts: Dropouts,
    keep: Keep,
    tick: Callable[[], None],
) -> Iterator[Comparison]:
    """Run every pairing of the selection and judge it."""
    start_s = time.monotonic()
    scenario, transport = trial.scenario, trial.transport
    pairings, reference = selection.pairings(scenario), selection.reference_of(scenario)
    skipped = {pairing: why for pairing in pairings if (why := trial.skipped or _why_skipped(trial, pairing))}
    skipped |= dropouts.skipped([pairing for pairing in pairings if pairing not in skipped])
    running = [pairing for pairing in pairings if pairing not in skipped]
    observations: list[Observation] = []
    interrupted = False

    def observe(run: Run) -> None:
        keep(scenario, transport, run)
        seen = verdicts.observe(scenario, run)
        observations.append(dataclasses.replace(seen, run=condense(run)))

    plan = runner.Plan(scenario, transport, repeat, jobs, observe, tick, reference)
    try:
        turned_out = runner.run_all(plan, running)
    except KeyboardInterrupt:
        if not observations:
            raise
        interrupted, turned_out = True, dict.fromkeys(running, INTERRUPTED)
    played = {seen.run.pairing for seen in observations}
    skipped |= {pairing: why for pairing, why in turned_out.items() if pairing not in played}
    skipped |= hung(reference, plan.hanging, running)
    observations = [seen for seen in observations if seen.run.pairing not in skipped]
    running = [pairing for pairing in running if pairing not in skipped]
    if running and reference in skipped:
        reference = running[0]
    order = {pairing: place for place, pairing in enumerate(pairings)}
    observations.sort(key=lambda seen: (order[seen.run.pairing], seen.run.number))
    cells, causes, groups = verdicts.judge(scenario, observations, reference, letters) if running else ((), (), ())
    cells = (*cells, *(Cell(pairing, {}, why, (), (), 0, 0, 0) for pairing, why in skipped.items()))
    yield Comparison(
        scenario=scenario,
        transport=transport,
        environment=endpoints.environment(selection.pythons),
        endpoints=tuple(dict.fromkeys((*selection.servers, *selection.clients))),
        servers=tuple(dict.fromkeys(pairing.server for pairing in pairings)),
        clients=tuple(dict.fromkeys(pairing.client for pairing in pairings)),
        reference=reference,
        repeat=repeat,
        cells=tuple(sorted(cells, key=lambda cell: order[cell.pairing])),
        causes=causes,
        groups=groups,
        notes=(*selection.notes, *_not_judged(scenario, observations)),
        selection=selection.options,
        duration_s=time.monotonic() - start_s,
    )
    if interrupted:
        raise KeyboardInterrupt


def _not_judged(scenario: Scenario, observations: Sequence[Observation]) -> Iterator[str]:
    """What must hold and could not be looked at."""
    sound = [seen.run for seen in observations if not seen.faults]
    if (
        scenario.expects.memory_mib is not None
        and sound
        and not any(log.peak_bytes for run in sound for log in (run.server, run.client))
    ):
        yield (
            f"skipped in {scenario.name}: whether memory stays below {scenario.expects.memory_mib} MiB; "
            "this system does not tell how much a process took"
        )


def _why_skipped(trial: Trial, pairing: Pairing) -> str | None:
    """Why two endpoints cannot play this scenario; None where they can."""
    sides = [(side, pairing.end(side)) for side in trial.scenario.on_trial]
    return next((why for side, end in sides if (why := why_not(trial.scenario, trial.transport, end, side))), None)


def _named(names: Sequence[str], known: Mapping[str, Named], option: str) -> list[Named]:
    for name in names:
        if name not in known and name != "all":
            raise CannotCompare(f"{option} {name!r} is unknown; known are all, {', '.join(known)}")
    return list(known.values()) if "all" in names else [known[name] for name in dict.fromkeys(names)]
