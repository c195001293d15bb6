"""What surrounds the program, made fit for it: standard streams, their encoding, variables that make no sense.

It imports nothing of the engine at first: on a system without what the engine needs, this much still runs.
"""

import io
import os
import signal
import sys

WINDOWS = (
    "compare.py: error: the comparison needs what Linux and macOS have; on Windows the implementations run by hand: "
    "python -m streams_impl.server and python -m streams_impl.client, or protocol_impl; nothing else does"
)
MOST_COLUMNS = 10_000  # no terminal is wider; rich would fill so many with spaces


class _Errors(io.FileIO):
    """Standard error. Whoever cannot be told is not told; the work and its exit code stay the same."""

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError:
            return len(data)  # type: ignore[arg-type]


def suit() -> bool:
    """Whether the engine can run on this system; where it cannot, say so."""
    if os.name == "nt" or sys.platform == "win32":
        print(WINDOWS, file=sys.stderr)
        return False
    return True


def prepare() -> None:
    """Have Ctrl-C end a program that still imports, standard streams that are there and take every character, and no
    size of a terminal that makes no sense."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from common.lifecycle import open_standard_streams

    open_standard_streams()
    # Python has no stream where the descriptor was closed. What a locale has no letter for is escaped, and so is a byte
    # of a file name that is no letter at all.
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    encoding, raw = sys.stderr.encoding if sys.stderr else "utf-8", _Errors(2, "w", closefd=False)
    sys.stderr = io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=True)
    for name in ("COLUMNS", "LINES"):
        value = os.environ.get(name, "")
        if not (value.isascii() and value.isdigit() and len(value) < 9 and 0 < int(value) <= MOST_COLUMNS):
            os.environ.pop(name, None)


def prepared() -> None:
    """All is imported: from here on Ctrl-C is a KeyboardInterrupt."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(number: int, frame: object) -> None:
    # At once: what is raised in the middle of an import may come out as another error.
    os.write(2, b"compare.py: interrupted before anything was started\n")
    os._exit(128 + number)
