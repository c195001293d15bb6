"""Files that users name: read whatever they are, written in one encoding whatever the locale is."""

import contextlib
import errno
import json
import os
import select
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from comparison.model import CannotCompare

WRITER_S = 3.0
"""How long somebody who writes to a FIFO is waited for."""


def check_target(option: str, path: Path | None, *, folder: bool = False) -> None:
    """Find out that a file, or something in a folder, cannot be written before it is made. Raises CannotCompare."""
    if path is None:
        return
    place, named = path.absolute(), f"{option} {str(path)!r}"
    try:
        if stat.S_ISDIR(place.stat().st_mode) != folder:
            raise CannotCompare(f"{named} is a {'file; name a folder' if folder else 'folder; name a file'}")
        remedy = "it cannot be written; name another"
    except FileNotFoundError:
        place, remedy = place.parent, "its folder cannot be written; make it or name another"
    except OSError as error:
        raise CannotCompare(f"{named}: it cannot be written ({error.strerror}); name another") from None
    if not os.access(place, os.W_OK):
        raise CannotCompare(f"{named}: {remedy}")


def replace(path: Path, text: str) -> None:
    """Write a file in whole or leave the one before, whoever ends the program. A device or a pipe stays what it is."""
    path = path.resolve()
    if (path.exists() and not path.is_file()) or not os.access(path.parent, os.W_OK):
        return write(path, text)
    new = path.with_name(f".compare-{os.getpid()}.new")
    write(new, text)
    os.replace(new, path)


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
    except ValueError:
        raise ValueError("it is not JSON") from None


def document(text: str | bytes, name: str, key: str, layout: int, wanted: str) -> dict[str, Any]:
    """A JSON document of this layout, which it tells under `key`. Raises CannotCompare where it is something else."""
    try:
        found = parse(text)
    except ValueError:
        raise CannotCompare(f"{name!r} is not JSON; name {wanted}") from None
    told = found.get(key) if isinstance(found, dict) else None
    if type(told) is not int or told != layout:
        raise CannotCompare(f"{name!r} has layout {told!r}, and {layout} is what is read here; run it once more")
    return dict(found)


@contextlib.contextmanager
def refused(name: str, what: str, remedy: str) -> Iterator[None]:
    """Raises CannotCompare where what is read inside has not its shape: what that makes of the file, and why."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        why = f"there is no {error}" if isinstance(error, KeyError) else str(error)
        raise CannotCompare(f"{name!r} {what} ({why}); {remedy}") from None
