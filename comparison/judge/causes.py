"""Which factor predicts a difference or a failure, and which entry of the catalogue explains a difference.

The pairings are a factorial experiment. Its factors are the implementation, the loop and the Python of each side. A
factor predicts what some runs have if the runs of each of its levels all have it or all lack it. What the catalogue
says of an event is not believed blindly: where the runs speak against it, it explains nothing, and where a few of them
do, it is those that are to blame.
"""

import dataclasses
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from comparison.judge.catalogue import CATALOGUE, NAMED, entries_for
from comparison.judge.differences import Projections
from comparison.judge.factors import (
    Prediction,
    Sign,
    computed,
    computed_of_failure,
    factors_of,
    levels_of,
    like,
    own_side,
    predicts,
)
from comparison.model import (
    SIDES,
    Cause,
    Difference,
    Explanation,
    Observation,
    Pairing,
    Place,
    Presence,
    Run,
    Scenario,
    Side,
)

Found = Mapping[Run, frozenset[Difference]]

SIGNS: dict[Presence, Sign] = {"there": "-", "missing": "+"}
"""How a line shows that is not as it should be: one that should be there is missing, and the other way round."""


class Names:
    """What each cause goes by, the same in every comparison of a run: the name of its explanation, and where there is
    none a letter, in the order in which they are found."""

    def __init__(self) -> None:
        self._given: dict[object, str] = {}

    def of(self, cause: Cause) -> str:
        """The same name stands for what differs or fails alike and is predicted by the same."""
        if cause.explanation is not None:
            return cause.explanation.name
        key = (cause.is_failure, cause.event, cause.axes, cause.broken is None)
        rounds, place = divmod(len(self._given), 26)
        return self._given.setdefault(key, chr(ord("A") + place) + (str(rounds) if rounds else ""))


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Names of causes, each once: letters first, the first of them before all others."""
    return tuple(sorted(set(names), key=lambda name: (len(name), name)))


def causes(
    scenario: Scenario, observations: Sequence[Observation], found: Found, reference: Run, names: Names
) -> list[Cause]:
    """Work out what predicts each failure and each difference over all runs, and what explains a difference. The
    failures come first, then the unexplained: they are what the reader is here for."""
    projected = {seen.run: seen.projected for seen in observations if seen.run in found}
    without_names = [*_failures(observations), *_of_differences(scenario, projected, found, reference)]
    return [dataclasses.replace(cause, name=names.of(cause)) for cause in without_names]


def _failures(observations: Sequence[Observation]) -> Iterator[Cause]:
    """A cause for each way in which runs failed: what came first in a run is the cause of the rest."""
    runs = [seen.run for seen in observations]
    alike: dict[str, set[Run]] = defaultdict(set)
    for seen in observations:
        if seen.faults:
            alike[without_numbers(seen.faults[0].text)].add(seen.run)
    for text, having in alike.items():
        found = computed_of_failure(runs, having)
        pairings = _pairings(run for run in runs if run in having)
        yield Cause("", text, found.axes, str(found), None, None, (), pairings, is_failure=True)


def without_numbers(text: str) -> str:
    """A reason in which nothing changes from run to run: ports, bytes, times; an exit code and an errno stay."""
    return re.sub(r"(exited with -?\d+|Errno \d+)|0x[0-9a-f]+|\d+(?:\.\d+)*", lambda match: match[1] or "<n>", text)


@dataclass(frozen=True)
class _Match:
    """What an entry of the catalogue says of an event of one side, against what the runs tell."""

    entry: Explanation
    places: Mapping[Run, Place]
    """Of the runs that the entry speaks of."""
    told: Mapping[Run, int]
    """In how many connections of each run the event is told."""
    voters: Sequence[Run]
    """The runs that tell what is usual, those like the reference first."""

    @cached_property
    def odd(self) -> set[Run]:
        """The runs that are not as the entry says: they are to blame, and not those that are."""
        there = Counter(self.told[run] for run in self._voters("there") if self.told[run])
        usual = {"there": there.most_common(1)[0][0] if there else 1, "missing": 0}
        return {
            run for run, place in self.places.items() if usual.get(place.presence, self.told[run]) != self.told[run]
        }

    def is_believed(self, like_reference: Collection[Run]) -> bool:
        """Whether most of those that tell what is usual are as the entry says; of as many, those like the reference
        decide."""
        deciding = self._voters("there") or self._voters("missing")
        for voters in (deciding, [run for run in deciding if run in like_reference]):
            odd = len(self.odd.intersection(voters))
            if 2 * odd != len(voters):
                return 2 * odd < len(voters)
        return not deciding

    def covered(self, having: Collection[Run], sign: Sign) -> set[Run]:
        """Those of the runs in which a line is there or missing because the entry says so. One whose endpoint the
        catalogue does not name has to be like those that it names at the same place."""
        fitting = ("either", "there" if sign == "+" else "missing")
        fits = {run for run in having if run in self.places and run not in self.odd}
        return {run for run in fits if self.places[run].presence in fitting and self._is_like_others(run, having)}

    def _voters(self, presence: Presence) -> list[Run]:
        return [run for run in self.voters if self.places[run].presence == presence]

    def _is_like_others(self, run: Run, having: Collection[Run]) -> bool:
        same = [other for other in self.voters if self.places[other] == self.places[run]]
        return run in same or not same or any(other in having for other in same)


@dataclass(frozen=True)
class _Finding:
    """What was computed of one difference, or of a line that should differ and does not."""

    difference: Difference
    prediction: Prediction
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
        alike[one.explanation is not None, name, one.prediction.axes].append(one)
    for (_, _, axes), together in sorted(alike.items(), key=lambda item: item[0]):
        having = frozenset[Run]().union(*(one.runs for one in together))
        yield Cause(
            name="",
            event=together[0].difference.event,
            axes=axes,
            finding=_together(dict.fromkeys(one.prediction for one in together)),
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
        comparable = [run for run, place in match.places.items() if place.presence == wanted]
        if odd := match.odd.intersection(comparable):
            found = computed(sign, side, comparable, odd)
            yield _Finding(Difference(side, sign, event, text), found, frozenset(odd), broken=match.entry)


def _explained_or_not(
    scenario: Scenario, difference: Difference, found: Found, match: _Match | None
) -> Iterator[_Finding]:
    """A difference where an entry explains it, and where none does; the runs that are to blame are told by `_odd`."""
    runs = [run for run in found if difference.side not in run.silent]
    having = {run for run in runs if difference in found[run]}
    left = set(having)
    # A line that comes twice, or elsewhere, is another event than the one that an entry is about.
    if match is not None and difference.sign != "~" and difference.nth == 1:
        believed = [run for run in runs if run in match.places and run not in match.odd]
        covered = match.covered(having, difference.sign)
        with_it = having.intersection(believed)
        if covered and predicts(believed, with_it, factors_of(match.entry.axis, own_side(difference.side, runs))):
            prediction = computed(difference.sign, difference.side, believed, with_it)
            yield _Finding(difference, prediction, frozenset(covered), explanation=match.entry)
            left -= covered
        left -= match.odd
    if left:
        # Those that have it for a known cause say nothing about who has it for none.
        others = [run for run in runs if run in left or run not in having]
        prediction = computed(difference.sign, difference.side, others, left)
        broken = next(entries_for(_key(difference.side, difference.event, runs), scenario.shows), None)
        yield _Finding(difference, prediction, frozenset(left), broken=broken)


def _matches(
    scenario: Scenario, projected: Mapping[Run, Projections], reference: Run
) -> Iterator[tuple[Side, str, _Match]]:
    """For each event of each side the first entry that is to be believed there, if any."""
    shown = [event.removeprefix("peer ") for name in scenario.shows for event in CATALOGUE[name].places]
    for side in SIDES:
        runs = [run for run in projected if side not in run.silent]
        told = {run: Counter(line.event for line in projected[run][side] if line.nth == 1) for run in runs}
        for event in sorted({*shown, *(event for events in told.values() for event in events)}):
            counts = {run: told[run][event] for run in runs}
            for entry in entries_for(_key(side, event, runs), scenario.shows):
                must_show = entry.name in scenario.shows and event not in scenario.expects.by_timing
                if (match := _match(entry, side, event, counts, reference, must_show)) is not None:
                    yield side, event, match
                    break


def _match(
    entry: Explanation, side: Side, event: str, told: Mapping[Run, int], reference: Run, must_show: bool
) -> _Match | None:
    """What an entry says, where it is to be believed. What a scenario is there to show must be seen wherever all
    levels that the entry names take part. Elsewhere those runs decide whose endpoints the catalogue names."""
    key, own = _key(side, event, told), own_side(side, told)
    places = {run: place for run in told if (place := entry.place(key, levels_of(run, entry.axis, own))) is not None}
    like_reference = set(like(reference, places, entry.axis, own))
    known = [run for run in places if _is_known(run, own)] or list(places)
    match = _Match(entry, places, told, sorted(known, key=lambda run: run not in like_reference))
    named = {place for place in entry.places[key] if place.presence != "either"}
    all_take_part = named.issubset(places.values())
    if all_take_part and must_show:
        return match
    if len(factors_of(entry.axis, own)) > 1 and not all_take_part:
        return None
    return match if match.is_believed(like_reference) else None


def _is_known(run: Run, own: Side) -> bool:
    return {run.pairing.end(own).level(factor) for factor in ("implementation", "loop")} <= NAMED


def _key(side: Side, event: str, runs: Collection[Run]) -> str:
    """An event as the catalogue names it: what the engine's own sockets saw is the peer's."""
    return event if own_side(side, runs) == side else f"peer {event}"


def _together(predictions: Iterable[Prediction]) -> str:
    """What was computed of several lines of one cause, as one sentence: what they all begin with is said once."""
    first, *others = predictions
    rest = [
        other.rest if other.what and other.what == first.what else f"are {str(other)[:1].lower()}{str(other)[1:]}"
        for other in others
    ]
    return "; other lines ".join([str(first), *rest])


def _pairings(runs: Iterable[Run]) -> tuple[Pairing, ...]:
    return tuple(dict.fromkeys(run.pairing for run in runs))
