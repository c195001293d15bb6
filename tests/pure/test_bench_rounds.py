"""The order in which samples are taken, with a fake executor."""

from comparison.bench import rounds
from comparison.bench.plan import Arm, Cell, Plan, Sample

CELLS = (Cell("echo", 64, 1, ("a", "b", "c")), Cell("connect", 64, 1, ("a", "b")))
FORWARDS = [("echo", "a"), ("echo", "b"), ("echo", "c"), ("connect", "a"), ("connect", "b")]


def test_every_arm_is_measured_once_a_round_and_every_other_round_runs_backwards():
    taken: list[tuple[str, str, int]] = []
    samples: list[Sample] = []

    def execute(cell: Cell, arm: Arm, number: int) -> Sample:
        taken.append((cell.workload, arm.label, number))
        return Sample(cell.key, arm.label, number, {})

    rounds.run(Plan(tuple(Arm(label, ("serve",)) for label in "abc"), CELLS, 3, 0.3, 0.1), execute, samples.append)
    assert taken == [
        *((*sample, 1) for sample in FORWARDS),
        *((*sample, 2) for sample in FORWARDS[::-1]),
        *((*sample, 3) for sample in FORWARDS),
    ]
    assert [(sample.arm, sample.round) for sample in samples] == [(label, number) for _, label, number in taken]
