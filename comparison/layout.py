"""What a view is made of, and how that looks as text in columns and as Markdown.

A view says once what there is to say, in blocks. Text is plain ASCII but for what programs have logged, so that it
comes out the same with rich, which only colours it, and without.
"""

import contextlib
import importlib.util
import itertools
import os
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from comparison.model import Verdict

STYLES = {
    "title": "bold",
    "bold": "bold",
    "heading": "bold underline",
    "dim": "dim",
    "prose": "",  # in which backquotes stand around code
    "item": "",  # of a list whose sign means nothing
    "hint": "dim",  # what to type next, which only a terminal shows
    "note": "yellow",
    "+": "green",
    "-": "red",
    "@": "cyan",
    Verdict.SKIPPED: "dim",
    Verdict.REFERENCE: "bold",
    Verdict.IDENTICAL: "green",
    Verdict.ALIKE: "green",
    Verdict.EXPLAINED: "cyan",
    Verdict.DIFFERENT: "bold yellow",
    Verdict.FAILED: "bold red",
}
"""What a piece of text is -> how it looks where there is colour."""

LOUD = ("bold", Verdict.DIFFERENT, Verdict.FAILED)  # in Markdown bold, too

COLUMNS = 100  # of what does not go to a terminal, or to one that does not tell how wide it is
LEAST_COLUMNS = 40  # in fewer nothing is laid out; a terminal that has fewer breaks the lines
SIDE_BY_SIDE = 72  # from so many columns on two texts stand side by side
LEAST_WIDTH = 8  # of a column of a table
GAP = "  "

Span = tuple[str, str]
"""A piece of text, and what it is: a key of STYLES, or empty."""


class Line(NamedTuple):
    """A paragraph; with `mark`, a sign before it, one of a list."""

    text: str
    style: str = ""
    mark: str = ""
    indent: str = ""


class Heading(NamedTuple):
    """What begins a part, or with a higher level a part of one."""

    text: str
    level: int = 2


class Table(NamedTuple):
    """Rows under a head; what stands instead where its cells would have to be broken."""

    head: Sequence[str]
    rows: Sequence[Sequence[Span]]
    narrow: Sequence["Table | Line"] = ()


class Code(NamedTuple):
    """Lines of a log, or of code; those of a diff begin with their sign."""

    lines: Sequence[str]
    language: str = "text"


class Beside(NamedTuple):
    """Two texts side by side, line by line, each under its title; or one."""

    titles: Sequence[str]
    texts: Sequence[Sequence[str]]
    from_width: int = SIDE_BY_SIDE
    """In fewer columns one stands above the other."""


class Command(NamedTuple):
    """A command to be copied: it stands in one line, however long."""

    what: str
    text: str


Block = Line | Heading | Table | Code | Beside | Command
BLANK = Line("")


def write(blocks: Iterable[Block] | str, form: str = "text", path: Path | None = None) -> None:
    """Write blocks as text or as Markdown, and a document as it is: to a file, or else to standard output."""
    there = path and path.open("w", encoding="utf-8", errors="backslashreplace")
    with there or contextlib.nullcontext(sys.stdout) as file:
        if isinstance(blocks, str) or form == "markdown":
            file.write(blocks if isinstance(blocks, str) else markdown_of(blocks))
        else:
            draw(blocks, file)


# --- Text ---


def duration(seconds: float) -> str:
    """A time as one says it: 3.6 s, 5 min 52 s, 1 h 2 min; a whole number of seconds without a point."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if isinstance(seconds, float) else f"{seconds} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def rounded(value: float) -> str:
    """A figure with the digits that matter: 0.58, 12.3, 1,234."""
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:,.{digits}f}"


def columns_of(file: TextIO) -> int:
    """How wide a view in a file may be: as the user says, or as its terminal is."""
    columns = int(os.environ.get("COLUMNS", 0))
    if not columns and file.isatty():
        with contextlib.suppress(OSError):
            columns = os.get_terminal_size(file.fileno()).columns
    return max(columns or COLUMNS, LEAST_COLUMNS)


def draw(blocks: Iterable[Block], file: TextIO) -> None:
    """Write text as wide as a file takes it, in colour where rich is there and the file wants it: rich itself respects
    NO_COLOR."""
    lines = text_of(blocks, columns_of(file))
    if importlib.util.find_spec("rich") is None:
        file.writelines("".join(text for text, _ in line).rstrip() + "\n" for line in lines)
        return
    from rich.console import Console
    from rich.text import Text

    def coloured(line: Sequence[Span]) -> Text:
        text = Text.assemble(*((part, STYLES.get(style, "")) for part, style in line))
        text.rstrip()
        return text

    console = Console(file=file, highlight=False, width=columns_of(file))
    with console.capture() as capture:  # where nobody reads any more, rich would end the program by itself
        console.print(*map(coloured, lines), sep="\n", soft_wrap=True)
    file.write(capture.get())


def text_of(blocks: Iterable[Block], width: int) -> Iterator[Sequence[Span]]:
    """The lines of a text."""
    for block in blocks:
        match block:
            case Heading(text):
                yield from ([], *text_of([Line(text, "heading")], width))
            case Line(text, style, mark, indent):
                first = indent + (f"{mark} " if mark else "")
                yield from ([(part, style)] for part in _wrapped(text, width, first, " " * len(first)))
            case Table():
                yield from _table(block, width)
            case Code(lines, language):
                for line in lines:
                    style = line[:1] if language == "diff" else ""
                    yield from ([(f"{GAP}{part}", style)] for part in _broken(line, width - len(GAP)))
            case Beside():
                yield from _beside(block, width)
            case Command(what, text):
                yield [(f"{what}: {text}", "")]


def _wrapped(text: str, width: int, first: str = "", others: str = "") -> list[str]:
    """A text in as many lines as it takes, behind what the first of them and the others begin with."""
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=others, break_on_hyphens=False) or [""]


def _table(table: Table, width: int) -> Iterator[Sequence[Span]]:
    columns = list(zip([(text, "dim") for text in table.head], *table.rows, strict=True))
    widths = [max(1, *(len(line) for text, _ in column for line in text.split("\n"))) for column in columns]
    room = width - len(GAP) * (len(widths) - 1)
    if sum(widths) > room and table.narrow:
        yield from text_of(table.narrow, width)
        return
    words = [max(len(word) for text, _ in column for word in re.split(r"\s|(?<=[a-z]-)", text)) for column in columns]
    # The first column is what one types. Where there is no room for words, they are broken.
    for least in ([widths[0], *words[1:]], [LEAST_WIDTH] * len(widths)):
        while sum(widths) > room and max(spare := [a - b for a, b in zip(widths, least, strict=True)]) > 0:
            widths[spare.index(max(spare))] -= 1
    for row in zip(*columns, strict=True):
        cells = [
            [part for line in text.split("\n") for part in textwrap.wrap(line, fits) or [""]]
            for (text, _), fits in zip(row, widths, strict=True)
        ]
        for parts in itertools.zip_longest(*cells, fillvalue=""):
            spans = zip(parts, widths, row, strict=True)
            yield [(f"{part:<{fits}}{GAP}", style) for part, fits, (_, style) in spans]


def _beside(block: Beside, width: int) -> Iterator[Sequence[Span]]:
    if width < block.from_width or len(block.texts) == 1:
        for title, text in zip(block.titles, block.texts, strict=True):
            yield from text_of([Line(title, "bold"), Code(list(filter(None, text)))], width)
        return
    room = (width - 3) // 2
    yield [(f"{block.titles[0]:<{room}} | {block.titles[1]}", "bold")]
    for pair in itertools.zip_longest(*block.texts, fillvalue=""):
        for left, right in itertools.zip_longest(*(_broken(line, room) for line in pair), fillvalue=""):
            yield [(f"{left:<{room}} | {right}", "")]


def _broken(line: str, width: int) -> list[str]:
    """A line in as many as it takes, none of them further to the left."""
    begin = line[: min(len(line) - len(line.lstrip()), width // 2)]
    return _wrapped(line, width, others=begin)


# --- Markdown ---


def markdown_of(blocks: Iterable[Block]) -> str:
    """The same as Markdown: for a pull request, and for a file."""
    text, in_list = "", True
    for block in blocks:
        if block != BLANK and not (isinstance(block, Line) and block.style == "hint"):
            is_item = isinstance(block, Line) and block.mark != ""
            text += "" if in_list and (is_item or not text) else "\n"
            text += "".join(f"{part}\n" for part in _markup(block))
            in_list = is_item
    return text


def _markup(block: Block) -> Iterator[str]:
    match block:
        case Heading(text, level):
            yield f"{'#' * level} {_escaped(text)}"
        case Line(text, "prose"):
            yield "".join(part if part[:1] == "`" else _escaped(part) for part in re.split("(`[^`]+`)", text))
        case Line(text, style, mark):
            text = f"`{mark}` {_escaped(text)}" if mark and style != "item" else _escaped(text)
            yield ("- " if mark else "") + (f"**{text}**" if style in LOUD else text)
        case Table(head, rows):
            yield _row([(text, "") for text in head])
            yield _row([("---", "dim")] * len(head))
            yield from map(_row, rows)
        case Code(lines, language):
            yield from _fenced(language, lines)
        case Beside(titles, texts):
            for title, lines in zip(titles, texts, strict=True):
                yield from (_escaped(title), "", *_fenced("text", lines), "")
        case Command(what, text):
            yield f"{what.strip()}: `{text}`"


def _row(cells: Iterable[Span]) -> str:
    """A row of a table; of what has a style nothing can be taken for markup."""
    shown = (text if style else _escaped(text) for text, style in cells)
    return f"| {' | '.join(text.replace(chr(10), '; ').replace('/; ', '/') for text in shown)} |"


def _fenced(language: str, lines: Sequence[str]) -> Iterator[str]:
    """A code block with a fence that no line can close."""
    longest = max((len(found[0]) for line in lines if (found := re.match(r"\s*`+", line))), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}{language}", *lines, fence)


def _escaped(text: str) -> str:
    """Text in prose: what Markdown or HTML would take for its own is escaped."""
    return re.sub(r"([\\`*_<>|\[\]~&])", r"\\\1", text)
