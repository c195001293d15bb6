"""Behaviours as a person reads them: the list of all, the page of one, and the pages of all."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from operator import attrgetter

from behaviours.known import parsed
from behaviours.page import GROUPS, SECTIONS, beside, is_none
from comparison.experiments.model import REMEDY, Behaviour, Finding, Levels, State, Survey, row_of
from comparison.judge.factors import decided
from comparison.layout import BLANK, Beside, Block, Code, Command, Heading, Line

CODE_SIDE_BY_SIDE = 119  # columns that two lessons take, whose lines are never broken
OUTCOME_WIDTH = 30
LEGEND = "! bites   + has a way around it, which worked   `compare.py behaviours NAME` is its page"
ALIKE = "alike everywhere"
FACTORS = ("API", "loop", "Python")  # what a cell differs from another in, in the order in which a place is spoken
API_NAMES = {api: label for label, api in SECTIONS.items()}


def overview(survey: Survey, *, only_bites: bool = False, whole: bool = False) -> Iterator[Block]:
    """Sentences, then what is not as known, then each behaviour, in groups: its outcomes and where they are, or what is
    to be said of it as a `whole`, but for its code."""
    what_ran, *more = summary(survey)
    yield from (Line(what_ran, "title"), *map(Line, more), *_notices(survey))
    shown = [each for each in survey.behaviours.values() if not only_bites or bites(survey, each)]
    for group, behaviours in itertools.groupby(shown, attrgetter("page.group")):
        yield Heading(GROUPS[group])
        for behaviour in behaviours:
            if whole:
                yield Heading(behaviour.page.title, 3)
                yield from _text(survey, behaviour, with_code=False)
                yield Command("Its page, with the code", f"python compare.py behaviours {behaviour.page.name}")
            else:
                yield from _in_short(survey, behaviour)
    yield from (BLANK, Line(LEGEND, "hint"))


def page(survey: Survey, behaviour: Behaviour) -> Iterator[Block]:
    """All about one: what happens, the code in both APIs, what came out, the way around, and the sources."""
    yield from (Line(behaviour.page.title, "bold"), *_notices(survey))
    yield from _text(survey, behaviour, with_code=True)
    if used := beside(behaviour.page):
        yield from (BLANK, Line("What the code uses, and is not on trial:"), Code(used.splitlines(), "python"), BLANK)
    yield Command("By itself", f"python -m {behaviour.page.module}")


def _notices(survey: Survey) -> Iterator[Block]:
    if texts := unusual(survey):
        yield Heading("Not as known")
        yield from (Line(text, "-", "x") for text in texts)
    yield from (Line(f"Note: {note}", "note") for note in survey.notes)


def _in_short(survey: Survey, behaviour: Behaviour) -> Iterator[Block]:
    around = "+" if has_way_around(survey, behaviour) else " "
    yield Line(f"{behaviour.page.name}: {behaviour.page.title}", "bold", around)
    for first, places in lines(survey.of(behaviour, *behaviour.traps)):
        yield Line(f"{first.came_out:<{OUTCOME_WIDTH}} {places}", "", "!" if first.bites else " ", "    ")


def _text(survey: Survey, behaviour: Behaviour, *, with_code: bool) -> Iterator[Block]:
    """What happens, what came out where, the way around, and the sources; with its code also what was told in the first
    of these places."""
    for paragraph in behaviour.page.text:
        yield from (BLANK, Line(paragraph, "prose"))
    for case in (*behaviour.traps, REMEDY):
        if case == REMEDY and behaviour.page.instead:
            yield from (BLANK, Line(f"Instead: {behaviour.page.instead}", "prose"))
        if case in behaviour.known:
            yield from (BLANK, _code(behaviour, case)) if with_code else ()
            yield BLANK
            for first, places in lines(survey.of(behaviour, case)):
                yield Line(f"{first.said}: {places}", "", "!" if first.bites else "=")
                yield from (Line(told, "dim", "|", "  ") for told in first.told if with_code)
    yield from (BLANK, Line(f"Sources: {behaviour.page.sources}", "prose"))


def _code(behaviour: Behaviour, case: str) -> Beside:
    nothing = "needs none" if case == REMEDY else "has no such thing"
    titles, texts = [], []
    for label, api in SECTIONS.items():
        if (code := behaviour.page.code.get((api, case))) is not None:
            titles.append(f"{label}, {case}")
            texts.append(code.splitlines() if (why := is_none(code)) is None else [f"({why or nothing})"])
    return Beside(titles, texts, from_width=CODE_SIDE_BY_SIDE)


# --- Words ---


def lines(findings: Sequence[Finding]) -> list[tuple[Finding, str]]:
    """Each thing that came out of a case, as the first that was found of it, and all its places; what bites first."""
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in sorted(findings, key=lambda finding: not finding.bites):
        groups[finding.came_out].append(finding)
    everywhere = {finding.levels for finding in findings}
    return [(group[0], where({finding.levels for finding in group}, everywhere)) for group in groups.values()]


def bites(survey: Survey, behaviour: Behaviour) -> bool:
    """Whether it does harm in what ran."""
    return any(finding.bites for finding in survey.of(behaviour, *behaviour.traps))


def has_way_around(survey: Survey, behaviour: Behaviour) -> bool:
    """Whether it has one, which worked wherever it ran."""
    states = {finding.state for finding in survey.of(behaviour, REMEDY)}
    return State.KNOWN in states <= {State.KNOWN, State.SKIPPED}


def summary(survey: Survey) -> list[str]:
    """A sentence each: what ran and how it was, what differs by what, what bites, what is a bug of these versions."""
    states = Counter(finding.state for finding in survey.findings)
    others = [f"{states[state]} {state}" for state in State if state in states and state is not State.KNOWN]
    how = ", ".join(others) + ", all others as known" if others else "all as known"
    what = f"{len(survey.behaviours)} behaviour{'s' * (len(survey.behaviours) != 1)}, {len(survey.findings)} cases"
    loops = _and(dict.fromkeys(finding.loop_and_version for finding in survey.findings))
    pythons = _versions(finding.python for finding in survey.findings)
    kinds = Counter[str]()
    for behaviour in survey.behaviours.values():
        factors = predicted_by(survey, behaviour)
        kinds[f"by {_and(factors)}" if factors else ALIKE] += 1
    ordered = sorted(kinds, key=lambda kind: (kind != ALIKE, len(kind)))
    biting = [behaviour for behaviour in survey.behaviours.values() if bites(survey, behaviour)]
    around = sum(has_way_around(survey, behaviour) for behaviour in biting)
    return [
        f"{what} on {loops}, Python {pythons}: {how}.",
        f"In what ran here: {'; '.join(f'{kinds[kind]} {kind}' for kind in ordered)}.",
        f"Biting here: {len(biting)}; with a way around that worked wherever it ran: {around}.",
        *_bugs(survey),
    ]


def unusual(survey: Survey) -> list[str]:
    """What is not as known, news first, with its place."""
    found = [
        (first.state, f"{name}, {case}, {places}: {first.came_out}")
        for name, behaviour in survey.behaviours.items()
        for case in behaviour.known
        for first, places in lines(survey.of(behaviour, case))
    ]
    return [text for wanted in (State.NEWS, State.FAILED, State.UNSTEADY) for state, text in found if state is wanted]


def predicted_by(survey: Survey, behaviour: Behaviour) -> list[str]:
    """The smallest set of factors of which each combination of levels has one outcome: none where that is the same
    everywhere, and timing where no factor decides."""
    found = survey.of(behaviour, *behaviour.traps)
    for size in range(len(FACTORS) + 1):
        for chosen in itertools.combinations(range(len(FACTORS)), size):
            seen = (((one.case, *(one.levels[n] for n in chosen)), out) for one in found for out in one.outcomes)
            if decided(seen):
                return [FACTORS[n] for n in chosen]
    return ["timing"]


def _bugs(survey: Survey) -> Iterator[str]:
    """What bites here and is a bug, or is gone in another release."""
    found: dict[tuple[str, str | None, str | None], list[Finding]] = defaultdict(list)
    for finding in survey.findings:
        row = row_of(finding, survey.behaviours[finding.behaviour].known)
        if finding.state is State.KNOWN and finding.bites and row and (row.bug or row.fixed):
            found[finding.behaviour, row.bug, row.fixed].append(finding)
    for (name, bug, fixed), places in found.items():
        loops, pythons = _and(sorted({one.loop_and_version for one in places})), {one.python for one in places}
        told = f"Python {_versions(pythons)}, gone in {fixed}" if fixed else f"{loops}, still there in what is known"
        yield f"{name} is a bug of {told}{f' ({bug})' if bug else ''}."


def _and(words: Collection[str]) -> str:
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def _versions(versions: Iterable[str]) -> str:
    return _and(sorted(set(versions), key=parsed))


# --- Where an outcome is, in as few words as tell it ---
def where(having: Collection[Levels], everywhere: Collection[Levels]) -> str:
    """The places of `having` among all, such as `Protocol on uvloop; asyncio from 3.12`."""
    apis, loops = (sorted({levels[n] for levels in everywhere}) for n in (0, 1))
    pythons = sorted({levels[2] for levels in everywhere}, key=parsed)
    spans = [pythons[start:end] for start, end in itertools.combinations(range(len(pythons) + 1), 2)]
    # Of each factor a level, or several Pythons in a row; what is empty stands for all.
    terms = itertools.product(["", *apis], ["", *loops], [[], *(span for span in spans if span != pythons)])
    fitting = []
    for api, loop, span in sorted(terms, key=lambda term: (sum(map(bool, term)), max(1, len(term[2])))):
        cells = {c for c in everywhere if api in ("", c[0]) and loop in ("", c[1]) and c[2] in (span or pythons)}
        if cells and cells <= set(having):
            fitting.append((_spoken(api, loop, span, pythons), cells))
    left, said = set(having), []
    while left:
        words, cells = max(fitting, key=lambda found: len(found[1] & left))  # the simplest of those that say most
        left -= cells
        said.append(words)
    return "; ".join(said)


def _spoken(api: str, loop: str, span: Sequence[str], pythons: Sequence[str]) -> str:
    words = " on ".join(filter(None, (API_NAMES.get(api), loop)))
    if not span:
        return words or "everywhere"
    if not loop:
        words = f"{words} on Python".removeprefix(" on ")
    first, last = _branch(span[0], pythons), _branch(span[-1], pythons)
    if len(span) == 1:
        return f"{words} {first}"
    if span[-1] == pythons[-1]:
        return f"{words} from {first}"
    return f"{words} up to {last}" if span[0] == pythons[0] else f"{words} {first} to {last}"


def _branch(version: str, pythons: Sequence[str]) -> str:
    """`3.12` where that tells which of them is meant."""
    branch = ".".join(version.split(".")[:2])
    return branch if sum(other.startswith(f"{branch}.") for other in pythons) == 1 else version
