"""Files that users name: read whatever they are, written in one encoding whatever the locale is."""

import errno
import json
import os
import select
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from comparison.model import CannotCompare

WRITER_S = 3.0
"""How long somebody who writes to a FIFO is waited for."""


def write(path: Path, text: str) -> None:
    """Write a text as UTF-8. A byte of a file name that is no letter is escaped."""
    write_lines(path, [text])


def write_lines(path: Path, pieces: Iterable[str]) -> None:
    """The same for a text that is made as it is written."""
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(pieces)


def read(path: Path, wanted: str) -> bytes:
    """The bytes of a file. Raises CannotCompare where it cannot be read, with what is wanted instead."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            if stat.S_ISCHR(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.ENODEV, "it is a device")  # it may have no end
            poller = select.poll()
            poller.register(file, select.POLLIN)
            if not poller.poll(WRITER_S * 1000):
                raise OSError(errno.ETIMEDOUT, "it is a FIFO to which nobody writes")
            os.set_blocking(file.fileno(), True)
            return file.read()
    except OSError as error:
        raise CannotCompare(f"{str(path)!r} cannot be read ({error.strerror}); name {wanted}") from None


def parse(text: str | bytes) -> Any:
    """What a JSON document holds. Raises ValueError where it is none, or one too deep."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is too deep") from None
