"""What differs from the reference: lines that are there, missing or moved."""

import difflib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from comparison.judge.expectations import allowed_exits
from comparison.judge.projection import project
from comparison.model import SIDES, Difference, Event, ProjectedLine, Run, Scenario, Side
from comparison.transcript import places
from comparison.vocabulary import AFTER, BYTES, ENDINGS

Projections = Mapping[Side, tuple[ProjectedLine, ...]]


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
        last = {place for block in places(events)[-1:] for place in block}
        return [event for place, event in enumerate(events) if place not in last]
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
