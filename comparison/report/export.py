"""The comparison as JSON, and its logs as a folder."""

import json
import shlex
from pathlib import Path
from typing import Any

from common.config import PORT
from comparison.endpoints import ROOT
from comparison.matrix import client_command, prepare, server_command
from comparison.model import SIDES, Cause, Cell, Comparison, Endpoint, Pairing, Run
from comparison.report.words import plain_log

SCHEMA = 1
"""Number of the JSON layout. It grows when a field changes its meaning or goes; a new field alone does not change
it."""


def to_json(comparison: Comparison) -> str:
    """The whole comparison as one JSON document; `schema` says how to read it."""
    document = {
        "schema": SCHEMA,
        "scenario": {"name": comparison.scenario.name, "description": comparison.scenario.description},
        "transport": {"name": comparison.transport.name, "description": comparison.transport.description},
        "environment": dict(comparison.environment),
        "endpoints": [_endpoint(endpoint) for endpoint in comparison.endpoints],
        "servers": [endpoint.label for endpoint in comparison.servers],
        "clients": [endpoint.label for endpoint in comparison.clients],
        "reference": _pairing(comparison.reference),
        "repeat": comparison.repeat,
        "cells": [_cell(cell) for cell in comparison.cells],
        "causes": [_cause(cause) for cause in comparison.causes],
        "groups": [
            {
                "side": group.side,
                "pairings": [_pairing(pairing) for pairing in group.pairings],
                "diff": [
                    {"sign": sign, "line": line, "letters": letters.split()} for sign, line, letters in group.diff
                ],
            }
            for group in comparison.groups
        ],
        "notes": list(comparison.notes),
        "duration_s": round(comparison.duration_s, 3),
        "exit_code": comparison.exit_code,
    }
    return json.dumps(document, indent=2) + "\n"


def save(comparison: Comparison, folder: Path) -> None:
    """A folder for each pairing: both logs of each run, as text and as they came, and the commands that repeat it
    by hand."""
    folder.mkdir(exist_ok=True)
    folder = folder.resolve()
    scenario, transport = comparison.scenario, comparison.transport
    prepare(scenario, transport, folder)
    for cell in comparison.cells:
        server, client = cell.pairing.server.label, cell.pairing.client.label
        place = folder / f"{_file_name(server)}--{_file_name(client)}"
        place.mkdir()
        serve = _by_hand(server_command(scenario, transport, cell.pairing.server, folder))
        connect = _by_hand(client_command(scenario, transport, cell.pairing, folder, PORT))
        serve = serve.replace("--port 0", f"--port {PORT}")
        where = f"# in {ROOT}, each in a terminal of its own"
        (place / "commands.txt").write_text(f"{where}\n{serve}\n{connect}\n")
        for run in cell.runs:
            number = f"-{run.number}" if comparison.repeat > 1 else ""
            for side in SIDES:
                (place / f"{side}{number}.log").write_text("".join(f"{line}\n" for line in plain_log(run, side)))
                raw = "".join(f"{line}\n" for line in run.log(side).lines)
                (place / f"{side}{number}.jsonl").write_text(raw)


def _by_hand(command: tuple[str, ...]) -> str:
    """A command as a person would type it: with plain log lines."""
    return shlex.join(command).replace(" --log-format json", "")


def _file_name(label: str) -> str:
    return "".join(character if character.isalnum() or character in "._-" else "-" for character in label)


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "label": endpoint.label,
        "implementation": endpoint.implementation,
        "loop": endpoint.loop,
        "python": endpoint.python,
        "server_command": list(endpoint.server_command),
        "client_command": list(endpoint.client_command),
    }


def _pairing(pairing: Pairing) -> dict[str, str]:
    return {"server": pairing.server.label, "client": pairing.client.label}


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        **_pairing(cell.pairing),
        "verdict": str(cell.verdict),
        "reason": cell.reason,
        "letters": list(cell.letters),
        "agreed": cell.agreed,
        "cut": cell.cut,
        "runs": [_run(run) for run in cell.runs],
    }


def _run(run: Run) -> dict[str, Any]:
    return {"number": run.number} | {
        side: {
            "command": list(run.log(side).command),
            "exit_code": run.log(side).exit_code,
            "trouble": run.log(side).trouble,
            "log": plain_log(run, side),
        }
        for side in SIDES
    }


def _cause(cause: Cause) -> dict[str, Any]:
    explanation = cause.explanation
    return {
        "letter": cause.letter,
        "event": cause.event,
        "axes": list(cause.axes),
        "finding": cause.finding,
        "explained": cause.explained,
        "explanation": None
        if explanation is None
        else {
            "name": explanation.name,
            "axis": explanation.axis,
            "text": explanation.text,
            "source": explanation.source,
        },
        "differences": [{"side": d.side, "sign": d.sign, "line": d.text} for d in cause.differences],
        "pairings": [_pairing(pairing) for pairing in cause.pairings],
    }
