"""A view with rich. Colour only where it is wanted: NO_COLOR and a file are respected by rich itself."""

import contextlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

COLUMNS = 100
"""Of what does not go to a terminal, or to one that does not tell how wide it is."""

LEAST_COLUMNS = 40
"""In fewer nothing is laid out; a terminal that has fewer breaks the lines."""


def columns_of(file: TextIO) -> int:
    """How wide a view in a file may be: as the user says, or as its terminal is."""
    columns = int(os.environ.get("COLUMNS", 0))
    if not columns and file.isatty():
        with contextlib.suppress(OSError):
            columns = os.get_terminal_size(file.fileno()).columns
    return max(columns or COLUMNS, LEAST_COLUMNS)


def show(file: TextIO, draw: Callable[["Console"], object]) -> None:
    """Draw on a terminal as it comes, and into any other file without the spaces that fill a line."""
    from rich.console import Console

    console = Console(file=file, highlight=False, width=columns_of(file))
    if console.is_terminal:
        draw(console)
    else:
        with console.capture() as capture:
            draw(console)
        file.writelines(f"{line.rstrip()}\n" for line in capture.get().splitlines())
