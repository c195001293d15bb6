"""Whether what a log tells can be true: each record by itself, against the command of its program, its sums, and the
other side. What cannot be is said in words; a log is read once, however long it is.
"""

import functools
import hashlib
import itertools
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from common.logs import EVENTS, escape, show_cut
from comparison.model import MIB, OTHER, SIDES, Event, Payload, Run, Scenario, Side, stretch
from comparison.transcript import TEXTS, ending, is_connection, joined, told_speaker
from comparison.vocabulary import BYTES, ENDINGS, KINDS, OPENINGS, kind

Block = Sequence[Event]

REPEATING = ("starting", "connecting", "failed", "cannot_serve", "idle", "refused")  # a part of the command
TOTALS = {"received_bytes": ("received",), "sent_bytes": ("sent", "sending")}
ADDRESSES, DIGESTS = ("local", "peer"), ("received_digest", "sent_digest")


# --- Each record by itself ---
def wrong_records(events: Block, command: Sequence[str]) -> Iterator[str]:
    """Of single records their time, level and speaker, and what their text repeats of the command."""
    asked, last_ns = _asked(command), 0
    for event in events:
        before_ns, last_ns = last_ns, last_ns if event.t_ns is None else event.t_ns
        if last_ns < before_ns:
            yield f"{event.message!r} has a time (t_ns) before that of the line before it"
        if event.name not in EVENTS:
            continue
        level = logging.getLevelName(EVENTS[event.name].level).lower()
        if event.level or event.fields or event.t_ns is not None:  # it is a record
            if event.level != level:
                yield f"{event.message!r} has the level {event.level or 'none'}, and should have {level}"
            if event.t_ns is None:
                yield f"{event.message!r} has no time (t_ns)"
        if event.name in KINDS and is_connection(event.speaker) == KINDS[event.name].of_program:
            yield f"{event.message!r} is told by {event.speaker!r}"
        text = TEXTS[event.name].fullmatch(event.message)
        if text is None:
            yield f"{event.message!r} is told as {event.name!r}"
        elif event.name in REPEATING:
            told = text.groupdict()
            if any(not re.fullmatch(pattern, told[name]) for name, pattern in asked.items() if name in told):
                yield f"{event.message!r} is not what it was told"


def _asked(command: Sequence[str]) -> Mapping[str, str]:
    """What the texts of a program with the options of the contract repeat of them, as patterns."""
    given = dict(itertools.pairwise(command))
    numbers = {"limit_s": "--idle-timeout", "limit": "--max-connections"}
    asked = {name: f"{float(given[option]):g}" for name, option in numbers.items() if option in given}
    if "--unix" in given:
        asked["address"] = re.escape(escape(given["--unix"]))
    elif "--port" in given:
        port = given["--port"] if given["--port"] != "0" else r"\d+"
        asked["address"] = re.escape(given.get("--host", "localhost")) + f" port {port}"
    return asked


def address(events: Block) -> str:
    """Where a server says that it listens, or a client what it connects to; empty where it does not say."""
    told = (TEXTS[one.name].fullmatch(one.message) for one in events if one.name in ("starting", "connecting"))
    return text["address"] if (text := next(told, None)) is not None else ""


# --- In their order ---
def wrong_life(events: Block, *, stopped_last: bool) -> Iterator[str]:
    """The life of a program. With `stopped_last` it was stopped when all connections had been made."""
    told = [event for event in events if event.name in EVENTS]
    own = [event for event in told if not is_connection(event.speaker)]
    # One that comes at that moment may still get in: uvloop accepts until its server closes.
    stopped_first = next((e.name for e in told if e.name in ("accepted", "closing_server")), "") == "closing_server"
    openings = ("accepted",) if stopped_last or stopped_first else ()
    yield from _too_often(own)
    yield from _out_of_order([event for event in told if event.name in openings or kind(event.name).of_program])
    if any(event.name == "closing_loop" for event in own) and told[-1].name != "closing_loop":
        yield f"{told[-1].message!r} comes after the end of the program"


def wrong_story(block: Block) -> Iterator[str]:
    if block[0].name not in OPENINGS:
        yield f"its first line is {block[0].plain!r}"
    yield from _out_of_order(block)
    yield from _too_often(block)


def _too_often(lines: Block) -> Iterator[str]:
    for name, times in Counter(event.name for event in lines).items():
        if times > 1 and (kind(name).once or kind(name).opens or kind(name).ends):
            yield f"tells {next(event.message for event in lines if event.name == name)!r} {times} times"


def _out_of_order(lines: Block) -> Iterator[str]:
    seen: dict[str, Event] = {}
    for event in lines:
        for name, before in seen.items():
            if event.name != name and event.name in (kind(name).forbids or EVENTS):
                yield f"{event.message!r} comes after {before.message!r}"
        if event.name in ENDINGS or kind(event.name).forbids:
            seen.setdefault(event.name, event)


# --- Against their sums ---
def wrong_account(block: Block, side: Side, place: str) -> Iterator[str]:
    """What a connection says at its end: totals, addresses (`place` is where its server listens), what came back."""
    end, counted = ending(block) or block[-1], {name: joined(block, name).length for name in BYTES}
    for total, names in TOTALS.items():
        lines = sum(counted[name] for name in names)
        if not _is(told := end.fields.get(total, lines), lines):
            yield f"{total} is {told} at the end, and {lines} in its lines"
    if end.level and end.name in ENDINGS:
        # A client may not have been connected; where no bytes are logged, no digest is kept.
        moved = any(counted.values())
        due = [*TOTALS, *(ADDRESSES if side == "server" or moved else ()), *(DIGESTS if moved else ())]
        yield from (f"{end.message!r} has no {name}" for name in due if name not in end.fields)
    for event in block:
        yield from _wrong_addresses(event, side, place)
    text = TEXTS["failed"].fullmatch(end.message)
    if text is not None:
        returned, received = int(text["returned"]), counted["received"]
        checked = re.match(r"altered at|extra bytes from", text["reason"]) is None
        if returned > received or (checked and returned != received):
            yield f"{end.message!r}, and {received} in its lines"


def _wrong_addresses(end: Event, side: Side, place: str) -> Iterator[str]:
    """A server is where it says that it listens, and calls a connection by its peer; a client is where it connects to.
    None is what a loop was asked for too late: of one that was lost, or whose peer is not known."""
    for name in [name for name in ADDRESSES if name in end.fields]:
        told, port = end.fields[name], re.search(r" port (\d+)$", place)
        match told:
            case None:
                right = end.name != "closing" or "unknown" in end.speaker
            case [str(), int(number)] if port is not None and (name == "local") == (side == "server"):
                right = number == int(port[1])
            case [str(host), int(number)] if port is not None:
                right = side == "client" or end.speaker == f"echo_{host}_{number}"
            case str():
                right = port is None and told in ("", place)
            case _:
                right = False
        if not right:
            yield f"{end.message!r} of {end.speaker} says that its {name} address is {told!r}"


def wrong_bytes(scenario: Scenario, side: Side, block: Block) -> Iterator[str]:
    """Where each chunk lies, how long it is, what it holds, and the digests of all; and what cannot be of an echo."""
    sums = dict.fromkeys(BYTES, 0)
    whole = {name: joined(block, name) for name in BYTES}
    known = {name: _known(scenario.pattern, payload) for name, payload in whole.items()}
    if side == "client" and scenario.script is not None:  # our server may well send back something else
        known["received"] = _known(b"", whole["received"])
    for event in block:
        if event.payload is None:
            continue
        offset, shown, length = sums[event.name], event.payload.shown, event.payload.length
        sums[event.name] += length
        for field, value in {"offset": offset, "length": length}.items():
            if event.level and not _is(told := event.fields.get(field), value):
                yield f"{event.message!r} says {field} {told!r}, and it is {value}"
        pattern = known.get(event.name)
        if length < len(shown) or (pattern is not None and shown != stretch(pattern, offset, len(shown))):
            yield f"{event.message!r} is not what comes at byte {offset}"
        if event.name == "sent" and sums["sent"] > sums["received"]:
            yield f"{event.message!r} before it was received"
    end = ending(block) or block[-1]
    for field, names in zip(DIGESTS, TOTALS.values(), strict=True):
        name = max(names, key=lambda name: sums[name])
        pattern = known[name]
        right = digest(pattern, sums[name]) if pattern is not None else r"[0-9a-f]{32}"
        if field in end.fields and not re.fullmatch(right, str(end.fields[field])):
            yield f"{field} is not that of the {sums[name]} bytes in its lines"
    same_length = side == "server" and sums["received"] == sums["sent"]
    same_digest = end.fields.get(DIGESTS[0]) == end.fields.get(DIGESTS[1])
    if not whole["received"].shown.startswith(whole["sent"].shown) or (same_length and not same_digest):
        yield "what was sent is not what was received"


def _is(told: object, number: int) -> bool:
    """Whether a field holds this number: `true` is none, and neither is "46"."""
    return type(told) is int and told == number


def _known(pattern: bytes, payload: Payload) -> bytes | None:
    """What bytes repeat, by how they begin: the pattern from any place on, or all that is shown; None for others."""
    if payload.length == len(payload.shown):
        return payload.shown
    shift = (pattern * 2).find(payload.shown[: len(pattern)])
    return pattern[shift:] + pattern[:shift] if pattern and shift >= 0 else None


@functools.lru_cache
def digest(pattern: bytes, length: int) -> str:
    """The digest, as records hold it, of so many bytes of a pattern over and over."""
    hashed = hashlib.blake2b(digest_size=16)
    piece = pattern * (MIB // max(1, len(pattern)) + 1)
    for left in range(length, 0, -max(1, len(piece))):
        hashed.update(piece[:left])
    return hashed.hexdigest()


# --- Against the other side ---
def wrong_ends(run: Run, blocks: Mapping[Side, Sequence[Block]]) -> Iterator[str]:
    met, strangers = _met(run, blocks)
    if all(strangers):
        yield f"server and client tell of other addresses: {strangers[0][0]}, {strangers[1][0]}"
    both_tell = not run.silent and not any(map(run.is_raw, SIDES))
    for server, client in met if _direct(run) else ():
        here, there = _field(server, "local"), _field(client, "peer")
        if None not in (here, there) and here != there:
            yield f"the server says that it is at {here!r}, and its client at {there!r}"
        times = [event.t_ns for event in (client[0], server[0], client[-1]) if event.t_ns is not None]
        if both_tell and client[-1].name == "closing" and times != sorted(times):
            yield "the server's times (t_ns) are not those of its client: both have to be of the monotonic clock"


def wrong_echo(run: Run, blocks: Mapping[Side, Sequence[Block]]) -> Iterator[str]:
    """Bytes that the other side has not sent, or has not got though it read to a clean end."""
    raw, over_tls = run.is_raw("server"), "--tls-ca" in run.client.command
    for server, client in _met(run, blocks)[0]:
        of_server, of_client = ((ending(block) or block[-1]).name for block in (server, client))
        # One that was cut or lost need not have told of all that it has sent, and not all of that has come.
        told = raw or of_server == "closing"
        # Over TLS a client closes by itself, when it has all: what our own server sends then comes to nobody.
        came = told and of_client == ("closing" if raw and not over_tls else "saw_eof")
        up = raw and (of_server, of_client) == ("saw_eof", "closing")
        yield from _compared("client", client, "sending", server, told=True, came=up)
        yield from _compared("server", server, "sending" if raw else "sent", client, told=told, came=came)


def _compared(who: Side, sender: Block, sending: str, receiver: Block, *, told: bool, came: bool) -> Iterator[str]:
    """`told` says that the sender tells of all that it sends, `came` that all of it has come."""
    whom, sent, got = OTHER[who], joined(sender, sending), joined(receiver, "received")
    here, there = _field(sender, "sent_digest"), _field(receiver, "received_digest")
    if told and got.length > sent.length:
        yield f"{whom} received {got.length} bytes, and the {who} tells of {sent.length}"
    elif came and got.length < sent.length:
        yield f"{who} tells of {sent.length} bytes, and only {got.length} came to the {whom}"
    elif sent.shown[: len(got.shown)] != got.shown[: len(sent.shown)]:
        yield f"{whom} received other bytes than the {who} tells of: {show_cut(got.shown, got.length)}"
    elif got.length == sent.length and None not in (here, there) and here != there:
        yield f"{whom} and {who} tell of other digests of {got.length} bytes"


def _met(run: Run, blocks: Mapping[Side, Sequence[Block]]) -> tuple[list[tuple[Block, Block]], tuple[list[str], ...]]:
    """The two ends of each connection, and the names of servers' and clients' that have no other end. Where no address
    is told, as over Unix sockets, our own peers are accepted in the order in which they connect."""
    met: list[tuple[Block, Block]] = []
    strangers: list[str] = []
    servers: dict[str, list[Block]] = defaultdict(list)
    for block in blocks["server"]:
        servers[told_speaker(block, "peer") if run.is_raw("server") else block[0].speaker].append(block)
    for block in blocks["client"]:
        name = told_speaker(block) if _direct(run) else ""
        if servers[name]:
            met.append((servers[name].pop(0), block))
        elif name:
            strangers.append(name)
    in_order = any(map(run.is_raw, SIDES)) or len(blocks["client"]) == 1
    if not met and not strangers and in_order and len(blocks["server"]) == len(blocks["client"]):
        met = list(zip(blocks["server"], blocks["client"], strict=True))
    left = [name for name, some in servers.items() if some and not re.match(r"echo_(unix|unknown)_|$", name)]
    return met, (left, strangers)


def _direct(run: Run) -> bool:
    """Whether both sides tell of the same socket addresses; else a relay is between them."""
    options = run.pairing.server.takes_options and run.pairing.client.takes_options
    return options or any(map(run.is_raw, SIDES)) or "client" in run.silent


def _field(block: Block, name: str) -> object:
    return next((event.fields[name] for event in block if name in event.fields), None)
