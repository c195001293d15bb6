"""What differs from the reference, and which factor predicts it.

The pairings are a factorial experiment. Its factors are the implementation, the loop and the Python of each side. A
factor predicts a difference if the runs of each of its levels all have it or all lack it.
"""

import difflib
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from comparison.catalogue import CATALOGUE, entry_for, expected_axis
from comparison.expectations import allowed_exits
from comparison.model import (
    FACTORS,
    SIDES,
    Cause,
    Difference,
    Event,
    Pairing,
    ProjectedLine,
    Run,
    Scenario,
    Side,
)
from comparison.peers import AFTER
from comparison.projection import BYTES, ENDINGS, connections, project

Projections = Mapping[Side, tuple[ProjectedLine, ...]]
Factor = tuple[Side, str]


class Letters:
    """One letter for each cause, the same in every comparison of a run, in the order in which they are found."""

    def __init__(self) -> None:
        self._given: dict[object, str] = {}

    def of(self, key: object) -> str:
        return self._given.setdefault(key, _letter(len(self._given)))


def projections(scenario: Scenario, run: Run) -> dict[Side, tuple[ProjectedLine, ...]]:
    """What is compared of a run: the projected log of each side, and its exit code where that is not the expected
    one. Of a side that tells nothing: the bytes and the ends that were seen on the wire."""
    found: dict[Side, tuple[ProjectedLine, ...]] = {}
    for side in SIDES:
        code = run.log(side).exit_code
        usual = run.is_raw(side) or code in allowed_exits(scenario, run, side)
        ending = () if usual else (ProjectedLine("exit", f"(exit code {code})"),)
        lines = project(_on_trial(run, side), scenario.expects.by_timing)
        if side in run.silent:
            lines = tuple(line for line in lines if line.event in (*BYTES, *ENDINGS))
        found[side] = (*lines, *ending)
    return found


def _on_trial(run: Run, side: Side) -> Sequence[Event]:
    """The events without the connection of the well-behaved client that comes last, which is only judged."""
    events = run.events(side)
    if side == "client":
        return [event for event in events if event.speaker != AFTER]
    if any(event.speaker == AFTER for event in run.client_events):
        last = {id(event) for block in connections(events)[-1:] for event in block}
        return [event for event in events if id(event) not in last]
    return events


def between(reference: Projections, projected: Projections, silent: Iterable[Side] = ()) -> frozenset[Difference]:
    """Every line that is there, missing or moved on either side against the reference; of a side where one of the two
    tells nothing, only the bytes that both were seen to pass on the wire. `silent` has a side twice where both do."""
    found: list[Difference] = []
    times = Counter(silent)
    for side in SIDES:
        if times[side] != 1:
            found += _differences(side, reference[side], projected[side])
        elif (here := _bytes(reference[side])) and (there := _bytes(projected[side])):
            found += _differences(side, here, there)
    return frozenset(found)


def _bytes(lines: Iterable[ProjectedLine]) -> list[ProjectedLine]:
    return [line for line in lines if line.event in BYTES]


def _differences(
    side: Side, reference: Sequence[ProjectedLine], projected: Sequence[ProjectedLine]
) -> list[Difference]:
    counts, expected = Counter(projected), Counter(reference)
    found = []
    for line in dict.fromkeys((*reference, *projected)):
        sign: Literal["+", "-"] = "+" if counts[line] > expected[line] else "-"
        if (times := abs(counts[line] - expected[line])) > 0:
            found.append(Difference(side, sign, line.event, line.text, line.nth, times))
    # What both have, in the order of each: a line that the shortest edit takes out here and puts in there has moved.
    for here, there in _counterparts(reference, projected):
        common = Counter(here) & Counter(there)
        here, there = _only(common, here), _only(common, there)
        for tag, start, end, _, _ in difflib.SequenceMatcher(None, here, there, autojunk=False).get_opcodes():
            if tag in ("delete", "replace"):
                found += [Difference(side, "~", line.event, line.text, line.nth) for line in here[start:end]]
    return found


def _counterparts(
    reference: Sequence[ProjectedLine], projected: Sequence[ProjectedLine]
) -> Iterator[tuple[list[ProjectedLine], list[ProjectedLine]]]:
    """The lines of the program here and there, and those of the connections that are not the same here and there,
    in the order of either."""
    here, there = _by_connection(reference), _by_connection(projected)
    yield here.pop(0, []), there.pop(0, [])
    left_here = [lines for lines in here.values() if lines not in there.values()]
    left_there = [lines for lines in there.values() if lines not in here.values()]
    yield from zip(left_here, left_there, strict=False)


def _by_connection(lines: Iterable[ProjectedLine]) -> dict[int, list[ProjectedLine]]:
    found: dict[int, list[ProjectedLine]] = defaultdict(list)
    for line in lines:
        found[line.connection].append(line)
    return dict(found)


def _only(wanted: Counter[ProjectedLine], lines: Iterable[ProjectedLine]) -> list[ProjectedLine]:
    left = Counter(wanted)
    kept = []
    for line in lines:
        if left[line] > 0:
            left[line] -= 1
            kept.append(line)
    return kept


def causes(
    found: Mapping[Run, frozenset[Difference]], shows: Sequence[str] = (), letters: Letters | None = None
) -> list[Cause]:
    """Work out what predicts each difference over all runs, and look up what explains it, in a scenario that is there
    to show the explanations of these names. One cause for each event and prediction."""
    letters = letters or Letters()
    alike: dict[tuple[bool, str, tuple[str, ...]], list[Difference]] = defaultdict(list)
    findings: dict[Difference, str] = {}
    for difference in sorted(set().union(*found.values())) if found else []:
        runs = [run for run in found if difference.side not in run.silent]
        having = {run for run in runs if difference in found[run]}
        side = _seen_from(difference.side, runs)
        predicting = predictors(runs, having, side)
        axes = tuple(_axis(factors, side) for factors in predicting)
        # A line that comes twice, or elsewhere, is another event than the one that an entry is about.
        plain = difference.sign != "~" and difference.nth == 1
        entry = entry_for(difference.event, axes, shows) if plain else None
        findings[difference] = _finding(difference.sign, side, predicting, runs, having)
        alike[entry is not None, entry.name if entry is not None else difference.event, axes].append(difference)
    # The unexplained come first: they are what the reader is here for.
    return [
        Cause(
            letter=letters.of((explained, name) if explained else (name, axes)),
            event=differences[0].event,
            axes=axes,
            finding=_together(dict.fromkeys(findings[difference] for difference in differences)),
            explanation=CATALOGUE[name] if explained else None,
            expected_axis=None if explained else expected_axis(name, shows),
            differences=tuple(differences),
            pairings=_pairings(found, differences),
        )
        for (explained, name, axes), differences in sorted(alike.items())
    ]


def _together(findings: Iterable[str]) -> str:
    """Several findings of one cause as one: what they all begin with is said once."""
    first, *others = findings
    head = first.partition(": ")[0] + ": "
    return "; other lines ".join([first, *(other.removeprefix(head) for other in others)])


def predictors(runs: Sequence[Run], having: set[Run], side: Side) -> list[tuple[Factor, ...]]:
    """The factors that predict which runs have a difference of `side`: each that does alone, else each two together."""
    other: Side = "client" if side == "server" else "server"
    factors = [(end, factor) for end in (side, other) for factor in FACTORS]
    varied = [factor for factor in factors if len({_level(run, factor) for run in runs}) > 1]
    for size in (1, 2):
        found = [chosen for chosen in itertools.combinations(varied, size) if _predicts(runs, having, chosen)]
        if found:
            return found
    return []


def _predicts(runs: Sequence[Run], having: set[Run], factors: Iterable[Factor]) -> bool:
    groups: dict[tuple[str, ...], set[bool]] = defaultdict(set)
    for run in runs:
        groups[tuple(_level(run, factor) for factor in factors)].add(run in having)
    return all(len(outcomes) == 1 for outcomes in groups.values())


def _level(run: Run, factor: Factor) -> str:
    side, name = factor
    return run.pairing.end(side).level(name)


def _axis(factors: Iterable[Factor], side: Side) -> str:
    """Factors as seen from the endpoint that wrote the line: `own loop`, `peer implementation`."""
    return " and ".join(f"{'own' if end == side else 'peer'} {name}" for end, name in factors)


def _seen_from(side: Side, runs: Sequence[Run]) -> Side:
    """Whose point of view tells what is own and what is the peer's: that of who wrote the line, and for a line of the
    engine's own sockets that of the endpoint on trial."""
    other: Side = "client" if side == "server" else "server"
    return other if any(run.is_raw(side) for run in runs) else side


def _finding(
    sign: str, side: Side, predicting: Sequence[tuple[Factor, ...]], runs: Sequence[Run], having: set[Run]
) -> str:
    """What was computed, as a sentence."""
    if predicting:
        spoken = [_spoken(_axis(factors, side)) for factors in predicting]
        there = having if sign == "+" else set(runs) - having
        levels = {tuple(_level(run, factor) for factor in predicting[0]): run in there for run in runs}
        with_it, without = (
            ", ".join(" with ".join(level) for level, present in levels.items() if present is wanted)
            for wanted in (True, False)
        )
        sentence = f"Predicted by the {spoken[0]} in all {len(runs)} runs: "
        sentence += "moved" if sign == "~" else f"there with {with_it}, missing with {without}"
        if len(spoken) > 1:
            sentence += f" (or by the {', '.join(spoken[1:])}: this choice of endpoints cannot tell them apart)"
        return sentence
    outcomes: dict[Pairing, set[bool]] = defaultdict(set)
    for run in runs:
        outcomes[run.pairing].add(run in having)
    seen = f"seen in {len(having)} of {len(runs)} runs"
    if any(len(outcome) > 1 for outcome in outcomes.values()):
        return f"Timing: runs of one and the same pairing disagree; {seen}"
    return f"No factor and no two together predict it; {seen}{_hint(side, runs, having)}"


def _hint(side: Side, runs: Sequence[Run], having: set[Run]) -> str:
    """The one pairing to look at: the only one with the difference, or the only one that keeps a factor from
    predicting it."""
    places = {run.pairing for run in having}
    if len(places) == 1:
        return f", in {places.pop()}"
    for odd in dict.fromkeys(run.pairing for run in runs):
        others = [run for run in runs if run.pairing != odd]
        for factors in predictors(others, having & set(others), side):
            if len(factors) == 1:
                return f". The {_spoken(_axis(factors, side))} would, but for {odd}"
    return ""


def _spoken(axis: str) -> str:
    return axis.replace("own ", "endpoint's own ").replace("peer ", "peer's ")


def _pairings(found: Mapping[Run, frozenset[Difference]], wanted: Iterable[Difference]) -> tuple[Pairing, ...]:
    wanted = set(wanted)
    return tuple(dict.fromkeys(run.pairing for run, differences in found.items() if wanted & differences))


def _letter(number: int) -> str:
    return chr(ord("A") + number % 26) + (str(number // 26) if number >= 26 else "")
