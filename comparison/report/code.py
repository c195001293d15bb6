"""The implementations side by side: sections with the same label on the same row, and the lines that differ marked."""

import difflib
import io
import re
import tokenize
from collections.abc import Iterable, Mapping, Sequence

from comparison.endpoints import Numbered, sections_of, source_of
from comparison.model import SIDES, Endpoint, Side
from comparison.play.processes import ROOT

Notes = Mapping[tuple[str, int], str]
"""Path and number of a line -> what is to be said beside it."""

Line = tuple[int, str, bool, str]
"""Number and text of a line, whether the other implementations have no such line in this section, and a note."""

Rows = Mapping[str, Mapping[str, Sequence[Line]]]
"""Sections by their label: in every implementation, by its path, the lines; none where it has no such section."""


def collect(endpoints: Iterable[Endpoint], notes: Notes | None = None) -> dict[Side, Rows]:
    """The sections of every implementation whose source is at hand, by side."""
    commands = {end.implementation: {"server": end.server_command, "client": end.client_command} for end in endpoints}
    found: dict[Side, Rows] = {}
    for side in SIDES:
        paths = [path for ends in commands.values() if (path := source_of(ends[side])) is not None]
        found[side] = rows({str(path): (ROOT / path).read_text("utf-8") for path in paths}, notes or {})
    return found


def anchor(side: Side, label: str) -> str:
    """The id of a section in the page."""
    return f"code-{side}-" + re.sub(r"\W+", "-", label.lower())


def rows(sources: Mapping[str, str], notes: Notes) -> Rows:
    """Sources by their path, as rows of sections."""
    sections = {path: sections_of(source) for path, source in sources.items()}
    said = {path: _said(source) for path, source in sources.items()}
    found = {}
    for label in dict.fromkeys(label for parts in sections.values() for label in parts):
        own = {path: parts.get(label, []) for path, parts in sections.items()}
        found[label] = {path: _part(path, own, said, notes) for path in sections}
    return found


def _said(source: str) -> list[str]:
    """What each line says to a comparison: `self.` is how a class says it, and a comment does nothing."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return [re.sub(r"\bself(\.|, |(?=\)))", "", line).strip() for line in lines]


def _part(path: str, own: Mapping[str, Numbered], said: Mapping[str, Sequence[str]], notes: Notes) -> list[Line]:
    heard = {name: [said[name][number - 1] for number, _ in lines] for name, lines in own.items()}
    shared = set(range(len(own[path])))
    for there in (lines for other, lines in heard.items() if other != path):
        blocks = difflib.SequenceMatcher(None, heard[path], there, autojunk=False).get_matching_blocks()
        shared &= {place for block in blocks for place in range(block.a, block.a + block.size)}
    return [
        (number, text, bool(heard[path][place]) and place not in shared, notes.get((path, number), ""))
        for place, (number, text) in enumerate(own[path])
    ]
