"""What a run leaves in a folder, each part as it comes."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

from comparison import files, saved
from comparison.model import RAW, SIDES, Comparison, Pairing, Run, Scenario, Survey, Transport
from comparison.play.commands import prepare
from comparison.play.processes import ROOT
from comparison.report import export
from comparison.report.repeat import by_hand
from comparison.report.words import plain_log

NAME_BYTES = 200
"""What the name of a folder takes at most, before what tells it from another: a label may have a path in it."""


class Folder:
    """Keeps what `compare.py judge` reads, and for people both logs of each run, as text and as they came, the commands
    that repeat the pairing by hand, and the result of each comparison: `SCENARIO-TRANSPORT/SERVER--CLIENT/`."""

    def __init__(self, path: Path, outlines: Sequence[Comparison]) -> None:
        """`outlines` are the comparisons to come."""
        path.mkdir(exist_ok=True)
        self._path = path.resolve()
        self._comparisons = list(outlines)
        self._done = 0
        self._names: dict[str, Pairing] = {}
        self._write_manifest(0.0)

    def keep(self, scenario: Scenario, transport: Transport, run: Run) -> None:
        """Write a run, its logs first."""
        place = self._path / saved.place_of(scenario, transport) / self._name(run.pairing)
        place.mkdir(parents=True, exist_ok=True)
        for side in SIDES:
            for kind, lines in (("log", plain_log(run, side)), ("jsonl", run.log(side).lines)):
                files.write_lines(place / f"{side}-{run.number}.{kind}", (f"{line}\n" for line in lines))
        files.replace(place / f"run-{run.number}.json", saved.record(run))

    def finish(self, comparison: Comparison) -> None:
        """Write the result of a comparison, and how each pairing is repeated by hand."""
        scenario, transport = comparison.scenario, comparison.transport
        place = self._path / saved.place_of(scenario, transport)
        place.mkdir(exist_ok=True)
        if any(cell.runs for cell in comparison.cells):
            prepare(scenario, transport, place)
        for cell in comparison.cells:
            if cell.runs and RAW not in (cell.pairing.server, cell.pairing.client):
                where = f"# in {ROOT}, each in a terminal of its own"
                commands = by_hand(scenario, transport, cell.pairing, place)
                # A file name is bytes: only these bytes name it again.
                text = "".join(f"{line}\n" for line in (where, *commands))
                (place / self._name(cell.pairing) / "commands.txt").write_bytes(os.fsencode(text))
        files.write(place / "result.json", export.to_json(Survey((comparison,), comparison.duration_s)))
        self._comparisons[self._done] = comparison
        self._done += 1
        self._write_manifest(sum(one.duration_s for one in self._comparisons))

    def close(self, survey: Survey) -> None:
        """Nothing more comes."""
        self._write_manifest(survey.duration_s)

    def _write_manifest(self, duration_s: float) -> None:
        files.replace(self._path / saved.MANIFEST, saved.manifest(self._comparisons, self._done, duration_s))

    def _name(self, pairing: Pairing) -> str:
        """The folder of a pairing: what no file name can have is left out, and no two have the same."""
        label = f"{pairing.server.label}--{pairing.client.label}"
        plain = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in label)
        plain = plain.encode()[:NAME_BYTES].decode(errors="ignore")
        names = (f"{plain}-{number}" if number else plain for number in itertools.count())
        return next(name for name in names if self._names.setdefault(name.casefold(), pairing) == pairing)
