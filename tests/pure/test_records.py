"""Logs that lie: whatever a record holds is held against its lines, its command, the wire and the other side."""

import dataclasses
import hashlib
import json

import pytest
from recorded import TUTORIAL
from recorded_page import CLIENT, ENDPOINTS, PAYLOAD, REFERENCE, SERVER, recorded

from common.logs import show
from comparison.judge.expectations import faults
from comparison.model import RAW, Expectation, Log, Pairing, Run, Scenario
from comparison.scenarios import SCENARIOS
from comparison.scenarios.declare import PATTERN
from comparison.transcript import parse

PEER = "echo_127.0.0.1_64624"
BOTH_PROTOCOL = Pairing(ENDPOINTS[2], ENDPOINTS[2])


def told(run, scenario=TUTORIAL):
    return list(faults(scenario, run).values())


def with_logs(run, server, client):
    """The run with these lines in its logs."""
    logs = {
        "server": dataclasses.replace(run.server, lines=server, events=parse(server)),
        "client": dataclasses.replace(run.client, lines=client, events=parse(client)),
    }
    return dataclasses.replace(run, **logs)


def edited(run, side, event, edit):
    """The run after `edit(record)` had its way with each record of an event; it may return several, or none."""

    def lines(log):
        for line in log.lines:
            record = json.loads(line)
            changed = edit(record) if record["event"] == event else None
            yield from [line] if changed is None else (json.dumps(one) for one in changed)

    logs = {"server": run.server.lines, "client": run.client.lines, side: tuple(lines(run.log(side)))}
    return with_logs(run, **logs)


NULL = object()


def changed(**fields):
    """An edit: these fields, or without those that are None here; NULL is what JSON calls null."""

    def edit(record):
        kept = {name: value for name, value in (record | fields).items() if value is not None}
        return [{name: None if value is NULL else value for name, value in kept.items()}]

    return edit


@pytest.mark.parametrize("server", ENDPOINTS, ids=lambda end: end.label)
@pytest.mark.parametrize("client", ENDPOINTS, ids=lambda end: end.label)
def test_an_honest_log_is_believed(server, client):
    assert told(recorded(Pairing(server, client))) == []


FIELDS = {
    # What is wrong: the side, the event, what its records say instead, and what is said of that.
    "a length": (
        "server",
        "received",
        {"length": 5},
        "b'This is the message. It will be sent '\" says length 5, and it is 37",
    ),
    "a length that is no number": ("server", "sent", {"length": "37"}, "says length '37', and it is 37"),
    "no length": ("client", "sending", {"length": None}, "says length None, and it is 21"),
    "an offset": ("client", "sending", {"offset": 1}, "says offset 1, and it is 0"),
    "an offset that does not move": ("server", "sent", {"offset": 0}, "says offset 0, and it is 37"),
    "no offset": ("server", "received", {"offset": None}, "says offset None, and it is 0"),
    "a total": (
        "server",
        "closing",
        {"sent_bytes": 45},
        "server log: sent_bytes is 45 at the end, and 46 in its lines",
    ),
    "a total that is no number": ("client", "closing", {"received_bytes": "46"}, "received_bytes is 46 at the end"),
    "no total": ("client", "closing", {"received_bytes": None}, "client log: 'closing' has no received_bytes"),
    "no digest": ("server", "closing", {"sent_digest": None}, "server log: 'closing' has no sent_digest"),
    "a digest": (
        "server",
        "closing",
        {"received_digest": "0" * 32},
        "server log: received_digest is not that of the 46 bytes in its lines",
    ),
    "no address": ("server", "closing", {"local": None}, "server log: 'closing' has no local"),
    "a peer with another port": (
        "server",
        "closing",
        {"peer": [CLIENT[0], 1]},
        f"'closing' of {PEER} says that its peer address is ['127.0.0.1', 1]",
    ),
    "a peer with another host": (
        "server",
        "closing",
        {"peer": ["127.0.0.2", CLIENT[1]]},
        "says that its peer address is ['127.0.0.2', 64624]",
    ),
    "a peer that is no address": (
        "server",
        "closing",
        {"peer": "127.0.0.1:64624"},
        "says that its peer address is '127.0.0.1:64624'",
    ),
    "a server somewhere else": (
        "server",
        "closing",
        {"local": [SERVER[0], 1]},
        "says that its local address is ['127.0.0.1', 1]",
    ),
    "a server on another host": (
        "server",
        "closing",
        {"local": ["127.0.0.2", SERVER[1]]},
        "the server says that it is at ['127.0.0.2', 10000], and its client at ['127.0.0.1', 10000]",
    ),
    "a client of somebody else": (
        "client",
        "closing",
        {"peer": [SERVER[0], 1]},
        "says that its peer address is ['127.0.0.1', 1]",
    ),
    "a client from somewhere else": (
        "client",
        "closing",
        {"local": [CLIENT[0], 1]},
        "server and client tell of other addresses: echo_127.0.0.1_64624, echo_127.0.0.1_1",
    ),
    "a total that is null": (
        "server",
        "closing",
        {"sent_bytes": NULL},
        "sent_bytes is None at the end, and 46 in its lines",
    ),
    "a digest that is a list": ("client", "closing", {"sent_digest": []}, "sent_digest is not that of the 46 bytes"),
    "a digest that is a number": ("server", "closing", {"received_digest": 7}, "received_digest is not that of the 46"),
    "an address that is null": ("client", "closing", {"local": NULL}, "says that its local address is None"),
    "an address where none belongs": (
        "server",
        "accepted",
        {"peer": [CLIENT[0], 1]},
        "'connection accepted' of echo_127.0.0.1_64624 says that its peer address is ['127.0.0.1', 1]",
    ),
    "a level that is empty": ("client", "waiting", {"level": ""}, "has the level none, and should have info"),
    "a time that is null": ("server", "accepted", {"t_ns": NULL}, "'connection accepted' has no time (t_ns)"),
    "a level too high": (
        "server",
        "accepted",
        {"level": "debug"},
        "server log: 'connection accepted' has the level debug, and should have info",
    ),
    "a level too low": ("client", "sending", {"level": "info"}, "has the level info, and should have debug"),
    "another time": (
        "server",
        "closing",
        {"t_ns": 1},
        "server log: 'closing' has a time (t_ns) before that of the line before it",
    ),
    "another text": ("client", "waiting", {"message": "waiting"}, "client log: 'waiting' is told as 'waiting'"),
    "the text of another event": (
        "client",
        "waiting",
        {"message": "received EOF"},
        "client log: 'received EOF' is told as 'waiting'",
    ),
    "another logger": ("client", "waiting", {"logger": "main"}, "client log: 'waiting for response' is told by 'main'"),
    "the program as a connection": (
        "client",
        "closing_loop",
        {"logger": "echo_client"},
        "client log: 'closing event loop' comes after 'closing'",
    ),
    "another server": (
        "client",
        "connecting",
        {"message": "connecting to localhost port 1"},
        "client log: 'closing' of echo_client says that its peer address",
    ),
}


@pytest.mark.parametrize("lie", FIELDS)
def test_a_field_that_is_not_so_is_a_fault(lie):
    side, event, fields, expected = FIELDS[lie]
    found = told(edited(recorded(REFERENCE), side, event, changed(**fields)))
    assert any(expected in text for text in found), found


@pytest.mark.parametrize("clock_ns", [0, -(10**9), 10**9, 1_700_000_000 * 10**9])
def test_the_times_of_both_sides_are_of_one_clock(clock_ns):
    shifted = recorded(REFERENCE)
    for event in {json.loads(line)["event"] for line in shifted.server.lines}:
        shifted = edited(shifted, "server", event, lambda record: [record | {"t_ns": record["t_ns"] + clock_ns}])
    wrong = "the server's times (t_ns) are not those of its client: both have to be of the monotonic clock"
    assert told(shifted) == ([wrong] if clock_ns else [])


def repeated(times):
    return lambda record: [record] * times


def before(**earlier):
    return lambda record: [record | earlier, record]


def after(**later):
    return lambda record: [record, record | later]


STORIES = {
    "EOF again and again": ("server", "eof", repeated(506), "server log: tells 'received EOF' 506 times"),
    "two ends": ("server", "closing", repeated(2), "server log: tells 'closing' 2 times"),
    "another end": (
        "server",
        "closing",
        after(event="lost", message="connection lost: ConnectionResetError"),
        "server log: 'connection lost: ConnectionResetError' comes after 'closing'",
    ),
    "bytes after the end": (
        "client",
        "closing",
        after(event="received", level="debug", message="received b'!'", offset=46, length=1),
        "client log: \"received b'!'\" comes after 'received EOF'",
    ),
    "an end of file after the end": (
        "client",
        "closing",
        after(event="eof", message="received EOF"),
        "client log: 'received EOF' comes after 'closing'",
    ),
    "an opening twice": ("server", "accepted", repeated(2), "server log: tells 'connection accepted' 2 times"),
    "waiting twice": ("client", "waiting", repeated(2), "client log: tells 'waiting for response' 2 times"),
    "bytes after EOF": (
        "client",
        "received",
        before(event="eof", level="info", message="received EOF"),
        "comes after 'received EOF'",
    ),
    "bytes after waiting": (
        "client",
        "sending",
        before(event="waiting", level="info", message="waiting for response"),
        "comes after 'waiting for response'",
    ),
    "ready too late": (
        "server",
        "closing",
        after(logger="main", event="starting", message="starting up on localhost port 10000"),
        "server log: tells 'starting up on localhost port 10000' 2 times",
    ),
    "a second end of the program": (
        "client",
        "closing_loop",
        repeated(2),
        "client log: tells 'closing event loop' 2 times",
    ),
    "the connection after the end of the program": (
        "client",
        "connecting",
        before(logger="main", event="closing_loop", message="closing event loop"),
        "client log: tells 'closing event loop' 2 times",
    ),
}


@pytest.mark.parametrize("lie", STORIES)
def test_an_order_that_cannot_be_is_a_fault(lie):
    side, event, edit, expected = STORIES[lie]
    found = told(edited(recorded(BOTH_PROTOCOL), side, event, edit))
    assert any(expected in text for text in found), found


@pytest.mark.parametrize(
    ("event", "before", "lie"),
    [
        ("starting", "closing", "'starting up on localhost port 10000' comes after 'connection accepted'"),
        ("closing_server", "accepted", "'connection accepted' comes after 'closing server'"),
        ("closing_loop", "closing", "'closing server' comes after the end of the program"),
    ],
)
def test_the_life_of_a_server_is_told_in_its_order(event, before, lie):
    run = recorded(REFERENCE)
    records = [json.loads(line) for line in run.server.lines]
    times = sorted(record["t_ns"] for record in records)
    moved = next(record for record in records if record["event"] == event)
    records.remove(moved)
    records.insert(next(n for n, record in enumerate(records) if record["event"] == before), moved)
    lines = tuple(json.dumps(record | {"t_ns": t_ns}) for record, t_ns in zip(records, times, strict=True))
    assert told(with_logs(run, lines, run.client.lines)) == [f"server log: {lie}"]


def asked(run, side, *options):
    """The run of an endpoint that was started with these options."""
    log = run.log(side)
    return dataclasses.replace(run, **{side: dataclasses.replace(log, command=(*log.command, *options))})


@pytest.mark.parametrize(
    ("side", "options", "text"),
    [
        ("client", ("--port", "10001"), "connecting to localhost port 10000"),
        ("server", ("--port", "10001"), "starting up on localhost port 10000"),
        ("server", ("--host", "::1", "--port", "0"), "starting up on localhost port 10000"),
        ("server", ("--unix", "/run/echo"), "starting up on localhost port 10000"),
    ],
)
def test_an_address_that_was_not_asked_for_is_a_fault(side, options, text):
    assert told(asked(recorded(REFERENCE), side, *options)) == [f"{side} log: {text!r} is not what it was told"]


def test_an_address_that_was_asked_for_is_none():
    run = asked(recorded(REFERENCE), "server", "--host", "::1", "--port", "0", "--host", "localhost")
    assert told(asked(run, "client", "--port", "10000")) == []


IDLE = Scenario(
    "idle", "", PAYLOAD, expects=Expectation(server_endings=("idle",), warnings=("idle",)), options=("--lockstep",)
)


@pytest.mark.parametrize(("limit", "faulty"), [("0.2", False), ("0.20", False), ("1", True)])
def test_a_limit_that_is_told_is_the_one_that_was_given(limit, faulty):
    cut = changed(event="idle", level="warning", message="nothing moved for 0.2 s, cutting the connection")
    run = asked(edited(recorded(REFERENCE), "server", "closing", cut), "server", "--idle-timeout", limit)
    lie = "server log: 'nothing moved for 0.2 s, cutting the connection' is not what it was told"
    assert told(run, IDLE) == ([lie] if faulty else [])


FAILS = Scenario(
    "fails",
    "",
    PAYLOAD,
    expects=Expectation(echo="part", client_exit=1, client_endings=("failed",), warnings=("failed",)),
)


@pytest.mark.parametrize(
    ("reason", "returned", "faulty"),
    [
        ("ended early", 46, False),
        ("ended early", 12, True),
        ("ended early", 47, True),
        ("altered at byte 12", 12, False),
        ("altered at byte 12", 47, True),
    ],
)
def test_what_a_client_says_of_its_echo_is_what_its_lines_say(reason, returned, faulty):
    message = f"ERROR {reason}: {returned} of 46 bytes came back from localhost port 10000"
    run = edited(recorded(REFERENCE), "client", "closing", changed(event="failed", level="error", message=message))
    run = dataclasses.replace(run, client=dataclasses.replace(run.client, exit_code=1))
    assert told(run, FAILS) == ([f"client log: {message!r}, and 46 in its lines"] if faulty else [])


# --- Against our own peers ---
SENT = PATTERN * 4  # more than a line shows
SCRIPTED = dataclasses.replace(
    SCENARIOS["reads-slowly"], expects=Expectation(client_endings=("saw_eof", "saw_reset", "did_close"))
)


def digest(data):
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def chunk(speaker, event, data, offset=0, **lies):
    level = "info" if speaker.startswith("peer") else "debug"
    record = {"t_ns": 1, "logger": speaker, "level": level, "event": event, "message": f"{event} {show(data)}"}
    return json.dumps(record | {"offset": offset, "length": len(data)} | lies)


def line(speaker, event, message, **fields):
    return json.dumps({"t_ns": 1, "logger": speaker, "level": "info", "event": event, "message": message} | fields)


def account(received, sent, **more):
    digests = {"received_digest": digest(received), "sent_digest": digest(sent)}
    return {"received_bytes": len(received), "sent_bytes": len(sent)} | digests | more


def played(*, got=SENT, echoed=SENT, end="closing", came_back=SENT, seen="saw_eof", name=PEER, **fields):
    """A server that says that it got and sent this, and a peer of ours that got that back of SENT."""
    ends = {"closing": "closing", "lost": "connection lost: ConnectionResetError"}
    server = (
        line("main", "starting", "starting up on localhost port 10000"),
        line(name, "accepted", "connection accepted"),
        chunk(name, "received", got),
        chunk(name, "sent", echoed),
        line(name, end, ends[end], **(account(got, echoed, local=SERVER, peer=CLIENT) | fields)),
        line("main", "closing_server", "closing server"),
        line("main", "closing_loop", "closing event loop"),
    )
    client = (
        line("peer_1", "began", "connected", local=CLIENT, peer=SERVER),
        chunk("peer_1", "sending", SENT),
        chunk("peer_1", "received", came_back),
        line("peer_1", seen, "the other side has closed", **account(came_back, SENT)),
    )
    logs = Log(("serve",), server, 0, events=parse(server)), Log((), client, 0, events=parse(client))
    return Run(Pairing(ENDPOINTS[0], RAW), 1, *logs)


def expecting(**expects):
    return dataclasses.replace(SCRIPTED, expects=dataclasses.replace(SCRIPTED.expects, **expects))


PART = expecting(echo="part", server_endings=("closing", "lost"))
PLAYED = {
    "all is well": (SCRIPTED, {}, []),
    "a digest that is not of our bytes": (
        SCRIPTED,
        {"received_digest": digest(b"x")},
        ["server log: received_digest is not that of the 244 bytes in its lines"],
    ),
    "a digest where only a part came back": (
        PART,
        {"got": SENT[:200], "echoed": SENT[:150], "came_back": SENT[:150], "sent_digest": digest(b"x")},
        ["server log: sent_digest is not that of the 150 bytes in its lines"],
    ),
    "more than we have sent": (
        PART,
        {"got": SENT + b"0"},
        ["server received 245 bytes, and the client tells of 244"],
    ),
    "other bytes than we have sent": (
        PART,
        {"got": SENT[1:], "echoed": SENT[1:], "came_back": SENT[1:]},
        [f"server received other bytes than the client tells of: {SENT[1:129]!r}... (243 bytes)"],
    ),
    "bytes that nobody got": (
        PART,
        {"came_back": SENT[:100]},
        ["server tells of 244 bytes, and only 100 came to the client"],
    ),
    "bytes that nobody got, of a connection that was lost": (PART, {"came_back": SENT[:100], "end": "lost"}, []),
    "bytes that nobody got, where our peer did not read": (PART, {"came_back": SENT[:100], "seen": "did_close"}, []),
    "bytes that nobody got, where the connection was reset": (PART, {"came_back": SENT[:100], "seen": "saw_reset"}, []),
    "more came than it says": (
        PART,
        {"echoed": SENT[:200]},
        ["client received 244 bytes, and the server tells of 200"],
    ),
    "more came than it says, of a connection that was lost": (PART, {"echoed": SENT[:200], "end": "lost"}, []),
    "a digest of another type": (
        PART,
        {"received_digest": [1]},
        ["server log: received_digest is not that of the 244 bytes in its lines"],
    ),
    "digests of which one is another": (
        dataclasses.replace(PART, pattern=b""),
        {"sent_digest": "0" * 32},
        ["server log: what was sent is not what was received"],
    ),
    "the name of nobody": (
        PART,
        {"name": "echo_127.0.0.1_1", "peer": [CLIENT[0], 1]},
        ["server and client tell of other addresses: echo_127.0.0.1_1, echo_127.0.0.1_64624"],
    ),
    "somewhere else": (
        PART,
        {"local": ["127.0.0.2", SERVER[1]]},
        ["the server says that it is at ['127.0.0.2', 10000], and its client at ['127.0.0.1', 10000]"],
    ),
}


@pytest.mark.parametrize("lie", PLAYED)
def test_what_a_server_tells_is_held_against_our_own_peer(lie):
    scenario, said, expected = PLAYED[lie]
    assert told(played(**said), scenario) == expected


def with_a_late_one(first):
    """A server that accepts one of our peers when it has said that it closes, and another before that or not."""
    run = played()
    started, *story, _, closed = run.server.lines
    server = (
        started,
        *(story if first else ()),
        line("main", "closing_server", "closing server"),
        *(one.replace("64624", "64625") for one in story),
        closed,
    )
    late = [one.replace("64624", "64625").replace("peer_1", "peer_2") for one in run.client.lines]
    return with_logs(run, server, (*(run.client.lines if first else ()), *late))


def test_a_peer_that_comes_as_the_server_closes_may_still_get_in():
    assert told(with_a_late_one(first=True), SCRIPTED) == []


def test_closing_before_the_first_connection_is_a_fault():
    assert told(with_a_late_one(first=False), SCRIPTED) == [
        "server log: 'connection accepted' comes after 'closing server'"
    ]
