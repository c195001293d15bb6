"""`compare.py why`: its options, and what it does with them."""

import argparse
import os
import random
from collections.abc import Mapping

from comparison import files, layout
from comparison.model import CannotCompare
from comparison.options import at_least_one, meant
from comparison.play.machine import JOBS
from comparison.play.processes import ROOT
from comparison.progress import ended_early, gathered
from comparison.selection import choose
from comparison.why import record, view
from comparison.why.statements import Alteration, alterations
from comparison.why.trial import Arena, programs

DESCRIPTION = (
    "Show why each statement of the programs is there: each is left out or turned into its opposite in a copy, which "
    "takes part in the scenarios until one notices. What docs/why.json knows of a program that has not changed since "
    "is shown at once; of another each statement is tried, on all loops that are installed."
)
EPILOG = "Exit code: 0 where each statement has a reason, 1 where one has none, 2 for trouble, 130 after Ctrl-C."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of why."""
    add = parser.add_argument
    add("place", nargs="?", metavar="FILE[:LINE]", help="only this program, or its statement in this line")
    add("--again", action="store_true", help="try what is known, too")
    sampled = "try what is not known yet, and N by chance of what shows in more than a log"
    add("--sample", type=at_least_one, metavar="N", help=sampled)
    add("--jobs", type=at_least_one, metavar="N", default=JOBS, help="programs at once (%(default)s)")
    add("--format", choices=("text", "json", "markdown"), default="text", help="what to write (%(default)s)")
    add("--save", type=files.target, metavar="FILE", help="keep what was found there, as JSON")


def run(options: argparse.Namespace) -> int:
    """Do what the options say; after Ctrl-C show what there is. Raises CannotCompare."""
    sources = {file: (ROOT / file).read_text("utf-8") for file in programs()}
    chosen = named(options.place, sources)
    before, certain = record.recalled(sources)
    tried = [one for one in chosen if options.again or one.key not in certain]
    if options.sample is not None:
        others = [one for one in chosen if one not in tried and (seen := certain[one.key]) and not seen.told]
        tried += random.sample(others, min(len(others), options.sample))
        chosen = [one for one in chosen if one in tried]
    asked = Arena(choose(), options.jobs).search(tried, before) if tried else ()
    came, interrupted = gathered(asked, len(tried))
    new = dict(came)
    found = {one: new[one] if one in new else certain[one.key] for one in chosen if one in new or one not in tried}
    if interrupted and not found:
        raise KeyboardInterrupt
    document = record.to_json(sources, found)
    if options.save is not None:
        files.replace(options.save, document)
    blocks = view.whole(sources, found)
    if ":" in (options.place or "") and found:
        blocks = view.single(options.place, sources, found)
    layout.write(document if options.format == "json" else blocks, options.format)
    if interrupted:
        return ended_early(f"{len(found)} of {len(chosen)} changes were tried")
    return 0 if None not in found.values() else 1


def named(place: str | None, sources: Mapping[str, str]) -> list[Alteration]:
    """The alterations of a program that is named, or in a line of it; else all. Raises CannotCompare."""
    name, colon, line = (place or "").partition(":")
    chosen = sources if place is None else [meant("why", os.path.relpath(ROOT / name, ROOT), sources)]
    own = [one for file in chosen for one in alterations(file, sources[file])]
    there = [one for one in own if not colon or line in map(str, range(one.first, one.last + 1))]
    if not there:
        remedy = f"see compare.py why {own[0].file}"
        raise CannotCompare(f"why {place!r}: no statement that is tried stands in line {line!r}; {remedy}")
    return there
