"""A real server with a real client: every server of the matrix with every client."""

from functools import partial

from common.config import TUTORIAL_MESSAGES
from comparison.scenarios.declare import LATE_S, MEMORY_MIB, file_of, scenario

IDLE_S = "0.2"
TIMEOUT_S = "0.5"  # long enough for TLS to be there, on a machine that is busy

UNTIL_THEN = ("sending", "received", "sent", "eof", "failed")
"""What the clock decides where a limit of time ends a connection: how far it had come by then. A connection that is cut
with something unread is reset, and one that is reset has no EOF."""

the_tutorial = partial(scenario, pattern=b"".join(TUTORIAL_MESSAGES))
fails = partial(the_tutorial, echo="part", client_exit=1, client_endings=("failed",))

SCENARIOS = (
    the_tutorial("tutorial", "the tutorial's three messages"),
    scenario("nothing", "no bytes at all: connect, and say that this was all", as_messages=True),
    scenario("one-byte", "a single byte", pattern=b"x", as_messages=True),
    scenario("byte-by-byte", "100 messages of one byte", pattern=b"x", times=100, as_messages=True),
    the_tutorial("pause", "the tutorial's messages with a pause between", options=("--pause", "0.05")),
    the_tutorial(
        "lockstep", "the tutorial's messages, each when the echo of the one before is back", options=("--lockstep",)
    ),
    scenario(
        "small-reads",
        "64 KiB, read 128 bytes at a time where the API lets one choose",
        pattern=b"0123456789abcdef",
        times=4096,
        from_file=True,
        options=("--read-size", "128"),
        server_options=("--read-size", "128"),
    ),
    scenario("every-byte", "every value that a byte can have", pattern=bytes(range(256)), from_file=True),
    scenario("1-mib", "1 MiB while both read and write", **file_of(1)),
    scenario("64-mib", "64 MiB while both read and write", **file_of(64), memory_mib=MEMORY_MIB, deadline_s=30),
    the_tutorial("100-connections", "100 connections at once with the tutorial's messages", connections=100),
    the_tutorial(
        "1000-connections", "1,000 connections at once with the tutorial's messages", connections=1000, deadline_s=60
    ),
    fails(
        "idle",
        f"a client that falls silent after its first message, past the server's idle limit of {IDLE_S} s",
        options=("--pause", "60"),
        server_options=("--idle-timeout", IDLE_S),
        server_endings=("idle",),
        warnings=("idle", "failed"),
        by_timing=UNTIL_THEN,
    ),
    fails(
        "client-timeout",
        f"a client stopped by its own time-out of {TIMEOUT_S} s after its first message",
        options=("--pause", "60", "--timeout", TIMEOUT_S),
        server_endings=("closing", "lost"),
        warnings=("failed",),
        by_timing=(*UNTIL_THEN, "closing", "lost"),
        late_s=LATE_S,
    ),
    the_tutorial("tls", "the tutorial's three messages over TLS", transports=("tls",)),
    the_tutorial(
        "client-certificate",
        "the tutorial's three messages over TLS, and the server demands a certificate of the client",
        transports=("mtls",),
    ),
)
