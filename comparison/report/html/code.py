"""The implementations side by side: sections with the same label on the same row, and the lines that differ marked."""

import difflib
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from comparison.model import SIDES, Endpoint, Side
from comparison.play.processes import ROOT
from comparison.report.html.sections import Section, Touched

LABEL = re.compile(r" *# --- (.+) ---")
HEAD = "Imports"
"""What stands before the first label."""


@dataclass(frozen=True)
class Line:
    """A line of code as markup; `differs` where the other implementations have no such line in this section."""

    number: int
    html: str
    differs: bool


@dataclass(frozen=True)
class Part:
    """One section in one implementation; no lines where it has none."""

    path: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Row:
    """A section in every implementation."""

    label: str
    parts: tuple[Part, ...]
    touched: Touched


def collect(endpoints: Iterable[Endpoint], touched: Mapping[Section, Touched]) -> dict[Side, list[Row]]:
    """The sections of every implementation whose source is at hand, by side."""
    commands = {end.implementation: {"server": end.server_command, "client": end.client_command} for end in endpoints}
    found: dict[Side, list[Row]] = {}
    for side in SIDES:
        paths = {name: path for name, ends in commands.items() if (path := source_of(ends[side])) is not None}
        found[side] = rows(
            side, {name: (str(path), (ROOT / path).read_text("utf-8")) for name, path in paths.items()}, touched
        )
    return found


def source_of(command: Sequence[str]) -> Path | None:
    """The file of a module of this project that a command starts, `-m NAME`; None where it starts something else."""
    for option, name in itertools.pairwise(command):
        if option == "-m":
            path = Path(*name.split(".")).with_suffix(".py")
            return path if (ROOT / path).is_file() else None
    return None


def anchor(side: Side, label: str) -> str:
    """The id of a section in the page."""
    return f"code-{side}-" + re.sub(r"\W+", "-", label.lower())


def split(source: str) -> dict[str, list[tuple[int, str]]]:
    """Label -> the numbered lines of its section, without the label and without empty lines around."""
    found: dict[str, list[tuple[int, str]]] = {HEAD: []}
    label = HEAD
    for number, line in enumerate(source.splitlines(), 1):
        if match := LABEL.fullmatch(line):
            label = match[1]
            found.setdefault(label, [])
        else:
            found[label].append((number, line))
    return {name: _stripped(lines) for name, lines in found.items()}


def _stripped(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    filled = [place for place, (_, line) in enumerate(lines) if line.strip()]
    return lines[filled[0] : filled[-1] + 1] if filled else []


def rows(side: Side, sources: Mapping[str, tuple[str, str]], touched: Mapping[Section, Touched]) -> list[Row]:
    """Implementation -> path and source, as rows of sections."""
    sections = {name: split(source) for name, (_, source) in sources.items()}
    markup = {name: highlight(source) for name, (_, source) in sources.items()}
    found = []
    for label in dict.fromkeys(label for parts in sections.values() for label in parts):
        own = {name: parts.get(label, []) for name, parts in sections.items()}
        parts = tuple(_part(name, sources[name][0], own, markup[name]) for name in sections)
        found.append(Row(label, parts, touched.get((side, label), Touched())))
    return found


def _part(name: str, path: str, own: Mapping[str, list[tuple[int, str]]], markup: Sequence[str]) -> Part:
    others = [[line.strip() for _, line in lines] for other, lines in own.items() if other != name]
    here = [line.strip() for _, line in own[name]]
    shared = set(range(len(here)))
    for there in others:
        blocks = difflib.SequenceMatcher(None, here, there, autojunk=False).get_matching_blocks()
        shared &= {place for block in blocks for place in range(block.a, block.a + block.size)}
    lines = tuple(
        Line(number, markup[number - 1], bool(here[place]) and place not in shared)
        for place, (number, _) in enumerate(own[name])
    )
    return Part(path, lines)


def highlight(source: str) -> list[str]:
    """The lines of a Python source as markup, with a class for each kind of token; the style is the page's."""
    import pygments
    from pygments.formatters import HtmlFormatter
    from pygments.lexers.python import PythonLexer

    markup: str = pygments.highlight(source, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return markup.split("\n")
