"""What is compared of a run, and what differs from the reference: lines that are there, missing or moved.

A projection has everything that an endpoint decides, and nothing that TCP, the kernel or the clock decides. Ports are
replaced. Each connection becomes three sequences: bytes in, bytes out, control events; chunks are joined within each.
They are laid out in the order of the vocabulary, since how they interleave is a matter of timing.
"""

import dataclasses
import difflib
import hashlib
import itertools
import operator
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from common.logs import show_cut
from comparison.judge.expectations import allowed_exits
from comparison.model import SIDES, Cause, Difference, DiffLine, Event, ProjectedLine, Run, Scenario, Side
from comparison.transcript import NOTHING, connections, is_connection, joined, places
from comparison.vocabulary import AFTER, BYTES, ENDINGS, RANK

Lines = tuple[ProjectedLine, ...]
Projections = Mapping[Side, Lines]

MOST_LINES = 500
"""Lines of each part of a projection that stand for themselves: nobody reads more."""


# --- What is compared ---
def projections(scenario: Scenario, run: Run) -> dict[Side, Lines]:
    """What is compared of each side of a run: its log, and an exit code that is not the expected one. Of a side that
    tells nothing: the bytes and the ends that were seen on the wire."""
    found: dict[Side, Lines] = {}
    for side in SIDES:
        code = run.log(side).exit_code
        usual = run.is_raw(side) or code in allowed_exits(scenario, run, side)
        lines = project(_on_trial(run, side), scenario.expects.by_timing)
        if side in run.silent:
            lines = tuple(line for line in lines if line.event in (*BYTES, *ENDINGS))
        found[side] = lines if usual else (*lines, ProjectedLine("exit", f"(exit code {code})"))
    return found


def _on_trial(run: Run, side: Side) -> Sequence[Event]:
    """The events without the connection of the well-behaved client that comes last, which is only judged."""
    events = run.log(side).events
    comes = any(event.speaker == AFTER for event in run.client.events)
    last = set(itertools.chain(*places(events)[-1:])) if comes else ()
    return [event for place, event in enumerate(events) if place not in last]


def project(events: Iterable[Event], by_timing: Sequence[str] = ()) -> Lines:
    """The lines of one side of a run. Of an event in `by_timing` nothing is kept; of an ending, that there was one."""
    events = [
        dataclasses.replace(event, name="ended", message="(the connection ends)") if event.name in by_timing else event
        for event in events
        if event.name not in by_timing or event.name in ENDINGS
    ]
    program = list(_numbered(event for event in events if not is_connection(event.speaker)))
    before = list(itertools.takewhile(lambda line: RANK.get(line.event, 0) <= RANK["closing"], program))
    blocks = Counter(map(_project_connection, connections(events)))
    told: list[ProjectedLine] = []
    for n, (block, times) in enumerate(sorted(blocks.items()), start=1):
        # One for all that are alike: which of many comes first is a matter of timing.
        alike = [ProjectedLine("alike", f"({times} connections like this one)")] if times > 1 else []
        told += [ProjectedLine(line.event, line.text, line.nth, n) for line in (*block, *alike)]
    return (*_folded(before), *_folded(told), *_folded(program[len(before) :]))


def _project_connection(block: Sequence[Event]) -> Lines:
    lines = list(_numbered(event for event in block if event.name not in BYTES))
    for name in BYTES:
        payload = joined(block, name)
        if payload is not NOTHING:
            place = next((n for n, line in enumerate(lines) if RANK.get(line.event, 0) > RANK[name]), len(lines))
            text = f"{_anonymous(block[0].speaker)}: {name} {show_cut(payload.shown, payload.length)}"
            lines.insert(place, ProjectedLine(name, text))
    return tuple(_folded(lines))


def _folded(lines: Sequence[ProjectedLine]) -> Iterator[ProjectedLine]:
    """The first lines, and one that stands for the others: as different as they are, and no longer for more of them."""
    yield from lines[:MOST_LINES]
    if others := lines[MOST_LINES:]:
        text = "".join(f"{line.text}\n" for line in others)
        digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        yield ProjectedLine("folded", f"({len(others)} lines more, digest {digest})")


def _numbered(events: Iterable[Event]) -> Iterator[ProjectedLine]:
    """Their lines, equal ones told apart by a number."""
    seen = Counter[tuple[str, str]]()
    for event in events:
        line = event.name, _anonymous(event.plain)
        seen[line] += 1
        yield ProjectedLine(*line, seen[line])


def _anonymous(text: str) -> str:
    """Ports, the paths of our Unix sockets, and the numbers of peers without a name change from run to run."""
    if text.startswith(("echo_", "peer_")):
        text = re.sub(r"^(echo_(?:unix|client)|peer)_\d+", r"\1_<n>", text)
        text = re.sub(r"^(echo_\S*?)_\d+(?=:|$)", r"\1_<port>", text)
    if "/compare-" in text:
        text = re.sub(r"(?<=[ '])/\S*/compare-[^\s:']+", "<socket>", text)
    if text.startswith("python -m "):
        text = re.sub(r"^python -m \S+(?=: error: )", "<program>", text)
    return re.sub(r"\bport \d+", "port <port>", text) if "port " in text else text


# --- What differs ---
def between(reference: Projections, projected: Projections, silent: Iterable[Side] = ()) -> frozenset[Difference]:
    """Every line that is there, missing or moved on either side against the reference; of a side where one of the two
    tells nothing, only the bytes that both were seen to pass on the wire. `silent` has a side twice where both do."""
    found: list[Difference] = []
    times = Counter(silent)
    for side in SIDES:
        here, there = reference[side], projected[side]
        if times[side] == 1:
            here, there = (tuple(line for line in lines if line.event in BYTES) for lines in (here, there))
        if times[side] != 1 or (here and there):
            found += _differences(side, here, there)
    return frozenset(found)


def _differences(side: Side, reference: Lines, projected: Lines) -> Iterator[Difference]:
    counts, expected = Counter(projected), Counter(reference)
    for line in dict.fromkeys((*reference, *projected)):
        if more := counts[line] - expected[line]:
            yield Difference(side, "+" if more > 0 else "-", line.event, line.text, line.nth, abs(more))
    # What both have, in the order of each: a line that the shortest edit takes out here and puts in there has moved.
    for counterparts in _counterparts(reference, projected):
        common = set.intersection(*map(set, counterparts))
        here, there = ([line for line in lines if line in common] for lines in counterparts)
        for tag, start, end, _, _ in difflib.SequenceMatcher(None, here, there, autojunk=False).get_opcodes():
            if tag in ("delete", "replace"):
                yield from (Difference(side, "~", line.event, line.text, line.nth) for line in here[start:end])


def _counterparts(reference: Lines, projected: Lines) -> Iterator[tuple[Lines, Lines]]:
    """The lines of the program, and those of each connection that is not the same, here and there."""
    here, there = _by_connection(reference), _by_connection(projected)
    yield here.pop(0, ()), there.pop(0, ())
    left_here = [lines for lines in here.values() if lines not in there.values()]
    left_there = [lines for lines in there.values() if lines not in here.values()]
    yield from zip(left_here, left_there, strict=False)


def _by_connection(lines: Lines) -> dict[int, Lines]:
    key = operator.attrgetter("connection")
    return {number: tuple(told) for number, told in itertools.groupby(sorted(lines, key=key), key)}


def diff(side: Side, reference: Lines, lines: Lines, causes: Iterable[Cause]) -> tuple[DiffLine, ...]:
    """What sets one log of a side apart from the reference, line by line, with the names of its causes."""
    names: dict[object, set[str]] = defaultdict(set)
    for cause in causes:
        for one in cause.differences:
            names[one.side, one.event, one.text, one.nth].add(cause.name)
    diff: list[DiffLine] = []
    parts: list[tuple[Literal[" ", "+", "-"], Lines]]
    for tag, a, b, c, d in difflib.SequenceMatcher(None, reference, lines, autojunk=False).get_opcodes():
        parts = [(" ", reference[a:b])] if tag == "equal" else [("-", reference[a:b]), ("+", lines[c:d])]
        for sign, part in parts:
            for line in part:
                own = names[side, line.event, line.text, line.nth] if sign != " " else ()
                diff.append(DiffLine(sign, line.text, tuple(sorted(own))))
    return tuple(diff)
