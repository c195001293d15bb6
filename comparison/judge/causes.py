"""Which factor predicts a difference or a failure, and which entry of the catalogue explains a difference.

The pairings are a factorial experiment. What the catalogue says of an event is not believed blindly: where the runs
speak against it, it explains nothing, and where a few of them do, it is those that are to blame.
"""

import dataclasses
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from comparison.judge import differences, factors
from comparison.judge.catalogue import CATALOGUE, NAMED, entries_for
from comparison.model import SIDES, SIGNS, Cause, Difference, Explanation, Observation, Place, Run, Scenario, Side

Found = Mapping[Run, frozenset[Difference]]
Projected = Mapping[Run, differences.Projections]

CHANGING = re.compile(r"(exited with -?\d+|Errno \d+)|0x[0-9a-f]+|\d+(?:\.\d+)*")
"""What changes in a reason from run to run: ports, bytes, times; an exit code and an errno (in the group) stay."""

Names = dict[object, str]
"""The letters of causes that no entry explains, in the order found: what each goes by in all comparisons."""


def name_of(cause: Cause, names: Names) -> str:
    """The same name stands for what differs or fails alike and is predicted by the same."""
    if cause.explanation is not None:
        return cause.explanation.name
    rounds, place = divmod(len(names), 26)
    key = (cause.is_failure, cause.event, cause.axes, cause.broken is None)
    return names.setdefault(key, chr(ord("A") + place) + (str(rounds) if rounds else ""))


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Names of causes, each once: letters first, the first of them before all others."""
    return tuple(sorted(set(names), key=lambda name: (len(name), name)))


def causes(scenario: Scenario, seen: Sequence[Observation], reference: Observation, names: Names) -> tuple[Cause, ...]:
    """What predicts each failure and each difference over all runs, and explains it. Failures and the unexplained come
    first: they are what the reader is here for."""
    projected = {one.run: one.projected for one in seen if not one.faults}
    usual, silent = reference.projected, reference.run.silent
    found = {run: differences.between(usual, sides, (*silent, *run.silent)) for run, sides in projected.items()}
    without_names = (*_failures(seen), *_of_differences(scenario, projected, found, reference.run))
    return tuple(dataclasses.replace(cause, name=name_of(cause, names)) for cause in without_names)


def _failures(seen: Sequence[Observation]) -> Iterator[Cause]:
    """One for each way in which runs failed: what came first in a run is the cause of the rest."""
    runs = [one.run for one in seen]
    alike: dict[str, set[Run]] = defaultdict(set)
    for one in seen:
        if one.faults:
            first = next(iter(one.faults.values()))
            alike[CHANGING.sub(lambda match: match[1] or "<n>", first)].add(one.run)
    for text, having in alike.items():
        found = factors.computed_of_failure(runs, having)
        pairings = tuple(dict.fromkeys(run.pairing for run in runs if run in having))
        yield Cause("", text, found.axes, str(found), None, None, (), pairings, is_failure=True)


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
        there = Counter(self.told[run] for run in self.only("there", self.voters) if self.told[run])
        usual = {"there": there.most_common(1)[0][0] if there else 1, "missing": 0}
        return {run for run, (_, wanted) in self.places.items() if usual.get(wanted, self.told[run]) != self.told[run]}

    def only(self, presence: str, runs: Iterable[Run]) -> list[Run]:
        """Those of the runs of which the entry says this."""
        return [run for run in runs if self.places[run][1] == presence]

    def is_believed(self, like_reference: Collection[Run]) -> bool:
        """Whether most voters are as the entry says; of as many, those like the reference decide."""
        deciding = self.only("there", self.voters) or self.only("missing", self.voters)
        for voters in (deciding, [run for run in deciding if run in like_reference]):
            odd = len(self.odd.intersection(voters))
            if 2 * odd != len(voters):
                return 2 * odd < len(voters)
        return not deciding

    def covered(self, having: Collection[Run], sign: str) -> set[Run]:
        """Those that have a line, or lack it, because the entry says so, at a place where some voter has it, too."""
        at = {has: {self.places[run] for run in self.voters if (run in having) is has} for has in (True, False)}
        may = {run for run in having if run in self.places and SIGNS.get(self.places[run][1]) != sign}
        return {run for run in may - self.odd if self.places[run] not in at[False] - at[True]}


@dataclass(frozen=True)
class _Finding:
    """What was computed of one difference, or of a line that should differ and does not."""

    difference: Difference
    prediction: factors.Prediction
    runs: Collection[Run]
    explanation: Explanation | None = None
    broken: Explanation | None = None


def _of_differences(scenario: Scenario, projected: Projected, found: Found, reference: Run) -> Iterator[Cause]:
    matches = {(side, event): match for side, event, match in _matches(scenario, projected, reference)}
    findings = [one for place, match in matches.items() for one in _odd(*place, match, projected)]
    for difference in sorted(set().union(*found.values())):
        findings += _findings(scenario, difference, found, matches.get((difference.side, difference.event)))
    alike: dict[tuple[bool, str, tuple[str, ...]], list[_Finding]] = defaultdict(list)
    for one in findings:
        name = one.explanation.name if one.explanation is not None else one.difference.event
        alike[one.explanation is not None, name, one.prediction.axes].append(one)
    for (_, _, axes), together in sorted(alike.items(), key=lambda item: item[0]):
        first, having = together[0], set().union(*(one.runs for one in together))
        yield Cause(
            name="",
            event=first.difference.event,
            axes=axes,
            finding=_together(dict.fromkeys(one.prediction for one in together)),
            explanation=first.explanation,
            broken=first.broken,
            differences=tuple(dict.fromkeys(one.difference for one in together)),
            pairings=tuple(dict.fromkeys(run.pairing for run in found if run in having)),
        )


def _odd(side: Side, event: str, match: _Match, projected: Projected) -> Iterator[_Finding]:
    """The runs that are not as an entry says, held against those of which it says the same."""
    lines = (line.text for sides in projected.values() for line in sides[side] if line.event == event)
    text = next(lines, f"({event})")
    for wanted, sign in SIGNS.items():
        comparable = match.only(wanted, match.places)
        if odd := match.odd.intersection(comparable):
            found = factors.computed(sign, side, comparable, odd)
            yield _Finding(Difference(side, sign, event, text), found, odd, broken=match.entry)


def _findings(scenario: Scenario, difference: Difference, found: Found, match: _Match | None) -> Iterator[_Finding]:
    """A difference where an entry explains it, and where none does; the runs that are to blame are told by `_odd`."""
    side, sign = difference.side, difference.sign
    runs = [run for run in found if side not in run.silent]
    having = {run for run in runs if difference in found[run]}
    left = set(having)
    # A line that comes twice, or elsewhere, is another event than the one that an entry is about.
    if match is not None and sign != "~" and difference.nth == 1:
        believed = [run for run in runs if run in match.places and run not in match.odd]
        covered = match.covered(having, sign)
        with_it = having.intersection(believed)
        if covered and factors.predicts(believed, with_it, match.entry.axis, factors.own_side(side, runs)):
            prediction = factors.computed(sign, side, believed, with_it)
            yield _Finding(difference, prediction, covered, explanation=match.entry)
            left -= covered
        left -= match.odd
    if left:
        # Those that have it for a known cause say nothing about who has it for none.
        prediction = factors.computed(sign, side, [run for run in runs if run in left or run not in having], left)
        broken = next(iter(entries_for(_key(side, difference.event, runs), scenario.shows)), None)
        yield _Finding(difference, prediction, left, broken=broken)


def _matches(scenario: Scenario, projected: Projected, reference: Run) -> Iterator[tuple[Side, str, _Match]]:
    """For each event of each side the first entry that is to be believed there, if any."""
    shown = [event.removeprefix("peer ") for name in scenario.shows for event in CATALOGUE[name].places]
    for side in SIDES:
        telling = {run: sides[side] for run, sides in projected.items() if side not in run.silent}
        counts = {run: Counter(line.event for line in lines if line.nth == 1) for run, lines in telling.items()}
        for event in sorted({*shown, *(event for events in counts.values() for event in events)}):
            told = {run: events[event] for run, events in counts.items()}
            entries = entries_for(_key(side, event, told), scenario.shows)
            tried = (_match(scenario, entry, side, event, told, reference) for entry in entries)
            if (match := next(filter(None, tried), None)) is not None:
                yield side, event, match


def _match(
    scenario: Scenario, entry: Explanation, side: Side, event: str, told: Mapping[Run, int], reference: Run
) -> _Match | None:
    """What an entry says, where it is to be believed. What a scenario is there to show must be seen wherever all
    levels that the entry names take part. Elsewhere those runs decide whose endpoints the catalogue names."""
    key, own, axis = _key(side, event, told), factors.own_side(side, told), entry.axis
    places = {run: place for run in told if (place := entry.place(key, factors.levels(run, axis, own))) is not None}
    alike = factors.like(reference, places, axis, own)
    names = "own implementation and own loop"
    known = [run for run in places if NAMED.issuperset(factors.levels(run, names, own))] or list(places)
    match = _Match(entry, places, told, sorted(known, key=lambda run: run not in alike))
    named = {place for place in entry.places[key].items() if place[1] != "either"}
    all_take_part = named.issubset(places.values())
    must_show = all_take_part and entry.name in scenario.shows and event not in scenario.expects.by_timing
    may_hold = all_take_part or factors.AND not in axis
    return match if must_show or (may_hold and match.is_believed(alike)) else None


def _key(side: Side, event: str, runs: Collection[Run]) -> str:
    """An event as the catalogue names it: what the engine's own sockets saw is the peer's."""
    return event if factors.own_side(side, runs) == side else f"peer {event}"


def _together(predictions: Iterable[factors.Prediction]) -> str:
    """What was computed of several lines of one cause, as one sentence: what they all begin with is said once."""
    first, *others = predictions
    rest = [
        other.rest if other.what and other.what == first.what else f"are {str(other)[:1].lower()}{str(other)[1:]}"
        for other in others
    ]
    return "; other lines ".join([str(first), *rest])
