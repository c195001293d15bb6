"""The engine's own peers: what they write down, what they wait for in vain, and what is kept of very many of them."""

import contextlib
import dataclasses
import json
import socket
import ssl
import threading
import time
from types import SimpleNamespace

import pytest
from recorded import ENDPOINTS, client_lines, run, server_lines

from comparison.judge.condense import KEPT_CONNECTIONS as KEPT
from comparison.judge.condense import KEPT_LINES, condense
from comparison.model import RAW, SIDES, Pairing, Run, Scenario
from comparison.play import peers
from comparison.play.peers import Deadline, Late, Notebook, Peer
from comparison.play.processes import Launcher
from comparison.play.stage import ClientStage, ServerStage
from comparison.play.transports import TRANSPORTS, write_certificates
from comparison.report import export
from comparison.report.html import evidence
from comparison.transcript import connections, parse, parse_line
from comparison.vocabulary import KINDS

PATTERN = b"0123456789"


@pytest.fixture
def pair():
    """Two connected sockets."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(30)
        yield ours, theirs


def peer_of(sock, *, seconds=30.0, echoed=True):
    notebook = Notebook()
    return Peer(sock, "peer_1", notebook, Deadline(seconds), PATTERN, echoed=echoed), notebook


def told(notebook):
    return [event.message for event in parse(notebook.log().lines)]


def test_a_peer_writes_down_what_it_did_and_what_it_saw(pair):
    ours, theirs = pair
    peer, notebook = peer_of(ours)
    assert peer.send(12)
    assert theirs.recv(12, socket.MSG_WAITALL) == b"012345678901"
    theirs.sendall(b"012345678901")
    theirs.shutdown(socket.SHUT_WR)
    assert peer.receive(12) == b"012345678901"
    peer.receive_to_end()
    assert told(notebook) == [
        "connected",
        "sending b'012345678901'",
        "received b'012345678901'",
        "the other side has closed",
    ]
    last = parse_line(notebook.log().lines[-1])
    assert (last.fields["sent_bytes"], last.fields["received_bytes"]) == (12, 12)
    assert last.fields["sent_digest"] == last.fields["received_digest"]


@pytest.mark.parametrize(
    ("wait", "what"),
    [
        (lambda peer: peer.receive(1), "bytes or an end of the connection"),
        (lambda peer: peer.receive_to_end(), "bytes or an end of the connection"),
        (lambda peer: peer.send(64 * 1024 * 1024), "the other side takes what is sent"),
    ],
    ids=["bytes", "end", "room"],
)
def test_a_peer_that_waits_in_vain_says_for_what_and_ends_at_its_deadline(pair, wait, what):
    peer, _ = peer_of(pair[0], seconds=0.2)
    start_s = time.monotonic()
    with pytest.raises(Late, match=f"^peer_1 waited 0.2 s in vain: {what}$"):
        wait(peer)
    assert 0.1 < time.monotonic() - start_s < 20


def test_a_round_trip_over_a_connection_that_has_ended_says_so(pair):
    ours, theirs = pair
    peer, _ = peer_of(ours)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(Late, match=r"^peer_1 got 0 of 1 bytes: the other side has ended the connection$"):
        peer.round_trip()


def test_bytes_before_their_time_are_found_out_and_left_where_they_are(pair):
    ours, theirs = pair
    peer, _ = peer_of(ours, echoed=False)
    peer.receive_nothing(0)
    theirs.sendall(b"early")
    with pytest.raises(Late, match=r"^5 bytes came before their time, after the first 0$"):
        peer.receive_nothing(30)
    assert peer.receive(5) == b"early"
    theirs.shutdown(socket.SHUT_WR)
    peer.receive_nothing(30)


def test_a_peer_that_has_got_eof_may_go_on_sending(pair):
    ours, theirs = pair
    peer, notebook = peer_of(ours)
    theirs.shutdown(socket.SHUT_WR)
    peer.receive_eof()
    assert peer.send(2)
    assert theirs.recv(2) == b"01"
    assert told(notebook) == ["connected", "sending b'01'"]


def test_bytes_instead_of_eof_are_told(pair):
    ours, theirs = pair
    peer, _ = peer_of(ours)
    theirs.sendall(b"more")
    with pytest.raises(Late, match=r"^4 bytes came instead of EOF$"):
        peer.receive_eof()


@pytest.mark.parametrize(("goodbye", "ending"), [(True, "saw_eof"), (False, "saw_cut")], ids=["said", "not-said"])
def test_over_tls_an_end_with_a_goodbye_is_told_from_one_without(pair, goodbye, ending, tmp_path):
    pytest.importorskip("trustme", reason="certificates need trustme: [tls]")
    write_certificates(tmp_path)
    contexts = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    contexts[0].load_cert_chain(tmp_path / "server.pem")
    contexts[1].load_verify_locations(tmp_path / "ca.pem")
    pair[0].settimeout(30)
    ends = []
    serving = threading.Thread(target=lambda: ends.append(contexts[0].wrap_socket(pair[0], server_side=True)))
    serving.start()
    ours = contexts[1].wrap_socket(pair[1], server_hostname="localhost", suppress_ragged_eofs=False)
    serving.join()
    [theirs] = ends
    peer, notebook = peer_of(ours, echoed=False)
    if goodbye:
        theirs.settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):  # it is said, and not answered yet
            theirs.unwrap()
    theirs.close()
    peer.receive_to_end()
    ours.close()
    assert parse_line(notebook.log().lines[-1]).name == ending


def test_a_peer_whose_connection_is_over_does_nothing_more(pair):
    ours, theirs = pair
    peer, notebook = peer_of(ours)
    theirs.close()
    peer.receive_to_end()
    assert not peer.send(3)
    peer.send_until_stuck(peer, 100)
    peer.round_trip()
    peer.half_close()
    peer.reset()
    peer.close()
    assert told(notebook) == ["connected", "the other side has closed"]


def test_a_peer_knows_both_addresses():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = listener.getsockname()
        with socket.create_connection(server, 30) as ours:
            _, notebook = peer_of(ours)
            client = ours.getsockname()
    began = parse_line(notebook.log().lines[0])
    assert began.fields == {"local": list(client), "peer": list(server)}


def test_an_altered_echo_is_told_once_with_its_place(pair):
    ours, theirs = pair
    peer, notebook = peer_of(ours)
    peer.send(6)
    theirs.sendall(b"0123")
    assert peer.receive(4) == b"0123"
    theirs.sendall(b"4x")
    assert peer.receive(2) == b"4x"
    theirs.sendall(b"more")
    peer.receive(4)
    complaints = [message for message in told(notebook) if "ERROR" in message]
    assert complaints == ["ERROR other bytes came back than were sent, from byte 4 on"]
    [event] = [event for event in parse(notebook.log().lines) if event.name == "altered"]
    assert event.level == "error"


def test_more_bytes_than_were_sent_are_no_echo(pair):
    ours, theirs = pair
    peer, notebook = peer_of(ours)
    peer.send(3)
    theirs.sendall(b"0123")
    peer.receive(4)
    assert "ERROR other bytes came back than were sent, from byte 0 on" in told(notebook)


def test_a_peer_that_plays_a_server_takes_any_bytes(pair):
    ours, theirs = pair
    peer, notebook = peer_of(ours, echoed=False)
    theirs.sendall(b"anything")
    peer.receive(8)
    assert told(notebook) == ["connected", "received b'anything'"]


def test_the_end_is_told_once(pair):
    peer, notebook = peer_of(pair[0])
    peer.close()
    peer.close()
    peer.half_close()
    assert peer.receive(1) == b""
    assert told(notebook) == ["connected", "closing"]


def test_a_peer_whose_other_side_is_gone_could_not_send(pair):
    ours, theirs = pair
    peer, notebook = peer_of(ours)
    theirs.close()
    assert not peer.send(1)
    assert told(notebook) == ["connected", "sending b'0'", "could not send it all: connection reset"]


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.text])
def test_a_line_of_a_notebook_reads_as_the_event_that_it_is(name):
    notebook = Notebook()
    message = KINDS[name].text.format(offset=7, reason="certificate verify failed")
    notebook.tell("peer_1", name, message, more=1)
    [line] = notebook.log().lines
    event = parse_line(line)
    assert (event.name, event.speaker, event.message, event.fields) == (name, "peer_1", message, {"more": 1})
    assert event.level == ("error" if name == "altered" else "info")
    assert json.loads(line)["t_ns"] == event.t_ns


def test_a_notebook_with_trouble_is_a_log_without_an_exit_code():
    log = Notebook().log("peer_1 waited in vain")
    assert (log.exit_code, log.trouble, log.lines) == (None, "peer_1 waited in vain", ())
    assert Notebook().log().exit_code == 0


# --- What is kept of very many connections ---
def many(count, change):
    """A server's log of `count` connections, after `change(number, lines)` had its way with each."""
    life = server_lines(ENDPOINTS[0])
    blocks = [
        line
        for number in range(count)
        for line in change(number, [line.replace("64624", str(20000 + number)) for line in life[2:-2]])
    ]
    return run(Pairing(ENDPOINTS[0], ENDPOINTS[0]), [*life[:2], *blocks, *life[-2:]], client_lines(ENDPOINTS[0]))


def endings_of(one):
    return [block[-1].message for block in connections(one.server.events)]


def test_of_alike_connections_a_few_are_kept_with_the_life_of_the_program():
    whole = many(50, lambda number, lines: lines)
    short = condense(whole)
    assert endings_of(short)[:KEPT] == ["closing"] * KEPT
    assert len(endings_of(short)) <= 2 * KEPT
    assert short.server.lines[:2] == whole.server.lines[:2]
    assert short.server.lines[-2:] == whole.server.lines[-2:]
    assert short.client == whole.client


@pytest.mark.parametrize("odd", [30, 49])
def test_a_connection_that_ended_in_another_way_is_kept(odd):
    def change(number, lines):
        return [*lines[:-1], lines[-1].replace("closing", "connection lost: OSError")] if number == odd else lines

    assert "connection lost: OSError" in endings_of(condense(many(50, change)))


def test_a_connection_without_an_end_is_kept():
    short = condense(many(50, lambda number, lines: lines[:-1] if number == 30 else lines))
    assert [message for message in endings_of(short) if message != "closing"] == ["sent b'in parts.'"]


@pytest.mark.parametrize("count", [1, KEPT])
def test_a_few_connections_are_all_kept(count):
    whole = many(count, lambda number, lines: lines)
    assert condense(whole) == whole or condense(whole).server.events == whole.server.events


# --- Where lines were left out, a line says so in their place, at their time ---
def timed(*, with_times=True):
    """A run with a long connection and a long-winded program, whose every line has the number of its place as its
    time."""
    lines = [
        ("main", "starting", "starting up on localhost port 1"),
        *[("main", "log", f"hello {n}") for n in range(3 * KEPT_LINES)],
        ("echo_1", "accepted", "connection accepted"),
        *[("echo_1", "received", "received b'x'"), ("echo_1", "sent", "sent b'x'")] * (2 * KEPT_LINES),
        ("echo_1", "closing", "closing"),
        ("main", "closing_loop", "closing event loop"),
    ]
    server = [
        json.dumps({"t_ns": 1_000_000 * n if with_times else None, "logger": who, "level": "info"} | told)
        for n, (who, event, message) in enumerate(lines)
        for told in [{"event": event, "message": message}]
    ]
    return run(Pairing(ENDPOINTS[0], ENDPOINTS[0]), server, [])


def as_told(events):
    return [(event.name, event.message, event.t_ns) for event in events]


@pytest.mark.parametrize("with_times", [True, False])
def test_what_was_left_out_is_told_in_its_place_and_at_its_time(with_times):
    whole, short = timed(with_times=with_times), condense(timed(with_times=with_times))
    places = [place for place, event in enumerate(short.server.events) if event.name == "left_out"]
    assert [short.server.events[place].message for place in places] == [
        f"({KEPT_LINES + 2} lines left out here)",  # of the program, whose last words are kept
        f"({2 * KEPT_LINES} lines left out here)",
    ]
    before = [short.server.events[place - 1] for place in places]
    left_out = [whole.server.events[whole.server.events.index(event) + 1] for event in before[:1]]
    assert [short.server.events[places[0]].t_ns] == [event.t_ns for event in left_out]
    times = [event.t_ns for event in short.server.events]
    assert times == (sorted(times) if with_times else [None] * len(times))
    assert as_told(parse(short.server.lines)) == as_told(short.server.events)


@pytest.mark.parametrize("with_times", [True, False])
@pytest.mark.parametrize("silent", [(), ("server",)])
def test_what_was_left_out_is_read_back_from_json(with_times, silent):
    short = condense(dataclasses.replace(timed(with_times=with_times), silent=silent))
    saved = json.loads(json.dumps(export.run_document(short)))
    ends = {end.label: end for end in (short.pairing.server, short.pairing.client)}
    read = export.read(Run, saved | {"pairing": {side: short.pairing.end(side).label for side in SIDES}}, ends)
    kept = [event for event in as_told(read.server.events) if event[0] == "left_out"]
    assert kept == [event for event in as_told(short.server.events) if event[0] == "left_out"] != []


def test_no_line_of_a_drawing_has_a_time_of_its_own_making():
    texts = evidence.Texts()
    drawn = evidence._run(condense(timed()), evidence.TRIMS[0], texts, True)
    times_us = [line[0] for log in drawn["logs"] for line in log if line[0] is not None]
    assert times_us == sorted(times_us)
    assert times_us[0] == 0
    untimed = evidence._run(condense(timed(with_times=False)), evidence.TRIMS[0], texts, True)
    assert {line[0] for log in untimed["logs"] for line in log} == {None}
    assert not untimed["timed"]


def test_a_program_that_talks_of_other_things_is_cut_short_too():
    chatty = run(Pairing(ENDPOINTS[0], ENDPOINTS[0]), ["tick"] * 1000, client_lines(ENDPOINTS[0]))
    server = dataclasses.replace(chatty.server, events=())
    short = condense(dataclasses.replace(chatty, server=server, silent=("server",)))
    assert len(short.server.lines) == 2 * KEPT_LINES + 1
    assert parse_line(short.server.lines[KEPT_LINES]).message == f"({1000 - 2 * KEPT_LINES} lines left out here)"


def test_a_peer_is_stuck_only_when_its_kernel_has_asked_for_room_once_more(pair, monkeypatch):
    ours, theirs = pair
    peer, _ = peer_of(ours)
    taken = []

    def makes_room(_seconds):
        theirs.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while data := theirs.recv(1024 * 1024):
                taken.append(len(data))

    monkeypatch.setattr(peers.time, "sleep", lambda seconds: taken or makes_room(seconds))
    peer.send_until_stuck(SimpleNamespace(round_trip=lambda: None), 1024 * 1024 * 1024)
    assert sum(taken) > 0
    assert peer.sent_bytes > sum(taken)


def test_a_client_that_has_connected_and_ended_before_anybody_looked_has_connected(tmp_path):
    scenario = Scenario("fails", "", PATTERN, on_trial=("client",))
    with Launcher() as launcher:
        stage = ClientStage(launcher, scenario, TRANSPORTS["unix"], tmp_path, Pairing(RAW, ENDPOINTS[0]))
        stage.listen()
        stage.process = SimpleNamespace(has_ended=True)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(stage._listener.getsockname())
            stage.accept_socket().close()
        with pytest.raises(Late, match="no client has connected"):
            stage.accept_socket()
        stage.kept.close()


def test_a_peer_that_comes_too_late_at_a_unix_socket_leaves_none_open(tmp_path, monkeypatch):
    made = []
    usual = socket.socket
    monkeypatch.setattr(socket, "socket", lambda *given: made.append(usual(*given)) or made[-1])
    scenario = Scenario("late", "", PATTERN, on_trial=("server",))
    with Launcher() as launcher:
        stage = ServerStage(launcher, scenario, TRANSPORTS["unix"], tmp_path, Pairing(ENDPOINTS[0], RAW))
        with pytest.raises(FileNotFoundError):
            stage.connect_socket()
        stage.kept.close()
    assert [sock.fileno() for sock in made] == [-1]
