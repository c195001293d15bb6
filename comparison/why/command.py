"""`compare.py why`: its options, and what it does with them."""

import argparse
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from comparison import files, layout
from comparison.model import CannotCompare
from comparison.options import at_least_one
from comparison.play.machine import JOBS
from comparison.play.processes import INTERRUPTED, ROOT
from comparison.play.transports import TRANSPORTS
from comparison.progress import Progress
from comparison.scenarios import SCENARIOS
from comparison.selection import choose
from comparison.why import record, view
from comparison.why.record import Evidence
from comparison.why.statements import Alteration, alterations, digest
from comparison.why.trial import programs, search

DESCRIPTION = (
    "Show why each statement of the programs is there: each is left out or turned into its opposite in a copy, which "
    "takes part in the scenarios until one notices. What docs/why.json knows of a program that has not changed since "
    "is shown at once; of another each statement is tried, on all loops that are installed."
)
EPILOG = (
    "Exit code: 0 where each statement has a reason, 1 where one has none, 2 for trouble, 130 after Ctrl-C. To bring "
    "the record up to date: compare.py why --save docs/why.json; compare.py why --format markdown > docs/why.md"
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of why."""
    add = parser.add_argument
    add("place", nargs="?", metavar="FILE[:LINE]", help="only this program, or its statement in this line")
    add("--again", action="store_true", help="try what is known, too")
    add(
        "--sample",
        type=at_least_one,
        metavar="N",
        help="try what is not known yet, and so many others by chance, of those without which something else happens",
    )
    add("--jobs", type=at_least_one, metavar="N", default=JOBS, help="programs at once (%(default)s)")
    add("--format", choices=("text", "json", "markdown"), default="text", help="what to write (%(default)s)")
    add("--save", type=Path, metavar="FILE", help="keep what was found there, as JSON")


def run(options: argparse.Namespace) -> int:
    """Do what the options say; after Ctrl-C show what there is. Raises CannotCompare."""
    files.check_target("--save", options.save)
    sources = {file: (ROOT / file).read_text("utf-8") for file in programs()}
    chosen = meant(options.place, sources)
    known, certain = recorded(chosen, sources)
    tried = [one for one in chosen if options.again or one not in certain]
    if options.sample is not None:
        others = [one for one in chosen if one not in tried and (seen := certain[one]) is not None and not seen.told]
        tried += random.sample(others, min(len(others), options.sample))
        chosen = [one for one in chosen if one in tried]
    found: dict[Alteration, Evidence | None] = {one: certain[one] for one in chosen if one not in tried}
    interrupted = False
    try:
        if tried:
            with Progress(len(tried)) as progress:
                for one, seen in search(tried, sources, known, choose(), options.jobs):
                    found[one] = seen
                    progress.tick()
    except KeyboardInterrupt:
        if not found:
            raise
        interrupted = True
    found = {one: found[one] for one in chosen if one in found}
    if options.save is not None:
        files.replace(options.save, record.to_json(sources, found))
    write(sources, found, options)
    if interrupted:
        print(f"compare.py: interrupted; {len(found)} of {len(chosen)} changes were tried", file=sys.stderr)
        return INTERRUPTED
    return 0 if None not in found.values() else 1


def meant(place: str | None, sources: Mapping[str, str]) -> list[Alteration]:
    """The alterations of what is named. Raises CannotCompare."""
    everything = [one for file, source in sources.items() for one in alterations(file, source)]
    if place is None:
        return everything
    name, colon, line = place.partition(":")
    path = Path(name).resolve()
    file = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else name
    file = file if file in sources else Path(name).as_posix()
    if file not in sources:
        raise CannotCompare(f"why {name!r} is none of the programs; give one of {', '.join(sources)}")
    own = [one for one in everything if one.file == file]
    if not colon:
        return own
    at = int(line) if line.isascii() and line.isdigit() and len(line) < 9 else 0
    there = [one for one in own if one.first <= at <= one.last]
    if not there:
        near = sorted({one.first for one in own}, key=lambda first: (abs(first - at), first))[:2]
        raise CannotCompare(
            f"why {place!r}: no statement that is tried stands in line {line!r}; the nearest begin in lines "
            + " and ".join(map(str, sorted(near)))
        )
    return there


def recorded(
    chosen: Sequence[Alteration], sources: Mapping[str, str]
) -> tuple[dict[Alteration, Evidence], dict[Alteration, Evidence | None]]:
    """What has noticed which of the alterations before, and what certainly still holds: the program is the same."""
    known = record.read()
    before, certain = {}, dict[Alteration, Evidence | None]()
    for one in chosen:
        program = known.get(one.file)
        if program is None or one.key not in program.evidence:
            continue
        seen = program.evidence[one.key]
        if seen is not None and not (seen.scenario in SCENARIOS and seen.transport in TRANSPORTS):
            continue
        if seen is not None:
            before[one] = seen
        if program.digest == digest(sources[one.file]):
            certain[one] = seen
    return before, certain


def write(sources: Mapping[str, str], found: Mapping[Alteration, Evidence | None], options: argparse.Namespace) -> None:
    """Write it in the chosen form."""
    if options.format == "json":
        return layout.write(record.to_json(sources, found))
    is_single = ":" in (options.place or "") and found
    blocks = view.single(options.place, sources, found) if is_single else view.whole(sources, found)
    layout.write(blocks, options.format)
