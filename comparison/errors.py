"""What a program printed -> its error in plain words: of a chain the first, of a group the innermost, since the others
follow from it. Pure text, in Python's own form; of any other program the last words are told.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence

_HEADER = re.compile(r"(.*[ (:])?Traceback \(most recent call last\):")
_ALONE = re.compile(r"Exception ignored (in|while|on)\b.*|future: <.*\bexception=.*")  # an error may follow at once
_MARGIN = re.compile(r" +[|+] ?")  # before each line of an exception group
_OPENING = re.compile(r" *\+-\+-+ 1 -+")
_SEPARATOR = re.compile(r" *\+-+( (?P<what>\S+) -+)?")
_CRASH = re.compile(r"Fatal Python error: .+|([^'\"]*[^\w'\"])?(Segmentation fault|Bus error|Illegal instruction)\b.*")
_MEANS = re.compile(r"(\w+\.)*(CancelledError|GeneratorExit)\b.*")  # how a task is stopped: the reason comes after it
# As it comes, and as it is shown. Python has it in its own tracebacks where FORCE_COLOR is set.
_COLOUR = re.compile(r"(\x1b|\\x1b)\[[\d;]*m")
# A line without a word, or a part of a JSON value.
_UNSAID = re.compile(r'[-+|=~^_#.:,\s"\u2500-\u257f(){}\[\]]*|\s*"[^"]*":.*|\{".*')
_TEXT_KEYS = ("message", "msg", "error", "reason", "text", "event")  # where programs that log JSON have what they say


def first_error(lines: Iterable[str]) -> str | None:
    """The error behind all others that tracebacks tell of, such as `KeyError: 7`: of a chain the first, of a group the
    first that is no group. None where no error is told."""
    found = [error.strip() for error in _errors(lines)]
    return next((error for error in found if not _MEANS.fullmatch(error)), found[0] if found else None)


def last_words(lines: Sequence[str]) -> str:
    """The last line that says something; of a JSON record its message. Empty where none does."""
    return next((words for line in reversed(lines) if (words := _spoken(line))), "")


def _errors(lines: Iterable[str]) -> Iterator[str]:
    error, group, inside, in_group = None, None, False, False
    for line in lines:
        line = _COLOUR.sub("", line) if "x1b" in line or "\x1b" in line else line
        in_group = in_group and (not line.strip() or _MARGIN.match(line) is not None)
        if in_group and (separator := _SEPARATOR.fullmatch(line) or _OPENING.fullmatch(line)):
            if error is not None and not _OPENING.fullmatch(line):
                yield error
            # Not told after "+-+--- 1 ---": what a group holds says more than the group.
            error, group, inside = None, error or group, "..." not in separator[0] and " " in separator[0].strip()
            continue
        text = _MARGIN.sub("", line, count=1) if in_group else line
        if _HEADER.fullmatch(text) or _ALONE.fullmatch(text) or _CRASH.fullmatch(text):
            if error is not None:
                yield error
            inside = not _CRASH.fullmatch(text)
            error = None if inside else text
            in_group = in_group or _MARGIN.match(line) is not None
        elif inside and text[:1].strip():
            # So deep in groups Python tells nothing more: the innermost that it tells is a group.
            error, inside = group if text.startswith("... (max_group_depth") else text, False
    if error is not None:
        yield error


def _spoken(line: str) -> str:
    try:
        record = json.loads(line) if line.startswith(("{", "[")) else None
    except (ValueError, RecursionError):
        record = None
    if isinstance(record, dict):
        words = next((record[key] for key in _TEXT_KEYS if isinstance(record.get(key), str)), "")
        return f"{record['logger']}: {words}" if words and isinstance(record.get("logger"), str) else words
    line = _COLOUR.sub("", line)
    return "" if isinstance(record, list) or _UNSAID.fullmatch(line) else line
