"""A real server with a real client: every server of the matrix with every client."""

from common.config import TUTORIAL_MESSAGES
from comparison.model import Expectation, Scenario
from comparison.scenarios.declare import LATE_S, MEMORY_MIB, MIB, PATTERN

TUTORIAL_BYTES = b"".join(TUTORIAL_MESSAGES)
IDLE_S = "0.2"
TIMEOUT_S = "0.5"
"""Long enough for TLS to be there, on a machine that is busy."""

UNTIL_THEN = ("sending", "received", "sent", "eof", "failed")
"""What the clock decides where a limit of time ends a connection: how far it had come by then. A connection that is cut
with something unread is reset, and one that is reset has no EOF."""

SCENARIOS = (
    Scenario("tutorial", "the tutorial's three messages", TUTORIAL_BYTES),
    Scenario("nothing", "no bytes at all: connect, and say that this was all", b"", as_messages=True),
    Scenario("one-byte", "a single byte", b"x", as_messages=True),
    Scenario("byte-by-byte", "100 messages of one byte", b"x", 100, as_messages=True),
    Scenario("pause", "the tutorial's messages with a pause between", TUTORIAL_BYTES, options=("--pause", "0.05")),
    Scenario(
        "lockstep",
        "the tutorial's messages, each when the echo of the one before is back",
        TUTORIAL_BYTES,
        options=("--lockstep",),
    ),
    Scenario(
        "small-reads",
        "64 KiB, read 128 bytes at a time where the API lets one choose",
        b"0123456789abcdef",
        4096,
        from_file=True,
        options=("--read-size", "128"),
        server_options=("--read-size", "128"),
    ),
    Scenario("every-byte", "every value that a byte can have", bytes(range(256)), from_file=True),
    Scenario("1-mib", "1 MiB while both read and write", PATTERN, MIB // len(PATTERN) + 1, from_file=True),
    Scenario(
        "64-mib",
        "64 MiB while both read and write",
        PATTERN,
        64 * MIB // len(PATTERN) + 1,
        from_file=True,
        expects=Expectation(memory_mib=MEMORY_MIB),
        deadline_s=30,
    ),
    Scenario(
        "100-connections",
        "100 connections at once with the tutorial's messages",
        TUTORIAL_BYTES,
        connections=100,
    ),
    Scenario(
        "1000-connections",
        "1,000 connections at once with the tutorial's messages",
        TUTORIAL_BYTES,
        connections=1000,
        deadline_s=60,
    ),
    Scenario(
        "idle",
        f"a client that falls silent after its first message, past the server's idle limit of {IDLE_S} s",
        TUTORIAL_BYTES,
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
    Scenario(
        "client-timeout",
        f"a client stopped by its own time-out of {TIMEOUT_S} s after its first message",
        TUTORIAL_BYTES,
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
    Scenario("tls", "the tutorial's three messages over TLS", TUTORIAL_BYTES, transports=("tls",)),
    Scenario(
        "client-certificate",
        "the tutorial's three messages over TLS, and the server demands a certificate of the client",
        TUTORIAL_BYTES,
        transports=("mtls",),
    ),
)
