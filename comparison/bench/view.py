"""The benchmark as a person reads it: sentences, a table for each cell, and charts."""

from collections.abc import Iterator, Sequence

from comparison.bench import environment, estimates, meaning, svg
from comparison.bench.estimates import Change, Estimate
from comparison.bench.plan import COST, METRICS, WORKLOADS, Cell, Results
from comparison.layout import BLANK, Block, Heading, Line, Table


def blocks(results: Results) -> Iterator[Block]:
    """The whole view: what it means for a choice, the tables, and what to doubt in them."""
    yield Line("What it costs", "title")
    yield BLANK
    yield Line(environment.summary(results.environment), "dim")
    if results.interrupted:
        yield Line("Interrupted: this is what was measured until then.", "bold")
    texts = told(results)
    yield from _list("What this means", texts["sentences"])
    for title, tables in sections(results).items():
        yield Heading(title)
        for cell, table in tables.items():
            yield from (Heading(cell, 3), table)
    yield from _list("What to doubt", texts["doubts"])
    yield from _list("How to read it", texts["legend"])


def sections(results: Results) -> dict[str, dict[str, Table]]:
    """By what each workload is, in the order of the plan, the tables of its cells that were measured."""
    found: dict[str, dict[str, Table]] = {}
    for cell in results.cells:
        tables = found.setdefault(f"{cell.workload}: {WORKLOADS[cell.workload].what}", {})
        if any(results.of(cell, arm) for arm in cell.arms):
            tables[str(cell)] = _table(results, cell)
    return found


def told(results: Results) -> dict[str, list[str]]:
    """Sentences: the answer, `doubts` for what makes the figures weak or was left out, and how to read them."""
    doubts = [*meaning.doubts(results), *results.notes]
    texts = {"sentences": meaning.sentences(results), "doubts": doubts, "legend": _legend(results)}
    return {kind: [f"{text}." for text in found] for kind, found in texts.items()}


def changes(found: Sequence[Change]) -> Iterator[Block]:
    """The changes as a table; nothing without any."""
    styles = {"worse": "bold", "inconclusive": "dim"}
    rows = [(str(cell), arm, str(ratio), ratio.interval, ratio.verdict) for cell, arm, ratio in found]
    if rows:
        shown = [[(text, styles.get(row[-1], "")) for text in row] for row in rows]
        yield from (Heading("Against the baseline"), Table(["", "", "cost, x", "all together, 95 %", ""], shown))


def seen(found: Estimate) -> str:
    """Whether a difference is seen; if not, how large one can be."""
    if not found.has_interval:
        return "?"
    return "yes" if found.is_sure else f"no (at most {max(1, round(100 * found.at_most))} %)"


def _legend(results: Results) -> Iterator[str]:
    yield from dict.fromkeys(arm.meaning for arm in results.arms if arm.meaning)
    yield (
        "Ratios are to the first arm of each table: the median of the rounds, each paired with the reference's own, "
        "and a 95 % interval. no (at most 3 %): no difference seen, and the interval ends at 3 %"
    )
    measured = {cell.workload for cell in results.cells}
    if left_out := [name for name in WORKLOADS if name not in measured]:
        yield f"Not measured: {', '.join(left_out)}; ask for them with --workload, and for TLS with --transport tls"
    yield "CPU is the server's, for each message or connection; so are the page faults"
    yield "per s is what a server and the load generator can do together: who costs little may be able to do more"
    if "fresh" in measured:
        yield (
            "Somebody has left before echo is measured, as in any service that has run for a while; fresh shows one "
            "whom nobody has left yet: with glibc each read may then map and unmap a block, which a page fault tells"
        )
    if "half" in measured:
        yield "Percentiles are of all rounds together. A closed loop has none: there they are the throughput again"
    if "memory" in measured:
        yield "Memory is that of idle connections, the kernel's buffers apart; as many again must add little"


def _list(title: str, texts: Sequence[str]) -> Iterator[Block]:
    if texts:
        yield Heading(title)
    yield from (Line(text, "item", mark="-") for text in texts)


def _table(results: Results, cell: Cell) -> Table:
    """An arm a row: its figures, and its ratio to the reference, which is bold; dim is who does not differ from it."""
    workload = WORKLOADS[cell.workload]
    rows = []
    for arm in cell.arms:
        found, style = estimates.compare(results, cell, arm), ""
        if found is None:
            compared = ("-", "", "")
        elif arm == cell.reference:
            compared, style = ("1", "reference", ""), "bold"
        else:
            compared, style = (str(found), found.interval, seen(found)), "" if found.is_sure else "dim"
        figures = (_figure(results, cell, arm, metric) for metric in workload.columns)
        rows.append([(text, style) for text in (arm, *figures, *compared)])
    heads = (METRICS[metric].title for metric in workload.columns)
    return Table(["", *heads, f"{METRICS[workload.compared].noun}, x", "95 %", "differs"], rows)


def _figure(results: Results, cell: Cell, arm: str, metric: str) -> str:
    samples, text = results.of(cell, arm), METRICS[metric].text
    median = estimates.median(samples, metric)
    if median is None:
        return "-"
    shares = estimates.shares(samples, results.settings.get("sample_s", 0.0)) if metric == COST else []
    split = " + ".join(text(median * share) for share in shares)
    return f"{text(median)} ({split})" if split else text(median)


# --- Charts ---
def charts(results: Results) -> Iterator[tuple[str, str, str]]:
    """Name, title and SVG of every chart that the results have figures for: the ratios of a cell to its reference as
    dots with their intervals, and what a choice costs where a handler works."""
    for cell in results.cells:
        ratios = {arm: estimates.compare(results, cell, arm) for arm in cell.arms}
        if any(ratios.values()):
            noun = METRICS[WORKLOADS[cell.workload].compared].noun
            title = f"{cell}: the {noun} of each against that of {cell.reference}; less is better"
            yield cell.key.replace("/", "-"), title, svg.dots(title, ratios)
    main = results.main()
    if main is not None and (choices := list(meaning.choices(results, main))):
        works_us = [1000.0 ** (step / 60) for step in range(61)]
        lines = {str(choice): [(us, 100 * choice.part(us)) for us in works_us] for choice in choices}
        title = f"The more a handler works for each message, the less a choice costs: percent more ({main.where})"
        yield "handler", title, svg.curves(title, "us of work a message", lines)
