"""Results on disk: versioned JSON with every sample and the environment. Files of older versions are read, too."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from comparison import files, shapes
from comparison.bench.plan import WORKLOADS, Results
from comparison.model import CannotCompare

WANTED = "a file that bench --save has written"

SCHEMA = 3
"""Number of the JSON layout. It grows when a field changes its meaning, goes, or must be there; then `_upgraded` gets
what it takes. Version 2 told the kind of an arm by its label; version 1 lacked what now has a default."""

OLDER = "measured by an older version: at log level info, and with the latency of closed loops"

Document = dict[str, Any]


def _upgraded(document: Document) -> Document:
    arms = [{**arm, "kind": _kind(arm)} for arm in document["arms"]]
    return {**document, "arms": arms, "notes": [*document.get("notes", ()), OLDER]}


def _kind(arm: Document) -> str:
    for sign, kind in ((" -> ", "pairing"), (", ", "debug")):
        if sign in arm["label"]:
            return kind
    return "endpoint" if arm["factors"] else "proportion"


def to_json(results: Results) -> str:
    """All of it as one JSON document; `schema` says how to read it."""
    samples = [
        {**asdict(sample), "latencies": {str(number): count for number, count in sample.latencies.items()}}
        for sample in results.samples
    ]
    document = {
        "schema": SCHEMA,
        "environment": dict(results.environment),
        "settings": dict(results.settings),
        "interrupted": results.interrupted,
        "notes": list(results.notes),
        "arms": [asdict(arm) for arm in results.arms],
        "cells": [asdict(cell) for cell in results.cells],
        "samples": samples,
    }
    return json.dumps(document) + "\n"


def from_json(text: str | bytes, name: str) -> Results:
    """Read a document of this or an older version. Raises CannotCompare with `name`, where it is none."""
    try:
        document = files.parse(text)
        schema = document["schema"]
        if type(schema) is not int or schema < 1:
            raise ValueError(f"schema {schema!r}")
        if schema > SCHEMA:
            raise CannotCompare(
                f"{name!r} has schema {schema}, and this program knows those up to {SCHEMA}; use a newer version of it"
            )
        found: Results = shapes.make(Results, document if schema == SCHEMA else _upgraded(document))
        _check_parts(found)
        return found
    except (json.JSONDecodeError, UnicodeDecodeError):
        why = "it is not JSON"
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        why = f"there is no {error}" if isinstance(error, KeyError) else str(error)
    raise CannotCompare(f"{name!r} is not a result of the benchmark ({why}); name {WANTED}")


def save(results: Results, path: Path) -> None:
    """Write a file, and keep the one before until it is whole."""
    files.replace(path, to_json(results))


def load(path: Path) -> Results:
    """Read a file. Raises CannotCompare where it cannot be read or is no result."""
    return from_json(files.read(path, WANTED), str(path))


def _check_parts(found: Results) -> None:
    """Raises ValueError where parts of a file do not belong together, or nothing could have measured them."""
    labels, keys = {arm.label for arm in found.arms}, {cell.key for cell in found.cells}
    for cell in found.cells:
        if cell.workload not in WORKLOADS or not cell.arms or not labels.issuperset(cell.arms):
            raise ValueError(f"nobody has measured {cell.key!r}")
        if min(cell.size_bytes, cell.connections) < 1 or cell.rate_per_s < 0:
            raise ValueError(f"there is no {cell.key!r}")
        if len({frozenset(arm.factors) for arm in found.arms if arm.label in cell.arms and arm.factors}) > 1:
            raise ValueError(f"what was measured in {cell.key!r} has no factors in common")
    for sample in found.samples:
        if sample.cell not in keys or sample.arm not in labels:
            raise ValueError(f"a sample of {sample.arm!r} in {sample.cell!r} has no place")
        if min((sample.round, *sample.latencies)) < 0 or min(sample.latencies.values(), default=1) < 1:
            raise ValueError(f"a sample of {sample.arm!r} in {sample.cell!r} counts below 0")
