"""The sentence that sums up a run: made from the verdicts, and only from them."""

from collections.abc import Iterator, Sequence

from comparison.model import Cell, Comparison, Survey, Verdict
from comparison.report.words import count, few, name

MOST_CULPRITS = 2
MOST_LETTERS = 200
"""Of a reason: all of it stands below."""

EVERYBODY = "whoever takes part"


def of(survey: Survey) -> str:
    """Who does what in how many pairings; where all is well, what they have in common, and why their logs differ."""
    cells = [cell for comparison in survey.comparisons for cell in comparison.cells]
    played = [cell for cell in cells if cell.verdict is not Verdict.SKIPPED]
    if not played:
        return f"Nothing was tried: {cells[0].reason}." if cells else "Nothing was tried."
    if bad := sum(cell.verdict.is_trouble for cell in played):
        others = f" The other {len(played) - bad} do what they must." if bad < len(played) else ""
        return _capital(f"{'; '.join(_troubles(survey, len(played)))}.{others}")
    skipped = f" {len(cells) - len(played)} could not be tried here." if len(played) < len(cells) else ""
    return f"{_common(survey, played)}{skipped}{_known(survey)}"


def _common(survey: Survey, played: Sequence[Cell]) -> str:
    if len(played) == 1:
        alone = "; there is nothing to compare it with" * (played[0].verdict is Verdict.REFERENCE)
        return f"{played[0].pairing} does what it must{alone}."
    scenarios = [comparison.scenario for comparison in survey.comparisons]
    whole = all(scenario.expects.echo == "whole" and "server" in scenario.on_trial for scenario in scenarios)
    whole = whole and all(cell.verdicts["echo"] in (Verdict.REFERENCE, Verdict.IDENTICAL) for cell in played)
    where = f" in {len(scenarios)} scenarios" if len(scenarios) > 1 else ""
    rest = " and end alike" if whole else ""
    if odd := sum(cell.verdict is Verdict.EXPLAINED for cell in played):
        does_so = "behaves" if odd == 1 else "behave"
        rest = f", and {odd} of them {does_so} otherwise than the reference, for known causes"
    does = "echo the same bytes" if whole else "do what they must"
    return f"All {len(played)} pairings{where} {does}{rest}."


def _known(survey: Survey) -> str:
    """The causes of what differs, what is done before what is only told."""
    entries = {cause.name: cause.explanation for one in survey.comparisons for cause in one.causes if cause.explanation}
    ordered = sorted(entries.items(), key=lambda item: item[1].kind)
    return f" {_capital('; '.join(f'{entry.title} ({name})' for name, entry in ordered))}." if entries else ""


def _troubles(survey: Survey, played: int) -> Iterator[str]:
    """Who does what, in how many pairings and scenarios; those who fail first, and of many the first."""
    found: dict[str, list[tuple[Comparison, Cell]]] = {}
    for comparison in survey.comparisons:
        for who, cells in _culprits(comparison):
            found.setdefault(who, []).extend((comparison, cell) for cell in cells)
    failed = {who: [place for place in places if place[1].verdict is Verdict.FAILED] for who, places in found.items()}
    ordered = sorted(found.items(), key=lambda item: (not failed[item[0]], -len(item[1])))
    for who, places in ordered[:MOST_CULPRITS]:
        verbs = ["fail"] * bool(failed[who]) + ["differ"] * (len(failed[who]) < len(places))
        does = " or ".join(verb + ("" if " and " in who else "s") for verb in verbs)
        scenarios = len({name(comparison) for comparison, _ in places})
        where = f", in {scenarios} of {len(survey.comparisons)} scenarios" if len(survey.comparisons) > 1 else ""
        what = _what(*(failed[who] or places)[0])
        more = "..." if len(what) > MOST_LETTERS else ""
        yield f"{who} {does} in {len(places)} of {count(played, 'pairing')}{where}: {what[:MOST_LETTERS]}{more}"
        if who == EVERYBODY and failed[who]:
            yield "with everybody it is a limit of this machine, or what was tried, rather than an endpoint"
    if len(ordered) > MOST_CULPRITS:
        yield f"{len(ordered) - MOST_CULPRITS} others besides"


def _culprits(comparison: Comparison) -> list[tuple[str, Sequence[Cell]]]:
    """Whose the bad cells are: of the endpoints of one side, or of both, with whom no pairing is good; where these do
    not account for all, of each pairing by itself."""
    played = [cell for cell in comparison.cells if cell.verdict is not Verdict.SKIPPED]
    bad = [cell for cell in played if cell.verdict.is_trouble]
    good = [cell.pairing for cell in played if not cell.verdict.is_trouble]
    on_trial = comparison.scenario.on_trial
    ends = {side: list(dict.fromkeys(cell.pairing.end(side) for cell in played)) for side in on_trial}
    if not bad:
        return []
    if not good and all(len(ends[side]) > 1 for side in on_trial):
        return [(EVERYBODY, bad)]
    odd = {side: [end for end in ends[side] if all(p.end(side) != end for p in good)] for side in on_trial}
    for sides in (*([side] for side in sorted(on_trial, key=lambda side: len(odd[side]))), on_trial):
        if all(any(cell.pairing.end(side) in odd[side] for side in sides) for cell in bad):
            named = {side: few((end.label for end in odd[side]), " and ") for side in sides if odd[side]}
            return [(" and ".join(f"{side} {labels}" for side, labels in named.items()), bad)]
    return [(f"the pairing {cell.pairing}", [cell]) for cell in bad]


def _what(comparison: Comparison, cell: Cell) -> str:
    """What is wrong with a cell: the reason of a failure, or the line that nothing explains."""
    unexplained = (c for c in comparison.causes if c.verdict is Verdict.DIFFERENT and cell.pairing in c.pairings)
    cause = next(unexplained, None)
    if cell.verdict is Verdict.FAILED or cause is None:
        return cell.reason
    difference = cause.differences[0]
    verb = {"+": "also has", "-": "lacks", "~": "has elsewhere"}[difference.sign]
    return f"unlike that of {comparison.reference}, the {difference.side}'s log {verb} {difference.text!r}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
