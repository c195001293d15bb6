"""Kinds of values that options of several commands have."""

import argparse
import math


def comma_separated(text: str) -> list[str]:
    """`a,b` as a list; an empty name is an error."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} has an empty name; give names with one comma between them")
    return names


def above_zero(text: str) -> float:
    """A number above 0, and not without end."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0; give more than 0")
    return number


def at_least_one(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)
