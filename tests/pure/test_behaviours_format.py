"""Every behaviour is a page: the same parts in the same order, in columns that fit side by side, and a table that is
well formed. Read from the sources, and from the tables: nothing is run."""

import ast
import importlib
import itertools
import re

import pytest

from behaviours import page
from behaviours.kit import given
from behaviours.known import APIS, Outcome, Place, named_loop, parsed, part_of, row_for
from common.loops import LOOPS

WIDTH = 58
"""Columns of a lesson: two stand side by side in 120."""

OUTCOME_WIDTH = 26
PATHS = [path for group in page.GROUPS for path in sorted((page.HERE / group).glob("[!_]*.py"))]
PYTHONS = [f"3.{minor}.{micro}" for minor in range(11, 16) for micro in range(20)] + ["3.15.0a3", "3.16.0"]
LESSON_MAY_USE = {*(name for name in vars(given) if not name.startswith("_")), "server_tls", "client_tls"}

every = pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}/{path.stem}")


def module_of(path):
    return importlib.import_module(page.read(path).module)


def sections(path):
    """The label of each part, and its lines."""
    lines = path.read_text().splitlines()
    starts = page.labels(lines)
    ends = [number - 1 for number, _ in starts[1:]] + [len(lines)]
    return [(label, lines[start:end]) for (start, label), end in zip(starts, ends, strict=True)]


def lesson(path):
    return {label: lines for label, lines in sections(path) if label in page.SECTIONS}


def test_there_are_behaviours_in_every_group_and_none_elsewhere():
    assert {path.parent.name for path in PATHS} <= set(page.GROUPS)
    folders = {path.name for path in page.HERE.iterdir() if path.is_dir() and not path.name.startswith("__")}
    assert folders == {*page.GROUPS, "kit"}
    names = [path.stem for path in PATHS]
    assert len(names) == len(set(names)), "a name stands for one behaviour, whatever its group"


@every
def test_the_docstring_is_a_page(path):
    found = page.read(path)
    assert 0 < len(found.title) <= 100, "the title fits in a line"
    assert not found.title.endswith("."), "the title is a sentence without a full stop"
    assert found.text, "it tells what happens"
    assert found.sources.endswith("."), "Sources: where it stands, or who found it, with a full stop"
    bites = any(outcome.bites for rows in module_of(path).KNOWN.values() for row in rows for outcome in row.outcomes)
    if bites:
        assert found.instead.endswith("."), "what bites has an `Instead:`"


@every
def test_it_has_its_parts_in_their_order(path):
    source = path.read_text()
    assert "\t" not in source
    *lessons, observed = [label for label, _ in sections(path)]
    assert lessons in (["Streams", "Protocol"], ["Either API"])
    assert observed.startswith("How it is observed")
    assert source.endswith('\n\nif __name__ == "__main__":\n    kit.main()\n')


@every
def test_a_lesson_fits_beside_its_counterpart(path):
    wide = [line for lines in lesson(path).values() for line in lines if len(line) > WIDTH]
    assert wide == [], f"{WIDTH} columns at most"


@every
def test_both_apis_have_the_cases_of_the_table_in_its_order(path):
    cases = list(module_of(path).KNOWN)
    assert cases[0] == ("rely" if path.parent.name == "rely" else "trap")
    found = page.read(path).code
    for label in lesson(path):
        assert [case for api, case in found if api == page.SECTIONS[label]] == cases, "a case without code is `= None`"
    module = module_of(path)
    parts = {case: [part_of(module, api, case) for api in APIS] for case in cases}
    assert all(any(parts[case]) for case in cases), "somebody has it"
    for (api, case), code in found.items():
        if case == "trap" and part_of(module, api, case) is None:
            assert page.is_none(code), "a comment says why an API has no such thing"


@every
def test_a_lesson_observes_nothing(path):
    for lines in lesson(path).values():
        used = set(re.findall(r"\bkit\.(\w+)", "\n".join(lines)))
        assert used <= LESSON_MAY_USE


@every
def test_there_is_one_experiment(path):
    functions = {node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
    assert [argument.arg for argument in functions["experiment"].args.args] == ["subject"]
    assert "subject.case" not in path.read_text(), "it names what it sees, and not what it expects"


@every
def test_its_outcomes_are_short_and_all_in_its_table(path):
    module = module_of(path)
    outcomes = {value for value in vars(module).values() if isinstance(value, Outcome)}
    told = {outcome for rows in module.KNOWN.values() for row in rows for outcome in row.outcomes}
    assert outcomes == told
    assert [outcome.text for outcome in outcomes if len(outcome.text) > OUTCOME_WIDTH] == []
    assert len({outcome.text for outcome in outcomes}) == len(outcomes)
    for outcome in outcomes:
        assert not outcome.bites.endswith(".")


@every
def test_the_way_around_does_not_bite(path):
    rows = module_of(path).KNOWN.get("remedy", ())
    assert [outcome.text for row in rows for outcome in row.outcomes if outcome.bites] == []


@every
def test_its_table_is_well_formed(path):
    module = module_of(path)
    for case, rows in module.KNOWN.items():
        for row in rows:
            assert row.outcomes
            assert row.api is None or part_of(module, row.api, case) is not None
            assert row.loop is None or named_loop(row.loop)[0] in LOOPS
            for limit in (row.since, row.fixed):
                assert limit is None or [parsed(release) for release in limit.split(",")]
        places = [
            Place(api, loop, python, version)
            for (api, (loop, version), python) in itertools.product(
                APIS, [("asyncio", ""), ("uvloop", "0.21.0"), ("uvloop", "0.23.0")], PYTHONS
            )
            if part_of(module, api, case) is not None
        ]
        hit = {row_for(rows, place) for place in places}
        assert None not in hit, "a row tells of every API, loop and version"
        assert hit == set(rows), "every row can be the first that fits"
