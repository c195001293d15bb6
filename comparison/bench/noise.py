"""What makes a result doubtful, each with the advice that fits. Pure: sentences from results."""

from collections import Counter
from collections.abc import Iterator

from comparison.bench import estimates
from comparison.bench.metrics import VIEWS
from comparison.bench.plan import Cell, Results

DOUBTFUL = 0.1
"""Half the distance of the quartiles over the median: beyond this a figure is worth little."""

IDLE_LOAD = 0.7
"""A load average, per core that the benchmark leaves free, above which somebody else is at work."""


def advice(results: Results) -> list[str]:
    """A sentence for each doubt, the gravest first."""
    return [*_troubles(results), *_few_rounds(results), *_spread(results), *_limit(results), *_machine(results)]


def _troubles(results: Results) -> Iterator[str]:
    found: Counter[tuple[str, str, str]] = Counter()
    for sample in results.samples:
        for trouble in sample.troubles:
            found[sample.cell, sample.arm, trouble] += 1
    for cell in results.cells:
        for (key, arm, trouble), count in found.items():
            if key == cell.key:
                times = f" ({count} rounds)" if count > 1 else ""
                yield f"{cell}: {arm}: {trouble}{times}; its figures there are of what was left"


def _few_rounds(results: Results) -> Iterator[str]:
    rounds = max((sample.round for sample in results.samples), default=0)
    if 0 < rounds < estimates.FEWEST_ROUNDS:
        yield (
            f"{rounds} round{'s' * (rounds != 1)}: too few for an interval, so no ratio here is sure; "
            f"take {estimates.FEWEST_ROUNDS} or more with --rounds, or more time with --time"
        )


def _spread(results: Results) -> Iterator[str]:
    """The cells whose rounds disagree, with the remedy that this machine still has."""
    doubtful = []
    for cell in results.cells:
        wide = [(spread, arm) for arm in cell.arms if (spread := _of(results, cell, arm)) and spread > DOUBTFUL]
        if wide:
            spread, arm = max(wide)
            doubtful.append(f"{cell} ({arm}: +-{spread * 100:.0f} %)")
    if doubtful:
        yield f"rounds disagree by more than {DOUBTFUL * 100:.0f} % in {'; '.join(doubtful)}: {_remedy(results)}"


def _of(results: Results, cell: Cell, arm: str) -> float | None:
    return estimates.spread(results.of(cell, arm), VIEWS[cell.workload].compared)


def _remedy(results: Results) -> str:
    environment = results.environment
    if _is_busy(results):
        return "end what else runs on this machine, and measure again"
    if environment.get("governor") not in ("performance", "unknown", None):
        return f"fix the clock (governor {environment['governor']}): cpupower frequency-set -g performance"
    if environment.get("server on cores") == "any":
        return "server and load share a core here; measure on a machine with two or more"
    if results.settings.get("sample_s", 1.0) < 1.0:
        return "take longer samples (--sample 1), or more rounds (--time)"
    return "take more rounds (--time), on a machine of your own: a virtual one has neighbours"


def _limit(results: Results) -> Iterator[str]:
    limited = {(sample.cell, sample.arm) for sample in results.samples if sample.notes}
    for cell in results.cells:
        arms = [arm for arm in cell.arms if (cell.key, arm) in limited]
        if arms:
            yield (
                f"{cell}: the load generator was the limit of {', '.join(arms)}: they can do more per second than "
                "stands here; CPU per message holds all the same"
            )


def _machine(results: Results) -> Iterator[str]:
    if _is_busy(results):
        yield (
            f"the machine was not idle at the start (load {results.environment['load']} on "
            f"{results.environment['cores']} cores): the ratios are paired against that, the figures themselves are not"
        )


def _is_busy(results: Results) -> bool:
    load, cores = results.environment.get("load"), results.environment.get("cores")
    return isinstance(load, int | float) and isinstance(cores, int) and load > IDLE_LOAD * max(1, cores - 1)
