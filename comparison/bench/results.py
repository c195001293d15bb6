"""Results on disk: versioned JSON with every sample and the environment."""

import json
from dataclasses import asdict
from pathlib import Path

from comparison import files, shapes
from comparison.bench.plan import WORKLOADS, Results

WANTED = "a file that bench --save has written"

# Number of the JSON layout. It grows when a field changes its meaning, goes, or must be there. Figures of another
# version were measured in another way, so none of them is read.
SCHEMA = 4


def to_json(results: Results) -> str:
    """All of it as one JSON document; `schema` says how to read it."""
    return json.dumps({"schema": SCHEMA, **asdict(results)}) + "\n"


def from_json(text: str | bytes, name: str) -> Results:
    """Read a document. Raises CannotCompare with `name`, where it is none, or of another version."""
    document = files.document(text, name, "schema", SCHEMA, WANTED)
    with files.refused(name, "is not a result of the benchmark", f"name {WANTED}"):
        found: Results = shapes.make(Results, document)
        _check_parts(found)
        return found


def load(path: Path) -> Results:
    """Read a file. Raises CannotCompare where it cannot be read or is no result."""
    return from_json(files.read(path, WANTED), str(path))


def _check_parts(found: Results) -> None:
    """Raises ValueError where parts of a file do not belong together, or nothing could have measured them."""
    labels, keys = {arm.label for arm in found.arms}, {cell.key for cell in found.cells}
    for cell in found.cells:
        is_known = cell.workload in WORKLOADS and cell.arms and labels.issuperset(cell.arms)
        alike = len({frozenset(arm.factors) for arm in found.choices(cell)}) < 2
        if not is_known or not alike or min(cell.size_bytes, cell.connections) < 1:
            raise ValueError(f"nobody has measured {cell.key!r}")
    for sample in found.samples:
        counts = sample.round, *sample.latencies, *(count - 1 for count in sample.latencies.values())
        if sample.cell not in keys or sample.arm not in labels or min(counts) < 0:
            raise ValueError(f"a sample of {sample.arm!r} in {sample.cell!r} has no place")
