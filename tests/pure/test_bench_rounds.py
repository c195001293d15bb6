"""The order in which samples are taken."""

from comparison.bench.plan import Arm, Cell, Plan

CELLS = (Cell("echo", 64, 1, ("a", "b", "c")), Cell("connect", 64, 1, ("a", "b")))
FORWARDS = [("echo", "a"), ("echo", "b"), ("echo", "c"), ("connect", "a"), ("connect", "b")]


def test_every_arm_is_measured_once_a_round_and_every_other_round_runs_backwards():
    plan = Plan(tuple(Arm(label, ("serve",)) for label in "abc"), CELLS, 3, 0.3)
    taken = [(number, cell.workload, arm.label) for number, cell, arm in plan.order()]
    assert taken == [
        *((1, *sample) for sample in FORWARDS),
        *((2, *sample) for sample in FORWARDS[::-1]),
        *((3, *sample) for sample in FORWARDS),
    ]
