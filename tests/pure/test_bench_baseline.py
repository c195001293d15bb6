"""A run against one before it: what has changed is found, what has not is not, on samples whose truth is known."""

import dataclasses

import pytest
import recorded_bench
from recorded_bench import CELLS, MIDDLE, OWN, known, results

from comparison.bench import estimates
from comparison.bench.plan import Cell, Results
from comparison.model import CannotCompare

MEMORY = next(cell for cell in CELLS if cell.workload == "memory")
SEEDS = range(25)


def verdicts(old: Results, new: Results) -> dict[tuple[str, str], str]:
    return {(cell.key, arm): ratio.verdict for cell, arm, ratio in estimates.changes(old, new)}


def slower(factor: float, label: str = "streams/asyncio"):
    """One arm costs so many times as much in the middle cell."""
    return lambda cell, arm, number: known(cell, arm, number) * (factor if (cell, arm) == (MIDDLE, label) else 1.0)


@pytest.mark.parametrize(("factor", "verdict"), [(1.1, "worse"), (0.9, "better"), (1.0, "inconclusive")])
def test_a_change_of_a_tenth_is_seen_where_it_is_and_nowhere_else(factor, verdict):
    found = verdicts(results(seed=1), results(seed=2, cost=slower(factor)))
    assert found.pop((MIDDLE.key, "streams/asyncio")) == verdict
    assert set(found.values()) == {"inconclusive"}


def test_a_machine_that_is_slower_as_a_whole_is_no_change():
    def on_a_slow_machine(cell: Cell, arm: str, number: int) -> float:
        return known(cell, arm, number) * (1.0 if cell.workload == "memory" else 1.5)

    assert set(verdicts(results(seed=1), results(seed=2, cost=on_a_slow_machine)).values()) == {"inconclusive"}


def test_memory_needs_no_anchor():
    more = lambda cell, arm, number: 1.2 * known(cell, arm, number)  # noqa: E731
    found = verdicts(results(cells=(MEMORY,), seed=1), results(cells=(MEMORY,), seed=2, cost=more))
    assert found == {(MEMORY.key, arm): "worse" for arm in OWN}


def test_without_a_change_few_runs_find_one():
    """Sixty changes a run, each of which a plain interval would miss in one of twenty."""
    alarms = sum(
        set(verdicts(results(noise=0.03, seed=seed), results(noise=0.03, seed=1000 + seed)).values())
        != {"inconclusive"}
        for seed in SEEDS
    )
    assert alarms <= 0.15 * len(SEEDS)


def test_too_few_rounds_are_inconclusive():
    found = verdicts(results(rounds=3), results(rounds=8, cost=slower(2.0)))
    assert set(found.values()) == {"inconclusive"}


def test_what_only_one_run_has_is_left_out_and_the_anchor_is_no_change():
    found = verdicts(results(cells=CELLS[:2]), results(cells=(*CELLS[1:3], MEMORY)))
    assert {key for key, _ in found} == {MIDDLE.key}
    assert [arm for _, arm in found if arm.startswith("buffered")] == []


def test_two_runs_with_nothing_in_common_are_told_what_it_takes_before_anything_is_measured():
    with pytest.raises(CannotCompare, match=r"nothing in that file .* echo with buffered among them"):
        estimates.check_baseline(results(cells=(MEMORY,)), [MIDDLE])


def test_a_run_without_samples_has_no_changes():
    assert verdicts(dataclasses.replace(results(), samples=()), results()) == {}


def test_without_the_anchor_no_cost_is_compared():
    alone = recorded_bench.results(cells=(dataclasses.replace(MIDDLE, arms=OWN, anchor=""),))
    with pytest.raises(CannotCompare, match="anchors the two runs"):
        estimates.changes(alone, alone)
