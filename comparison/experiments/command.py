"""`compare.py behaviours`: its options, and what it does with them."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from behaviours.page import GROUPS
from comparison import endpoints, files, layout
from comparison.experiments import view
from comparison.experiments.model import Behaviour, everything, judged, read, to_json
from comparison.experiments.play import JOBS, cells, survey
from comparison.model import CannotCompare
from comparison.options import LOOP_HELP, at_least_one, comma_separated, meant
from comparison.progress import ended_early, gathered

DESCRIPTION = (
    "Show how asyncio's two APIs, its loops and its versions really behave, by experiments: what bites here, what is "
    "a bug of this very Python or loop, and what is not as known. With a name, show the page of one."
)
EPILOG = "Exit code: 0 where all is as known, 1 where there is news or a failure, 2 for trouble, 130 after Ctrl-C."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of behaviours."""
    add = parser.add_argument
    add("name", nargs="?", metavar="NAME", help="which one, or the part of its name that tells which")
    groups = partial(comma_separated, known=GROUPS)
    add("--group", type=groups, metavar="NAME", help=f"only these groups: {', '.join(GROUPS)}")
    add("--bites", action="store_true", help="show only what bites here")
    add("--loop", type=comma_separated, metavar="NAME", help=LOOP_HELP)
    add("--python", type=comma_separated, metavar="PATH", default=(), help="interpreters to run them with")
    add("--jobs", type=at_least_one, metavar="N", default=JOBS, help="processes at once (%(default)s)")
    add("--format", choices=("text", "json", "markdown"), default="text", help="what to write (%(default)s)")
    add("--save", type=files.target, metavar="FILE", help="keep what was seen there, as JSON")
    add("--from", type=Path, nargs="+", metavar="FILE", dest="sources", help="run nothing: show what was kept there")


def run(options: argparse.Namespace) -> int:
    """Do what the options say; after Ctrl-C show what there is. Raises CannotCompare."""
    chosen = choose(everything(), options.name, options.group)
    if options.sources:
        evidences, interrupted, notes = read(options.sources), False, list[str]()
    else:
        arms, notes = endpoints.arms(endpoints.interpreters(options.python, options.loop), options.loop)
        tried = cells(chosen.values(), arms)
        evidences, interrupted = gathered(survey(tried, jobs=options.jobs), len(tried))
        if interrupted and not evidences:
            raise KeyboardInterrupt
    found = judged(chosen, evidences, notes)
    if not found.findings:
        raise CannotCompare("none of these was run; choose others, or name another file")
    kept = to_json(found.findings)
    if options.save is not None:
        files.replace(options.save, kept)
    blocks = view.overview(found, only_bites=options.bites, whole=options.format == "markdown")
    if options.name is not None:
        blocks = view.page(found, *found.behaviours.values())
    layout.write(kept if options.format == "json" else blocks, options.format)
    return ended_early(f"{len(evidences)} of {len(tried)} cases were run") if interrupted else found.exit_code


def choose(known: dict[str, Behaviour], name: str | None, groups: Sequence[str] | None) -> dict[str, Behaviour]:
    """The behaviours that are meant. Raises CannotCompare."""
    if name is not None:
        name = meant("behaviours", name.replace("_", "-"), known)
    return {
        each: behaviour
        for each, behaviour in known.items()
        if name in (None, each) and (not groups or behaviour.page.group in groups)
    }
