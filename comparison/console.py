"""A view with rich. Colour only where it is wanted: NO_COLOR and a file are respected by rich itself."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

LEAST_COLUMNS = 40
"""In fewer, rich would leave out what does not fit; a terminal that has fewer breaks the lines."""


def show(file: TextIO, draw: Callable[["Console"], None]) -> None:
    """Draw on a terminal as it comes, and into any other file without the spaces that fill a line."""
    from rich.console import Console

    console = Console(file=file, highlight=False)
    console.width = max(console.width, LEAST_COLUMNS)
    if console.is_terminal:
        draw(console)
    else:
        with console.capture() as capture:
            draw(console)
        file.writelines(f"{line.rstrip()}\n" for line in capture.get().splitlines())
