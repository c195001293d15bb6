"""What a terminal shows while something runs: a line for each part as soon as it is done, and below them a bar, which
rich draws where it is installed and the terminal knows a way back."""

import contextlib
import importlib.util
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

from common.config import INTERRUPTED

if TYPE_CHECKING:
    import rich.progress

WIDTH = 30

Value = TypeVar("Value")


class Progress(contextlib.ExitStack):
    """Counts runs to `total`, and names what is running and how many have failed; nothing of it is left at the end. It
    shows nothing where standard error is no terminal."""

    def __init__(self, total: int, what: str = "") -> None:
        super().__init__()
        self._failed = 0
        self._bar = _bar() if sys.stderr.isatty() and importlib.util.find_spec("rich") is not None else None
        if self._bar is not None:
            self._task = self.enter_context(self._bar).add_task(what, total=total)

    def tick(self) -> None:
        """One more is done."""
        if self._bar is not None:
            self._bar.advance(self._task)

    def judged(self, line: str, failed: int, what: str) -> None:
        """A part is done, with so many failed; `line` stays. `what` is the next one."""
        self._failed += failed
        if self._bar is not None:
            told = f"{what}, {self._failed} failed" if self._failed else what
            self._bar.update(self._task, description=told)
        if line and sys.stderr.isatty():
            print(line, file=sys.stderr)


def _bar() -> "rich.progress.Progress":
    from rich import progress
    from rich.console import Console

    console, text = Console(stderr=True), progress.TextColumn("{task.description}", markup=False)
    columns = progress.BarColumn(WIDTH), progress.MofNCompleteColumn(), text, progress.TimeRemainingColumn()
    is_off = console.is_dumb_terminal
    return progress.Progress(*columns, console=console, transient=True, redirect_stdout=False, disable=is_off)


def gathered(values: Iterable[Value], total: int) -> tuple[list[Value], bool]:
    """What comes of so many, counted as it comes, and whether Ctrl-C ended it."""
    found: list[Value] = []
    with Progress(total) as progress:
        try:
            for value in values:
                found.append(value)
                progress.tick()
        except KeyboardInterrupt:
            return found, True
    return found, False


def ended_early(done: str) -> int:
    """Say that Ctrl-C has come, and what was done before; the exit code."""
    print(f"compare.py: interrupted; {done}", file=sys.stderr)
    return INTERRUPTED
