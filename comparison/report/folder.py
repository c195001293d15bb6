"""The logs of a survey as a folder, written as they come."""

import os
from pathlib import Path

from comparison import files
from comparison.model import RAW, SIDES, Comparison, Run, Scenario, Survey, Transport
from comparison.play.commands import prepare
from comparison.play.processes import ROOT
from comparison.report import export
from comparison.report.repeat import by_hand
from comparison.report.words import plain_log


class Folder:
    """Keeps both logs of each run, as text and as they came, with the commands that repeat the pairing by hand, and
    the result of each comparison: `SCENARIO-TRANSPORT/SERVER--CLIENT/`."""

    def __init__(self, path: Path) -> None:
        path.mkdir(exist_ok=True)
        self._path = path.resolve()

    def keep(self, scenario: Scenario, transport: Transport, run: Run) -> None:
        """Write the logs of a run."""
        place = self._place(scenario, transport) / _file_name(run.pairing.server.label, run.pairing.client.label)
        place.mkdir(parents=True, exist_ok=True)
        for side in SIDES:
            for kind, lines in (("log", plain_log(run, side)), ("jsonl", run.log(side).lines)):
                files.write_lines(place / f"{side}-{run.number}.{kind}", (f"{line}\n" for line in lines))

    def finish(self, comparison: Comparison) -> None:
        """Write the result of a comparison, and how each pairing is repeated by hand."""
        scenario, transport = comparison.scenario, comparison.transport
        place = self._place(scenario, transport)
        place.mkdir(exist_ok=True)
        if any(cell.runs for cell in comparison.cells):
            prepare(scenario, transport, place)
        for cell in comparison.cells:
            if cell.runs and RAW not in (cell.pairing.server, cell.pairing.client):
                where = f"# in {ROOT}, each in a terminal of its own"
                commands = by_hand(scenario, transport, cell.pairing, place)
                name = _file_name(cell.pairing.server.label, cell.pairing.client.label)
                # A file name is bytes: only these bytes name it again.
                text = "".join(f"{line}\n" for line in (where, *commands))
                (place / name / "commands.txt").write_bytes(os.fsencode(text))
        files.write(place / "result.json", export.to_json(Survey((comparison,), comparison.duration_s)))

    def _place(self, scenario: Scenario, transport: Transport) -> Path:
        return self._path / f"{scenario.name}-{transport.name}"


def _file_name(server: str, client: str) -> str:
    name = f"{server}--{client}"
    return "".join(character if character.isalnum() or character in "._-" else "-" for character in name)
