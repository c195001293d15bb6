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
        self._started_s = started_s
        self._per_round = sum(len(cell.arms) for cell in plan.cells)
        self.taken = 0

    def rounds(self, now_s: float) -> int:
        """How many rounds there will be, by what the samples so far have taken; at least one."""
        if self._plan.rounds is not None:
            return self._plan.rounds
        if not self.taken:
            return 1
        each_s = (now_s - self._started_s) / self.taken
        return max(1, int(self._plan.time_s / (each_s * self._per_round)))

    def total(self, now_s: float) -> int:
        """How many samples there will be."""
        return max(self.taken, self.rounds(now_s) * self._per_round)

    def left_s(self, now_s: float) -> float:
        """How long the rest takes."""
        if not self.taken:
            return self._plan.time_s
        return (now_s - self._started_s) / self.taken * (self.total(now_s) - self.taken)


def order(plan: Plan, number: int) -> Iterator[tuple[Cell, Arm]]:
    """The samples of one round, the first being 1: all arms of a cell one after the other, then the next cell. Even
    rounds run backwards."""
    forwards = [(cell, plan.arm(label)) for cell in plan.cells for label in cell.arms]
    yield from forwards if number % 2 else reversed(forwards)


def run(plan: Plan, execute: Execute, taken: Taken, clock: Callable[[], float]) -> None:
    """Take the samples of all rounds; `taken` is called after each. Without a number of rounds, another one begins as
    long as it will be over in time."""
    started_s = clock()
    progress = Progress(plan, started_s)
    number = 0
    while number < progress.rounds(clock()):
        number += 1
        for cell, arm in order(plan, number):
            sample = execute(cell, arm, number)
            progress.taken += 1
            taken(progress, sample)
