"""In which order samples are taken. Pure: who takes a sample comes from outside.

Rounds, not blocks: a machine drifts over minutes, so every arm is measured once in each round, next to the reference
that it is held against. Every other round runs backwards: what the place in the order does cancels out.
"""

from collections.abc import Callable, Iterator

from comparison.bench.plan import Arm, Cell, Plan, Sample

Execute = Callable[[Cell, Arm, int], Sample]
"""Take one sample: a cell, an arm of it, and the number of the round, from 1."""


def order(plan: Plan, number: int) -> Iterator[tuple[Cell, Arm]]:
    """The samples of one round, the first being 1: all arms of a cell one after the other, then the next cell. Even
    rounds run backwards."""
    forwards = [(cell, plan.arm(label)) for cell in plan.cells for label in cell.arms]
    yield from forwards if number % 2 else reversed(forwards)


def run(plan: Plan, execute: Execute, taken: Callable[[Sample], object]) -> None:
    """Take the samples of all rounds; `taken` is called with each."""
    for number in range(1, plan.rounds + 1):
        for cell, arm in order(plan, number):
            taken(execute(cell, arm, number))
