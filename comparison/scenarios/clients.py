"""A badly behaved client against each server. The client is a raw socket of the engine; afterwards a client like any
other must get its echo, and the server must end as it should."""

import socket
import ssl
import sys
import time
from functools import partial

from comparison.model import MIB
from comparison.play.machine import Busy
from comparison.play.peers import Peer
from comparison.play.stage import ServerStage as Stage
from comparison.scenarios.declare import CUT_OFF, LATE_S, MEMORY_MIB, OVER, OVER_TLS, PLAIN, TCP_ONLY, Declared
from comparison.vocabulary import BYSTANDER, BYTES

SCENARIOS = scenario = Declared("server", client_endings=("saw_eof",))

NEVER_READ_BYTES = 256 * MIB  # more than any chain of kernel buffers takes: who has sent so much was not made to wait
TURNS = 12  # round trips with a bystander, each a turn of the server's loop: what it can do for another is done then

CLIENT_HELLO = bytes.fromhex("16 0301 0200 01 0001fc 0303")
"""The beginning of the first message of a TLS client, up to where it becomes random: RFC 8446, 4.1.2 and 5.1."""

KILLED = """
import socket, sys
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))
peer.sendall(b"x" * 100000)
print(len(peer.recv(1)), flush=True)
peer.recv(1, socket.MSG_PEEK)
while True:
    peer.sendall(b"x" * 100000)
"""

LOST = {"echo": "part", "server_endings": ("lost",), "told": ("lost",), "transports": TCP_ONLY}
LOST_AMID = {**LOST, "by_timing": ("received", "sent", "lost")}
LOST_UNIX = {**LOST, "server_endings": ("closing", "lost"), "transports": ("unix",)}
IDLE = {"server_endings": ("idle",), "client_endings": CUT_OFF, "warnings": ("idle",), "late_s": LATE_S}
IDLE |= {"server_options": ("--idle-timeout", "1")}
STUCK = {"echo": "cut", "client_endings": OVER, "by_timing": (*BYTES, "broken", *OVER), "transports": PLAIN}
"""Of a client that reads only when it was cut."""
STUCK_IDLE = {**STUCK, "server_endings": ("idle", "closing"), "warnings": ("idle",), "told": ("idle",)}
STUCK_IDLE |= {"server_options": ("--idle-timeout", "2")}  # the kernels find room for more for a second and longer
STEADY = {"server_options": ("--idle-timeout", "2"), "late_s": LATE_S, "by_timing": BYTES, "transports": TCP_ONLY}
"""A kernel acknowledges in steps, at 20 kB each 50 ms about one a second, and asks the server for more at half that
rate: whoever looks at its own buffer only finds no movement for longer than the limit."""
REFUSED = {"echo": "part", "server_endings": ("closing", "refused"), "client_endings": OVER}
REFUSED |= {"warnings": ("refused",), "told": ("refused",), "by_timing": OVER, "transports": PLAIN}
REFUSED |= {"server_options": ("--max-connections", "2")}
UNMET = {"echo": "nothing", "server_connections": 0}
"""A handshake that fails is no connection to a server."""
TURNED_AWAY = (*CUT_OFF, "tls_refused")
UNCERTIFIED = {**UNMET, "client_endings": TURNED_AWAY, "by_timing": ("sending", "broken", *TURNED_AWAY)}


def started(stage: Stage, clients: int = 0) -> list[Peer]:
    """A server, and so many clients."""
    stage.start()
    return [stage.connect() for _ in range(clients)]


connected = partial(started, clients=1)


def finish(*peers: Peer) -> None:
    """One after another they say that this was all, and get what is left."""
    for peer in peers:
        peer.half_close()
        peer.receive_to_end()


def stuck(stage: Stage) -> list[Peer]:
    """A client that reads nothing and has sent all that there is room for: the server holds bytes for it."""
    stage.start()
    bystander, peer = stage.connect(BYSTANDER), stage.connect()
    peer.send_until_stuck(bystander, NEVER_READ_BYTES)
    finish(bystander)
    return [peer]


def waiting(stage: Stage) -> list[Peer]:
    """A client that has sent 256 KiB and EOF and read nothing, when the server can do no more about it."""
    stage.start()
    bystander, peer = stage.connect(BYSTANDER), stage.connect()
    peer.send(256 * 1024)
    peer.half_close()
    for _ in range(TURNS):
        bystander.round_trip()
    finish(bystander)
    return [peer]


@scenario(stuck, memory_mib=MEMORY_MIB, by_timing=BYTES, transports=TCP_ONLY)
def never_reads(stage: Stage, peer: Peer) -> None:
    """A client that sends as long as the server takes it and reads nothing, and then reads it all."""
    finish(peer)


@scenario(connected, memory_mib=MEMORY_MIB, transports=TCP_ONLY)
def reads_slowly(stage: Stage, peer: Peer) -> None:
    """A client that sends 1 MiB and EOF, and then reads it in small pieces."""
    peer.send(MIB)
    peer.half_close()
    while peer.receive_some(1000):
        pass


@scenario(waiting, memory_mib=MEMORY_MIB, transports=("unix", *TCP_ONLY))
def reads_after_eof(stage: Stage, peer: Peer) -> None:
    """A client that sends 256 KiB and EOF and only then reads, when the kernel has taken only a part of the echo."""
    peer.receive_to_end()


@scenario(connected, **LOST_AMID, client_endings=("did_reset",))
def reset_mid_stream(stage: Stage, peer: Peer) -> None:
    """A client that resets the connection (SO_LINGER 0) when a part of its echo has come back."""
    peer.send(MIB)
    peer.receive(1000)
    peer.reset()


@scenario(started, **LOST_AMID, server_connections=1, client_endings=("closing",))
def killed_mid_stream(stage: Stage) -> None:
    """A client that sends without reading and is killed (SIGKILL)."""
    process = stage.launcher.start([sys.executable, "-c", KILLED, *map(str, stage.address)])
    process.search("1".__eq__)(stage.deadline.left())
    process.kill()


@scenario(connected, **LOST | {"echo": "nothing"}, client_endings=("did_reset",))
def reset_before_sending(stage: Stage, peer: Peer) -> None:
    """A client that resets the connection before it has sent a byte."""
    stage.wait_for("accepted")
    peer.reset()


@scenario(connected, **LOST, client_endings=("did_close",), by_timing=("lost",))
def closes_unread(stage: Stage, peer: Peer) -> None:
    """A client that closes with its echo unread, which the kernel turns into a reset."""
    peer.send(1000)
    peer.sock.recv(1000, socket.MSG_PEEK | socket.MSG_WAITALL)
    peer.close()


@scenario(waiting, **LOST_UNIX, client_endings=("saw_eof", "did_close"), by_timing=("received", "sent"))
def closes_unread_unix(stage: Stage, peer: Peer) -> None:
    """A client that sends 256 KiB and EOF, and closes with its echo unread, when the kernel has taken only a part of
    it."""
    peer.close()


@scenario(started, **IDLE, echo="nothing")
def says_nothing(stage: Stage) -> None:
    """A client that connects and says nothing, past the server's idle limit of 1 s, and is not cut before."""
    start_s = time.monotonic()
    stage.connect().receive_to_end()
    stage.check_not_sooner(1, start_s)


@scenario(started, **IDLE, connections=200, transports=PLAIN)
def _200_half_open(stage: Stage) -> None:
    """200 clients that each send a byte and are never heard of again, past the server's idle limit of 1 s."""
    peers = []
    for _ in range(stage.scenario.connections):
        # At once: on a slow machine the first of them may be cut before the last is there.
        peers.append(stage.connect())
        peers[-1].round_trip()
    for peer in peers:
        peer.receive_to_end()


@scenario(stuck, **STUCK_IDLE, late_s=LATE_S)
def stuck_past_idle_limit(stage: Stage, peer: Peer) -> None:
    """A client that reads nothing past the server's idle limit of 2 s, and only then reads: what the kernel has taken,
    and no more."""
    if stage.told("idle"):  # before all was ready for it
        raise Busy
    peer.read_once_cut()


@scenario(started, by_timing=BYTES, transports=PLAIN)
def nothing_to_do(stage: Stage) -> None:
    """A server without anything to do, which must not take CPU time: nobody is there; then a client that is silent, one
    that reads nothing, and the same one when it has sent EOF; then all have left."""
    stage.check_asleep("before anyone has connected")
    silent, stuck = stage.connect(BYSTANDER), stage.connect()
    silent.round_trip()
    stage.check_asleep("while its clients are silent")
    stuck.send_until_stuck(silent, NEVER_READ_BYTES)
    stage.check_asleep("while a client reads nothing")
    stuck.half_close()
    silent.round_trip()
    stage.check_asleep("while a client that has sent EOF reads nothing")
    stuck.receive_to_end()
    finish(silent)
    stage.check_asleep("when its clients have left")


@scenario(connected, transports=PLAIN)
def byte_each_10_ms(stage: Stage, peer: Peer) -> None:
    """A client that sends one byte each 10 ms, and then EOF."""
    for _ in range(20):
        peer.send(1)
        time.sleep(0.01)
    finish(peer)


@scenario(connected, transports=PLAIN, late_s=LATE_S, server_options=("--idle-timeout", "0.6"))
def byte_each_100_ms(stage: Stage, peer: Peer) -> None:
    """A client that sends one byte each 0.1 s, well within the server's idle limit of 0.6 s, for longer than that
    limit."""
    for _ in range(15):
        peer.round_trip()
        time.sleep(0.1)
    finish(peer)


@scenario(stuck, **STEADY)
def reads_steadily(stage: Stage, peer: Peer) -> None:
    """A client that has filled all buffers and reads 20 kB each 50 ms, for longer than an idle limit of 2 s."""
    start_s = time.monotonic()
    for turn in range(1, 101):
        if turn in (1, 20) and stage.told("idle"):  # nothing had moved for the limit before it began to read
            raise Busy
        peer.receive_all(20_000)
        time.sleep(max(0.0, start_s + turn * 0.05 - time.monotonic()))  # at that rate also where the machine is busy
    finish(peer)


@scenario(started, transports=PLAIN)
def interleaved(stage: Stage) -> None:
    """8 clients at once, each with bytes of its own, who send and read by turns."""
    peers = [stage.connect(shift=number) for number in range(8)]
    for _ in range(10):
        for peer in peers:
            peer.send(100)
        for peer in peers:
            peer.receive(50)
    finish(*peers)


@scenario(partial(started, clients=2), **REFUSED)
def one_too_many(stage: Stage, *welcome: Peer) -> None:
    """3 clients of a server that takes 2 at once."""
    for peer in welcome:
        peer.round_trip()
    stage.connect().receive_to_end()
    for peer in welcome:
        peer.round_trip()
        finish(peer)


@scenario(partial(started, clients=2), **REFUSED)
def room_given_back(stage: Stage, stays: Peer, leaves: Peer) -> None:
    """A server that takes 2 clients at once and has them: 3 more are refused, and when one has left the next is
    served."""
    for peer in (stays, leaves):
        peer.round_trip()
    for _ in range(3):
        stage.connect().receive_to_end()
    finish(leaves)
    stage.wait_for("closing")
    following = stage.connect(BYSTANDER)
    for peer in (following, stays):
        peer.round_trip()
        finish(peer)


@scenario(started, **UNMET, client_endings=OVER, by_timing=("received",), transports=OVER_TLS)
def plain_text_to_tls(stage: Stage) -> None:
    """A client that speaks plain text to a TLS port."""
    peer = stage.connect(plain=True)
    peer.send_bytes(b"This is the message. It will be sent in parts.")
    peer.receive_to_end()


@scenario(started, **UNMET, client_endings=("tls_refused",), transports=OVER_TLS)
def certificate_refused(stage: Stage) -> None:
    """A TLS client that does not know who has signed the server's certificate."""
    try:
        with stage.connect_socket() as sock:
            ssl.create_default_context().wrap_socket(sock, server_hostname="localhost")
    except ssl.SSLCertVerificationError as error:
        stage.notebook.tell("peer_1", "tls_refused", f"TLS failed: {error.verify_message}")


@scenario(started, **UNCERTIFIED, transports=("mtls",))
def no_client_certificate(stage: Stage) -> None:
    """A client without a certificate, where the server demands one."""
    peer = stage.connect(certified=False)
    peer.send(100)
    peer.receive_to_end()


@scenario(started, **UNMET, client_endings=("did_close",), transports=OVER_TLS)
def tls_cut_in_handshake(stage: Stage) -> None:
    """A client that closes the connection in the middle of the TLS handshake."""
    peer = stage.connect(plain=True)
    peer.send_bytes(CLIENT_HELLO)
    peer.close()


@scenario(connected, told=("closing",), client_endings=("did_close",), transports=("tls",))
def tls_cut_without_goodbye(stage: Stage, peer: Peer) -> None:
    """A client that closes the connection under TLS, without saying so in TLS (close_notify)."""
    peer.round_trip()
    peer.cut()


# The kernel holds them back for 0.2 s at most.
@scenario(connected, echo="part", server_endings=("closing", "lost"), transports=("tls",), late_s=0.1)
def tls_bytes_with_goodbye(stage: Stage, peer: Peer) -> None:
    """A TLS client that sends 1000 bytes and the end of TLS (close_notify) in one piece, and then reads."""
    peer.send_with_goodbye(1000)
    peer.receive_to_end()
