"""What a program printed -> its error in plain words: of a chain the first, of a group the innermost, since the others
follow from it. Pure text, in Python's own form; of any other program the last words are told.
"""

import json
import re
from collections.abc import Iterable, Sequence

_HEADER = re.compile(r"(.*[ (:])?Traceback \(most recent call last\):")
_ALONE = re.compile(r"Exception ignored (in|while|on)\b.*|future: <.*\bexception=.*")  # an error may follow at once
_MARGIN = re.compile(r" +[|+] ?")  # before each line of an exception group
_SEPARATOR = re.compile(r" *\+-(?P<opens>\+-)?-*( (?P<what>\S+) -+)?")  # before each error of a group, and after all
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
    found, group, inside, in_group = list[str](), "", False, False
    for line in lines:
        line = _COLOUR.sub("", line) if "x1b" in line or "\x1b" in line else line
        in_group = in_group and (not line.strip() or _MARGIN.match(line) is not None)
        text = _MARGIN.sub("", line, count=1) if in_group else line
        if in_group and (separator := _SEPARATOR.fullmatch(line)):
            if separator["opens"] and found and not inside:
                group = found.pop()  # what it holds says more
            inside = separator["what"] not in (None, "...")
        elif _CRASH.fullmatch(text):
            found.append(text)
            inside = False
        elif _HEADER.fullmatch(text) or _ALONE.fullmatch(text):
            inside = True
            in_group = in_group or _MARGIN.match(line) is not None
        elif inside and text[:1].strip():
            # So deep in groups Python tells nothing more: the innermost that it tells is a group.
            found.append(group if text.startswith("... (max_group_depth") else text)
            inside = False
    errors = [error.strip() for error in found]
    return next((error for error in errors if not _MEANS.fullmatch(error)), errors[0] if errors else None)


def last_words(lines: Sequence[str]) -> str:
    """The last line that says something; of a JSON record its message. Empty where none does."""
    return next((words for line in reversed(lines) if (words := _spoken(line))), "")


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
