"""What every view says in the same words."""

import re
from collections.abc import Iterable, Sequence

from comparison.layout import Line, duration
from comparison.model import PARTS, RAW, SIDES, Cell, Comparison, Group, Pairing, Scenario, Survey, Verdict
from comparison.vocabulary import ENDINGS

SYMBOLS = dict(zip(Verdict, "-*=~^!x", strict=True))
"""A sign for each verdict besides its word and its colour."""

MEANINGS = {
    Verdict.SKIPPED: "could not be tried here",
    Verdict.REFERENCE: "what all others are held against",
    Verdict.IDENTICAL: "the same lines as the reference",
    Verdict.ALIKE: "does the same, and tells of it in other lines, for known causes",
    Verdict.EXPLAINED: "does something else, and there is a known cause for each difference",
    Verdict.DIFFERENT: "differs, and at least one difference has no explanation",
    Verdict.FAILED: "what must hold for everybody did not: bytes, endings, exit code, memory, deadline, no crash",
}

ECHOES = {
    "whole": "all that was sent comes back, byte for byte",
    "part": "what comes back is the beginning of what was sent",
    "cut": "what the server holds when it cuts a connection is not delivered",
    "nothing": "nothing comes back",
}

MOST_NAMES = 6  # of what is listed


def line(verdict: Verdict, text: str) -> Line:
    """What is said of something with a verdict, in its colour."""
    return Line(text, verdict, SYMBOLS[verdict])


def expectation(scenario: Scenario) -> str:
    """What must hold for every endpoint, and what is not compared since the clock decides it, as sentences."""
    expects = scenario.expects
    phrases = [ECHOES[expects.echo]] if "server" in scenario.on_trial else []
    for side in scenario.on_trial:
        told = _or(expects.endings(side))
        endings = f"each connection with {told}, and " if told else ""
        phrases.append(f"the {side} ends {endings}itself with {expects.exit_code(side)}")
    if scenario.on_trial == ("server",):
        phrases += [f"the raw client ends with {_or(expects.client_endings)}"] if expects.client_endings else []
        phrases += ["the next client is served"] if expects.server_exit == 0 else []
    phrases += [f"memory stays below {expects.memory_mib} MiB"] if expects.memory_mib is not None else []
    warnings = " and ".join(repr(name.replace("_", " ")) for name in expects.warnings)
    phrases.append("no traceback, no warning" + (f" but {warnings}" if warnings else ""))
    names = ", ".join(name.replace("_", " ") for name in expects.by_timing)
    timing = f" Not compared, since the clock decides them here: {names}." if names else ""
    return f"Must hold for everybody: {'; '.join(phrases)}; all within {scenario.deadline_s:g} s.{timing}"


def _or(endings: Iterable[str]) -> str:
    return " or ".join(ENDINGS[name] for name in endings)


def name(comparison: Comparison) -> str:
    """A scenario, with what it ran over where that is not its own."""
    own = comparison.scenario.transports[:1] == (comparison.transport.name,)
    return comparison.scenario.name + ("" if own else f"/{comparison.transport.name}")


def title(survey: Survey) -> str:
    """What was tried."""
    first, *others = survey.comparisons
    sides = ((first.servers, "server"), (first.clients, "client"))
    who = " x ".join(count(len(ends), side) for ends, side in sides if ends != (RAW,))
    times = f", {first.repeat} times each" if first.repeat > 1 else ""
    if others:
        return f"{count(len(survey.comparisons), 'scenario')}{times}"
    return f"{who}{times}: {first.scenario.description}, over {first.transport.description}"


def row(comparison: Comparison) -> str:
    """How a scenario came out, in a line."""
    counts = {v: comparison.count(v) for v in Verdict if v is not Verdict.REFERENCE}
    told = ", ".join(f"{number} {v}" for v, number in counts.items() if number) or str(Verdict.REFERENCE)
    names = " ".join(done_by(comparison))
    return f"{name(comparison):<24} {duration(comparison.duration_s):>7}  {told}  {names}".rstrip()


def cell(comparison: Comparison, cell: Cell, short: bool = False) -> str:
    """A cell of the matrix: its verdict (`short`: its sign only), what the causes of something done go by, and over
    several runs how many agreed and how often TCP cut the stream."""
    names = [name for name in done_by(comparison) if name in cell.causes]
    text = " ".join([SYMBOLS[cell.verdict], *[str(cell.verdict)] * (not short), *names])
    if comparison.repeat > 1 and cell.repeat:
        agree, into = ("", " ") if short else (" agree", " in ")
        text += f"\n{cell.agreed}/{cell.repeat}{agree}\ncut{into}{cell.cut}"
    return text


def done_by(comparison: Comparison) -> list[str]:
    """What the causes go by of which somebody sees more than other lines."""
    return list(dict.fromkeys(c.name for c in comparison.causes if c.verdict is not Verdict.ALIKE))


def troubles(*comparisons: Comparison) -> list[Line]:
    """One for each way in which cells are different or failed, with where, and for each reason to skip some."""
    lines = []
    skipped: dict[str, list[str]] = {}
    for comparison in comparisons:
        alike: dict[tuple[Verdict, str, str], list[Cell]] = {}
        for cell in comparison.cells:
            if cell.verdict.is_trouble:
                asked = " and ".join(text for part, text in PARTS.items() if cell.verdicts.get(part) is cell.verdict)
                alike.setdefault((cell.verdict, asked, re.sub(r"\d+", "", cell.reason)), []).append(cell)
            elif cell.verdict is Verdict.SKIPPED:
                skipped.setdefault(cell.reason, []).append(name(comparison))
        scenario = f"{name(comparison)}: " if len(comparisons) > 1 else ""
        for (verdict, asked, _), cells in alike.items():
            where = pairings(comparison, [cell.pairing for cell in cells]) if len(cells) > 1 else cells[0].pairing
            lines.append(line(verdict, f"{scenario}{where} {verdict} ({asked}): {cells[0].reason}"))
    for why, of in skipped.items():
        lines.append(line(Verdict.SKIPPED, f"{count(len(of), 'pairing')} skipped in {few(of)}: {why}"))
    return lines


def log_of(comparison: Comparison, group: Group) -> str:
    """Whose log it is."""
    return f"{group.side} log against the reference's: {pairings(comparison, group.pairings)}"


def pairings(comparison: Comparison, some: Sequence[Pairing]) -> str:
    """Pairings in as few words as possible."""
    own = {side: dict.fromkeys(pairing.end(side) for pairing in some) for side in SIDES}
    if len(some) < len(own["server"]) * len(own["client"]):
        return few(map(str, some))
    told = [
        f"every {side}" if len(own[side]) == len(ends) else f"{side} {', '.join(end.label for end in own[side])}"
        for side, ends in zip(SIDES, (comparison.servers, comparison.clients), strict=True)
    ]
    return ", ".join(told) if some else ""


def closing(survey: Survey) -> str:
    """The counts and the time."""
    counts = ", ".join(f"{survey.count(v)} {v}" for v in Verdict if v.is_trouble or survey.count(v))
    cells = sum(len(comparison.cells) for comparison in survey.comparisons)
    return f"{count(cells, 'pairing')} in {duration(survey.duration_s)}: {counts}. {steadiness(survey)}".rstrip()


def judged(survey: Survey) -> str:
    """How much a survey holds."""
    runs = sum(cell.repeat for comparison in survey.comparisons for cell in comparison.cells)
    return f"{count(runs, 'run')} in {count(len(survey.comparisons), 'scenario')}"


def steadiness(survey: Survey) -> str:
    """Over several runs, whether they all came out alike, as a sentence; empty for one run."""
    tried = [(name(one), cell) for one in survey.comparisons for cell in one.cells]
    if unsteady := [f"{name} {cell.pairing}" for name, cell in tried if cell.agreed < cell.repeat]:
        return f"Not every run came out alike in {few(unsteady)}."
    repeated = any(comparison.repeat > 1 for comparison in survey.comparisons)
    return "Every run of each pairing came out alike." if repeated else ""


def few(names: Iterable[str], comma: str = ", ") -> str:
    """The first of some names, each once, and how many more there are."""
    all_names = list(dict.fromkeys(names))
    more = f" and {len(all_names) - MOST_NAMES} more" if len(all_names) > MOST_NAMES else ""
    return comma.join(all_names[:MOST_NAMES]) + more


def count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
