"""A badly behaved server against each client. The server is a raw socket of the engine."""

import contextlib
import signal
import socket
import ssl
import time
from functools import partial
from pathlib import Path

from common.config import TUTORIAL_MESSAGES
from comparison.model import MIB
from comparison.play.machine import Skip
from comparison.play.peers import CHUNK_BYTES, Late, Peer
from comparison.play.serving import LOOK_S
from comparison.play.stage import ClientStage as Stage
from comparison.scenarios.declare import CUT_OFF, LATE_S, MEMORY_MIB, OVER, OVER_TLS, PLAIN, TCP_ONLY, Declared, file_of

UNKNOWN = "no-such-host.invalid"
MESSAGE = b"".join(TUTORIAL_MESSAGES)

SCENARIOS = scenario = Declared("client", pattern=MESSAGE, transports=PLAIN, server_endings=("did_close",))

FAILS = {"echo": "part", "client_exit": 1, "client_endings": ("failed",), "warnings": ("failed",)}
"""The client says in one line what went wrong, and exits with 1."""

PAUSES = {"options": ("--pause", "60")}
WAITS_1_S = {"options": ("--timeout", "1"), "late_s": LATE_S}
INTERRUPTED = {**PAUSES, "client_exit": 130, "client_endings": (), "server_endings": CUT_OFF}
STILL_TOLD = {"client_endings": ("closing", "lost"), "by_timing": ("sending", "waiting", "broken")}
GIVEN_UP = {**file_of(64), **FAILS, "memory_mib": MEMORY_MIB}
AMID = ("sending", "received", "failed")
"""What the clock decides where a client gives up amid what it sends: how far it had come."""

UNANSWERED_BYTES = 20 * MIB  # a client may have 16 MiB under way, and a chunk or two besides
MOST_IN_KERNEL_BYTES = 10 * MIB  # it takes 4, and a little for the other side; who waits for no room writes 16
KEEPALIVE = "02"

WRONG = {
    "too-little": ("all but the last byte, and closes", {"echo": MESSAGE[:-1]}),
    "too-much": ("one byte more than it got", {"echo": MESSAGE + b"!"}),
    "altered": ("other bytes from the 13th on", {"echo": MESSAGE[:12] + MESSAGE[12:].swapcase()}),
    "reversed": ("the bytes in reverse order", {"echo": MESSAGE[::-1]}),
}
BAD = {
    "wrong": ("that nobody known has signed", {"certificate": "wrong-ca"}),
    "expired": ("that has expired", {"certificate": "expired"}),
    "misnamed": ("for another name", {"certificate": "wrong-name"}),
}
UNFIT = {"missing": ("a file that is not there", {"file": "no-such-file"}), "is-a-folder": ("a folder", {"file": "."})}


def met(stage: Stage, receive_bytes: int | None = None, plain: bool = False) -> list[Peer]:
    """The connection of a client; its server's kernel may hold so much unread, and `plain` leaves TLS out."""
    stage.listen(receive_bytes=receive_bytes)
    stage.start()
    return [stage.accept(plain=plain)]


met_bare = partial(met, plain=True)
met_by_little_room = partial(met, receive_bytes=CHUNK_BYTES)


def heard_out(stage: Stage, message: bytes = MESSAGE) -> list[Peer]:
    """The client's connection, when all that it sends has come, or a part of it."""
    [peer] = met(stage)
    peer.receive(len(message))
    return [peer]


heard_first = partial(heard_out, message=TUTORIAL_MESSAGES[0])


@scenario(**FAILS, server_endings=(), transports=TCP_ONLY)
def refuses(stage: Stage) -> None:
    """A port that nobody listens on."""
    stage.start()


@scenario(met, **FAILS, by_timing=("sending", "waiting", "received", "eof", "failed"))
def closes_at_once(stage: Stage, peer: Peer) -> None:
    """A server that accepts and closes at once."""
    peer.close()


@scenario(heard_out, **FAILS, server_endings=("did_reset",), transports=TCP_ONLY)
def resets(stage: Stage, peer: Peer) -> None:
    """A server that reads it all and resets the connection."""
    peer.reset()


@scenario(heard_first, **FAILS, **PAUSES, server_endings=("did_reset",), transports=TCP_ONLY)
def resets_in_a_pause(stage: Stage, peer: Peer) -> None:
    """A server that resets the connection while its client waits between two messages, and must not wait on."""
    time.sleep(0.1)  # the bytes may come before the client waits
    peer.reset()


@scenario(heard_out, client_endings=("lost",), server_endings=("did_reset",), transports=TCP_ONLY)
def echoes_and_resets(stage: Stage, peer: Peer) -> None:
    """A server that sends it all back, and resets the connection when the client has it."""
    peer.receive_eof()
    peer.send_bytes(MESSAGE)
    stage.wait_for("received")
    peer.reset()


@scenario(heard_out, WRONG, **FAILS)
def echoes_each(stage: Stage, peer: Peer, echo: bytes) -> None:
    """A server that sends back {each}."""
    peer.send_bytes(echo)
    peer.close()


@scenario(heard_out, **FAILS, **WAITS_1_S, server_endings=CUT_OFF, transports=(*PLAIN, *OVER_TLS))
def never_answers(stage: Stage, peer: Peer) -> None:
    """A server that reads everything and never answers a client that waits 1 s, and no less."""
    stage.wait_for("failed")
    stage.check_not_sooner(1, stage.accepted_s)
    peer.receive_to_end()


@scenario(met_bare, **FAILS, **WAITS_1_S, by_timing=("sending", "waiting"), transports=(*OVER_TLS, *PLAIN))
def accepts_silently(stage: Stage, peer: Peer) -> None:
    """A server that accepts and then does nothing at all, not even for TLS, while the client waits 1 s."""
    stage.wait_for("failed")
    peer.close()


@scenario(heard_out)
def byte_at_a_time(stage: Stage, peer: Peer) -> None:
    """A server that answers one byte at a time."""
    for place in range(len(MESSAGE)):
        peer.send_bytes(MESSAGE[place : place + 1])
        time.sleep(0.002)
    peer.close()


@scenario(met, server_endings=("saw_eof",), options=("--lockstep",))
def lets_lockstep_wait(stage: Stage, peer: Peer) -> None:
    """A server that answers each message of a client in lockstep late, and must get nothing more before."""
    for message in TUTORIAL_MESSAGES:
        peer.receive(len(message))
        peer.receive_nothing(0.1)
        peer.send_bytes(message)
    peer.receive_to_end()


@scenario(met, **FAILS, **PAUSES, by_timing=("sending", "waiting", "received", "failed"), server_endings=OVER)
def speaks_first(stage: Stage, peer: Peer) -> None:
    """A server that sends before it is asked."""
    peer.send_bytes(b"Welcome! " * 20)
    peer.receive_to_end()


@scenario(heard_out, **FAILS, server_endings=OVER)
def half_closes_first(stage: Stage, peer: Peer) -> None:
    """A server that sends EOF when it has sent back a part, and goes on reading."""
    peer.send_bytes(MESSAGE[:12])
    peer.half_close()
    peer.receive_to_end()


def amid_64_mib(stage: Stage) -> tuple[Peer, bytes]:
    """Echo the first MiB of 64 but for the last piece, and read no more while the client fills all buffers."""
    [peer], data = met_by_little_room(stage), b""
    while peer.received_bytes < MIB and (data := peer.receive_some()):
        if peer.received_bytes < MIB:
            peer.send_bytes(data)
    time.sleep(0.3)
    return peer, data


@scenario(amid_64_mib, **GIVEN_UP, by_timing=("sending", "waiting", "received", "eof", "failed"), transports=TCP_ONLY)
def closes_amid_64_mib(stage: Stage, peer: Peer, data: bytes) -> None:
    """A server that closes when it has sent back the first MiB of 64."""
    peer.send_bytes(data)
    peer.close()


@scenario(amid_64_mib, **GIVEN_UP, by_timing=AMID)
def eof_amid_64_mib(stage: Stage, peer: Peer, data: bytes) -> None:
    """A server that sends EOF when it has sent back the first MiB of 64, and then neither reads nor closes."""
    peer.send_bytes(data)
    peer.half_close()
    stage.wait_for("failed")
    peer.close()


@scenario(amid_64_mib, **GIVEN_UP, by_timing=AMID)
def altered_amid_64_mib(stage: Stage, peer: Peer, data: bytes) -> None:
    """A server that sends back a wrong byte after the first MiB of 64, and then neither reads nor closes."""
    peer.send_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    stage.wait_for("failed")
    peer.close()


@scenario(met, **file_of(64), **FAILS, **WAITS_1_S, by_timing=AMID, server_endings=CUT_OFF)
def swallows_64_mib(stage: Stage, peer: Peer) -> None:
    """A server that reads and never answers a client that has 64 MiB to send and waits 1 s; it must not send them
    all."""
    while peer.receive_some():
        if peer.received_bytes > UNANSWERED_BYTES:
            raise Late(f"no answer came, and the client did not stop before {UNANSWERED_BYTES // MIB} MiB were sent")


@scenario(met_by_little_room, **GIVEN_UP, **WAITS_1_S, by_timing=("sending", "failed"), transports=TCP_ONLY)
def reads_nothing(stage: Stage, peer: Peer) -> None:
    """A server that takes the connection and neither reads nor answers a client that has 64 MiB to send and waits
    1 s; it must not write more than the kernel takes."""
    stage.wait_for("failed")
    written = [event.payload.length for event in stage.told("sending") if event.payload is not None]
    peer.close()
    if sum(written) > MOST_IN_KERNEL_BYTES:
        raise Late(f"the client wrote {sum(written) / MIB:.0f} MiB to a server that reads nothing")


@scenario(None, BAD, **FAILS, server_endings=("tls_refused",), transports=("tls",))
def each_certificate(stage: Stage, certificate: str) -> None:
    """A server with a certificate {each}."""
    stage.listen()
    stage.start()
    try:
        stage.accept(certificate=certificate)
    except (ssl.SSLError, ConnectionError):
        stage.notebook.tell("peer_1", "tls_refused", "the client ended the TLS handshake")
    else:
        raise Late(f"the client has accepted the certificate {certificate!r}")


@scenario(**FAILS, options=("--host", UNKNOWN), server_endings=(), transports=("tcp",))
def unknown_name(stage: Stage) -> None:
    """A server name that does not resolve."""
    start_s = time.monotonic()
    with contextlib.suppress(socket.gaierror):
        socket.getaddrinfo(UNKNOWN, None)
        raise Skip("the resolver of this machine has an address for every name")
    if time.monotonic() - start_s > 2:
        raise Skip("the resolver of this machine takes seconds to say that it does not know a name")
    stage.start()


@scenario(**FAILS, options=("--host", "localhost"), server_endings=(), transports=("tcp",))
def no_listener_on_any_address(stage: Stage) -> None:
    """A port that nobody listens on, on any address of localhost: IPv4 and, where it has one, IPv6."""
    stage.start()


@scenario(heard_out, transports=OVER_TLS)
def tls_needs_goodbye(stage: Stage, peer: Peer) -> None:
    """A TLS server that sends it all back, and must be told in TLS (close_notify) that this was all."""
    peer.send_bytes(MESSAGE)
    peer.receive_eof()
    peer.close()


@scenario(heard_out, transports=OVER_TLS, by_timing=("eof",), late_s=0.1)  # the kernel holds it back for 0.2 s at most
def tls_goodbye_first(stage: Stage, peer: Peer) -> None:
    """A TLS server that sends it all back with its own goodbye (close_notify) in one piece, and must be told in TLS
    that this was all."""
    peer.send_with_goodbye(len(MESSAGE))
    peer.receive_eof()
    peer.cut()


@scenario(heard_out, **STILL_TOLD, transports=OVER_TLS)
def tls_after_goodbye(stage: Stage, peer: Peer) -> None:
    """A TLS server that sends it all back, goes on sending when the client has closed in TLS, and then closes."""
    peer.send_bytes(MESSAGE)
    peer.receive_eof()
    for _ in range(10):
        peer.send_bytes(b"There is more. ")
        time.sleep(0.01)
    peer.cut()


@scenario(heard_first, **INTERRUPTED, transports=(*PLAIN, *OVER_TLS))
def interrupted(stage: Stage, peer: Peer) -> None:
    """A client that gets Ctrl-C (SIGINT) between two messages, and must just end."""
    stage.process.send_signal(signal.SIGINT)
    peer.receive_to_end()


@scenario(heard_first, **INTERRUPTED, transports=TCP_ONLY)
def never_heard_of_again(stage: Stage, peer: Peer) -> None:
    """A server that falls silent; the client's kernel must look now and then whether it is still there (TCP
    keepalive)."""
    while not _is_kept_alive(peer):
        if stage.deadline.left() < LOOK_S:
            raise Late("the client's kernel never looks whether its server is still there")
        time.sleep(LOOK_S)
    stage.process.send_signal(signal.SIGINT)
    peer.receive_to_end()


def _is_kept_alive(peer: Peer) -> bool:
    """Whether the kernel of the other side looks now and then if this one is there, by the timer that it keeps: see
    proc_net_tcp in the documentation of Linux. Raises Skip where no system tells."""
    tables = [path.read_text("ascii") for path in Path("/proc/net").glob("tcp*")]
    if not tables:
        raise Skip("only Linux tells the timers of a connection")
    own, other = (f":{name[1]:04X}" for name in (peer.sock.getsockname(), peer.sock.getpeername()))
    rows = [line.split() for table in tables for line in table.splitlines()]
    return any(row[5].startswith(KEEPALIVE) and row[1].endswith(other) and row[2].endswith(own) for row in rows)


@scenario(None, UNFIT, client_exit=2, client_endings=(), server_endings=())
def file_each(stage: Stage, file: str) -> None:
    """A client that is to send {each}."""
    stage.listen()
    stage.start("--file", file)


@scenario(**FAILS, server_endings=CUT_OFF)
def file_not_readable(stage: Stage) -> None:
    """A client that is to send a file that nobody can open (a Unix socket)."""
    with socket.socket(socket.AF_UNIX) as nobody:
        nobody.bind(str(stage.folder / "nobody"))
    stage.listen()
    stage.start("--file", str(stage.folder / "nobody"))
    stage.accept().receive_to_end()
