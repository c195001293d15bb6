"""The sources of the programs that take part: where they lie, and the labelled sections that they are made of."""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from comparison.play.processes import ROOT

LABEL = re.compile(r" *# --- (.+) ---")
HEAD = "Imports"  # what stands before the first label
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
    label = HEAD
    found: dict[str, Numbered] = {label: []}
    for number, line in enumerate(source.splitlines(), 1):
        if match := LABEL.fullmatch(line):
            label = match[1]
        own = found.setdefault(label, [])
        if not match and (own or line.strip()):
            own.append((number, line))
    for own in found.values():
        while own and not own[-1][1].strip():
            own.pop()
    return found
