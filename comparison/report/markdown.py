"""The comparison as Markdown: for a pull request, a file, and a terminal without rich."""

import re
from collections.abc import Iterable, Iterator

from comparison.model import SIDES, Comparison
from comparison.report import words


def render(comparison: Comparison, raw: bool = False) -> str:
    """The whole view; `raw` adds the logs of each pairing as they came."""
    return "\n".join(_lines(comparison, raw)) + "\n"


def _lines(comparison: Comparison, raw: bool) -> Iterator[str]:
    yield f"# {words.title(comparison)}"
    yield ""
    yield words.environment(comparison)
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
    yield from (f"- `{line[0]}` {line[2:]}" for line in words.legend(comparison))
    for line in words.troubles(comparison):
        yield f"- **{_text(line)}**"
    yield ""
    yield "## What differs"
    yield ""
    yield words.LOGS
    yield ""
    for side in SIDES:
        yield f"{words.alike(comparison, side)}"
        yield ""
        for group in words.changed(comparison, side):
            yield f"### {words.group_title(comparison, group)}"
            yield ""
            yield from _block("diff", (f"{sign}{line}{_note(note)}" for sign, line, note in group.diff))
    if comparison.causes:
        yield "## Causes"
        yield ""
    for cause in comparison.causes:
        yield f"**{cause.letter}. {_text(words.cause_title(cause))}.** " + " ".join(map(_text, words.cause_text(cause)))
        yield ""
    if raw:
        yield from _raw(comparison)
    for note in comparison.notes:
        yield f"Note: {note}"
        yield ""
    yield words.closing(comparison)


def _raw(comparison: Comparison) -> Iterator[str]:
    yield "## Logs"
    yield ""
    for cell in comparison.cells:
        for run in cell.runs:
            for side in SIDES:
                yield f"### {cell.pairing}, run {run.number}: {side}"
                yield ""
                yield from _block("text", words.plain_log(run, side))


def _block(language: str, lines: Iterable[str]) -> Iterator[str]:
    """A code block with a fence that no line can close."""
    kept = list(lines)
    longest = max((len(found[0]) for line in kept if (found := re.match(r"\s*`+", line))), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}{language}", *kept, fence, "")


def _note(letters: str) -> str:
    return f"   [{letters}]" if letters else ""


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _text(text: str) -> str:
    """Text of a log in prose: what Markdown or HTML would take for its own is escaped."""
    return re.sub(r"([\\`*_<>|\[\]~&])", r"\\\1", text)
