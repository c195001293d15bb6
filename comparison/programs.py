"""The sources of the programs that take part: where they lie, and the labelled sections that they are made of."""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from comparison.play.processes import ROOT

LABEL = re.compile(r" *# --- (.+) ---")
HEAD = "Imports"
"""What stands before the first label."""

Numbered = list[tuple[int, str]]


def source_of(command: Sequence[str]) -> Path | None:
    """The file of a module of this project that a command starts, `-m NAME`; None where it starts something else."""
    for option, name in itertools.pairwise(command):
        if option == "-m":
            path = Path(*name.split(".")).with_suffix(".py")
            return path if (ROOT / path).is_file() else None
    return None


def split(source: str) -> dict[str, Numbered]:
    """Label -> the numbered lines of its section, without the label and without empty lines around."""
    found: dict[str, Numbered] = {HEAD: []}
    label = HEAD
    for number, line in enumerate(source.splitlines(), 1):
        if match := LABEL.fullmatch(line):
            label = match[1]
            found.setdefault(label, [])
        else:
            found[label].append((number, line))
    return {name: _stripped(lines) for name, lines in found.items()}


def _stripped(lines: Numbered) -> Numbered:
    filled = [place for place, (_, line) in enumerate(lines) if line.strip()]
    return lines[filled[0] : filled[-1] + 1] if filled else []
