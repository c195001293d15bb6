"""Events -> what is compared: everything that an endpoint decides, nothing that TCP, the kernel or the clock decides.

Ports are replaced. Each connection becomes three sequences: bytes in, bytes out, control events; chunks are joined
within each. They are laid out in the order of the vocabulary, since how they interleave is a matter of timing.
"""

import dataclasses
import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from common.logs import show_cut
from comparison.model import Event, ProjectedLine
from comparison.transcript import NOTHING, connections, is_connection, joined
from comparison.vocabulary import BYTES, ENDINGS, RANK

MOST_LINES = 500
"""Lines of each part of a projection that stand for themselves: nobody reads more."""


def project(events: Sequence[Event], by_timing: Sequence[str] = ()) -> tuple[ProjectedLine, ...]:
    """The lines of one side of one run, in the order in which the story is told. Of an event in `by_timing` nothing is
    kept; of an ending, that there was one."""
    events = list(_settled(events, by_timing))
    program = [event for event in events if not is_connection(event.speaker)]
    before = list(itertools.takewhile(lambda event: RANK.get(event.name, 0) <= RANK["closing"], program))
    blocks = Counter(_project_connection(block) for block in connections(events))
    told = (_told_once(block, blocks[block]) for block in sorted(blocks))
    return (
        *_folded(_numbered(map(_line, before))),
        *_folded(
            ProjectedLine(line.event, line.text, line.nth, n) for n, block in enumerate(told, 1) for line in block
        ),
        *_folded(_numbered(map(_line, program[len(before) :]))),
    )


def _settled(events: Iterable[Event], by_timing: Sequence[str]) -> Iterator[Event]:
    for event in events:
        if event.name not in by_timing:
            yield event
        elif event.name in ENDINGS:
            yield dataclasses.replace(event, name="ended", message="(the connection ends)")


def _told_once(block: tuple[ProjectedLine, ...], times: int) -> tuple[ProjectedLine, ...]:
    """A connection for all that are alike: which of many comes first is a matter of timing."""
    return block if times == 1 else (*block, ProjectedLine("alike", f"({times} connections like this one)"))


def _project_connection(block: Sequence[Event]) -> tuple[ProjectedLine, ...]:
    lines = [_line(event) for event in block if event.name not in BYTES]
    for name in BYTES:
        payload = joined(block, name)
        if payload is not NOTHING:
            place = next((n for n, line in enumerate(lines) if RANK.get(line.event, 0) > RANK[name]), len(lines))
            text = f"{_anonymous(block[0].speaker)}: {name} {show_cut(payload.shown, payload.length)}"
            lines.insert(place, ProjectedLine(name, text))
    return tuple(_folded(_numbered(lines)))


def _folded(lines: Iterable[ProjectedLine]) -> Iterator[ProjectedLine]:
    """The first lines, and one that stands for the others: as different as they are, and no longer for more of them."""
    lines = iter(lines)
    yield from itertools.islice(lines, MOST_LINES)
    digest, count = hashlib.blake2b(digest_size=16), 0
    for line in lines:
        digest.update(f"{line.text}\n".encode())
        count += 1
    if count:
        yield ProjectedLine("folded", f"({count} lines more, digest {digest.hexdigest()})")


def _numbered(lines: Iterable[ProjectedLine]) -> Iterator[ProjectedLine]:
    """Equal lines told apart by a number."""
    seen: Counter[ProjectedLine] = Counter()
    for line in lines:
        seen[line] += 1
        yield line if seen[line] == 1 else ProjectedLine(line.event, line.text, seen[line])


def _line(event: Event) -> ProjectedLine:
    return ProjectedLine(event.name, _anonymous(event.plain))


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
