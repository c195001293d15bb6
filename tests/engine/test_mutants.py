"""Programs with one defect each are found out: the right verdict fails, and its reason says what is wrong.

The defects are in `tests/mutants/`; each is put on trial beside the implementation that it was made from.
"""

import dataclasses
import functools
import os
import sys

import pytest
from conftest import APIS

from comparison.model import Endpoint, Verdict
from comparison.play.runner import TOO_BUSY
from comparison.play.transports import TRANSPORTS, missing
from comparison.run import compare_all, outlined
from comparison.scenarios import SCENARIOS
from comparison.selection import Selection, Trial, choose


@functools.cache
def everyone():
    return choose(loops=["asyncio"])


def mutant(api, defect):
    """An endpoint like those of the table, with a defect in its server or in its client."""
    options = ("--loop", "asyncio", "--log-format", "json")
    server, client = (
        (sys.executable, "-m", f"tests.mutants.{role}", api, defect, *options) for role in ("servers", "clients")
    )
    return Endpoint(f"{api} that {defect}", "asyncio", everyone().pythons[0].version, f"{api}/{defect}", server, client)


def on_trial(role, api, defect, name, transport=None, deadline_s=None):
    """The cell of a mutant as `role` in a scenario, beside the implementation that it was made from, which must not
    be blamed. The other side, if any, is that implementation."""
    scenario = SCENARIOS[name]
    over = TRANSPORTS[transport or scenario.transports[0]]
    if (why := missing(over)) is not None:
        pytest.skip(why)
    [real] = [endpoint for endpoint in everyone().servers if endpoint.implementation == api]
    changed = mutant(api, defect)

    def cells(scenario, *on_trial):
        servers, clients = (on_trial, (real,)) if role == "server" else ((real,), on_trial)
        reference = dataclasses.replace(everyone().reference, server=servers[0], client=clients[0])
        selection = Selection(everyone().pythons, servers, clients, reference, ())
        [comparison] = compare_all([outlined(selection, Trial(scenario, over))], jobs=2)
        return comparison.cells

    if deadline_s is None:
        sound, found = cells(scenario, real, changed)
    else:  # for the defect alone: whoever is right may take the time that it takes
        [sound] = cells(scenario, real)
        hasty = dataclasses.replace(scenario, deadline_s=deadline_s)
        if role == "server":  # what it holds open at the end is not waited for, unless the scenario is about that
            hasty = dataclasses.replace(hasty, server_options=("--grace", "0.2", *hasty.server_options))
        [found] = cells(hasty, changed)
    if sound.reason == TOO_BUSY or found.reason == TOO_BUSY:
        pytest.skip(TOO_BUSY)
    assert changed in (found.pairing.server, found.pairing.client)
    assert sound.verdict is Verdict.REFERENCE, sound.reason
    return found


@dataclasses.dataclass(frozen=True)
class Caught:
    """What comes of a defect: which of the verdicts fail, and words of the reason."""

    defect: str
    scenario: str
    fails: str
    reason: str
    deadline_s: float | None = None
    transport: str | None = None
    verdict: Verdict = Verdict.FAILED

    def __str__(self):
        return f"{self.defect}-in-{self.scenario}"


SERVERS = [
    Caught("drops-a-byte", "tutorial", "echo", "server sent is not what was received|bytes instead of 46|ended early"),
    Caught("drops-a-byte", "reads-slowly", "ending", "999 of 1000 bytes came back"),
    Caught("doubles-a-byte", "reads-slowly", "ending", "1001 of 1000 bytes came back"),
    Caught("doubles-a-byte", "lockstep", "ending", "client exited with 1: ERROR altered at byte 1"),
    Caught("adds-a-newline", "sigterm-with-clients", "echo", "other bytes came back than were sent"),
    Caught("alters-a-byte", "byte-each-10-ms", "echo", "other bytes came back than were sent, from byte 0 on"),
    Caught("ignores-back-pressure", "never-reads", "ending", "MiB of memory, more than 64 MiB"),
    Caught("never-closes", "tutorial", "ending", "still open at shutdown|still running after 3 s", deadline_s=3),
    Caught("shows-a-traceback", "tutorial", "ending", "server shows a traceback: ValueError: a defect of the program"),
    Caught("shows-a-traceback", "byte-each-10-ms", "ending", "server shows a traceback: ValueError"),
    Caught("ignores-sigterm", "sigterm-idle", "ending", "server still running after 3 s", deadline_s=3),
    Caught("forgets-the-idle-limit", "says-nothing", "ending", "in vain", deadline_s=3),
    Caught("halves-its-limits", "says-nothing", "ending", "s, and the limit is 1 s"),
    Caught("halves-its-limits", "grace-over", "ending", "s, and the limit is 1 s"),
    Caught("spins", "nothing-to-do", "ending", "spins before anyone has connected: it has nothing to do, and takes"),
    Caught(
        "spins-at-the-end", "nothing-to-do-but-end", "ending", "spins while it waits for its last client", deadline_s=3
    ),
    Caught("flushes-at-abort", "stuck-at-second-signal", "ending", "in vain", deadline_s=3),
    Caught("flushes-at-abort", "stuck-past-idle-limit", "ending", "in vain", deadline_s=4),
    Caught("goes-on-accepting", "comes-too-late", "ending", "a client that came after 'closing server' was served"),
    Caught("says-wrong-exit-code", "tutorial", "ending", "server exited with 3"),
    Caught("leaves-at-eof", "reads-after-eof", "echo", "bytes back"),
    Caught("shares-a-buffer", "interleaved", "echo", "other bytes came back than were sent|bytes back"),
    Caught("keeps-everything", "64-mib", "ending", "MiB of memory, more than 64 MiB"),
    Caught("miscounts", "tutorial", "ending", "at the end, and 46 in its lines"),
    Caught("leaves-its-socket", "sigterm-idle", "ending", "left its Unix socket file behind", transport="unix"),
    Caught("asks-for-no-certificate", "no-client-certificate", "ending", "instead of|in vain", deadline_s=3),
    Caught(
        "trusts-every-end", "closes-unread-unix", "ending", "'lost' in the log was waited for in vain", deadline_s=3
    ),
    Caught("tells-more-after-a-cut", "grace-over-stuck", "ending", "comes after 'still open at shutdown"),
    Caught("closes-politely", "grace-over-stuck", "ending", "in vain|still running after 5 s", deadline_s=5),
    Caught("keeps-the-room", "room-given-back", "ending", "got 0 of 1 bytes|does not serve any more"),
    Caught("heeds-late-signals", "sigterm-until-gone", "ending", "server exited with -15"),
    Caught("heeds-late-signals", "signals-until-gone", "ending", "server exited with|traceback"),
    Caught("sees-no-movement", "byte-each-100-ms", "ending", "the other side has ended the connection"),
    Caught("sees-only-its-own-buffer", "reads-steadily", "ending", "the other side has ended the connection"),
    Caught("says-no-goodbye", "tls-bytes-with-goodbye", "ending", "closed without the goodbye of TLS"),
    Caught("prints", "tutorial", "ending", "unexplained: ", verdict=Verdict.DIFFERENT),
]

CLIENTS = [
    Caught("says-success", "echoes-altered", "ending", "client exited with 0 instead of 1: ERROR altered at byte 12"),
    Caught("believes-everything", "echoes-altered", "ending", "client exited with 0 instead of 1"),
    Caught("overlooks-extra-bytes", "echoes-too-much", "ending", "client exited with 0 instead of 1"),
    Caught("writes-before-it-reads", "64-mib", "ending", "client still running after 4 s", deadline_s=4),
    Caught(
        "ignores-its-timeout", "never-answers", "ending", "still running after 3 s|waited for in vain", deadline_s=3
    ),
    Caught("halves-its-timeout", "never-answers", "ending", "s, and the limit is 1 s"),
    Caught(
        "leaves-without-closing", "byte-at-a-time", "ending", "client log: the connection of echo_client has no end"
    ),
    Caught("warns", "tutorial", "ending", "old-fashioned|unexplained: ", verdict=Verdict.DIFFERENT),
    Caught("miscounts", "tutorial", "ending", "at the end, and 46 in its lines"),
    Caught("sends-something-else", "tutorial", "echo", "sending other bytes than the scenario's"),
    Caught("checks-no-certificate", "wrong-certificate", "ending", "the client has accepted the certificate"),
    Caught("checks-no-certificate", "misnamed-certificate", "ending", "the client has accepted the certificate"),
    Caught("closes-politely", "eof-amid-64-mib", "ending", "'failed' in the log was waited for in vain", deadline_s=4),
    Caught("closes-politely", "altered-amid-64-mib", "ending", "'failed' in the log was waited for", deadline_s=4),
    Caught("believes-everything", "altered-amid-64-mib", "ending", "'failed' in the log was waited for", deadline_s=4),
    Caught("knows-no-window", "swallows-64-mib", "ending", "the client did not stop before 20 MiB were sent"),
    Caught("overlooks-errors", "echoes-and-resets", "ending", "client connection ended with 'closing'"),
    Caught("fails-at-every-error", "echoes-and-resets", "ending", "client complains: echo_client: ERROR"),
    Caught("fails-at-every-error", "tls-after-goodbye", "ending", "client complains: echo_client: ERROR"),
    Caught("ignores-lockstep", "lets-lockstep-wait", "ending", "bytes came before their time, after the first 21"),
    Caught("ignores-its-timeout", "accepts-silently", "ending", "waited for in vain", deadline_s=3),
    Caught("says-no-goodbye", "tls-needs-goodbye", "ending", "the end of the connection came instead of EOF"),
    Caught("shows-a-traceback-at-ctrl-c", "interrupted", "ending", "instead of 130|traceback"),
    Caught("takes-any-file", "file-missing", "ending", "client exited with 1 instead of 2"),
    Caught("takes-any-file", "file-is-a-folder", "ending", "client exited with 1 instead of 2"),
    Caught("sends-what-can-be-read", "file-not-readable", "ending", "client exited with 0 instead of 1"),
]


LIES = [
    Caught("lies-about-lengths", "tutorial", "echo", "server log: \"received b'This is the message. "),
    Caught("lies-about-lengths", "byte-each-10-ms", "echo", "says length "),
    Caught("lies-about-offsets", "byte-each-10-ms", "echo", "says offset 0, and it is "),
    Caught("lies-about-its-peer", "tutorial", "ending", "says that its peer address is ['127.0.0.1', 1]"),
    Caught("lies-about-its-peer", "reads-slowly", "ending", "says that its peer address is ['127.0.0.1', 1]"),
    Caught("lies-about-itself", "reads-slowly", "ending", "says that its local address is ['127.0.0.1', 1]"),
    Caught("lies-about-itself", "sigterm-with-clients", "ending", "address is ['127.0.0.1', 1]", transport="unix"),
    Caught("lies-about-digests", "reads-slowly", "echo", "sent_digest is not that of the 1048576 bytes in its lines"),
    Caught("lies-about-digests", "interleaved", "echo", "sent_digest is not that of", transport="unix"),
    Caught("lies-about-digests", "reset-mid-stream", "echo", "sent_digest is not that of the"),
    Caught("tells-no-totals", "says-nothing", "ending", "has no received_bytes"),
    Caught("tells-eof-often", "byte-each-10-ms", "ending", "tells 'received EOF' 50"),
    Caught("ends-twice", "tutorial", "ending", "'connection lost: ConnectionResetError' comes after 'closing'"),
    Caught("closes-before-it-opens", "tutorial", "ending", "'connection accepted' comes after 'closing server'"),
    Caught("closes-before-it-opens", "reads-slowly", "ending", "'connection accepted' comes after 'closing server'"),
    Caught(
        "fails-when-it-is-stopped",
        "sigterm-idle",
        "ending",
        "server prints a traceback: OSError: [Errno 9] Bad file descriptor",
        transport="unix",
    ),
]

LYING_CLIENTS = [
    Caught("lies-about-lengths", "tutorial", "echo", "says length 22, and it is 21"),
    Caught("lies-about-its-peer", "echoes-altered", "ending", "says that its peer address is ['127.0.0.1', 1]"),
    Caught("lies-about-itself", "echoes-altered", "ending", "tell of other addresses"),
    Caught("lies-about-itself", "tutorial", "ending", "tell of other addresses"),
    Caught("lies-about-digests", "resets", "echo", "sent_digest is not that of the 46 bytes in its lines"),
    Caught("tells-no-totals", "byte-at-a-time", "ending", "has no received_bytes"),
    Caught("tells-eof-often", "byte-at-a-time", "ending", "tells 'received EOF' 50"),
    Caught("ends-twice", "byte-at-a-time", "ending", "comes after 'closing'"),
]


def in_turns(cases):
    """Each case with one of the implementations, in turns; with EVERYTHING=1 in the environment with both."""
    everything = "EVERYTHING" in os.environ
    return [
        pytest.param(api, case, id=f"{api}-{case}")
        for number, case in enumerate(cases)
        for api in (APIS if everything else [APIS[number % len(APIS)]])
    ]


LATE_SIGNALS = 5
"""A signal must come in the last milliseconds of a program: on a busy machine not in every run."""


def check(role, api, case):
    for _ in range(LATE_SIGNALS if case.defect == "heeds-late-signals" else 1):
        cell = on_trial(role, api, case.defect, case.scenario, case.transport, case.deadline_s)
        if cell.verdicts.get(case.fails) is case.verdict:
            break
    assert cell.verdicts.get(case.fails) is case.verdict, (cell.verdicts, cell.reason)
    assert any(words in cell.reason for words in case.reason.split("|")), cell.reason


@pytest.mark.parametrize(("api", "case"), in_turns(SERVERS))
def test_a_server_with_a_defect_is_found_out(api, case):
    check("server", api, case)


@pytest.mark.parametrize(("api", "case"), in_turns(CLIENTS))
def test_a_client_with_a_defect_is_found_out(api, case):
    check("client", api, case)


@pytest.mark.parametrize(("api", "case"), in_turns(LIES))
def test_a_server_that_lies_is_found_out(api, case):
    check("server", api, case)


@pytest.mark.parametrize(("api", "case"), in_turns(LYING_CLIENTS))
def test_a_client_that_lies_is_found_out(api, case):
    check("client", api, case)


@pytest.mark.parametrize("name", ["tutorial", "reads-slowly", "echoes-altered"])
@pytest.mark.parametrize("api", APIS)
def test_without_a_defect_nothing_is_found(api, name):
    role = "client" if SCENARIOS[name].on_trial == ("client",) else "server"
    assert on_trial(role, api, "nothing", name).verdict is Verdict.IDENTICAL


def test_a_traceback_that_was_printed_is_one_too():
    case = Caught("shows-a-traceback-at-a-reset", "reset-before-sending", "ending", "a traceback")
    check("server", "streams", case)


def test_a_connection_too_many_of_one_client_is_not_blamed_on_another():
    check("client", "streams", Caught("connects-twice", "tutorial", "ending", "server tells of 2 connections"))
