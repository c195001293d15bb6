"""A real server with a real client: every server of the matrix with every client."""

from functools import partial

from common.config import TUTORIAL_MESSAGES
from comparison.model import Expectation, Scenario
from comparison.scenarios.declare import LATE_S, MEMORY_MIB, MIB, PATTERN

IDLE_S = "0.2"
TIMEOUT_S = "0.5"
"""Long enough for TLS to be there, on a machine that is busy."""

UNTIL_THEN = ("sending", "received", "sent", "eof", "failed")
"""What the clock decides where a limit of time ends a connection: how far it had come by then. A connection that is cut
with something unread is reset, and one that is reset has no EOF."""

the_tutorial = partial(Scenario, pattern=b"".join(TUTORIAL_MESSAGES))
messages = partial(Scenario, as_messages=True)
a_file = partial(Scenario, from_file=True)

SCENARIOS = (
    the_tutorial("tutorial", "the tutorial's three messages"),
    messages("nothing", "no bytes at all: connect, and say that this was all", b""),
    messages("one-byte", "a single byte", b"x"),
    messages("byte-by-byte", "100 messages of one byte", b"x", 100),
    the_tutorial("pause", "the tutorial's messages with a pause between", options=("--pause", "0.05")),
    the_tutorial(
        "lockstep", "the tutorial's messages, each when the echo of the one before is back", options=("--lockstep",)
    ),
    a_file(
        "small-reads",
        "64 KiB, read 128 bytes at a time where the API lets one choose",
        b"0123456789abcdef",
        4096,
        options=("--read-size", "128"),
        server_options=("--read-size", "128"),
    ),
    a_file("every-byte", "every value that a byte can have", bytes(range(256))),
    a_file("1-mib", "1 MiB while both read and write", PATTERN, MIB // len(PATTERN) + 1),
    a_file(
        "64-mib",
        "64 MiB while both read and write",
        PATTERN,
        64 * MIB // len(PATTERN) + 1,
        expects=Expectation(memory_mib=MEMORY_MIB),
        deadline_s=30,
    ),
    the_tutorial("100-connections", "100 connections at once with the tutorial's messages", connections=100),
    the_tutorial(
        "1000-connections", "1,000 connections at once with the tutorial's messages", connections=1000, deadline_s=60
    ),
    the_tutorial(
        "idle",
        f"a client that falls silent after its first message, past the server's idle limit of {IDLE_S} s",
        options=("--pause", "60"),
        server_options=("--idle-timeout", IDLE_S),
        expects=Expectation(
            echo="part",
            client_exit=1,
            server_endings=("idle",),
            client_endings=("failed",),
            warnings=("idle", "failed"),
            by_timing=UNTIL_THEN,
        ),
    ),
    the_tutorial(
        "client-timeout",
        f"a client stopped by its own time-out of {TIMEOUT_S} s after its first message",
        options=("--pause", "60", "--timeout", TIMEOUT_S),
        expects=Expectation(
            echo="part",
            client_exit=1,
            server_endings=("closing", "lost"),
            client_endings=("failed",),
            warnings=("failed",),
            by_timing=(*UNTIL_THEN, "closing", "lost"),
        ),
        late_s=LATE_S,
    ),
    the_tutorial("tls", "the tutorial's three messages over TLS", transports=("tls",)),
    the_tutorial(
        "client-certificate",
        "the tutorial's three messages over TLS, and the server demands a certificate of the client",
        transports=("mtls",),
    ),
)
