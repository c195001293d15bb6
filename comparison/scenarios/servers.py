"""A badly behaved server against each client. The server is a raw socket of the engine."""

import socket
import time
from typing import TYPE_CHECKING, Any

from common.config import TUTORIAL_MESSAGES
from comparison.model import Expectation
from comparison.scenarios.declare import LATE_S, MEMORY_MIB, MIB, PATTERN, TCP_ONLY, Declared

if TYPE_CHECKING:
    from comparison.peers import Peer
    from comparison.stage import ClientStage as Stage

SCENARIOS = scenario = Declared("client")

UNKNOWN = "no-such-host.invalid"

MESSAGE = b"".join(TUTORIAL_MESSAGES)
CONNECTED = (*TCP_ONLY, "unix")
LARGE: dict[str, Any] = {"pattern": PATTERN, "times": 64 * MIB // len(PATTERN) + 1, "from_file": True}


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


@scenario("refuses", "a port that nobody listens on", fails(server_endings=()), pattern=MESSAGE, transports=TCP_ONLY)
def refuses(stage: "Stage") -> None:
    stage.start()


@scenario(
    "closes-at-once",
    "a server that accepts and closes at once",
    fails("sending", "waiting", "received", "eof", "failed", server_endings=("did_close",)),
    pattern=MESSAGE,
    transports=CONNECTED,
)
def closes_at_once(stage: "Stage") -> None:
    stage.listen()
    stage.start()
    stage.accept().close()


@scenario(
    "resets",
    "a server that reads it all and resets the connection",
    fails(server_endings=("did_reset",)),
    pattern=MESSAGE,
    transports=TCP_ONLY,
)
def resets(stage: "Stage") -> None:
    _accept_all(stage).reset()


@scenario(
    "echoes-too-little",
    "a server that sends back all but the last byte, and closes",
    fails(),
    pattern=MESSAGE,
    transports=CONNECTED,
)
def echoes_too_little(stage: "Stage") -> None:
    peer = _accept_all(stage)
    peer.send_bytes(MESSAGE[:-1])
    peer.close()


@scenario(
    "echoes-too-much",
    "a server that sends back one byte more than it got",
    fails(),
    pattern=MESSAGE,
    transports=CONNECTED,
)
def echoes_too_much(stage: "Stage") -> None:
    peer = _accept_all(stage)
    peer.send_bytes(MESSAGE + b"!")
    peer.close()


@scenario(
    "echoes-altered",
    "a server that sends back other bytes from the 13th on",
    fails(),
    pattern=MESSAGE,
    transports=CONNECTED,
)
def echoes_altered(stage: "Stage") -> None:
    peer = _accept_all(stage)
    peer.send_bytes(MESSAGE[:12] + MESSAGE[12:].swapcase())
    peer.close()


@scenario(
    "echoes-reversed",
    "a server that sends back the bytes in reverse order",
    fails(),
    pattern=MESSAGE,
    transports=CONNECTED,
)
def echoes_reversed(stage: "Stage") -> None:
    peer = _accept_all(stage)
    peer.send_bytes(MESSAGE[::-1])
    peer.close()


@scenario(
    "never-answers",
    "a server that reads everything and never answers a client that waits 1 s, and no less",
    fails(server_endings=("saw_eof", "saw_reset")),
    pattern=MESSAGE,
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
    "byte-at-a-time",
    "a server that answers one byte at a time",
    Expectation(server_endings=("did_close",)),
    pattern=MESSAGE,
    transports=CONNECTED,
)
def byte_at_a_time(stage: "Stage") -> None:
    peer = _accept_all(stage)
    for place in range(len(MESSAGE)):
        peer.send_bytes(MESSAGE[place : place + 1])
        stage.pause(0.002)
    peer.close()


@scenario(
    "speaks-first",
    "a server that sends before it is asked",
    fails("sending", "waiting", "received", "failed", server_endings=("saw_eof", "saw_reset")),
    pattern=MESSAGE,
    transports=CONNECTED,
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
    pattern=MESSAGE,
    transports=CONNECTED,
)
def half_closes_first(stage: "Stage") -> None:
    peer = _accept_all(stage)
    peer.send_bytes(MESSAGE[:12])
    peer.half_close()
    peer.receive_to_end()


@scenario(
    "closes-amid-64-mib",
    "a server that closes when it has sent back the first MiB of 64",
    fails("sending", "waiting", "received", "eof", "failed", memory_mib=MEMORY_MIB),
    transports=TCP_ONLY,
    **LARGE,
)
def closes_amid_64_mib(stage: "Stage") -> None:
    stage.listen()
    stage.start()
    peer = stage.accept()
    while peer.received_bytes < MIB and (data := peer.receive_some()):
        peer.send_bytes(data)
    peer.close()


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


def _certificate(stage: "Stage", name: str) -> None:
    stage.listen()
    stage.start()
    stage.show_certificate(name)


CERTIFICATE = fails(server_endings=("tls_refused",))


@scenario(
    "wrong-certificate",
    "a server with a certificate that nobody known has signed",
    CERTIFICATE,
    pattern=MESSAGE,
    transports=("tls",),
)
def wrong_certificate(stage: "Stage") -> None:
    _certificate(stage, "wrong-ca")


@scenario(
    "expired-certificate",
    "a server with a certificate that has expired",
    CERTIFICATE,
    pattern=MESSAGE,
    transports=("tls",),
)
def expired_certificate(stage: "Stage") -> None:
    _certificate(stage, "expired")


@scenario(
    "misnamed-certificate",
    "a server with a certificate for another name",
    CERTIFICATE,
    pattern=MESSAGE,
    transports=("tls",),
)
def misnamed_certificate(stage: "Stage") -> None:
    _certificate(stage, "wrong-name")


@scenario(
    "unknown-name",
    "a server name that does not resolve",
    fails(server_endings=()),
    pattern=MESSAGE,
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
    pattern=MESSAGE,
    transports=("tcp",),
)
def no_listener_on_any_address(stage: "Stage") -> None:
    stage.start("--host", "localhost")
