"""A progress bar on a terminal: how far it has come, the time left, and the ratio so far of the arm just measured."""

import shutil
from typing import TextIO

from comparison.bench import estimates
from comparison.bench.plan import Results, Sample
from comparison.bench.rounds import Progress
from comparison.bench.views import words

WIDTH = 20
MARGIN = 1
"""A line that fills the terminal may wrap, and could not be wiped out then."""


class Bar:
    """Rewrites one line of `file`, and wipes it out at the end; quiet where that is no terminal."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._shown = False

    def __enter__(self) -> "Bar":
        return self

    def show(self, progress: Progress, results: Results, sample: Sample) -> None:
        """Say how far it is after `sample`."""
        if self._file.isatty():
            line = text(progress, results, sample)
            self._file.write("\r\x1b[K" + line[: shutil.get_terminal_size().columns - MARGIN])
            self._file.flush()
            self._shown = True

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._file.write("\r\x1b[K")
            self._file.flush()


def text(progress: Progress, results: Results, sample: Sample) -> str:
    """The line of the bar."""
    total = progress.total()
    bar = "#" * (WIDTH * progress.taken // total)
    cell = next(cell for cell in results.cells if cell.key == sample.cell)
    found = estimates.compare(results, cell, sample.arm) if sample.arm != cell.reference else None
    ratio = f" {words.number(found.ratio)} x" if found is not None else ""
    return f"[{bar:.<{WIDTH}}] {progress.taken}/{total}, {progress.left_s():.0f} s left; {sample.arm}{ratio} in {cell}"
