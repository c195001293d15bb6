"""Results on disk: they come back as they were, older versions too, and a broken file is named."""

import json
import os
from pathlib import Path

import pytest
import recorded_bench

from comparison.bench import results
from comparison.model import CannotCompare

GOLDEN = Path(__file__).parents[1] / "golden"


def test_results_come_back_as_they_were(tmp_path):
    measured = recorded_bench.results(rounds=2, interrupted=True, notes=("a note",))
    results.save(measured, tmp_path / "r.json")
    assert results.load(tmp_path / "r.json") == measured
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_a_file_of_version_1_still_loads():
    measured = results.load(GOLDEN / "bench-1.json")
    assert [cell.key for cell in measured.cells] == ["echo/1024/10"]
    assert [(sample.arm, sample.values["server_cpu_us"], sample.notes) for sample in measured.samples] == [
        ("streams/asyncio", 10.5, ()),
        ("protocol/asyncio", 7.0, ()),
    ]
    assert (measured.interrupted, measured.cells[0].rate_per_s, measured.cells[0].transport) == (False, 0.0, "tcp")
    assert measured.notes == ("measured by an older version: at log level info, and with the latency of closed loops",)


def test_a_file_of_version_2_told_the_kind_of_an_arm_by_its_label():
    document = json.loads(results.to_json(recorded_bench.results(rounds=1))) | {"schema": 2}
    for arm in document["arms"]:
        del arm["kind"]
        arm["factors"] = arm["factors"] if "idiom" not in arm["factors"] else {}
    kinds = {arm.label: arm.kind for arm in results.from_json(json.dumps(document), "f").arms}
    assert kinds["streams/asyncio"] == "endpoint"
    assert kinds["buffered/asyncio"] == "proportion"
    assert kinds["streams/asyncio, debug logs"] == "debug"
    assert kinds["streams/uvloop -> protocol/asyncio"] == "pairing"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "'f' is not a result of the benchmark \\(it is not JSON\\); name a file that bench --save has written"),
        ("[1]", "'f' is not a result of the benchmark"),
        ('{"schema": "x"}', "'f' is not a result of the benchmark \\(schema 'x'\\)"),
        ('{"schema": true}', "'f' is not a result of the benchmark \\(schema True\\)"),
        ('{"schema": 2}', "'f' is not a result of the benchmark \\(there is no 'arms'\\)"),
        ('{"schema": 3}', "'f' is not a result of the benchmark \\(it has no 'environment'\\)"),
        ('{"schema": 99}', "has schema 99, and this program knows those up to 3; use a newer version"),
    ],
)
def test_what_is_no_result_is_named_with_the_remedy(text, expected):
    with pytest.raises(CannotCompare, match=expected):
        results.from_json(text, "f")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for name in ("nothing", "."):
        with pytest.raises(CannotCompare, match="cannot be read"):
            results.load(tmp_path / name)


def test_a_file_is_there_in_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "r.json"
    results.save(recorded_bench.results(rounds=1), path)
    before = path.read_text()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        results.save(recorded_bench.results(rounds=2), path)
    assert path.read_text() == before


def test_the_document_says_what_it_is():
    document = json.loads(results.to_json(recorded_bench.results(rounds=1)))
    assert document["schema"] == results.SCHEMA
    assert {"environment", "settings", "arms", "cells", "samples", "notes"} <= document.keys()
