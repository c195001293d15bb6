"""Results on disk: they come back as they were, and a file that is none, or of another version, is named."""

import json
import os

import pytest
import recorded_bench

from comparison.bench import results
from comparison.model import CannotCompare


def test_results_come_back_as_they_were(tmp_path):
    measured = recorded_bench.results(rounds=2, interrupted=True, notes=("a note",))
    recorded_bench.save(measured, tmp_path / "r.json")
    assert results.load(tmp_path / "r.json") == measured
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "'f' is not JSON; name a file that bench --save has written"),
        ("[1]", "'f' has layout None, and 4 is what is read here; run it once more"),
        ('{"schema": "x"}', "'f' has layout 'x', and 4"),
        ('{"schema": true}', "'f' has layout True, and 4"),
        ("{}", "'f' has layout None, and 4"),
        ('{"schema": 4}', "'f' is not a result of the benchmark \\(it has no 'environment'\\)"),
        ('{"schema": 3}', "'f' has layout 3, and 4 is what is read here; run it once more"),
        ('{"schema": 99}', "'f' has layout 99, and 4"),
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
    recorded_bench.save(recorded_bench.results(rounds=1), path)
    before = path.read_text()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        recorded_bench.save(recorded_bench.results(rounds=2), path)
    assert path.read_text() == before


def test_the_document_says_what_it_is():
    document = json.loads(results.to_json(recorded_bench.results(rounds=1)))
    assert document["schema"] == results.SCHEMA
    assert {"environment", "settings", "arms", "cells", "samples", "notes"} <= document.keys()
