"""Which factor predicts a difference or a failure, and which entry of the catalogue explains a difference.

The pairings are a factorial experiment. Its factors are the implementation, the loop and the Python of each side. A
factor predicts what some runs have if the runs of each of its levels all have it or all lack it. What the catalogue
says of an event is not believed blindly: where the runs speak against it, it explains nothing, and where a few of them
do, it is those that are to blame.
"""

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from comparison.catalogue import CATALOGUE, entries_for
from comparison.differences import Projections
from comparison.factors import Sign, computed, computed_of_failure, factors_of, levels_of, like, own_side
from comparison.model import (
    SIDES,
    Cause,
    Difference,
    Explanation,
    Observation,
    Pairing,
    Presence,
    Run,
    Scenario,
    Side,
)

Found = Mapping[Run, frozenset[Difference]]

SIGNS: dict[Presence, Sign] = {"there": "-", "missing": "+"}
"""How a line shows that is not as it should be: one that should be there is missing, and the other way round."""


class Letters:
    """One letter for each cause, the same in every comparison of a run, in the order in which they are found."""

    def __init__(self) -> None:
        self._given: dict[object, str] = {}

    def of(self, cause: Cause) -> str:
        """The letter of a cause: the same for the same explanation, or for what differs or fails and what predicts
        it."""
        if cause.explanation is not None:
            return self._of(("explained", cause.explanation.name))
        return self._of((cause.is_failure, cause.event, cause.axes, cause.broken is None))

    def _of(self, key: object) -> str:
        return self._given.setdefault(key, _letter(len(self._given)))


def causes(
    scenario: Scenario, observations: Sequence[Observation], found: Found, reference: Run, letters: Letters
) -> list[Cause]:
    """Work out what predicts each failure and each difference over all runs, and what explains a difference. The
    failures come first, then the unexplained: they are what the reader is here for."""
    projected = {seen.run: seen.projected for seen in observations if seen.run in found}
    without_letters = [*_failures(observations), *_of_differences(scenario, projected, found, reference)]
    return [dataclasses.replace(cause, letter=letters.of(cause)) for cause in without_letters]


def _failures(observations: Sequence[Observation]) -> Iterator[Cause]:
    """A cause for each way in which runs failed: what came first in a run is the cause of the rest."""
    runs = [seen.run for seen in observations]
    alike: dict[str, set[Run]] = defaultdict(set)
    for seen in observations:
        if seen.faults:
            alike[_without_numbers(seen.faults[0].text)].add(seen.run)
    for text, having in alike.items():
        axes, finding = computed_of_failure(runs, having)
        pairings = _pairings(run for run in runs if run in having)
        yield Cause("", text, axes, finding, None, None, (), pairings, is_failure=True)


def _without_numbers(text: str) -> str:
    """A reason in which nothing changes from run to run: ports, bytes, times; an exit code and an errno stay."""
    return re.sub(r"(exited with -?\d+|Errno \d+)|\d+", lambda match: match[1] or "<n>", text)


@dataclass(frozen=True)
class _Match:
    """What an entry of the catalogue says of an event of one side, against what the runs tell."""

    entry: Explanation
    predicted: Mapping[Run, Presence]
    """Of the runs that the entry speaks of."""
    present: frozenset[Run]

    @property
    def odd(self) -> set[Run]:
        """The runs that are not as the entry says: they are to blame, and not those that are."""
        return {run for run, wanted in self.predicted.items() if wanted not in ("either", self._seen(run))}

    def explains(self, run: Run, sign: str) -> bool:
        """Whether a line is there (`+`) or missing (`-`) in a run because the entry says so."""
        wanted = self.predicted.get(run)
        return wanted in ("either", "there" if sign == "+" else "missing") and run not in self.odd

    def _seen(self, run: Run) -> Presence:
        return "there" if run in self.present else "missing"


@dataclass(frozen=True)
class _Finding:
    """What was computed of one difference, or of a line that should differ and does not."""

    difference: Difference
    axes: tuple[str, ...]
    text: str
    runs: frozenset[Run]
    explanation: Explanation | None = None
    broken: Explanation | None = None


def _of_differences(
    scenario: Scenario, projected: Mapping[Run, Projections], found: Found, reference: Run
) -> Iterator[Cause]:
    """One cause for each explanation or event, and what predicts it."""
    findings: list[_Finding] = []
    matches = {(side, event): match for side, event, match in _matches(scenario, projected, reference)}
    for (side, event), match in matches.items():
        findings += _odd(side, event, match, projected)
    for difference in sorted(set().union(*found.values())):
        about = matches.get((difference.side, difference.event))
        findings += _explained_or_not(scenario, difference, found, about)
    alike: dict[tuple[bool, str, tuple[str, ...]], list[_Finding]] = defaultdict(list)
    for one in findings:
        name = one.explanation.name if one.explanation is not None else one.difference.event
        alike[one.explanation is not None, name, one.axes].append(one)
    for (_, _, axes), together in sorted(alike.items(), key=lambda item: item[0]):
        having = frozenset[Run]().union(*(one.runs for one in together))
        yield Cause(
            letter="",
            event=together[0].difference.event,
            axes=axes,
            finding=_together(dict.fromkeys(one.text for one in together)),
            explanation=together[0].explanation,
            broken=together[0].broken,
            differences=tuple(dict.fromkeys(one.difference for one in together)),
            pairings=_pairings(run for run in found if run in having),
        )


def _odd(side: Side, event: str, match: _Match, projected: Mapping[Run, Projections]) -> Iterator[_Finding]:
    """The runs that are not as an entry says, held against those of which it says the same."""
    lines = (line.text for sides in projected.values() for line in sides[side] if line.event == event)
    text = next(lines, f"({event})")
    for wanted, sign in SIGNS.items():
        odd = {run for run in match.odd if match.predicted[run] == wanted}
        if odd:
            comparable = [run for run, other in match.predicted.items() if other == wanted]
            axes, finding = computed(sign, side, comparable, odd)
            yield _Finding(Difference(side, sign, event, text), axes, finding, frozenset(odd), broken=match.entry)


def _explained_or_not(
    scenario: Scenario, difference: Difference, found: Found, match: _Match | None
) -> Iterator[_Finding]:
    """A difference where an entry explains it, and where none does; the runs that are to blame are told by `_odd`."""
    runs = [run for run in found if difference.side not in run.silent]
    having = {run for run in runs if difference in found[run]}
    # A line that comes twice, or elsewhere, is another event than the one that an entry is about.
    if match is not None and difference.sign != "~" and difference.nth == 1:
        believed = [run for run in runs if run in match.predicted and run not in match.odd]
        covered = {run for run in having if match.explains(run, difference.sign)}
        axes, finding = computed(difference.sign, difference.side, believed, having.intersection(believed))
        if covered and (match.entry.axis in axes or covered.issuperset(believed)):
            yield _Finding(difference, axes, finding, frozenset(covered), explanation=match.entry)
            having -= covered
        having -= match.odd
    if having:
        axes, finding = computed(difference.sign, difference.side, runs, having)
        broken = next(entries_for(_key(difference.side, difference.event, runs), scenario.shows), None)
        yield _Finding(difference, axes, finding, frozenset(having), broken=broken)


def _matches(
    scenario: Scenario, projected: Mapping[Run, Projections], reference: Run
) -> Iterator[tuple[Side, str, _Match]]:
    """For each event of each side the first entry that is to be believed there, if any."""
    shown = [event.removeprefix("peer ") for name in scenario.shows for event in CATALOGUE[name].places]
    for side in SIDES:
        runs = [run for run in projected if side not in run.silent]
        told = {run: frozenset(line.event for line in projected[run][side]) for run in runs}
        for event in sorted({*shown, *(event for events in told.values() for event in events)}):
            present = frozenset(run for run in runs if event in told[run])
            for entry in entries_for(_key(side, event, runs), scenario.shows):
                must_show = entry.name in scenario.shows and event not in scenario.expects.by_timing
                if (match := _match(entry, side, event, present, runs, reference, must_show)) is not None:
                    yield side, event, match
                    break


def _match(
    entry: Explanation,
    side: Side,
    event: str,
    present: frozenset[Run],
    runs: Sequence[Run],
    reference: Run,
    must_show: bool,
) -> _Match | None:
    """What an entry says, where it is to be believed. What a scenario is there to show must be seen wherever all
    levels that the entry names take part. Elsewhere those runs decide that share all other factors with the
    reference."""
    key, own = _key(side, event, runs), own_side(side, runs)
    placed = {run: place for run in runs if (place := entry.place(key, levels_of(run, entry.axis, own))) is not None}
    match = _Match(entry, {run: place.presence for run, place in placed.items()}, present)
    named = {place for place in entry.places[key] if place.presence != "either"}
    all_take_part = named.issubset(placed.values())
    if must_show and all_take_part:
        return match
    if len(factors_of(entry.axis, own)) > 1 and not all_take_part:
        return None
    others = like(reference, placed, entry.axis, own)
    for wanted in SIGNS:
        deciding = [run for run in others or placed if match.predicted[run] == wanted]
        if deciding:
            return match if 2 * len(match.odd.intersection(deciding)) < len(deciding) else None
    return match


def _key(side: Side, event: str, runs: Sequence[Run]) -> str:
    """An event as the catalogue names it: what the engine's own sockets saw is the peer's."""
    return event if own_side(side, runs) == side else f"peer {event}"


def _together(findings: Iterable[str]) -> str:
    """Several findings of one cause as one: what they all begin with is said once."""
    first, *others = findings
    head = first.partition(": ")[0] + ": "
    return "; other lines ".join([first, *(other.removeprefix(head) for other in others)])


def _pairings(runs: Iterable[Run]) -> tuple[Pairing, ...]:
    return tuple(dict.fromkeys(run.pairing for run in runs))


def _letter(number: int) -> str:
    return chr(ord("A") + number % 26) + (str(number // 26) if number >= 26 else "")
