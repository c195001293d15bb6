"""Each cause with what predicts it, drawn as the small matrix in which it occurs, and where to read on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from comparison.model import SIDES, Cause, Comparison, Pairing, Survey
from comparison.report import words
from comparison.report.html import matrices, sections
from comparison.report.html.sections import Section, Touched


@dataclass(frozen=True)
class Small:
    """A matrix of marks: in which pairings a cause shows in one side's log."""

    title: str
    clients: tuple[str, ...]
    rows: tuple[tuple[str, tuple[bool, ...]], ...]


@dataclass(frozen=True)
class CauseView:
    """One cause, over all scenarios."""

    letter: str
    title: str
    explained: bool
    finding: str
    text: tuple[str, ...]
    source: str
    lines: tuple[tuple[str, str, str], ...]
    """Side, sign and text of each line that it adds or takes away."""
    drawn_for: str
    small: tuple[Small, ...]
    scenarios: tuple[tuple[str, str], ...]
    """Name and link of each scenario that shows it."""
    sections: tuple[Section, ...]


def collect(survey: Survey) -> list[CauseView]:
    """The unexplained first; an explained one once."""
    return [_view(survey, cause) for cause in words.all_causes(survey)]


def by_section(survey: Survey) -> Mapping[Section, Touched]:
    """Section of the code -> the scenarios that try it, the causes whose lines it writes, and where these are seen."""
    letters: dict[Section, dict[str, None]] = {}
    tried: dict[Section, dict[tuple[str, str], None]] = {}
    seen: dict[Section, dict[tuple[str, str], None]] = {}
    for comparison in survey.comparisons:
        place = (words.name(comparison), matrices.link(comparison))
        for section in sections.of_scenario(comparison.scenario):
            tried.setdefault(section, {})[place] = None
        for cause in comparison.causes:
            for section in sections.of_cause(cause):
                letters.setdefault(section, {})[cause.letter] = None
                seen.setdefault(section, {})[place] = None
    return {
        section: Touched(tuple(letters.get(section, ())), tuple(tried.get(section, {}) | seen.get(section, {})))
        for section in (tried | seen)
    }


def _view(survey: Survey, cause: Cause) -> CauseView:
    seen = [(c, own) for c in survey.comparisons for own in c.causes if own.letter == cause.letter]
    clearest, example = max(seen, key=lambda item: len(item[0].cells))
    entry = cause.explanation
    finding, *text = words.cause_text(example)
    places = dict.fromkeys(section for _, own in seen for section in sections.of_cause(own))
    return CauseView(
        letter=cause.letter,
        title=words.cause_title(cause),
        explained=cause.explained,
        finding=finding,
        text=(entry.text,) if entry is not None else tuple(text[: len(text) - len(example.differences)]),
        source=entry.source if entry is not None else "",
        lines=tuple((d.side, d.sign, d.text) for d in example.differences),
        drawn_for=words.name(clearest),
        small=tuple(_small(clearest, example)),
        scenarios=tuple((words.name(comparison), matrices.link(comparison)) for comparison, _ in seen),
        sections=tuple(places),
    )


def _small(comparison: Comparison, cause: Cause) -> Sequence[Small]:
    """One matrix for each side whose log shows the cause; of what no log shows, such as a failure, where it is."""
    found = []
    for side in SIDES:
        pairings = {
            pairing
            for group in comparison.groups
            if group.side == side and any(cause.letter in letters for _, _, letters in group.diff)
            for pairing in group.pairings
        }
        if pairings:
            found.append(_marked(f"in the {side}'s log", comparison, pairings))
    return found or [_marked("in these pairings", comparison, cause.pairings)]


def _marked(title: str, comparison: Comparison, pairings: Collection[Pairing]) -> Small:
    rows = tuple(
        (server.label, tuple(Pairing(server, client) in pairings for client in comparison.clients))
        for server in comparison.servers
    )
    return Small(title, tuple(client.label for client in comparison.clients), rows)
