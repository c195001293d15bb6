"""The cost part of the page: everything that it takes from the benchmark passes here."""

from typing import Any

from comparison import files
from comparison.bench import environment, view
from comparison.bench.plan import Results


def is_benchmark(text: bytes) -> bool:
    """Whether this was written by the benchmark, and not by a comparison."""
    try:
        document = files.parse(text)
    except ValueError:
        return False
    return isinstance(document, dict) and {"arms", "samples"} <= document.keys()


def collect(results: Results) -> dict[str, Any]:
    """What a benchmark has to say; the charts are SVG, each with its title."""
    texts = view.told(results)
    return {
        "environment": environment.summary(results.environment),
        "sentences": texts["What this means"],
        "doubts": texts["What to doubt"],
        "legend": texts["How to read it"],
        "sections": view.sections(results),
        "charts": [(title, chart) for _, title, chart in view.charts(results)],
    }
