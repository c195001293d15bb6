"""What a terminal shows while something runs: a line for each part as soon as it is done, and below them a bar."""

import os
import sys
import threading
from collections.abc import Iterable
from time import monotonic
from typing import TypeVar

from common.config import INTERRUPTED
from comparison.layout import columns_of, duration

DELAY_S = 1.0  # what is done before has no bar
EACH_S = 1.0
WIDTH = 30
LEAST_WIDTH = 5

Value = TypeVar("Value")


class Progress:
    """Counts runs to `total`, and names what is running, how long it has been, and how many have failed.

    It shows nothing where standard error is no terminal, and no bar where the terminal knows no way back; it wipes the
    bar out at the end.
    """

    def __init__(self, total: int, what: str = "") -> None:
        self._total, self._what, self._file = total, what, sys.stderr
        self._lock = threading.Lock()
        self._done = self._failed = 0
        self._over = threading.Event()
        self._is_terminal = self._file.isatty()
        self._can_wipe = self._is_terminal and os.environ.get("TERM") not in ("dumb", "unknown")
        self._bar_is_there = False

    def __enter__(self) -> "Progress":
        self._start_s = self._since_s = monotonic()
        if self._can_wipe:
            threading.Thread(target=self._go_on, daemon=True).start()
        return self

    def tick(self) -> None:
        """One more is done."""
        with self._lock:
            self._done += 1
            self._draw()

    def judged(self, line: str, failed: int, what: str) -> None:
        """A part is done, with so many failed; `line` stays. `what` is the next one."""
        with self._lock:
            self._failed += failed
            self._what, self._since_s = what, monotonic()
            if self._is_terminal and line:
                self._wipe()
                self._file.write(f"{line}\n")
            self._draw()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with self._lock:
            self._can_wipe = False
            self._wipe()
            self._file.flush()

    def _go_on(self) -> None:
        while not self._over.wait(EACH_S):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        now_s = monotonic()
        passed_s = now_s - self._start_s
        if self._can_wipe and passed_s >= DELAY_S:
            text = f"{self._done}/{self._total}"
            text += f" {self._what} for {duration(round(now_s - self._since_s))}" if self._what else ""
            text += f", {self._failed} failed" if self._failed else ""
            if self._done:
                text += f", {duration(round(passed_s / self._done * (self._total - self._done)))} left"
            columns = columns_of(self._file) - 1  # a line that wraps could not be wiped out
            width = max(LEAST_WIDTH, min(WIDTH, columns - len(text) - len("[] ")))
            bar = "#" * (width * self._done // max(1, self._total))
            self._wipe()
            self._file.write(f"[{bar:.<{width}}] {text}"[:columns])
            self._file.flush()
            self._bar_is_there = True

    def _wipe(self) -> None:
        if self._bar_is_there:
            self._file.write("\r\x1b[K")
            self._bar_is_there = False


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
