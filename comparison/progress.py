"""A progress bar on a terminal, for what takes longer than a second."""

import shutil
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

DELAY_S = 1.0
WIDTH = 30
TEXT_WIDTH = 30
"""What stands beside the bar: a line that wraps could not be wiped out."""


class Progress:
    """Counts to `total`. It shows nothing before DELAY_S, nothing where `file` is no terminal, and wipes itself
    out at the end."""

    def __init__(self, total: int, file: TextIO = sys.stderr, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._done = 0
        self._shown = False

    def __enter__(self) -> "Progress":
        self._start_s = self._clock()
        return self

    def tick(self) -> None:
        """One more is done. From any thread."""
        with self._lock:
            self._done += 1
            elapsed_s = self._clock() - self._start_s
            if elapsed_s >= DELAY_S:
                self.show(self._done, self._total, elapsed_s / self._done * (self._total - self._done))

    def show(self, done: int, total: int, left_s: float) -> None:
        """Say how far it is, for whoever counts and estimates by himself."""
        if self._file.isatty():
            width = max(1, min(WIDTH, shutil.get_terminal_size().columns - TEXT_WIDTH))
            bar = "#" * min(width, width * done // total)
            self._file.write(f"\r\x1b[K[{bar:.<{width}}] {done}/{total}, {max(0.0, left_s):.0f} s left")
            self._file.flush()
            self._shown = True

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._file.write("\r\x1b[K")
            self._file.flush()
