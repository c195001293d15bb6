"""A recorded survey for the tests of the report: three scenarios as they come out, with times, a cut stream, hostile
lines, and a verdict of each kind."""

import hashlib
import itertools
import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence

from common.logs import EVENTS
from comparison.judge.causes import Names
from comparison.judge.verdicts import judge, observe
from comparison.model import Comparison, Endpoint, Expectation, Log, Pairing, Run, Scenario, Survey, Verdict
from comparison.play.transports import TCP
from comparison.transcript import parse

MESSAGES = (b"This is the message. ", b"It will be sent ", b"in parts.")
PAYLOAD = b"".join(MESSAGES)
SERVER, CLIENT = ["127.0.0.1", 10000], ["127.0.0.1", 64624]
ADDRESSES = {
    "echo_127.0.0.1_64624": {"local": SERVER, "peer": CLIENT},
    "echo_client": {"local": CLIENT, "peer": SERVER},
}
HOSTILE = ("<script>alert(1)</script>", "\x1b[31mred\x07\x00", "</script><!-- &lt; -->", "\u202ebackwards")
MADE = "python3 compare.py report '<b>results</b>.json'", ("<i>results</i>.json",)
"""What the page says of how it was made."""


def endpoint(implementation: str, loop: str) -> Endpoint:
    """An endpoint whose source is that of this project."""
    commands = (("python", "-m", f"{implementation}_impl.{side}", "--loop", loop) for side in ("server", "client"))
    return Endpoint(implementation, loop, "3.12.1", f"{implementation}/{loop}", *commands)


ENDPOINTS = [endpoint(*names) for names in itertools.product(("streams", "protocol"), ("asyncio", "uvloop"))]
REFERENCE = Pairing(ENDPOINTS[0], ENDPOINTS[0])


def server_story(
    server: Endpoint, extra: Sequence[str], full: bool = False
) -> Iterator[tuple[int, str, str, str, bytes]]:
    """Time in us, speaker, event, message, payload: the server reads in two pieces what was written in three. Where its
    file descriptors are used up, one on asyncio says so, and none is told of EOF."""
    peer = "echo_127.0.0.1_64624"
    if server.loop == "asyncio":
        yield 0, "asyncio", "log", "Using selector: EpollSelector", b""
    yield 100, "main", "starting", "starting up on localhost port 10000", b""
    yield 1200, peer, "accepted", "connection accepted", b""
    for time_us, data in ((1500, PAYLOAD[:37]), (1900, PAYLOAD[37:])):
        yield time_us, peer, "received", f"received {data!r}", data
        yield time_us + 50, peer, "sent", f"sent {data!r}", data
    for message in extra:
        yield 2000, "asyncio", "log", message, b""
    if full and server.loop == "asyncio":
        yield 2000, "main", "out_of_files", "out of file descriptors: new connections wait until others close", b""
    if server.implementation == "protocol" and not full:
        yield 2050, peer, "eof", "received EOF", b""
    yield 2100, peer, "closing", "closing", b""
    yield 30000, "main", "closing_server", "closing server", b""
    yield 30100, "main", "closing_loop", "closing event loop", b""


def client_story(client: Endpoint, failing: bool = False) -> Iterator[tuple[int, str, str, str, bytes]]:
    """The same for a client; a failing one ends early."""
    if client.loop == "asyncio":
        yield 900, "asyncio", "log", "Using selector: EpollSelector", b""
    yield 1000, "echo_client", "connecting", "connecting to localhost port 10000", b""
    for place, data in enumerate(MESSAGES):
        yield 1300 + 10 * place, "echo_client", "sending", f"sending {data!r}", data
    yield 1400, "echo_client", "waiting", "waiting for response", b""
    yield 2000, "echo_client", "received", f"received {PAYLOAD!r}", PAYLOAD
    if client.implementation == "protocol":
        yield 2200, "echo_client", "eof", "received EOF", b""
    if failing:
        yield 2250, "echo_client", "failed", "ERROR ended early: 12 of 46 bytes came back from localhost port 1", b""
    else:
        yield 2300, "echo_client", "closing", "closing", b""
    yield 2400, "main", "closing_loop", "closing event loop", b""


def records(story: Iterator[tuple[int, str, str, str, bytes]]) -> tuple[str, ...]:
    """The lines of a log as an endpoint writes them."""
    lines: list[str] = []
    sums: Counter[str] = Counter()
    for time_us, logger, event, message, data in story:
        level = logging.getLevelName(EVENTS[event].level).lower() if event in EVENTS else "info"
        head = {"t_ns": 7_000_000_000 + time_us * 1000, "logger": logger, "level": level, "event": event}
        fields: dict[str, object] = {"offset": sums[event], "length": len(data)} if data else {}
        if event in ("closing", "failed"):
            digest = hashlib.blake2b(PAYLOAD, digest_size=16).hexdigest()
            fields = dict.fromkeys(("received_bytes", "sent_bytes"), len(PAYLOAD)) | ADDRESSES[logger]
            fields |= dict.fromkeys(("received_digest", "sent_digest"), digest)
        sums[event] += len(data)
        lines.append(json.dumps(head | {"message": message} | fields))
    return tuple(lines)


def recorded(pairing: Pairing, extra: Sequence[str] = (), failing: bool = False, full: bool = False) -> Run:
    """One run of a pairing."""
    served, sent = records(server_story(pairing.server, extra, full)), records(client_story(pairing.client, failing))
    server = Log(pairing.server.server_command, served, 0, events=parse(served))
    client = Log(pairing.client.client_command, sent, int(failing), events=parse(sent))
    return Run(pairing, 1, server, client)


def compared(scenario: Scenario, runs: Sequence[Run], names: Names) -> Comparison:
    """What the engine makes of the runs of a scenario."""
    cells, causes, groups = judge(scenario, [observe(scenario, run) for run in runs], REFERENCE, names)
    servers = tuple(dict.fromkeys(run.pairing.server for run in runs))
    clients = tuple(dict.fromkeys(run.pairing.client for run in runs))
    environment = {"Python": "3.12.1", "system": "Linux 6.1 x86_64"}
    everyone = tuple(dict.fromkeys((*servers, *clients)))
    return Comparison(
        scenario, TCP, environment, everyone, servers, clients, REFERENCE, 1, cells, causes, groups, ("a <note>",), 1.5
    )


def survey() -> Survey:
    """The tutorial with every pairing, a scenario in which lines are hostile and one client fails, and one in which the
    loops differ in what they do."""
    names = Names()
    everyone = [recorded(Pairing(server, client)) for server in ENDPOINTS for client in ENDPOINTS]
    streams, on_uvloop, protocol, _ = ENDPOINTS
    odd = [
        recorded(REFERENCE),
        recorded(Pairing(streams, protocol), extra=HOSTILE),
        recorded(Pairing(protocol, streams)),
        recorded(Pairing(protocol, protocol), failing=True),
    ]
    files = [recorded(Pairing(server, streams), full=True) for server in (streams, on_uvloop, protocol)]
    tutorial = Scenario("tutorial", "the tutorial's three messages", PAYLOAD, shows=("eof-callback", "selector"))
    hostile = Scenario("hostile", "lines that want to be <b>markup</b>", PAYLOAD, shows=("eof-callback", "selector"))
    warned = Expectation(warnings=("out_of_files",))
    full = Scenario("full", "a server without file descriptors", PAYLOAD, expects=warned, shows=("out-of-files",))
    comparisons = (
        compared(tutorial, everyone, names),
        compared(hostile, odd, names),
        compared(full, files, names),
    )
    return Survey(comparisons, 4.5)


def page() -> str:
    """The page of the recorded survey. Who only wants its logs needs no jinja2."""
    from comparison.report.html.page import render

    return render(survey(), None, *MADE)


ALL_VERDICTS = set(Verdict) - {Verdict.SKIPPED}
