"""What an experiment tells: observations, and at last an outcome."""

import logging
import os
import re
import sys
import threading
from collections.abc import Mapping
from typing import Any, NoReturn

from behaviours.known import Outcome

told: list[str] = []
lines: list[str] = []
silent = False
"""Whether observations are only kept, for the one result at the end."""


class Skipped(Exception):
    """This machine lacks something that the experiment takes."""


class Failed(Exception):
    """What had to happen did not."""


def tell(text: str) -> None:
    """Tell an observation."""
    text = cleaned(text)
    told.append(text)
    if not silent:
        write(f"    {text}")


def cleaned(text: str) -> str:
    """A text without what differs from run to run: ports, descriptors, addresses in memory."""
    for pattern, replacement in (
        (r"(127\.0\.0\.1|::1)(', |\", |:|\]:)\d+", r"\1\2PORT"),
        (r"0x[0-9a-f]+", "0x..."),
        (r"\bfd=\d+", "fd=N"),
        (r"\bTask-\d+", "Task-N"),
        (r"\bline \d+", "line N"),
    ):
        text = re.sub(pattern, replacement, text)
    return text


def write(line: str) -> None:
    """A line in one system call: those of two threads do not mix."""
    os.write(1, line.encode(errors="backslashreplace") + b"\n")


def unforeseen(observation: Any) -> Outcome:
    """The outcome of what no experiment thought of: news, and no failure."""
    return Outcome(f"unforeseen: {observation}")


def one_of(observation: Any, outcomes: Mapping[Any, Outcome]) -> Outcome:
    """The outcome that an observation stands for, or that it is unforeseen."""
    return outcomes[observation] if observation in outcomes else unforeseen(repr(observation))


def skip(reason: str) -> NoReturn:
    """Say what this machine lacks."""
    raise Skipped(reason)


# --- What asyncio and the loop say ---
def logged() -> list[str]:
    """What asyncio and the loop have logged, and what Python could not raise: a line each, with the error's class."""
    return list(lines)


class _Keeper(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        message = record.getMessage().partition("\n")[0]
        lines.append(f"{message} ({error!r})" if error is not None else message)


def listen() -> None:
    """Keep what would go to standard error."""
    logger = logging.getLogger("asyncio")
    logger.addHandler(_Keeper())
    logger.propagate = False
    sys.unraisablehook = lambda args: lines.append(f"{args.err_msg or 'Exception ignored'} ({args.exc_value!r})")
    threading.excepthook = lambda args: lines.append(f"exception in a thread ({args.exc_value!r})")
