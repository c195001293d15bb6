"""What every view says in the same words."""

from collections.abc import Iterable, Sequence

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
from comparison.vocabulary import ENDINGS

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


LOGS = "The logs with chunks joined and ports replaced; the letters name the causes below."


def title(comparison: Comparison) -> str:
    servers, clients = len(comparison.servers), len(comparison.clients)
    times = f", {comparison.repeat} times each" if comparison.repeat > 1 else ""
    who = f"{_count(servers, 'server')} x {_count(clients, 'client')}"
    if comparison.servers == (RAW,):
        who = _count(clients, "client")
    elif comparison.clients == (RAW,):
        who = _count(servers, "server")
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


def environment(comparison: Comparison) -> str:
    return ", ".join(f"{name} {version}".strip() for name, version in comparison.environment.items())


Told = tuple[Verdict, str]
"""A line about something with a verdict, which each view shows with its sign."""


def legend(comparisons: Sequence[Comparison]) -> list[Told]:
    """The verdicts that occur, each with its meaning."""
    return [(verdict, f"{verdict}: {MEANINGS[verdict]}") for verdict in occurring(comparisons)]


def occurring(comparisons: Sequence[Comparison]) -> list[Verdict]:
    """The verdicts that occur on a pairing, or on one of the two questions."""
    questions = (None, *PARTS)
    return [v for v in Verdict if any(one.count(v, part) for one in comparisons for part in questions)]


def two_verdicts(comparison: Comparison) -> list[str]:
    """Each of the two questions with how its verdicts are spread."""
    return [f"{question.capitalize()}: {spread(comparison, part)}" for part, question in PARTS.items()]


def spread(comparison: Comparison, part: Part) -> str:
    """How often each verdict on one of the two questions, in words."""
    counts = {verdict: comparison.count(verdict, part) for verdict in Verdict}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)


def signs(comparison: Comparison, part: Part) -> str:
    """The same in signs: `=1 ~3`."""
    counts = {verdict: comparison.count(verdict, part) for verdict in Verdict}
    return " ".join(f"{SYMBOLS[verdict]}{count}" for verdict, count in counts.items() if count)


def cell(cell: Cell, repeat: int, short: bool = False) -> list[str]:
    """A cell of the matrix: its verdict and the letters of its causes; over several runs also how many agreed and how
    often TCP cut the stream. `short` leaves the verdict its sign only."""
    letters = " ".join(cell.letters)
    parts = [f"{SYMBOLS[cell.verdict]} {letters}"] if short else [f"{SYMBOLS[cell.verdict]} {cell.verdict}", letters]
    if repeat > 1 and cell.repeat:
        agreed = f"{cell.agreed}/{cell.repeat}"
        parts += [agreed, f"cut {cell.cut}"] if short else [f"{agreed} agree", f"cut in {cell.cut}"]
    return [part.rstrip() for part in parts if part]


def troubles(comparison: Comparison) -> list[Told]:
    """A line for each cell that is different or failed, with the reason."""
    bad = [cell for cell in comparison.cells if cell.verdict.is_trouble]
    return [(cell.verdict, f"{cell.pairing} {cell.verdict} ({question(cell)}): {cell.reason}") for cell in bad]


def skipped(comparisons: Iterable[Comparison]) -> list[Told]:
    """A line for each reason for which something was skipped, with where."""
    places: dict[str, list[str]] = {}
    for comparison in comparisons:
        for cell in comparison.cells:
            if cell.verdict is Verdict.SKIPPED:
                places.setdefault(cell.reason, []).append(name(comparison))
    return [
        (
            Verdict.SKIPPED,
            f"{_count(len(cells), 'pairing')} skipped in {_few(list(dict.fromkeys(cells)))}: {reason}",
        )
        for reason, cells in places.items()
    ]


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def question(cell: Cell) -> str:
    """Which of the two questions has the worst verdict."""
    return " and ".join(text for part, text in PARTS.items() if cell.verdicts.get(part) is cell.verdict)


def group_title(comparison: Comparison, group: Group) -> str:
    return f"{group.side} log: {pairings(comparison, group.pairings)}"


def changed(comparison: Comparison, side: Side) -> list[Group]:
    """The groups of a side whose log is not the reference's."""
    return [
        group for group in comparison.groups if group.side == side and any(sign != " " for sign, _, _ in group.diff)
    ]


def alike(comparison: Comparison, side: Side) -> str:
    """Which pairings wrote the reference's log on a side."""
    group = next(
        (group for group in comparison.groups if group.side == side and all(sign == " " for sign, _, _ in group.diff)),
        None,
    )
    like_it = pairings(comparison, group.pairings) if group is not None else ""
    return f"{side} log as in the reference: {like_it or 'none'}"


def sides_to_show(comparison: Comparison) -> list[Side]:
    """The sides whose logs are compared; what the engine's own sockets saw only where that differs."""
    return [
        side
        for side in SIDES
        if comparison.groups and (side in comparison.scenario.on_trial or changed(comparison, side))
    ]


def pairings(comparison: Comparison, some: Sequence[Pairing]) -> str:
    """Pairings in as few words as possible."""
    servers, clients = _unique(pairing.server for pairing in some), _unique(pairing.client for pairing in some)
    if len(some) < len(servers) * len(clients):
        return ", ".join(map(str, some[:4])) + (f" and {len(some) - 4} more" if len(some) > 4 else "")
    server_names = "every server" if len(servers) == len(comparison.servers) else "server " + _labels(servers)
    client_names = "every client" if len(clients) == len(comparison.clients) else "client " + _labels(clients)
    return f"{server_names}, {client_names}" if some else ""


def cause_title(cause: Cause) -> str:
    if cause.is_failure:
        return f"failed: {cause.event}"
    return cause.explanation.title if cause.explanation is not None else f"unexplained: {cause.event}"


def cause_text(cause: Cause) -> list[str]:
    """Under the title: what was computed, what it means, where to read on."""
    lines = [f"{cause.finding}."]
    if cause.is_failure:
        return lines
    if cause.explanation is not None:
        return [*lines, cause.explanation.text, f"Source: {cause.explanation.source}."]
    if cause.broken is not None:
        lines.append(f"It is not where {cause.broken.name} has it: {where(cause.broken, cause.event)}.")
    else:
        lines.append("The catalogue has no entry for this event.")
    return lines + [f"{d.side} {d.sign} {d.text}" for d in cause.differences]


def where(entry: Explanation, event: str) -> str:
    """Where an entry of the catalogue has an event, predicted by what."""
    places = entry.places.get(event, ()) or entry.places.get(f"peer {event}", ())
    told = [
        f"{place.presence} with {' on '.join(level if level != '*' else 'any' for level in place.levels)}"
        for place in places
        if place.presence != "either"
    ]
    return ", ".join([f"predicted by the {entry.axis}", *told]) + ", once in a connection"


def explanation(entry: Explanation, comparison: Comparison) -> list[str]:
    """An entry of the catalogue, and the lines in which a comparison shows it."""
    lines = [entry.title, "", entry.text, f"Source: {entry.source}.", ""]
    causes = [cause for cause in comparison.causes if cause.explanation == entry]
    lines.append(f"Seen just now: {comparison.scenario.description}, over {comparison.transport.description}.")
    if not causes:
        return [*lines, "These endpoints do not show it: choose more of them."]
    for cause in causes:
        lines += [f"{cause.finding}.", *(f"  {d.side} {d.sign} {d.text}" for d in cause.differences)]
    return lines


def all_causes(survey: Survey) -> list[Cause]:
    """The causes of all comparisons, each once: failures first, then the unexplained."""
    found: dict[str, Cause] = {}
    for comparison in survey.comparisons:
        for cause in comparison.causes:
            found.setdefault(cause.letter, cause)
    return sorted(
        found.values(), key=lambda cause: (not cause.is_failure, cause.explained, len(cause.letter), cause.letter)
    )


def seen_in(survey: Survey, cause: Cause) -> str:
    """In which scenarios a cause was seen, in few words; of a failure also in how many pairings."""
    seen = [(name(one), own) for one in survey.comparisons for own in one.causes if own.letter == cause.letter]
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


def survey_title(survey: Survey) -> str:
    repeat = survey.comparisons[0].repeat
    times = f", {repeat} times each" if repeat > 1 else ""
    return f"{_count(len(survey.comparisons), 'scenario')}{times}"


def closing(survey: Survey) -> str:
    """The counts and the time."""
    counts = ", ".join(
        f"{survey.count(verdict)} {verdict}" for verdict in Verdict if verdict.is_trouble or survey.count(verdict)
    )
    cells = sum(len(comparison.cells) for comparison in survey.comparisons)
    return f"{_count(cells, 'pairing')} in {survey.duration_s:.1f} s: {counts}. {steadiness(survey)}".rstrip()


def judged(survey: Survey) -> str:
    """How much a survey holds."""
    runs = sum(cell.repeat for comparison in survey.comparisons for cell in comparison.cells)
    return f"{_count(runs, 'run')} in {_count(len(survey.comparisons), 'scenario')}"


def steadiness(survey: Survey) -> str:
    """Over several runs, whether they all came out alike, as a sentence; empty for one run."""
    if all(comparison.repeat == 1 for comparison in survey.comparisons):
        return ""
    unsteady = [
        f"{name(comparison)} {cell.pairing}" for comparison in survey.comparisons for cell in comparison.unsteady
    ]
    if not unsteady:
        return "Every run of each pairing came out alike. "
    return f"Not every run came out alike in {_few(unsteady)}. "


def plain_log(run: Run, side: Side) -> list[str]:
    """One side's log of one run as a person reads it."""
    return [event.plain for event in run.events(side)]


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _unique(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    return list(dict.fromkeys(endpoints))


def _labels(endpoints: Iterable[Endpoint]) -> str:
    return ", ".join(endpoint.label for endpoint in endpoints)
