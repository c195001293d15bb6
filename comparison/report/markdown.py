"""The comparison as Markdown: for a pull request, a file, and a terminal without rich."""

import re
from collections.abc import Iterable, Iterator, Sequence

from comparison.model import PARTS, SIDES, Cause, Comparison, Survey
from comparison.report import repeat, words


def render(survey: Survey, raw: bool = False) -> str:
    """The whole view: one comparison line by line, several as an overview. `raw` adds the logs as they came."""
    lines = _one(survey.comparisons[0], raw) if len(survey.comparisons) == 1 else _overview(survey)
    return "\n".join([*lines, f"{words.closing(survey)} Next: `{repeat.next_step(survey)}`"]) + "\n"


def _one(comparison: Comparison, raw: bool) -> Iterator[str]:
    yield from _head(f"# {words.title(comparison)}", comparison)
    yield f"Must hold for everybody: {'; '.join(words.expectation(comparison.scenario))}."
    yield ""
    yield "## Matrix: servers down, clients across"
    yield ""
    yield _row(["", *(client.label for client in comparison.clients)])
    yield _row(["---"] * (len(comparison.clients) + 1))
    for server in comparison.servers:
        cells = (comparison.cell(server, client) for client in comparison.clients)
        yield _row([server.label, *("; ".join(words.cell(cell, comparison.repeat)) for cell in cells)])
    yield ""
    yield f"Reference: {comparison.reference}"
    yield ""
    yield from (f"- {line}" for line in words.two_verdicts(comparison))
    yield from _told(words.legend([comparison]))
    yield from _troubles(comparison)
    yield from _told(words.skipped([comparison]))
    yield ""
    if comparison.groups:
        yield "## What differs"
        yield ""
        yield " ".join(filter(None, [words.LOGS, words.not_compared(comparison.scenario)]))
        yield ""
    for side in words.sides_to_show(comparison):
        yield f"{words.alike(comparison, side)}"
        yield ""
        for group in words.changed(comparison, side):
            yield f"### {words.group_title(comparison, group)}"
            yield ""
            yield from _block("diff", (f"{sign}{line}{_note(note)}" for sign, line, note in group.diff))
    yield from _causes([(cause, "", "") for cause in comparison.causes])
    if raw:
        yield from _raw(comparison)
    yield from _notes(comparison)


def _overview(survey: Survey) -> Iterator[str]:
    first = survey.comparisons[0]
    yield from _head(f"# {words.survey_title(survey)}", first)
    yield _row(["scenario", "over", *PARTS.values(), "causes", "s"])
    yield _row(["---"] * (len(PARTS) + 4))
    for comparison in survey.comparisons:
        signs = (f"`{words.signs(comparison, part)}`" for part in PARTS)
        letters = " ".join(cause.letter for cause in comparison.causes)
        time_s = f"{comparison.duration_s:.1f}"
        yield _row([comparison.scenario.name, comparison.transport.name, *signs, letters, time_s])
    yield ""
    yield from _told(words.legend(survey.comparisons))
    yield ""
    for comparison in survey.comparisons:
        troubles = list(_troubles(comparison))
        if troubles:
            yield f"**{words.name(comparison)}**: {_text(comparison.scenario.description)}"
            yield from ("", *troubles, "")
    if skipped := list(_told(words.skipped(survey.comparisons))):
        yield from (*skipped, "")
    causes = words.all_causes(survey)
    yield from _causes([(cause, words.seen_in(survey, cause), repeat.by_itself(survey, cause)) for cause in causes])
    yield from _notes(first)


def _head(title: str, comparison: Comparison) -> Iterator[str]:
    yield from (title, "", words.environment(comparison), "")


def _troubles(comparison: Comparison) -> Iterator[str]:
    return (f"- **{_text(f'{words.SYMBOLS[verdict]} {line}')}**" for verdict, line in words.troubles(comparison))


def _told(lines: Iterable[words.Told]) -> Iterator[str]:
    return (f"- `{words.SYMBOLS[verdict]}` {_text(line)}" for verdict, line in lines)


def _causes(causes: Sequence[tuple[Cause, str, str]]) -> Iterator[str]:
    if causes:
        yield from ("## Causes", "")
    for cause, where, command in causes:
        text = " ".join(map(_text, filter(None, [*words.cause_text(cause), where])))
        text += f" By itself: `{command}`" if command else ""
        yield from (f"**{cause.letter}. {_text(words.cause_title(cause))}.** {text}", "")


def _notes(comparison: Comparison) -> Iterator[str]:
    for note in comparison.notes:
        yield from (f"Note: {note}", "")


def _raw(comparison: Comparison) -> Iterator[str]:
    yield "## Logs"
    yield ""
    for cell in comparison.cells:
        for run in cell.runs:
            for side in SIDES:
                yield f"### {run}: {side}"
                yield ""
                yield from _block("text", words.plain_log(run, side))


def _block(language: str, lines: Iterable[str]) -> Iterator[str]:
    """A code block with a fence that no line can close."""
    kept = list(lines)
    longest = max((len(found[0]) for line in kept if (found := re.match(r"\s*`+", line))), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}{language}", *kept, fence, "")


def _note(letters: Sequence[str]) -> str:
    return f"   [{' '.join(letters)}]" if letters else ""


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _text(text: str) -> str:
    """Text of a log in prose: what Markdown or HTML would take for its own is escaped."""
    return re.sub(r"([\\`*_<>|\[\]~&])", r"\\\1", text)
