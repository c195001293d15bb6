"""No table without evidence: the way around in the place of the trap is noticed, and every row was seen somewhere.

`PYTHONPATH=.:tests python tests/engine/test_behaviours_evidence.py` writes docs/behaviours.md anew from the record.
"""

import importlib.util
import re
from pathlib import Path

import pytest
from harness import ROOT

from behaviours.known import Place, row_for
from comparison import endpoints, layout
from comparison.experiments import view
from comparison.experiments.model import REMEDY, State, everything, judge, judged, read, row_of
from comparison.experiments.play import Cell, looks

RECORDED = ROOT / "docs" / "behaviours.json"
"""What was seen on every Python that there was; CONTRIBUTING says how it is made."""

DOCUMENT = ROOT / "docs" / "behaviours.md"
BEGIN, END = "<!-- made from behaviours.json -->\n", "<!-- end -->\n"

JOBS = 4
BEHAVIOURS = everything()
LOOPS = [loop for loop in ("asyncio", "uvloop") if loop == "asyncio" or importlib.util.find_spec(loop)]


def biting_cell(behaviour, here):
    """The way around in the place of the trap, where that bites on this machine."""
    for api in behaviour.apis["trap"]:
        for loop in LOOPS:
            row = row_for(behaviour.known["trap"], Place(api, loop, here.version, here.versions.get(loop, "")))
            if api in behaviour.apis[REMEDY] and all(outcome.bites for outcome in row.outcomes):
                return Cell(behaviour, "trap", api, loop, here, played_by=REMEDY)
    return None


@pytest.fixture(scope="module")
def swapped():
    """For each behaviour that bites here, what its trap shows when the way around is run in its place."""
    [here] = endpoints.interpreters([], LOOPS)
    having = [behaviour for behaviour in BEHAVIOURS.values() if REMEDY in behaviour.apis]
    chosen = [cell for behaviour in having if (cell := biting_cell(behaviour, here)) is not None]
    return {cell.behaviour.page.name: judge(seen, cell.behaviour.known) for cell, seen in looks(chosen, jobs=JOBS)}


@pytest.mark.parametrize("name", [name for name, behaviour in BEHAVIOURS.items() if REMEDY in behaviour.apis])
def test_the_way_around_in_the_place_of_the_trap_is_news(swapped, name):
    if name not in swapped:
        pytest.skip("it does not bite on this Python")
    finding = swapped[name]
    assert (finding.state, finding.bites) == (State.NEWS, ""), finding


@pytest.fixture(scope="module")
def recorded():
    return read([RECORDED])


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_every_row_of_the_table_was_seen_somewhere_or_says_where_it_was_read(recorded, name):
    behaviour = BEHAVIOURS[name]
    seen = {
        (evidence.case, row_of(evidence, behaviour.known), outcome)
        for evidence in recorded
        if evidence.behaviour == name and evidence.case in behaviour.known
        for outcome in evidence.outcomes
    }
    for case, rows in behaviour.known.items():
        for row in rows:
            hit = [outcome.text for outcome in row.outcomes if (case, row, outcome.text) in seen]
            assert row.read or hit, (
                f"no recorded cell of {case} hits {row}; run it there, or say where you have read it"
            )


def test_what_was_recorded_is_as_known(recorded):
    unknown = [
        finding
        for evidence in recorded
        if evidence.behaviour in BEHAVIOURS
        and (finding := judge(evidence, BEHAVIOURS[evidence.behaviour].known)).state not in (State.KNOWN, State.SKIPPED)
    ]
    assert unknown == []


def test_the_record_tells_of_no_machine():
    assert str(Path.home()) not in RECORDED.read_text()


def test_the_document_is_what_was_recorded():
    assert DOCUMENT.read_text() == document(), "write it anew, see above"


def test_what_it_refers_to_is_there():
    named = set(re.findall(r"\bsee ([a-z]+(?:-[a-z]+)+)", DOCUMENT.read_text()))
    assert named
    assert named <= set(BEHAVIOURS)


def document() -> str:
    """The document with its part that is made."""
    before, begin, rest = DOCUMENT.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin
    assert end
    return before + begin + made() + end + after


def made() -> str:
    """What `compare.py behaviours --from docs/behaviours.json --format markdown` writes."""
    return layout.markdown_of(view.overview(judged(BEHAVIOURS, read([RECORDED])), whole=True))


if __name__ == "__main__":
    DOCUMENT.write_text(document())
