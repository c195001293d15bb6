"""What must hold for every endpoint, judged from the evidence of one run."""

import itertools
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence

from common.logs import escape, show_cut
from comparison.commands import MIB
from comparison.model import SIDES, Event, Fault, Part, Payload, Run, Scenario, Side
from comparison.peers import AFTER, BYSTANDER
from comparison.projection import ENDINGS, connections, joined, miscounted, not_an_echo, out_of_order

MOST_CHARACTERS = 200
"""What is shown of a line in a reason."""

USAGE = 2
"""Exit code of an endpoint that did not understand its command line: it has done nothing."""

MILD = ("", "debug", "info")

Blocks = Mapping[Side, Sequence[Sequence[Event]]]


def faults(scenario: Scenario, run: Run) -> tuple[Fault, ...]:
    """What must hold and does not, in words; empty as a rule. At most one for each verdict: the first is the cause of
    the others."""
    found: dict[Part, Fault] = {}
    for fault in _all_faults(scenario, run):
        found.setdefault(fault.part, fault)
    return tuple(found.values())


def _all_faults(scenario: Scenario, run: Run) -> Iterator[Fault]:
    blocks = {side: connections(run.events(side)) for side in SIDES}
    troubles = [(side, run.log(side)) for side in SIDES if run.log(side).trouble is not None]
    # The engine's own peer tells best what an endpoint has failed to do.
    for side, log in sorted(troubles, key=lambda item: not run.is_raw(item[0])):
        text = f"{log.trouble}" if run.is_raw(side) else f"{side} {log.trouble}{_last_words(log.lines)}"
        yield Fault("ending", text)
        yield Fault("echo", text)  # nobody knows what would have been echoed
    for side in SIDES:
        yield from (Fault("ending", text) for text in _process_faults(scenario, run, side))
    if troubles:
        return
    for side in reversed(SIDES):  # a client that never connected is not the server's fault
        yield from (Fault("ending", text) for text in _connection_faults(scenario, run, blocks, side))
    yield from (Fault("echo", text) for text in _echo_faults(scenario, blocks))
    for side in SIDES:
        if not run.is_raw(side):
            yield from (Fault("echo", f"{side} log: {wrong}") for block in blocks[side] for wrong in not_an_echo(block))


def _process_faults(scenario: Scenario, run: Run, side: Side) -> Iterator[str]:
    """What its process did: crash, exit code, warnings, memory."""
    expects, log, events = scenario.expects, run.log(side), run.events(side)
    for event in events:
        if "traceback" in event.fields:
            yield f"{side} shows a traceback: {escape(str(event.fields['traceback']).strip().splitlines()[-1])}"
        elif event.name == "unreadable" and event.message.startswith("Traceback (most recent call last)"):
            yield f"{side} prints a traceback{_last_words(log.lines)}"
    if log.command and log.trouble is None and log.exit_code not in allowed_exits(scenario, run, side):
        expected = expects.exit_code(side)
        said = next((f": {event.message}" for event in events if event.message.startswith("ERROR")), "")
        instead = f" instead of {expected}" if expected else ""
        yield f"{side} exited with {log.exit_code}{instead}{said or _last_words(log.lines)}"
    for event in events:
        if event.level not in MILD and event.name not in expects.warnings:
            yield f"{side} complains: {event.plain}"
    if expects.memory_mib is not None and (log.peak_bytes or 0) > expects.memory_mib * MIB:
        yield f"{side} took {(log.peak_bytes or 0) / MIB:.0f} MiB of memory, more than {expects.memory_mib} MiB"


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
    own = run.is_raw(side)
    for block in blocks[side]:
        if not own:
            yield from (f"{side} log: {wrong}" for wrong in out_of_order(block))
        allowed = expects.endings(side)
        if block[-1].name not in ENDINGS:
            if allowed:
                yield f"{side} log: the connection of {block[0].speaker} has no end"
        elif block[-1].name not in allowed and not _is_after(block, blocks, side):
            yield f"{side} connection ended with {block[-1].message!r}"
        if not own:
            yield from (f"{side} log: {wrong}" for wrong in miscounted(block))
    for name in expects.told:
        if not own and all(event.name != name for event in run.events(side)):
            yield f"{side} does not tell of {name!r}"


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
    speakers = [other[0].speaker for other in blocks["client"]]
    if AFTER not in speakers:
        return False
    return block is blocks[side][-1] and block[-1].name in ("closing", "saw_eof", "did_close")


def _echo_faults(scenario: Scenario, blocks: Blocks) -> Iterator[str]:
    if scenario.script is not None:
        yield from _peer_faults(scenario, blocks)
    else:
        yield from _lost_bytes(scenario, blocks)
    yield from _digest_faults(scenario, blocks)


def _peer_faults(scenario: Scenario, blocks: Blocks) -> Iterator[str]:
    """What the engine's own clients got back for what they sent."""
    if "server" not in scenario.on_trial:
        return
    for block in blocks["client"]:
        sent, came_back = (_length(joined(block, name)) for name in ("sending", "received"))
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
    return sum(_length(joined(block, "received")) for block in cut)


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
            if scenario.expects.echo == "part" and _length(payload) > scenario.length:
                yield f"{side} {name} {_length(payload)} bytes, more than {scenario.length}"
            elif scenario.expects.echo == "whole" and _length(payload) != scenario.length:
                yield f"{side} {name} {_length(payload)} bytes instead of {scenario.length}"
            elif payload is not None and not scenario.starts_with(payload.shown):
                yield f"{side} {name} other bytes than the scenario's: {show_cut(payload.shown, payload.length)}"


def _digest_faults(scenario: Scenario, blocks: Blocks) -> Iterator[str]:
    """Where all came back, whoever keeps a digest of a direction has the same."""
    if scenario.script is not None or scenario.expects.echo != "whole":
        return
    digests = {
        str(event.fields[direction])
        for block in itertools.chain(blocks["server"], blocks["client"])
        for event in block
        if event.name in ENDINGS
        for direction in ("received_digest", "sent_digest")
        if direction in event.fields
    }
    if len(digests) > 1:
        yield f"digests of what was sent and received differ: {', '.join(sorted(digests))}"


def _length(payload: Payload | None) -> int:
    return payload.length if payload is not None else 0


def _last_words(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    words = escape(lines[-1])
    return f": {words}" if len(words) <= MOST_CHARACTERS else f": {words[:MOST_CHARACTERS]}..."
