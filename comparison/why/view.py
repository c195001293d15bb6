"""The programs with what is lost without each statement, as blocks."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from common.loops import USUAL
from comparison.layout import BLANK, Block, Code, Command, Heading, Line
from comparison.model import Verdict
from comparison.play.processes import ROOT
from comparison.scenarios import SCENARIOS
from comparison.why import record
from comparison.why.record import Evidence, Found
from comparison.why.statements import CHANGES, alterations

NOTHING = "nothing shows it; give it a scenario, or leave it out"
INDENT = "      "
LINE_END, MORE = r"\\n", "...'"  # of what was told in several lines the first is shown


def whole(sources: Mapping[str, str], found: Found) -> Iterator[Block]:
    """Each program with its notes, and what it comes to."""
    yield Line("Why each statement is there: what shows when it is altered", "title")
    yield Command("to see one of them for yourself", "python compare.py why FILE:LINE --again")
    for file, source in sources.items():
        own = {one: seen for one, seen in found.items() if one.file == file}
        if own:
            yield Heading(file)
            yield from _program(source, own)
    places = dict.fromkeys(one.place for one, seen in found.items() if seen is None)
    told = sum(seen is not None and seen.told for seen in found.values())
    lines = len({one.place for one in found})
    end = f"nothing shows it at {', '.join(places)}" if places else "each of them shows"
    yield from (BLANK, Line(f"{len(found)} changes of {lines} statements, {told} of them only told: {end}"))


def single(place: str, sources: Mapping[str, str], found: Found) -> Iterator[Block]:
    """All about one statement."""
    [first, *_] = found
    yield Line(f"{place}, {first.section}", "title")
    yield Code(_lines(sources[first.file])[first.first - 1 : first.last], "python")
    for one, seen in found.items():
        yield from (BLANK, Line(_note([one.change], seen), "" if seen else Verdict.FAILED))
        if seen is not None:
            yield Line(f"{seen.scenario}: {SCENARIOS[seen.scenario].description}", "dim")
            if not seen.defect:
                where = f"--scenario {seen.scenario} --transport {seen.transport}"
                yield Command("as it is", f"python compare.py run {where}")
    yield Command("altered", f"python compare.py why {place} --again")


def margin() -> dict[tuple[str, int], str]:
    """What is lost without a statement, by its file and last line, of the programs that are as they were when it was
    found out."""
    sources = {file: (ROOT / file).read_text("utf-8") for file in record.read()[0]}
    certain = record.recalled(sources)[1]
    notes: dict[tuple[str, int], str] = {}
    for one in (one for file, source in sources.items() for one in alterations(file, source)):
        if (seen := certain.get(one.key)) is not None:
            notes.setdefault((one.file, one.last), _note([one.change], seen))
    return notes


def _lines(source: str) -> list[str]:
    return [f"{number:4} {line}".rstrip() for number, line in enumerate(source.splitlines(), 1)]


def _program(source: str, found: Found) -> Iterator[Block]:
    """Its lines, and after each statement a note for each way in which its changes show."""
    lines, shown = _lines(source), 0
    for last, own in itertools.groupby(sorted(found, key=lambda one: one.last), lambda one: one.last):
        yield Code(lines[shown:last], "python")
        alike = defaultdict[Evidence | None, list[str]](list)
        for one in own:
            alike[found[one]].append(one.change)
        for seen, changes in alike.items():
            yield Line(_note(changes, seen), "item" if seen else Verdict.FAILED, "-", INDENT)
        shown = last
    if shown < len(lines):
        yield Code(lines[shown:], "python")


def _note(changes: Sequence[str], seen: Evidence | None) -> str:
    begin = ", or ".join(CHANGES[change] for change in changes)
    if seen is None:
        return f"{begin}: {NOTHING}"
    is_usual = seen.transport == SCENARIOS[seen.scenario].transports[0]
    where = seen.scenario if is_usual else f"{seen.scenario} over {seen.transport}"
    where += f" when {seen.defect}" if seen.defect else ""
    where += f", on {' and '.join(seen.loops)} only" if len(seen.loops) < len(USUAL) else ""
    first, more, _ = seen.reason.partition(LINE_END)
    return f"{begin}, {first}{MORE if more else ''} ({where})"
