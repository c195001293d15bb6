"""What must hold for every endpoint, judged from the evidence of one run."""

import itertools
import re
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence

from common.logs import escape, show_cut
from comparison.errors import first_error, last_words
from comparison.judge import records
from comparison.model import MIB, SIDES, Event, Part, Run, Scenario, Side, stretch
from comparison.transcript import connections, ending, joined
from comparison.vocabulary import AFTER, BYSTANDER, ENDINGS, SENT_EOF, WAS_RESET

MOST_CHARACTERS = 200  # of a line that is shown in a reason
USAGE = 2  # exit code of an endpoint that did not understand its command line: it has done nothing
USUAL_ENDS = ("closing", "saw_eof", "did_close")
DIRECTIONS: tuple[tuple[Side, str], ...] = (
    ("client", "sending"),
    ("server", "received"),
    ("server", "sent"),
    ("client", "received"),
)
# How an error tells that the other side is gone.
LOST = re.compile(r"ConnectionResetError|BrokenPipeError|connection reset|broken pipe", re.IGNORECASE)

Blocks = Mapping[Side, Sequence[Sequence[Event]]]


def faults(scenario: Scenario, run: Run) -> dict[Part, str]:
    """For each verdict the first thing that must hold and does not, in words, causes first; empty as a rule."""
    blocks = {side: connections(run.log(side).events) for side in SIDES}
    absent, troubles = (list(_troubles(scenario, run, absent=absent)) for absent in (True, False))
    # A client that is killed at its deadline resets its connections, and the server may well say so.
    killed = run.client.fate == "hung"
    crashes = [text for text in _crashes(scenario, run, "server") if not (killed and LOST.search(text))]
    crashes += _crashes(scenario, run, "client")
    if absent or troubles:
        first, *_ = (*absent, *crashes, *troubles)
        return {"ending": first, "echo": first}  # nobody knows what would have been echoed
    echo = next(_echo_faults(scenario, run, blocks), "")
    ending = crashes[0] if crashes else next(_ending_faults(scenario, run, blocks), "")
    found: dict[Part, str] = {"ending": ending, "echo": echo} if crashes else {"echo": echo, "ending": ending}
    return {part: text for part, text in found.items() if text}


def _ending_faults(scenario: Scenario, run: Run, blocks: Blocks) -> Iterator[str]:
    for side in SIDES:
        yield from _process_faults(scenario, run, side)
    for side in reversed(SIDES):  # a client that never connected is not the server's fault
        yield from _connection_faults(scenario, run, blocks, side)
    yield from records.wrong_ends(run, blocks)
    yield from _wire_ends(scenario, run)


def _crashes(scenario: Scenario, run: Run, side: Side) -> Iterator[str]:
    """Errors that a program shows, whatever its exit code, and the signal that has ended it."""
    for in_field, events in itertools.groupby(run.log(side).events, lambda event: "traceback" in event.fields):
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
    """What kept the run from its end. Of those that were there our own peer tells best what another failed to do."""
    if not absent and run.is_raw("server") and run.server.trouble is not None and run.client.exit_code:
        yield from _wrong_exit(scenario, run, "client")
    for side in sorted(SIDES, key=lambda side: not run.is_raw(side)):
        log = run.log(side)
        if log.trouble is not None and (log.fate == "absent") == absent:
            code = f" with exit code {log.exit_code}" if log.exit_code is not None else ""
            yield log.trouble if run.is_raw(side) else f"{side} {log.trouble}{_words(log.lines) or code}"


def _process_faults(scenario: Scenario, run: Run, side: Side) -> Iterator[str]:
    expects, peak_mib = scenario.expects, (run.log(side).peak_bytes or 0) / MIB
    yield from _wrong_exit(scenario, run, side)
    for event in run.log(side).events:
        if event.level not in ("", "debug", "info") and event.name not in expects.warnings:
            yield f"{side} complains: {event.plain}"
    if expects.memory_mib is not None and peak_mib > expects.memory_mib:
        yield f"{side} took {peak_mib:.0f} MiB of memory, more than {expects.memory_mib} MiB"


def _wrong_exit(scenario: Scenario, run: Run, side: Side) -> Iterator[str]:
    log = run.log(side)
    if log.command and log.trouble is None and log.exit_code not in allowed_exits(scenario, run, side):
        expected = scenario.expects.exit_code(side)
        said = next((f": {event.message}" for event in run.log(side).events if event.message.startswith("ERROR")), "")
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
    if side in run.silent:
        return
    expects = scenario.expects
    wanted = _wanted_connections(scenario, blocks, side)
    if len(blocks[side]) > wanted or (len(blocks[side]) < wanted and expects.all_accepted):
        yield f"{side} tells of {len(blocks[side])} connections instead of {wanted}"
    allowed = expects.endings(side)
    for block in blocks[side]:
        if not run.is_raw(side):
            yield from (f"{side} log: {wrong}" for wrong in records.wrong_story(block))
        # The well-behaved client that comes last ends as those of the first of all scenarios.
        usual = block is blocks[side][-1] and block[-1].name in USUAL_ENDS and _comes_after(blocks)
        ended = ending(block)
        if ended is None and allowed:
            yield f"{side} log: the connection of {block[0].speaker} has no end"
        elif ended is not None and ended.name not in allowed and not usual:
            instead = f" instead of {' or '.join(map(repr, allowed))}" if allowed else ""
            yield f"{side} connection ended with {ended.message!r}{instead}"
    if not run.is_raw(side):
        yield from (f"{side} log: {wrong}" for wrong in _lies(run, blocks, side))
        missing = set(expects.told) - {event.name for event in run.log(side).events}
        yield from (f"{side} does not tell of {name!r}" for name in expects.told if name in missing)


def _lies(run: Run, blocks: Blocks, side: Side) -> Iterator[str]:
    events = run.log(side).events
    command = run.log(side).command if run.pairing.end(side).takes_options else ()
    # Between real endpoints, and where the client that comes last was there, nobody was left to come.
    alone = not run.is_raw("client") or _comes_after(blocks)
    yield from records.wrong_records(events, command)
    yield from records.wrong_life(events, stopped_last=alone)
    listens = records.address(events)
    for block in blocks[side]:
        yield from records.wrong_account(block, side, listens if side == "server" else records.address(block))


def _wanted_connections(scenario: Scenario, blocks: Blocks, side: Side) -> int:
    if scenario.script is None:
        return scenario.connections
    if side not in scenario.on_trial:
        return len(blocks[side])
    if side == "client":
        return 0 if scenario.expects.client_exit == USAGE else 1
    wanted = scenario.expects.server_connections
    return len(blocks["client"]) if wanted is None else wanted + _comes_after(blocks)


def _comes_after(blocks: Blocks) -> bool:
    return any(block[0].speaker == AFTER for block in blocks["client"])


def _echo_faults(scenario: Scenario, run: Run, blocks: Blocks) -> Iterator[str]:
    if scenario.script is None:
        yield from _lost_bytes(scenario, blocks)
    elif "server" in scenario.on_trial:
        yield from _peer_faults(scenario, blocks)
    for side in SIDES:
        if not run.is_raw(side) and side not in run.silent:
            for block in blocks[side]:
                yield from (f"{side} log: {wrong}" for wrong in records.wrong_bytes(scenario, side, block))
    yield from records.wrong_echo(run, blocks)
    yield from _digest_faults(scenario, run)


def _peer_faults(scenario: Scenario, blocks: Blocks) -> Iterator[str]:
    """What the engine's own clients got back for what they sent."""
    # How much the server had read from whom it cut: what it held for a peer that was stuck is in it, too.
    cut = [block for block in blocks["server"] if any(event.name in ("idle", "cut") for event in block)]
    held = sum(joined(block, "received").length for block in cut)
    for block in blocks["client"]:
        sent, came_back = (joined(block, name).length for name in ("sending", "received"))
        expected = "whole" if block[0].speaker in (AFTER, BYSTANDER) else scenario.expects.echo
        yield from (event.plain for event in block if event.name == "altered")
        if expected == "whole" and came_back != sent:
            yield f"{block[0].speaker} got {came_back} of {sent} bytes back"
        if expected == "cut" and came_back >= held:
            yield f"{block[0].speaker} got all {held} bytes that the server had read: an abort must drop what it holds"
        if expected == "nothing" and came_back:
            yield f"{block[0].speaker} got {came_back} bytes, and should have got none"


def _lost_bytes(scenario: Scenario, blocks: Blocks) -> Iterator[str]:
    for side, name in DIRECTIONS:
        for block in blocks[side]:
            payload = joined(block, name)
            if scenario.expects.echo == "part" and payload.length > scenario.length:
                yield f"{side} {name} {payload.length} bytes, more than {scenario.length}"
            elif scenario.expects.echo == "whole" and payload.length != scenario.length:
                yield f"{side} {name} {payload.length} bytes instead of {scenario.length}"
            elif payload.shown != stretch(scenario.pattern, 0, len(payload.shown)):
                yield f"{side} {name} other bytes than the scenario's: {show_cut(payload.shown, payload.length)}"


def _wire_ends(scenario: Scenario, run: Run) -> Iterator[str]:
    blocks = connections(run.wire)
    if blocks and len(blocks) != scenario.connections:
        yield f"{len(blocks)} connections were seen on the wire instead of {scenario.connections}"
    for side in SIDES:
        if "closing" in scenario.expects.endings(side):
            ends = (block[-1].fields["ends"][side] for block in blocks)  # type: ignore[index]
            yield from (f"on the wire, the {side} {end}" for end in ends if end not in (SENT_EOF, WAS_RESET))


def _digest_faults(scenario: Scenario, run: Run) -> Iterator[str]:
    """Where all came back, the wire and whoever keeps a digest has that of what was to be sent."""
    if scenario.script is None and scenario.expects.echo == "whole":
        ends = [one.fields for one in (*run.server.events, *run.client.events, *run.wire) if one.name in ENDINGS]
        told = {str(fields[name]) for fields in ends for name in records.DIGESTS if name in fields}
        for other in sorted(told - {records.digest(scenario.pattern, scenario.length)}):
            yield f"other bytes passed than the scenario's {scenario.length}: their digest is {other}"


def _words(lines: Sequence[str]) -> str:
    words = escape(first_error(lines) or last_words(lines)).strip()
    shown = words if len(words) <= MOST_CHARACTERS else f"{words[:MOST_CHARACTERS]}..."
    return f": {shown}" if words else ""
