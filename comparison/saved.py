"""Runs on disk: written as they come, read to be judged later, alone or with those of other machines.

`manifest.json` tells who was to play what, and what was skipped; each run is a file of its own beside its logs. Each of
these is there in whole or not at all: of a run that was killed there is all that was played.
"""

import dataclasses
import itertools
import json
import os
import platform
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from common.logs import escape
from comparison import files, shapes
from comparison.model import SIDES, Cell, Comparison, Endpoint, Pairing, Run, Scenario, Survey, Transport
from comparison.play.processes import ROOT
from comparison.play.transports import TRANSPORTS, prepare
from comparison.report import export
from comparison.report.repeat import by_hand
from comparison.scenarios import SCENARIOS
from comparison.transcript import line_of

LAYOUT = 1
"""Number of the layout of both kinds of files. It grows when a field changes its meaning or goes."""

MANIFEST = "manifest.json"
WANTED = "a folder that run --save has filled"

NEVER_MET = "no machine had both"  # why two endpoints that were saved on different machines have no run
NAME_BYTES = 200  # of a folder at most, before what tells it from another: a label may have a path in it


def this_machine() -> str:
    return platform.node() or "unnamed"


def place_of(scenario: Scenario, transport: Transport) -> str:
    """The folder of what was played of a scenario."""
    return f"{scenario.name}-{transport.name}"


# --- Written ---
class Folder:
    """Keeps what `compare.py judge` reads of the comparisons to come, and for people in `SCENARIO-TRANSPORT` each
    result, in `SERVER--CLIENT` both logs of each run, as text and as they came, and the commands to type by hand."""

    def __init__(self, path: Path, outlines: Sequence[Comparison]) -> None:
        path.mkdir(exist_ok=True)
        self._path = path.resolve()
        self._comparisons = list(outlines)
        self._done = 0
        self._names: dict[str, Pairing] = {}
        self.write_manifest(0.0)

    def keep(self, scenario: Scenario, transport: Transport, run: Run) -> None:
        """Write a run, its logs first."""
        place = self._path / place_of(scenario, transport) / self._name(run.pairing)
        place.mkdir(parents=True, exist_ok=True)
        for side in SIDES:
            plain = [event.plain for event in run.log(side).events]
            for kind, lines in (("log", plain), ("jsonl", run.log(side).lines)):
                files.write(place / f"{side}-{run.number}.{kind}", "".join(f"{line}\n" for line in lines))
        files.replace(place / f"run-{run.number}.json", record(run))

    def finish(self, comparison: Comparison) -> None:
        """Write the result of a comparison, and how each pairing is repeated by hand."""
        scenario, transport = comparison.scenario, comparison.transport
        place = self._path / place_of(scenario, transport)
        place.mkdir(exist_ok=True)
        if any(cell.runs for cell in comparison.cells):
            prepare(scenario, transport, place)
        for cell in comparison.cells:
            if cell.runs and not any(map(cell.runs[0].is_raw, SIDES)):
                commands = by_hand(scenario, transport, cell.pairing, place)
                text = "\n".join((f"# in {ROOT}, each in a terminal of its own", *commands, ""))
                # A file name is bytes: only these bytes name it again.
                (place / self._name(cell.pairing) / "commands.txt").write_bytes(os.fsencode(text))
        files.write(place / "result.json", export.to_json(Survey((comparison,), comparison.duration_s)))
        self._comparisons[self._done] = comparison
        self._done += 1
        self.write_manifest(sum(one.duration_s for one in self._comparisons))

    def write_manifest(self, duration_s: float) -> None:
        """What was to be played, in this order; of those that are done, what was skipped."""
        outlines = tuple(
            dataclasses.replace(one, cells=tuple(cell for cell in one.cells if not cell.verdicts), causes=(), groups=())
            for one in self._comparisons
        )
        head = {"layout": LAYOUT, "machine": this_machine(), "done": self._done}
        document = head | export.document(Survey(outlines, duration_s))
        files.replace(self._path / MANIFEST, json.dumps(document, indent=1) + "\n")

    def _name(self, pairing: Pairing) -> str:
        """The folder of a pairing: what no file name can have is left out, and no two have the same."""
        label = f"{pairing.server.label}--{pairing.client.label}"
        plain = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in label)
        plain = plain.encode()[:NAME_BYTES].decode(errors="ignore")
        names = (f"{plain}-{number}" if number else plain for number in itertools.count())
        return next(name for name in names if self._names.setdefault(name.casefold(), pairing) == pairing)


def record(run: Run) -> str:
    """All that there is of a run."""
    head = {"layout": LAYOUT, "pairing": [run.pairing.end(side).label for side in SIDES]}
    wire = {"wire": [line_of(event) for event in run.wire]}
    return json.dumps(head | export.run_document(run) | wire) + "\n"


# --- Read ---
@dataclass(frozen=True)
class Saved:
    """A folder of runs."""

    path: Path
    machine: str
    ends: Mapping[str, Endpoint]
    """Who takes part, by the labels in this folder."""
    comparisons: tuple[Comparison, ...]
    """What was to be played. Their only cells are those that were skipped."""
    done: int
    """How many of them came to their end."""
    duration_s: float

    @property
    def reached(self) -> list[Comparison]:
        """Those of which there is something to judge."""
        return [one for place, one in enumerate(self.comparisons) if place < self.done or self.files_of(one)]

    def files_of(self, comparison: Comparison) -> list[Path]:
        place = place_of(comparison.scenario, comparison.transport)
        return sorted((self.path / place).glob("*/run-*.json"))

    def runs(self, comparison: Comparison) -> Iterator[Run]:
        """The runs of a comparison, each read when it is asked for. Raises CannotCompare where one cannot be."""
        planned = set(comparison.pairings)
        for path in self.files_of(comparison):
            with _read(path) as document:
                pairing = dict(zip(SIDES, document["pairing"], strict=True))
                run = export.read(Run, document | {"pairing": pairing, "wire": document["wire"]}, self.ends)
                if run.pairing not in planned:
                    raise ValueError(f"{run.pairing} was not to be played")
                yield run


def load(path: Path, known: Callable[[Endpoint], Endpoint] = lambda end: end) -> Saved:
    """What a folder holds, but for the runs, with what each endpoint is `known` as. Raises CannotCompare where it is
    something else."""
    with _read(path / MANIFEST) as document:
        ends = {label: known(end) for label, end in export.endpoints_of(document).items()}
        survey = export.read(Survey, document, ends)
        machine, done = escape(shapes.make(str, document["machine"])), shapes.make(int, document["done"])
        comparisons = tuple(  # with the scenarios that this program has, by which the runs are judged
            dataclasses.replace(one, scenario=SCENARIOS[one.scenario.name], transport=TRANSPORTS[one.transport.name])
            for one in survey.comparisons
        )
    return Saved(path, machine, ends, comparisons, done, survey.duration_s)


def _read(path: Path) -> AbstractContextManager[export.Document]:
    return files.document(files.read(path, WANTED), str(path), "layout", LAYOUT, f"of {WANTED}")


# --- Together ---
Part = tuple[Saved, Comparison]


def together(folders: Sequence[Saved]) -> Iterator[tuple[Comparison, Iterator[Run]]]:
    """Each comparison with the runs of it in all folders, in the order in which they were played. Of several folders
    each is of a machine of its own, as every run tells. Raises CannotCompare where a run cannot be read."""
    if len(folders) == 1:
        yield from ((comparison, folders[0].runs(comparison)) for comparison in folders[0].reached)
        return
    times = Counter(folder.machine for folder in folders)
    known = _known_as(end for folder in folders for end in folder.ends.values())
    parts: dict[str, list[Part]] = defaultdict(list)
    for folder in (load(folder.path, known.__getitem__) for folder in folders):
        if times[folder.machine] > 1:
            folder = dataclasses.replace(folder, machine=f"{folder.machine} ({folder.path})")
        for comparison in folder.reached:
            parts[place_of(comparison.scenario, comparison.transport)].append((folder, comparison))
    for of_one in parts.values():
        yield _merged(of_one), _runs(of_one)


def _known_as(endpoints: Iterable[Endpoint]) -> dict[Endpoint, Endpoint]:
    """For each endpoint the same with the paths of the first machine; two of one name on different Pythons are two."""
    first: dict[object, Endpoint] = {}
    same = {end: first.setdefault((end.implementation, end.loop, end.python), end) for end in endpoints}
    times = Counter(one.label for one in first.values())
    return {
        end: one if times[one.label] == 1 else dataclasses.replace(one, label=f"{one.label}/{one.python}")
        for end, one in same.items()
    }


def _merged(parts: Sequence[Part]) -> Comparison:
    """One comparison of those of the same scenario on all machines: skipped is what none has tried."""
    first = parts[0][1]
    tried: set[Pairing] = set()
    skipped: dict[Pairing, str] = {}
    notes: list[str] = []
    for folder, part in parts:
        left_out = {cell.pairing: cell.reason for cell in part.cells}
        tried |= set(part.pairings) - left_out.keys()
        skipped = left_out | skipped
        of_machine = [*part.notes, *(f"skipped in {part.scenario.name}: {why}" for why in left_out.values())]
        notes += (f"{folder.machine}: {note}" for note in of_machine)
    merged = dataclasses.replace(
        first,
        endpoints=tuple(dict.fromkeys(end for _, part in parts for end in part.endpoints)),
        servers=tuple(dict.fromkeys(end for _, part in parts for end in part.servers)),
        clients=tuple(dict.fromkeys(end for _, part in parts for end in part.clients)),
        repeat=sum(part.repeat for _, part in parts),
        environment=_environment({folder.machine: part.environment for folder, part in parts}),
        notes=tuple(dict.fromkeys(notes)),
        duration_s=sum(part.duration_s for _, part in parts),
    )
    cells = (Cell(p, {}, skipped.get(p, NEVER_MET)) for p in merged.pairings if p not in tried)
    return dataclasses.replace(merged, cells=tuple(cells))


def _environment(of_each: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """What was compared with what; where that is not the same everywhere, with the machine."""
    found = {"machine": ", ".join(of_each)}
    for name in dict.fromkeys(name for environment in of_each.values() for name in environment):
        values = {machine: environment.get(name, "missing") for machine, environment in of_each.items()}
        different = len(set(values.values())) > 1
        told = [f"{value} ({machine})" for machine, value in values.items()] if different else set(values.values())
        found[name] = ", ".join(told)
    return found


def _runs(parts: Iterable[Part]) -> Iterator[Run]:
    before = 0
    for folder, part in parts:
        for run in folder.runs(part):
            yield dataclasses.replace(run, number=before + run.number, machine=folder.machine)
        before += part.repeat
