"""Kinds of values that options of several commands have."""

import argparse
import difflib
import math
import shlex
from collections.abc import Callable, Collection, Iterable
from typing import Any

from common.loops import LOOPS, USUAL
from common.options import number
from comparison.model import CannotCompare


def comma_separated(text: str, read: Callable[[str], Any] = str, known: Collection[str] = ()) -> list[Any]:
    """`a,b` as a list of what is read in each part; an error is an empty part, and one that is none of the names that
    are `known`, if there are any."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} has an empty name or number; put one comma between two")
    for name in names:
        if known and name not in known:
            guess = did_you_mean(name, known)
            raise argparse.ArgumentTypeError(f"{name!r} is unknown: choose {', '.join(known)}{guess}")
    return [read(name) for name in names]


above_zero = number(float, lambda n: 0 < n < math.inf, "a number above 0; give more than 0")


def at_least_one(text: str) -> int:
    """A whole number from 1 on, in plain digits: int() takes `1_0` and the digits of other scripts, too."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def words(option: str, text: str) -> tuple[str, ...]:
    """A command, as a shell would split it. Raises CannotCompare."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise CannotCompare(f"{option} {text!r}: {str(error).lower()}; quote it as for a shell") from None


def meant(command: str, text: str, names: Collection[str]) -> str:
    """Which name is meant: that very one, what only one begins with, or a part of only one. Raises CannotCompare."""
    having = [name for name in names if text in name]
    begun = [name for name in having if name.startswith(text)]
    found = [text] if text in names else begun if len(begun) == 1 else having
    if len(found) > 1:
        raise CannotCompare(f"{command} {text!r} stands for several; give one of {', '.join(found)}")
    if not found:
        raise CannotCompare(f"{command} {text!r} is unknown{unknown(text, names, f'compare.py {command}')}")
    return found[0]


LOOP_HELP = f"event loops ({','.join(USUAL)}): of {', '.join(LOOPS)}, all that are installed, or MODULE:FACTORY"

MOST_GUESSES = 3
FEW = 8  # so many names an error can list


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question at the end of an error about an unknown name; empty where none is like it."""
    word, names = name.lower().lstrip("-"), {other.lstrip("-"): other for other in known}
    close = [other for other in names if word and other.startswith(word)] or difflib.get_close_matches(word, names)
    return f"; did you mean {' or '.join(names[other] for other in close[:MOST_GUESSES])}?" if close else ""


def unknown(name: str, known: Iterable[str], every_one: str) -> str:
    """The end of an error about an unknown name: the question, or the names; `every_one` is what lists many."""
    names = list(known)
    if guess := did_you_mean(name, names):
        return f"{guess} ({every_one} has every one)"
    return f"; known are {', '.join(names)}" if len(names) <= FEW else f"; {every_one} has every one"
