"""The order in which samples are taken, and when it is enough: with a fake executor, and a clock that it moves."""

import dataclasses
import itertools

import pytest

from comparison.bench import rounds
from comparison.bench.plan import Arm, Cell, Plan, Sample

ONE, TWO = Cell("echo", 64, 1, ("a", "b", "c")), Cell("connect", 64, 1, ("a", "b"))
FORWARDS = [("echo", "a"), ("echo", "b"), ("echo", "c"), ("connect", "a"), ("connect", "b")]


def plan(rounds: int | None = None, time_s: float = 100.0) -> Plan:
    return Plan(tuple(Arm(label, ("serve",)) for label in "abc"), (ONE, TWO), rounds, time_s, 0.3, 0.1)


class Machine:
    """A fake executor, each of whose samples takes `each_s` of its own clock."""

    def __init__(self, each_s: float = 1.0) -> None:
        self.each_s = each_s
        self.now_s = 1000.0
        self.taken: list[tuple[str, str, int]] = []
        self.said: list[tuple[int, float]] = []

    def execute(self, cell: Cell, arm: Arm, number: int) -> Sample:
        self.now_s += self.each_s
        self.taken.append((cell.workload, arm.label, number))
        return Sample(cell.key, arm.label, number, {})

    def say(self, progress: rounds.Progress, sample: Sample) -> None:
        self.said.append((progress.total(), progress.left_s()))

    def run(self, chosen: Plan) -> "Machine":
        rounds.run(chosen, self.execute, self.say, lambda: self.now_s)
        return self


def test_every_arm_is_measured_once_a_round_and_every_other_round_runs_backwards():
    taken = Machine().run(plan(rounds=3)).taken
    forwards, backwards = FORWARDS, FORWARDS[::-1]
    assert taken == [(*sample, 1) for sample in forwards] + [(*sample, 2) for sample in backwards] + [
        (*sample, 3) for sample in forwards
    ]


@pytest.mark.parametrize(("time_s", "expected"), [(50.0, 10), (54.9, 10), (55.0, 11), (5.0, 1), (0.1, 1)])
def test_without_a_number_there_are_as_many_rounds_as_fit_and_at_least_one(time_s, expected):
    taken = Machine().run(plan(time_s=time_s)).taken
    assert taken[-1][2] == expected
    assert len(taken) == expected * len(FORWARDS)


@pytest.mark.parametrize("time_s", [0.1, 20.0, 39.0])
def test_there_are_at_least_so_many_rounds_however_long_they_take(time_s):
    machine = Machine().run(dataclasses.replace(plan(time_s=time_s), least_rounds=8))
    assert machine.taken[-1][2] == 8
    assert {total for total, _ in machine.said} == {8 * len(FORWARDS)}


def test_a_machine_that_becomes_slower_gets_fewer_rounds_and_each_is_whole():
    machine = Machine()
    speeds = itertools.chain([1.0] * 10, itertools.repeat(3.0))

    def execute(cell: Cell, arm: Arm, number: int) -> Sample:
        machine.each_s = next(speeds)
        return machine.execute(cell, arm, number)

    rounds.run(plan(time_s=50.0), execute, machine.say, lambda: machine.now_s)
    assert [len(list(group)) for _, group in itertools.groupby(machine.taken, key=lambda sample: sample[2])] == [5] * 4
    assert machine.now_s - 1000.0 <= 50.0


def test_the_time_left_counts_what_a_sample_has_taken_so_far():
    said = Machine(2.0).run(plan(rounds=2)).said
    assert said == [(10, 2.0 * left) for left in range(9, -1, -1)]


def test_before_the_first_sample_the_time_left_is_the_whole():
    assert rounds.Progress(plan(time_s=50.0), 0.0).left_s() == 50.0
