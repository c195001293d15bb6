"""What must hold for every endpoint, judged from the evidence of one run."""

import itertools
import re
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence

from common.logs import escape, show_cut
from comparison.errors import first_error, last_words
from comparison.judge import records
from comparison.model import MIB, SIDES, Event, Fault, Part, Run, Scenario, Side, stretch
from comparison.transcript import connections, ending, joined
from comparison.vocabulary import AFTER, BYSTANDER, ENDINGS, SENT_EOF, WAS_RESET

MOST_CHARACTERS = 200
"""What is shown of a line in a reason."""

USAGE = 2
"""Exit code of an endpoint that did not understand its command line: it has done nothing."""

MILD = ("", "debug", "info")
LOST = re.compile(r"ConnectionResetError|BrokenPipeError|connection reset|broken pipe", re.IGNORECASE)
"""How an error tells that the other side is gone."""

Blocks = Mapping[Side, Sequence[Sequence[Event]]]


def faults(scenario: Scenario, run: Run) -> tuple[Fault, ...]:
    """What must hold and does not, in words; empty as a rule. At most one for each verdict: the first is the cause of
    the others."""
    found: dict[Part, Fault] = {}
    for fault in _all_faults(scenario, run):
        found.setdefault(fault.part, fault)
    return tuple(found.values())


def _all_faults(scenario: Scenario, run: Run) -> Iterator[Fault]:
    """What may have caused the others comes first."""
    blocks = {side: connections(run.events(side)) for side in SIDES}
    absent, troubles = (list(_troubles(scenario, run, absent=absent)) for absent in (True, False))
    of_server, of_client = (list(_crashes(scenario, run, side)) for side in SIDES)
    # A client that is killed at its deadline resets its connections, and the server may well say so.
    later = [crash for crash in of_server if run.client.fate == "hung" and LOST.search(crash)]
    crashes = [*of_server, *of_client]
    first = [crash for crash in crashes if crash not in later]
    troubles = [*absent, *first, *troubles, *later] if absent or troubles else []
    for text in troubles or crashes:
        yield Fault("ending", text)
        if troubles:
            yield Fault("echo", text)  # nobody knows what would have been echoed
    if not troubles:
        yield from (Fault("echo", text) for text in _echo_faults(scenario, run, blocks))
    for side in SIDES:
        yield from (Fault("ending", text) for text in _process_faults(scenario, run, side))
    if not troubles:
        for side in reversed(SIDES):  # a client that never connected is not the server's fault
            yield from (Fault("ending", text) for text in _connection_faults(scenario, run, blocks, side))
        yield from (Fault("ending", text) for text in records.wrong_ends(run, blocks))
        yield from (Fault("ending", text) for text in _wire_ends(scenario, run))


def _crashes(scenario: Scenario, run: Run, side: Side) -> Iterator[str]:
    """Errors that a program shows, whatever its exit code, and the signal that has ended it."""
    for in_field, events in itertools.groupby(run.events(side), lambda event: "traceback" in event.fields):
        if in_field:
            lines = str(next(events).fields["traceback"]).splitlines()
            yield f"{side} shows a traceback{_words(lines)}"
        elif first_error(printed := [event.message if event.name == "unreadable" else "" for event in events]):
            yield f"{side} prints a traceback{_words(printed)}"
    if side in run.silent and first_error(run.log(side).lines):
        yield f"{side} prints a traceback{_words(run.log(side).lines)}"
    if (run.log(side).exit_code or 0) < 0 or (side == "server" and not run.is_raw("client")):
        yield from _wrong_exit(scenario, run, side)


def _troubles(scenario: Scenario, run: Run, *, absent: bool) -> Iterator[str]:
    """What kept the run from its end: of endpoints that were not even there, or else of the rest. Of these our own peer
    tells best what an endpoint has failed to do."""
    if not absent and run.is_raw("server") and run.server.trouble is not None and run.client.exit_code:
        yield from _wrong_exit(scenario, run, "client")
    for side in sorted(SIDES, key=lambda side: not run.is_raw(side)):
        log = run.log(side)
        if log.trouble is not None and (log.fate == "absent") == absent:
            code = f" with exit code {log.exit_code}" if log.exit_code is not None else ""
            yield log.trouble if run.is_raw(side) else f"{side} {log.trouble}{_words(log.lines) or code}"


def _process_faults(scenario: Scenario, run: Run, side: Side) -> Iterator[str]:
    """What its process did: exit code, warnings, memory."""
    expects, log, events = scenario.expects, run.log(side), run.events(side)
    yield from _wrong_exit(scenario, run, side)
    for event in events:
        if event.level not in MILD and event.name not in expects.warnings:
            yield f"{side} complains: {event.plain}"
    if expects.memory_mib is not None and (log.peak_bytes or 0) > expects.memory_mib * MIB:
        yield f"{side} took {(log.peak_bytes or 0) / MIB:.0f} MiB of memory, more than {expects.memory_mib} MiB"


def _wrong_exit(scenario: Scenario, run: Run, side: Side) -> Iterator[str]:
    log = run.log(side)
    if log.command and log.trouble is None and log.exit_code not in allowed_exits(scenario, run, side):
        expected = scenario.expects.exit_code(side)
        said = next((f": {event.message}" for event in run.events(side) if event.message.startswith("ERROR")), "")
        instead = f" instead of {expected}" if expected else ""
        yield f"{side} exited with {log.exit_code}{instead}{said or _words(log.lines)}"


def allowed_exits(scenario: Scenario, run: Run, side: Side) -> Collection[int | None]:
    """The exit codes that may be. A program that knows nothing of the contract may die of the SIGTERM that stops a
    server, and its client need not check what comes back."""
    expected = scenario.expects.exit_code(side)
    if run.pairing.end(side).takes_options:
        return (expected,)
    if side == "server":
        return (expected, -signal.SIGTERM, 128 + signal.SIGTERM)
    return (expected,) if expected == 0 else range(-64, 256)


def _connection_faults(scenario: Scenario, run: Run, blocks: Blocks, side: Side) -> Iterator[str]:
    """What its log tells of connections: how many, in an order that can be, each with an ending that may be."""
    if side in run.silent:
        return
    expects = scenario.expects
    wanted = _wanted_connections(scenario, blocks, side)
    if len(blocks[side]) > wanted or (len(blocks[side]) < wanted and expects.all_accepted):
        yield f"{side} tells of {len(blocks[side])} connections instead of {wanted}"
    for block in blocks[side]:
        if not run.is_raw(side):
            yield from (f"{side} log: {wrong}" for wrong in records.wrong_story(block))
        ended, allowed = ending(block), expects.endings(side)
        if ended is None:
            if allowed:
                yield f"{side} log: the connection of {block[0].speaker} has no end"
        elif ended.name not in allowed and not _is_after(block, blocks, side):
            instead = f" instead of {' or '.join(map(repr, allowed))}" if allowed else ""
            yield f"{side} connection ended with {ended.message!r}{instead}"
    if not run.is_raw(side):
        yield from (f"{side} log: {wrong}" for wrong in _lies(run, blocks, side))
        for name in expects.told:
            if all(event.name != name for event in run.events(side)):
                yield f"{side} does not tell of {name!r}"


def _lies(run: Run, blocks: Blocks, side: Side) -> Iterator[str]:
    """What a log tells besides bytes and cannot be."""
    events = run.events(side)
    command = run.log(side).command if run.pairing.end(side).takes_options else ()
    # Between real endpoints, and where the client that comes last was there, nobody was left to come.
    alone = not run.is_raw("client") or any(block[0].speaker == AFTER for block in blocks["client"])
    yield from records.wrong_records(events, command)
    yield from records.wrong_life(events, stopped_last=alone)
    listens = records.address(events)
    for block in blocks[side]:
        yield from records.wrong_account(block, side, listens if side == "server" else records.address(block))


def _wanted_connections(scenario: Scenario, blocks: Blocks, side: Side) -> int:
    """How many connections a side should tell of."""
    if scenario.script is None:
        return scenario.connections
    if side not in scenario.on_trial:
        return len(blocks[side])
    if side == "client":
        return 0 if scenario.expects.client_exit == USAGE else 1
    after = sum(block[0].speaker == AFTER for block in blocks["client"])
    if scenario.expects.server_connections is not None:
        return scenario.expects.server_connections + after
    return len(blocks["client"])


def _is_after(block: Sequence[Event], blocks: Blocks, side: Side) -> bool:
    """Whether this is the connection of the well-behaved client that comes last: it ends as the first of all
    scenarios."""
    if block is not blocks[side][-1] or block[-1].name not in ("closing", "saw_eof", "did_close"):
        return False
    return any(other[0].speaker == AFTER for other in blocks["client"])


def _echo_faults(scenario: Scenario, run: Run, blocks: Blocks) -> Iterator[str]:
    if scenario.script is not None:
        yield from _peer_faults(scenario, blocks)
    else:
        yield from _lost_bytes(scenario, blocks)
    for side in SIDES:
        if not run.is_raw(side) and side not in run.silent:
            for block in blocks[side]:
                yield from (f"{side} log: {wrong}" for wrong in records.wrong_bytes(scenario, side, block))
    yield from records.wrong_echo(run, blocks)
    yield from _digest_faults(scenario, run)


def _peer_faults(scenario: Scenario, blocks: Blocks) -> Iterator[str]:
    """What the engine's own clients got back for what they sent."""
    if "server" not in scenario.on_trial:
        return
    for block in blocks["client"]:
        sent, came_back = (joined(block, name).length for name in ("sending", "received"))
        expected = "whole" if block[0].speaker in (AFTER, BYSTANDER) else scenario.expects.echo
        altered = next((event for event in block if event.name == "altered"), None)
        if altered is not None:
            yield f"{altered.plain}"
        if expected == "whole" and came_back != sent:
            yield f"{block[0].speaker} got {came_back} of {sent} bytes back"
        if expected == "cut" and came_back >= (held := _cut_off(blocks)):
            yield f"{block[0].speaker} got all {held} bytes that the server had read: an abort must drop what it holds"
        if expected == "nothing" and came_back:
            yield f"{block[0].speaker} got {came_back} bytes, and should have got none"


def _cut_off(blocks: Blocks) -> int:
    """How much the server had read from whom it cut: what it held for a peer that was stuck is in it, too."""
    cut = [block for block in blocks["server"] if any(event.name in ("idle", "cut") for event in block)]
    return sum(joined(block, "received").length for block in cut)


def _lost_bytes(scenario: Scenario, blocks: Blocks) -> Iterator[str]:
    directions: tuple[tuple[Side, str], ...] = (
        ("client", "sending"),
        ("server", "received"),
        ("server", "sent"),
        ("client", "received"),
    )
    for side, name in directions:
        for block in blocks[side]:
            payload = joined(block, name)
            if scenario.expects.echo == "part" and payload.length > scenario.length:
                yield f"{side} {name} {payload.length} bytes, more than {scenario.length}"
            elif scenario.expects.echo == "whole" and payload.length != scenario.length:
                yield f"{side} {name} {payload.length} bytes instead of {scenario.length}"
            elif payload.shown != stretch(scenario.pattern, 0, len(payload.shown)):
                yield f"{side} {name} other bytes than the scenario's: {show_cut(payload.shown, payload.length)}"


def _wire_ends(scenario: Scenario, run: Run) -> Iterator[str]:
    """How each side has ended its connections, where somebody watched them."""
    blocks = connections(run.wire)
    if blocks and len(blocks) != scenario.connections:
        yield f"{len(blocks)} connections were seen on the wire instead of {scenario.connections}"
    for side in SIDES:
        if "closing" in scenario.expects.endings(side):
            ends = (block[-1].fields["ends"][side] for block in blocks)  # type: ignore[index]
            yield from (f"on the wire, the {side} {end}" for end in ends if end not in (SENT_EOF, WAS_RESET))


def _digest_faults(scenario: Scenario, run: Run) -> Iterator[str]:
    """Where all came back, the wire and whoever keeps a digest has that of what was to be sent."""
    if scenario.script is not None or scenario.expects.echo != "whole":
        return
    told = {
        str(event.fields[direction])
        for event in (*run.server_events, *run.client_events, *run.wire)
        if event.name in ENDINGS
        for direction in ("received_digest", "sent_digest")
        if direction in event.fields
    }
    for other in sorted(told - {records.digest(scenario.pattern, scenario.length)}):
        yield f"other bytes passed than the scenario's {scenario.length}: their digest is {other}"


def _words(lines: Sequence[str]) -> str:
    """The error of a program, or else the last that it said, in plain words."""
    words = escape(first_error(lines) or last_words(lines)).strip()
    shown = words if len(words) <= MOST_CHARACTERS else f"{words[:MOST_CHARACTERS]}..."
    return f": {shown}" if words else ""
