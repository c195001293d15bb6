"""Each cause with what predicts it, drawn as the small matrix in which it occurs, and where to read on."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from comparison.model import SIDES, Cause, Comparison, Pairing, Survey
from comparison.report import words
from comparison.report.html import sections
from comparison.report.html.sections import Section, Touched


@dataclass(frozen=True)
class CauseView:
    """One cause, over all scenarios."""

    cause: Cause
    comparison: Comparison
    """The scenario with the most pairings; the cause is as it shows there."""
    small: Mapping[str, Collection[Pairing]]
    """In which of its pairings the cause shows, by where that is."""
    scenarios: tuple[Comparison, ...]
    sections: tuple[Section, ...]


def collect(survey: Survey) -> list[CauseView]:
    """The unexplained first; an explained one once."""
    return [_view(survey, cause) for cause in words.all_causes(survey)]


def by_section(survey: Survey) -> Mapping[Section, Touched]:
    """Section of the code -> the scenarios that try it, the causes whose lines it writes, and where these are seen."""
    causes: dict[Section, dict[str, None]] = defaultdict(dict)
    places: dict[Section, dict[str, Comparison]] = defaultdict(dict)
    for comparison in survey.comparisons:
        for section in sections.of_scenario(comparison.scenario):
            places[section][words.name(comparison)] = comparison
    for comparison in survey.comparisons:
        for cause in comparison.causes:
            for section in sections.of_cause(cause):
                causes[section][cause.name] = None
                places[section][words.name(comparison)] = comparison
    return {section: Touched(tuple(causes[section]), tuple(there.values())) for section, there in places.items()}


def _view(survey: Survey, cause: Cause) -> CauseView:
    seen = [(c, own) for c in survey.comparisons for own in c.causes if own.name == cause.name]
    clearest, example = max(seen, key=lambda item: len(item[0].cells))
    return CauseView(
        cause=example,
        comparison=clearest,
        small=_small(clearest, example),
        scenarios=tuple(comparison for comparison, _ in seen),
        sections=tuple(dict.fromkeys(section for _, own in seen for section in sections.of_cause(own))),
    )


def _small(comparison: Comparison, cause: Cause) -> Mapping[str, Collection[Pairing]]:
    """One matrix for each side whose log shows the cause; of what no log shows, such as a failure, where it is."""
    found = {}
    for side in SIDES:
        showing = [
            group
            for group in comparison.groups
            if group.side == side and any(cause.name in line.causes for line in group.diff)
        ]
        if showing:
            found[f"in the {side}'s log"] = {pairing for group in showing for pairing in group.pairings}
    return found or {"in these pairings": cause.pairings}
