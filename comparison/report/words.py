"""What every view says in the same words."""

import re
from collections.abc import Iterable, Sequence

from comparison import layout
from comparison.model import (
    PARTS,
    RAW,
    SIDES,
    Cause,
    Cell,
    Comparison,
    Endpoint,
    Explanation,
    Group,
    Pairing,
    Part,
    Run,
    Scenario,
    Side,
    Survey,
    Verdict,
)
from comparison.vocabulary import ENDINGS, kind

SYMBOLS = {
    Verdict.SKIPPED: "-",
    Verdict.REFERENCE: "*",
    Verdict.IDENTICAL: "=",
    Verdict.ALIKE: "~",
    Verdict.EXPLAINED: "^",
    Verdict.DIFFERENT: "!",
    Verdict.FAILED: "x",
}
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

LOGS = "The logs with chunks joined and ports replaced; at the end what its cause goes by."

MORE = "More: --diff has the logs line by line, --raw as they came, and explain NAME tells of a cause."
MORE_OF_ALL = "More: --scenario NAME has the matrix of one of them, and explain NAME tells of a cause."

MOST_LINES, MOST_LETTERS = 12, 77
"""Lines of a diff that stand beside a cause, and letters of those that do not differ; --diff shows the rest."""


def title(comparison: Comparison) -> str:
    sides = ((comparison.servers, "server"), (comparison.clients, "client"))
    who = " x ".join(count(len(ends), side) for ends, side in sides if ends != (RAW,))
    times = f", {comparison.repeat} times each" if comparison.repeat > 1 else ""
    return f"{who}{times}: {comparison.scenario.description}, over {comparison.transport.description}"


def expectation(scenario: Scenario) -> list[str]:
    """What must hold for every endpoint, in a few phrases."""
    expects = scenario.expects
    echo = {
        "whole": "all that was sent comes back, byte for byte",
        "part": "what comes back is the beginning of what was sent",
        "cut": "what the server holds when it cuts a connection is not delivered",
        "nothing": "nothing comes back",
    }[expects.echo]
    phrases = [echo] if "server" in scenario.on_trial else []
    for side in scenario.on_trial:
        endings = expects.endings(side)
        code = expects.exit_code(side)
        told = " or ".join(ENDINGS[name] for name in endings)
        phrases.append(
            f"the {side} ends " + (f"each connection with {told}, and " if told else "") + f"itself with {code}"
        )
    if scenario.on_trial == ("server",):
        seen = " or ".join(ENDINGS[name] for name in expects.client_endings)
        phrases += [f"the raw client ends with {seen}"] if seen else []
        phrases += ["the next client is served"] if expects.server_exit == 0 else []
    if expects.memory_mib is not None:
        phrases.append(f"memory stays below {expects.memory_mib} MiB")
    warnings = " and ".join(f"{name.replace('_', ' ')!r}" for name in expects.warnings)
    phrases.append("no traceback, no warning" + (f" but {warnings}" if warnings else ""))
    return [*phrases, f"all within {scenario.deadline_s:g} s"]


def not_compared(scenario: Scenario) -> str:
    """What the clock decides in this scenario, as a sentence; empty where nothing."""
    names = ", ".join(name.replace("_", " ") for name in scenario.expects.by_timing)
    return f"Not compared, since the clock decides them here: {names}." if names else ""


Told = tuple[Verdict, str]
"""A line about something with a verdict, which each view shows with its sign."""


def legend(comparisons: Sequence[Comparison], parts: bool = True) -> list[Told]:
    """The verdicts that occur, each with its meaning."""
    return [(verdict, f"{verdict}: {MEANINGS[verdict]}") for verdict in occurring(comparisons, parts)]


def occurring(comparisons: Sequence[Comparison], parts: bool = True) -> list[Verdict]:
    """The verdicts that occur on a pairing, and with `parts` on one of the two questions."""
    questions = (None, *PARTS) if parts else (None,)
    return [v for v in Verdict if any(one.count(v, part) for one in comparisons for part in questions)]


def signs(comparison: Comparison, part: Part) -> str:
    """How often each verdict on one of the two questions, in signs: `=1 ~3`."""
    counts = {verdict: comparison.count(verdict, part) for verdict in Verdict}
    return " ".join(f"{SYMBOLS[verdict]}{count}" for verdict, count in counts.items() if count)


def cell(comparison: Comparison, cell: Cell, short: bool = False) -> str:
    """A cell of the matrix: its verdict, and what the causes of something done go by; over several runs also how many
    agreed and how often TCP cut the stream. `short` leaves the verdict its sign only."""
    names = [name for name in done_by(comparison) if name in cell.causes]
    parts = [SYMBOLS[cell.verdict] if short else f"{SYMBOLS[cell.verdict]} {cell.verdict}", *names]
    if comparison.repeat > 1 and cell.repeat:
        parts += [f"\n{cell.agreed}/{cell.repeat}{'' if short else ' agree'}\ncut{' ' if short else ' in '}{cell.cut}"]
    return " ".join(parts).replace(" \n", "\n")


def done_by(comparison: Comparison) -> list[str]:
    """What the causes go by of which somebody sees more than other lines."""
    return list(dict.fromkeys(cause.name for cause in comparison.causes if not _is_told(cause)))


def _is_told(cause: Cause) -> bool:
    return cause.explanation is not None and cause.explanation.kind == "told"


def troubles(comparison: Comparison) -> list[Told]:
    """A line for each way in which cells are different or failed, with where."""
    alike: dict[tuple[Verdict, str, str], list[Cell]] = {}
    for cell in comparison.cells:
        if cell.verdict.is_trouble:
            alike.setdefault((cell.verdict, question(cell), re.sub(r"\d+", "", cell.reason)), []).append(cell)
    told = []
    for (verdict, what, _), cells in alike.items():
        where = pairings(comparison, [cell.pairing for cell in cells]) if len(cells) > 1 else cells[0].pairing
        told.append((verdict, f"{where} {verdict} ({what}): {cells[0].reason}"))
    return told


def skipped(comparisons: Iterable[Comparison]) -> list[Told]:
    """A line for each reason for which something was skipped, with where."""
    places: dict[str, list[str]] = {}
    for comparison in comparisons:
        for cell in comparison.cells:
            if cell.verdict is Verdict.SKIPPED:
                places.setdefault(cell.reason, []).append(name(comparison))
    told = (
        f"{count(len(of), 'pairing')} skipped in {few(list(dict.fromkeys(of)))}: {why}" for why, of in places.items()
    )
    return [(Verdict.SKIPPED, line) for line in told]


def few(names: Sequence[str], most: int = 3) -> str:
    """The first of some names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def question(cell: Cell) -> str:
    """Which of the two questions has the worst verdict."""
    return " and ".join(text for part, text in PARTS.items() if cell.verdicts.get(part) is cell.verdict)


def pairings(comparison: Comparison, some: Sequence[Pairing]) -> str:
    """Pairings in as few words as possible."""
    servers, clients = dict.fromkeys(pairing.server for pairing in some), dict.fromkeys(p.client for p in some)
    if len(some) < len(servers) * len(clients):
        return few([str(pairing) for pairing in some], 4)
    server_names = "every server" if len(servers) == len(comparison.servers) else "server " + _labels(servers)
    client_names = "every client" if len(clients) == len(comparison.clients) else "client " + _labels(clients)
    return f"{server_names}, {client_names}" if some else ""


def cause_title(cause: Cause) -> str:
    if cause.is_failure:
        return f"failed: {cause.event}"
    return cause.explanation.title if cause.explanation is not None else f"unexplained: {cause.event}"


def sections(cause: Cause) -> list[tuple[Side, str]]:
    """Whose sections of the code make the lines of a cause, each once, by their labels."""
    found = dict.fromkeys(
        (difference.side, kind(difference.event).section(difference.side)) for difference in cause.differences
    )
    return [(side, label) for wanted in SIDES for side, label in found if side == wanted and label is not None]


def meaning(cause: Cause) -> str:
    """What an explanation says, or why there is none; nothing of a failure."""
    if cause.explanation is not None:
        return cause.explanation.text
    if cause.broken is not None:
        return f"It is not where {cause.broken.name} has it: {where(cause.broken, cause.event)}."
    return "" if cause.is_failure else "The catalogue has no entry for this event."


def where(entry: Explanation, event: str) -> str:
    """Where an entry of the catalogue has an event, predicted by what."""
    places = entry.places.get(event, {}) or entry.places.get(f"peer {event}", {})
    told = [
        f"{presence} with {' on '.join(level if level != '*' else 'any' for level in levels)}"
        for levels, presence in places.items()
        if presence != "either"
    ]
    return ", ".join([f"predicted by the {entry.axis}", *told]) + ", once in a connection"


def all_causes(survey: Survey) -> list[Cause]:
    """The causes of all comparisons, each once: failures first, then the unexplained."""
    found: dict[str, Cause] = {}
    for comparison in survey.comparisons:
        for cause in comparison.causes:
            found.setdefault(cause.name, cause)
    return sorted(found.values(), key=lambda cause: (not cause.is_failure, cause.explained, _is_told(cause)))


def seen_in(survey: Survey, cause: Cause) -> str:
    """In which scenarios a cause was seen, in few words; of a failure also in how many pairings."""
    seen = [(name(one), own) for one in survey.comparisons for own in one.causes if own.name == cause.name]
    unique = list(dict.fromkeys(place for place, _ in seen))
    where = ", ".join(unique)
    if len(unique) > 6:
        where = f"{len(unique)} of {len(survey.comparisons)} scenarios, the first of them {', '.join(unique[:3])}"
    if not cause.is_failure:
        return f"Seen in {where}."
    failed = sum(len(own.pairings) for _, own in seen)
    return f"In {failed} of {sum(len(one.cells) for one in survey.comparisons)} pairings, in {where}."


def name(comparison: Comparison) -> str:
    """A scenario, with what it ran over where that is not its own."""
    own = comparison.scenario.transports[:1] == (comparison.transport.name,)
    return comparison.scenario.name + ("" if own else f"/{comparison.transport.name}")


def row(comparison: Comparison) -> str:
    """How a scenario came out, in a line."""
    counts = [(v, comparison.count(v)) for v in Verdict if v is not Verdict.REFERENCE and comparison.count(v)]
    told = ", ".join(f"{number} {verdict}" for verdict, number in counts) or str(Verdict.REFERENCE)
    names = " ".join(done_by(comparison))
    return f"{name(comparison):<24} {layout.duration(comparison.duration_s):>7}  {told}  {names}".rstrip()


def closing(survey: Survey) -> str:
    """The counts and the time."""
    counts = ", ".join(
        f"{survey.count(verdict)} {verdict}" for verdict in Verdict if verdict.is_trouble or survey.count(verdict)
    )
    cells = sum(len(comparison.cells) for comparison in survey.comparisons)
    return f"{count(cells, 'pairing')} in {layout.duration(survey.duration_s)}: {counts}. {steadiness(survey)}".rstrip()


def judged(survey: Survey) -> str:
    """How much a survey holds."""
    runs = sum(cell.repeat for comparison in survey.comparisons for cell in comparison.cells)
    return f"{count(runs, 'run')} in {count(len(survey.comparisons), 'scenario')}"


def steadiness(survey: Survey) -> str:
    """Over several runs, whether they all came out alike, as a sentence; empty for one run."""
    if unsteady := [f"{name(one)} {cell.pairing}" for one in survey.comparisons for cell in one.unsteady]:
        return f"Not every run came out alike in {few(unsteady)}."
    repeated = any(comparison.repeat > 1 for comparison in survey.comparisons)
    return "Every run of each pairing came out alike." if repeated else ""


def plain_log(run: Run, side: Side) -> list[str]:
    """One side's log of one run as a person reads it."""
    return [event.plain for event in run.events(side)]


def lines_of(comparison: Comparison, cause: Cause) -> list[tuple[str, list[str]]]:
    """For each side that tells of a cause: whose log that is, and its lines there as a unified diff against the
    reference, with a line of context. A side that says the same as the one before is only named."""
    found: list[tuple[str, list[str]]] = []
    told = set()
    for side in SIDES:
        group = clearest(comparison, cause, side)
        if group is not None:
            lines = _excerpt(group, cause.name)
            said = tuple(line[0] + line.partition(": ")[2] for line in lines if line[0] in "+-")
            found.append((log_of(comparison, group), [] if said in told else lines))
            told.add(said)
    return found


def log_of(comparison: Comparison, group: Group) -> str:
    """Whose log it is."""
    return f"{group.side} log against the reference's: {pairings(comparison, group.pairings)}"


def cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[:letters]}..."


def clearest(comparison: Comparison, cause: Cause, side: Side) -> Group | None:
    """Of the logs of a side that show a cause the one that differs least otherwise."""
    of_side = [group for group in comparison.groups if group.side == side]
    own = [group for group in of_side if any(cause.name in line.causes for line in group.diff)]
    return min(own, key=lambda group: sum(line.sign != " " for line in group.diff), default=None)


def _excerpt(group: Group, name: str) -> list[str]:
    """The lines of a diff that one cause explains, with the nearest that are common before and after."""
    own = [place for place, line in enumerate(group.diff) if name in line.causes]
    common = [place for place, line in enumerate(group.diff) if line.sign == " "]
    around = {max((place for place in common if place < n), default=n) for n in own}
    around |= {min((place for place in common if place > n), default=n) for n in own}
    kept = sorted(around.union(own))
    lines = [
        f"{line.sign}{line.text}" if line.sign != " " else f" {cut(line.text, MOST_LETTERS)}"
        for line in map(group.diff.__getitem__, kept)
    ]
    return lines[:MOST_LINES] + [f"@@ {len(kept) - MOST_LINES} lines more @@"] * (len(kept) > MOST_LINES)


def count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _labels(endpoints: Iterable[Endpoint]) -> str:
    return ", ".join(endpoint.label for endpoint in endpoints)
