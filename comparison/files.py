"""Files that users name: read whatever they are, written in one encoding whatever the locale is."""

import contextlib
import errno
import json
import os
import select
import stat
from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from comparison.model import CannotCompare

WRITER_S = 3.0
"""How long somebody who writes to a FIFO is waited for."""


def target(text: str, *, folder: bool = False) -> Path:
    """The value of an option: a file, or a folder for files, that can be written. Raises ArgumentTypeError where it
    cannot, before anything is made."""
    place = Path(text).absolute()
    try:
        if stat.S_ISDIR(place.stat().st_mode) != folder:
            raise ArgumentTypeError(f"{text!r} is a {'file; name a folder' if folder else 'folder; name a file'}")
        remedy = "it cannot be written; name another"
    except FileNotFoundError:
        place, remedy = place.parent, "its folder cannot be written; make it or name another"
    except OSError as error:
        raise ArgumentTypeError(f"{text!r}: it cannot be written ({error.strerror}); name another") from None
    if not os.access(place, os.W_OK):
        raise ArgumentTypeError(f"{text!r}: {remedy}")
    return Path(text)


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
    path.write_text(text, "utf-8", "backslashreplace")


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


@contextlib.contextmanager
def document(text: str | bytes, name: str, key: str, layout: int, wanted: str) -> Iterator[dict[str, Any]]:
    """A JSON document that tells its layout under `key`. Raises CannotCompare where it is not what is wanted, or what
    is read of it inside has not its shape."""
    try:
        found = parse(text)
        told = found.get(key) if isinstance(found, dict) else None
        if type(told) is not int or told != layout:
            raise ValueError(f"it has layout {told!r}, and {layout} is what is read here")
        yield found
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        why = f"there is no {error}" if isinstance(error, KeyError) else str(error)
        raise CannotCompare(f"{name!r} is not {wanted} ({why}); name one, or make it anew") from None
