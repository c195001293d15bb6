"""In which order samples are taken, and when it is enough. Pure: who takes a sample, and the clock, come from outside.

Rounds, not blocks: a machine drifts over minutes, so every arm is measured once in each round, next to the reference
that it is held against. Every other round runs backwards: what the place in the order does cancels out.
"""

from collections.abc import Callable, Iterator

from comparison.bench.plan import Arm, Cell, Plan, Sample

Execute = Callable[[Cell, Arm, int], Sample]
"""Take one sample: a cell, an arm of it, and the number of the round, from 1."""

Taken = Callable[["Progress", Sample], None]


class Progress:
    """How far a benchmark has come, and how long the rest will take. Times in seconds."""

    def __init__(self, plan: Plan, started_s: float) -> None:
        self._plan = plan
        self._per_round = sum(len(cell.arms) for cell in plan.cells)
        self._times_s = [started_s]

    @property
    def taken(self) -> int:
        """How many samples there are."""
        return len(self._times_s) - 1

    def took(self, now_s: float) -> None:
        """One more sample is there."""
        self._times_s.append(now_s)

    def total(self) -> int:
        """How many samples there will be, in whole rounds: those that have begun, and as many more as fit."""
        begun = max(1, -(-self.taken // self._per_round)) * self._per_round
        if self._plan.rounds is not None:
            return self._plan.rounds * self._per_round
        if not self.taken:
            return max(begun, self._plan.least_rounds * self._per_round)
        left_s = self._plan.time_s - (self._times_s[-1] - self._times_s[0]) - (begun - self.taken) * self._each_s
        fit = begun + max(0, int(left_s / (self._each_s * self._per_round))) * self._per_round
        return max(fit, self._plan.least_rounds * self._per_round)

    def left_s(self) -> float:
        """How long the rest takes."""
        return (self.total() - self.taken) * self._each_s if self.taken else self._plan.time_s

    @property
    def _each_s(self) -> float:
        """What a sample takes, by those of the last round."""
        recent_s = self._times_s[-1 - self._per_round :]
        return max(1e-9, (recent_s[-1] - recent_s[0]) / (len(recent_s) - 1))


def order(plan: Plan, number: int) -> Iterator[tuple[Cell, Arm]]:
    """The samples of one round, the first being 1: all arms of a cell one after the other, then the next cell. Even
    rounds run backwards."""
    forwards = [(cell, plan.arm(label)) for cell in plan.cells for label in cell.arms]
    yield from forwards if number % 2 else reversed(forwards)


def run(plan: Plan, execute: Execute, taken: Taken, clock: Callable[[], float]) -> None:
    """Take the samples of all rounds; `taken` is called after each. Without a number of rounds, another one begins as
    long as it will be over in time, or there are too few."""
    progress = Progress(plan, clock())
    number = 0
    while progress.taken < progress.total():
        number += 1
        for cell, arm in order(plan, number):
            sample = execute(cell, arm, number)
            progress.took(clock())
            taken(progress, sample)
