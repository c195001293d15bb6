"""A badly behaved server against each client. The server is a raw socket of the engine."""

import signal
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from common.config import TUTORIAL_MESSAGES
from comparison.model import Expectation
from comparison.play.peers import CHUNK_BYTES, Late
from comparison.scenarios.declare import CUT_OFF, LATE_S, MEMORY_MIB, MIB, PATTERN, TCP_ONLY, Declared

if TYPE_CHECKING:
    from comparison.play.peers import Peer
    from comparison.play.stage import ClientStage as Stage

UNKNOWN = "no-such-host.invalid"

MESSAGE = b"".join(TUTORIAL_MESSAGES)
CONNECTED = (*TCP_ONLY, "unix")
ANY = (*CONNECTED, "tls", "mtls")
LARGE: dict[str, Any] = {"pattern": PATTERN, "times": 64 * MIB // len(PATTERN) + 1, "from_file": True}

SCENARIOS = scenario = Declared("client", pattern=MESSAGE, transports=CONNECTED)

UNANSWERED_BYTES = 20 * MIB
"""A client may have 16 MiB under way, and a chunk or two besides."""


def fails(
    *by_timing: str, server_endings: tuple[str, ...] = ("did_close",), memory_mib: int | None = None
) -> Expectation:
    """The client says in one line what went wrong, and exits with 1."""
    return Expectation(
        echo="part",
        client_exit=1,
        client_endings=("failed",),
        server_endings=server_endings,
        warnings=("failed",),
        by_timing=by_timing,
        memory_mib=memory_mib,
    )


def _accept_all(stage: "Stage") -> "Peer":
    """The client's connection, when all that it sends has come."""
    stage.listen()
    stage.start()
    peer = stage.accept()
    peer.receive(len(MESSAGE))
    return peer


@scenario("refuses", "a port that nobody listens on", fails(server_endings=()), transports=TCP_ONLY)
def refuses(stage: "Stage") -> None:
    stage.start()


@scenario(
    "closes-at-once",
    "a server that accepts and closes at once",
    fails("sending", "waiting", "received", "eof", "failed", server_endings=("did_close",)),
)
def closes_at_once(stage: "Stage") -> None:
    stage.listen()
    stage.start()
    stage.accept().close()


@scenario(
    "resets",
    "a server that reads it all and resets the connection",
    fails(server_endings=("did_reset",)),
    transports=TCP_ONLY,
)
def resets(stage: "Stage") -> None:
    _accept_all(stage).reset()


@scenario(
    "echoes-and-resets",
    "a server that sends it all back, and resets the connection when the client has it",
    Expectation(client_endings=("lost",), server_endings=("did_reset",)),
    transports=TCP_ONLY,
)
def echoes_and_resets(stage: "Stage") -> None:
    peer = _accept_all(stage)
    peer.receive_eof()
    peer.send_bytes(MESSAGE)
    stage.wait_for("received")
    peer.reset()


def _echoes(name: str, description: str, echo: bytes) -> None:
    """A server that sends back something else than it got, and closes."""

    @scenario(name, description, fails())
    def script(stage: "Stage") -> None:
        peer = _accept_all(stage)
        peer.send_bytes(echo)
        peer.close()


_echoes("echoes-too-little", "a server that sends back all but the last byte, and closes", MESSAGE[:-1])
_echoes("echoes-too-much", "a server that sends back one byte more than it got", MESSAGE + b"!")
_echoes(
    "echoes-altered",
    "a server that sends back other bytes from the 13th on",
    MESSAGE[:12] + MESSAGE[12:].swapcase(),
)
_echoes("echoes-reversed", "a server that sends back the bytes in reverse order", MESSAGE[::-1])


@scenario(
    "never-answers",
    "a server that reads everything and never answers a client that waits 1 s, and no less",
    fails(server_endings=CUT_OFF),
    transports=ANY,
    late_s=LATE_S,
)
def never_answers(stage: "Stage") -> None:
    stage.listen()
    stage.start("--timeout", "1")
    peer = stage.accept()
    peer.receive(len(MESSAGE))
    stage.wait_for("failed")
    stage.check_not_sooner(1, stage.accepted_s)
    peer.receive_to_end()


@scenario(
    "accepts-silently",
    "a server that accepts and then does nothing at all, not even for TLS, while the client waits 1 s",
    fails("sending", "waiting"),
    transports=("tls", "mtls", *CONNECTED),
    late_s=LATE_S,
)
def accepts_silently(stage: "Stage") -> None:
    stage.listen()
    stage.start("--timeout", "1")
    peer = stage.accept(plain=True)
    stage.wait_for("failed")
    peer.close()


@scenario(
    "byte-at-a-time",
    "a server that answers one byte at a time",
    Expectation(server_endings=("did_close",)),
)
def byte_at_a_time(stage: "Stage") -> None:
    peer = _accept_all(stage)
    for place in range(len(MESSAGE)):
        peer.send_bytes(MESSAGE[place : place + 1])
        stage.pause(0.002)
    peer.close()


@scenario(
    "lets-lockstep-wait",
    "a server that answers each message of a client in lockstep late, and must get nothing more before",
    Expectation(server_endings=("saw_eof",)),
)
def lets_lockstep_wait(stage: "Stage") -> None:
    stage.listen()
    stage.start("--lockstep")
    peer = stage.accept()
    for message in TUTORIAL_MESSAGES:
        peer.receive(len(message))
        peer.receive_nothing(0.1)
        peer.send_bytes(message)
    peer.receive_to_end()


@scenario(
    "speaks-first",
    "a server that sends before it is asked",
    fails("sending", "waiting", "received", "failed", server_endings=("saw_eof", "saw_reset")),
)
def speaks_first(stage: "Stage") -> None:
    stage.listen()
    stage.start("--pause", "60")
    peer = stage.accept()
    peer.send_bytes(b"Welcome! " * 20)
    peer.receive_to_end()


@scenario(
    "half-closes-first",
    "a server that sends EOF when it has sent back a part, and goes on reading",
    fails(server_endings=("saw_eof", "saw_reset")),
)
def half_closes_first(stage: "Stage") -> None:
    peer = _accept_all(stage)
    peer.send_bytes(MESSAGE[:12])
    peer.half_close()
    peer.receive_to_end()


def _gives_up_amid_64_mib(stage: "Stage", change: Callable[[bytes], bytes]) -> "Peer":
    """Echo the first MiB of 64, read no more while the client fills all buffers on the way, and then send the last
    piece, with a change."""
    stage.listen(receive_bytes=CHUNK_BYTES)
    stage.start()
    peer = stage.accept()
    data = b""
    while peer.received_bytes < MIB and (data := peer.receive_some()):
        if peer.received_bytes < MIB:
            peer.send_bytes(data)
    stage.pause(0.3)
    peer.send_bytes(change(data))
    return peer


@scenario(
    "closes-amid-64-mib",
    "a server that closes when it has sent back the first MiB of 64",
    fails("sending", "waiting", "received", "eof", "failed", memory_mib=MEMORY_MIB),
    transports=TCP_ONLY,
    **LARGE,
)
def closes_amid_64_mib(stage: "Stage") -> None:
    _gives_up_amid_64_mib(stage, bytes).close()


@scenario(
    "eof-amid-64-mib",
    "a server that sends EOF when it has sent back the first MiB of 64, and then neither reads nor closes",
    fails("sending", "received", "failed", memory_mib=MEMORY_MIB),
    **LARGE,
)
def eof_amid_64_mib(stage: "Stage") -> None:
    peer = _gives_up_amid_64_mib(stage, bytes)
    peer.half_close()
    stage.wait_for("failed")
    peer.close()


@scenario(
    "altered-amid-64-mib",
    "a server that sends back a wrong byte after the first MiB of 64, and then neither reads nor closes",
    fails("sending", "received", "failed", memory_mib=MEMORY_MIB),
    **LARGE,
)
def altered_amid_64_mib(stage: "Stage") -> None:
    peer = _gives_up_amid_64_mib(stage, lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    stage.wait_for("failed")
    peer.close()


@scenario(
    "swallows-64-mib",
    "a server that reads and never answers a client that has 64 MiB to send and waits 1 s; it must not send them all",
    fails("sending", "received", "failed", server_endings=CUT_OFF),
    late_s=LATE_S,
    **LARGE,
)
def swallows_64_mib(stage: "Stage") -> None:
    stage.listen()
    stage.start("--timeout", "1")
    peer = stage.accept()
    while peer.received_bytes <= UNANSWERED_BYTES and peer.receive_some():
        pass
    if peer.received_bytes > UNANSWERED_BYTES:
        raise Late(f"no answer came, and the client did not stop before {UNANSWERED_BYTES // MIB} MiB were sent")


@scenario(
    "reads-nothing",
    "a server that takes the connection and neither reads nor answers a client that has 64 MiB to send and waits 1 s",
    fails("sending", "failed", server_endings=("did_close",), memory_mib=MEMORY_MIB),
    transports=TCP_ONLY,
    late_s=LATE_S,
    **LARGE,
)
def reads_nothing(stage: "Stage") -> None:
    stage.listen()
    stage.start("--timeout", "1")
    peer = stage.accept()
    stage.wait_for("failed")
    peer.close()


def _shows(name: str, description: str, certificate: str) -> None:
    """A server with a certificate that no client may accept."""

    @scenario(name, description, fails(server_endings=("tls_refused",)), transports=("tls",))
    def script(stage: "Stage") -> None:
        stage.listen()
        stage.start()
        stage.show_certificate(certificate)


_shows("wrong-certificate", "a server with a certificate that nobody known has signed", "wrong-ca")
_shows("expired-certificate", "a server with a certificate that has expired", "expired")
_shows("misnamed-certificate", "a server with a certificate for another name", "wrong-name")


@scenario(
    "unknown-name",
    "a server name that does not resolve",
    fails(server_endings=()),
    transports=("tcp",),
)
def unknown_name(stage: "Stage") -> None:
    start_s = time.monotonic()
    try:
        socket.getaddrinfo(UNKNOWN, None)
    except socket.gaierror:
        if time.monotonic() - start_s > 2:
            raise stage.skip("the resolver of this machine takes seconds to say that it does not know a name") from None
    else:
        raise stage.skip("the resolver of this machine has an address for every name")
    stage.start("--host", UNKNOWN)


@scenario(
    "no-listener-on-any-address",
    "a port that nobody listens on, on any address of localhost: IPv4 and, where it has one, IPv6",
    fails(server_endings=()),
    transports=("tcp",),
)
def no_listener_on_any_address(stage: "Stage") -> None:
    stage.start("--host", "localhost")


@scenario(
    "tls-needs-goodbye",
    "a TLS server that sends it all back, and must be told in TLS (close_notify) that this was all",
    Expectation(server_endings=("did_close",)),
    transports=("tls", "mtls"),
)
def tls_needs_goodbye(stage: "Stage") -> None:
    peer = _accept_all(stage)
    peer.send_bytes(MESSAGE)
    peer.receive_eof()
    peer.close()


@scenario(
    "tls-after-goodbye",
    "a TLS server that sends it all back, goes on sending when the client has closed in TLS, and then closes",
    Expectation(
        client_endings=("closing", "lost"), server_endings=("did_close",), by_timing=("sending", "waiting", "broken")
    ),
    transports=("tls", "mtls"),
    shows=("bytes-after-close-notify",),
)
def tls_after_goodbye(stage: "Stage") -> None:
    peer = _accept_all(stage)
    peer.send_bytes(MESSAGE)
    peer.receive_eof()
    for _ in range(10):
        peer.send_bytes(b"There is more. ")
        stage.pause(0.01)
    peer.cut()


@scenario(
    "interrupted",
    "a client that gets Ctrl-C (SIGINT) between two messages, and must just end",
    Expectation(client_exit=130, client_endings=(), server_endings=CUT_OFF),
    transports=ANY,
)
def interrupted(stage: "Stage") -> None:
    stage.listen()
    stage.start("--pause", "60")
    peer = stage.accept()
    peer.receive(len(TUTORIAL_MESSAGES[0]))
    stage.signal(signal.SIGINT)
    peer.receive_to_end()


NO_SUCH_FILE = Expectation(client_exit=2, client_endings=(), server_endings=())


def _cannot_send(name: str, description: str, file: str) -> None:
    """A client whose command line names something that cannot be sent."""

    @scenario(name, description, NO_SUCH_FILE)
    def script(stage: "Stage") -> None:
        stage.listen()
        stage.start("--file", file)


_cannot_send("file-missing", "a client that is to send a file that is not there", "no-such-file")
_cannot_send("file-is-a-folder", "a client that is to send a folder", ".")


@scenario(
    "file-not-readable",
    "a client that is to send a file that nobody can open (a Unix socket)",
    fails(server_endings=CUT_OFF),
)
def file_not_readable(stage: "Stage") -> None:
    with socket.socket(socket.AF_UNIX) as nobody:
        nobody.bind(str(stage.folder / "nobody"))
    stage.listen()
    stage.start("--file", str(stage.folder / "nobody"))
    stage.accept().receive_to_end()
