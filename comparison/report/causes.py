"""The causes of what differs, as every view tells of them: each once, over all scenarios."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from comparison.model import SIDES, Cause, Comparison, DiffLine, Group, Side, Survey, Verdict
from comparison.report import words
from comparison.vocabulary import kind

MOST_LINES = 12
"""Lines of a diff that stand beside a cause; --diff shows the rest."""


@dataclass(frozen=True)
class Card:
    """One cause over all scenarios, and where it shows best: in the one that is there for it, else in the largest."""

    comparison: Comparison
    cause: Cause
    seen: Sequence[tuple[Comparison, Cause]]
    """Every comparison that has it, with what it is there."""


def collect(survey: Survey) -> list[Card]:
    """What failed first, then the unexplained, what is done, and what is only told."""
    found: dict[str, list[tuple[Comparison, Cause]]] = {}
    for comparison in survey.comparisons:
        for cause in comparison.causes:
            found.setdefault(cause.name, []).append((comparison, cause))
    cards = []
    for seen in found.values():
        entry = seen[0][1].explanation
        home = entry.scenario if entry is not None else ""
        comparison, cause = max(seen, key=lambda one: (one[0].scenario.name == home, len(one[0].cells)))
        cards.append(Card(comparison, cause, seen))
    return sorted(cards, key=lambda card: list(Verdict).index(card.cause.verdict), reverse=True)


def title(cause: Cause) -> str:
    if cause.is_failure:
        return f"failed: {cause.event}"
    return cause.explanation.title if cause.explanation is not None else f"unexplained: {cause.event}"


def meaning(cause: Cause) -> str:
    """What an explanation says, or why there is none; nothing of a failure."""
    if cause.explanation is not None:
        return cause.explanation.text
    if cause.broken is not None:
        return f"It is not where {cause.broken.name} has it, by the {cause.broken.axis}: {cause.broken.title}."
    return "" if cause.is_failure else "The catalogue has no entry for this event."


def sections(cause: Cause) -> list[tuple[Side, str]]:
    """Whose sections of the code make the lines of a cause, each once, by their labels."""
    made = dict.fromkeys((one.side, kind(one.event).section(one.side)) for one in cause.differences)
    return [(side, label) for wanted in SIDES for side, label in made if side == wanted and label is not None]


def seen_in(card: Card) -> str:
    """In which scenarios a cause was seen, in few words; of a failure also in how many pairings."""
    failed = words.count(sum(len(cause.pairings) for _, cause in card.seen), "pairing")
    names = words.few(words.name(comparison) for comparison, _ in card.seen)
    return f"Seen in {f'{failed} of ' if card.cause.is_failure else ''}{names}."


def clearest(comparison: Comparison, cause: Cause, side: Side) -> Group | None:
    """Of the logs of a side that show a cause the one that differs least otherwise."""
    own = [g for g in comparison.groups if g.side == side and any(cause.name in line.causes for line in g.diff)]
    return min(own, key=lambda group: sum(line.sign != " " for line in group.diff), default=None)


def lines_of(comparison: Comparison, cause: Cause) -> Iterator[tuple[str, list[str]]]:
    """For each side that tells of a cause whose log that is, and its lines there as a diff with a line of context; none
    where they are those of the side before."""
    told = set()
    for group in filter(None, (clearest(comparison, cause, side) for side in SIDES)):
        kept = _excerpt(group, cause.name)
        lines = [f"{line.sign}{line.text}" for line in kept[:MOST_LINES]]
        lines += [f"@@ {len(kept) - MOST_LINES} lines more @@"] * (len(kept) > MOST_LINES)
        said = tuple((line.sign, line.text.partition(": ")[2]) for line in kept if line.sign != " ")
        yield words.log_of(comparison, group), [] if said in told else lines
        told.add(said)


def _excerpt(group: Group, name: str) -> list[DiffLine]:
    """The lines of a diff that one cause explains, with the nearest that are common before and after."""
    own = {place for place, line in enumerate(group.diff) if name in line.causes}
    common = [place for place, line in enumerate(group.diff) if line.sign == " "]
    before = {max((place for place in common if place < n), default=n) for n in own}
    after = {min((place for place in common if place > n), default=n) for n in own}
    return [group.diff[place] for place in sorted(own | before | after)]
