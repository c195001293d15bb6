"""One frozen dataclass per role, with the defaults and the limits of the options and the reason for each.

How a configuration is read from a command line stands in `options`.
"""

import sys
from dataclasses import dataclass

HOST = "localhost"
PORT = 10000
TUTORIAL_MESSAGES = (b"This is the message. ", b"It will be sent ", b"in parts.")

READ_SIZE_BYTES = 65536
"""What one read hands out at most. It is the default high-water mark: one chunk echoed pauses no writer."""

BACKLOG = 1024
"""Connections that may wait in the kernel. asyncio's default of 100 loses clients when a thousand connect at once."""

GRACE_S = 5.0
"""What open connections get at shutdown: enough for a peer that is alive; supervisors kill after 10 s."""

TLS_HANDSHAKE_TIMEOUT_S = 10.0
"""A silent peer must not hold a half-open handshake for asyncio's default of 60 s: it holds a file descriptor too."""

TLS_SHUTDOWN_TIMEOUT_S = 5.0
"""How long a close waits for the peer's close_notify; asyncio's default is 30 s, beyond any grace."""

KEEP_ALIVE_IDLE_S = 60
KEEP_ALIVE_EVERY_S = 20
KEEP_ALIVE_PROBES = 3
"""TCP has no timer for a connection on which nothing is under way: a peer whose link is gone would be waited for until
somebody sends. The kernel asks after a minute of silence, and gives up another minute later; its own default is two
hours."""

ECHO_WINDOW_BYTES = 16 * 1024 * 1024
"""A client sends no more while so much has not come back: its memory is bounded, whatever the kernel's buffers are."""

UNIX_PATH_BYTES = 107 if sys.platform == "linux" else 103
"""The longest path of a Unix socket: sun_path has 108 bytes on Linux, 104 on BSD and macOS, one for the final zero."""

NAME_BYTES = 255
"""The longest name that TLS can ask a server for; the DNS has none beyond 253."""

PORTS = 65535
"""A client needs a port for each connection to one address, and there are no more."""

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, as shells count."""

NOT_SUPPORTED = 127
"""Exit code of a program that cannot do here what an option asks for, though it is a right one: with it interop runners
know a test that a program does not support from one that it fails."""


class UsageError(Exception):
    """An option whose value makes no sense. The text says what is wrong and what to do instead; the exit code is 2."""


@dataclass(frozen=True, kw_only=True)
class EndpointConfig:
    """What a server and a client have in common. Sizes are in bytes, times in seconds; None: it was not given."""

    host: str = HOST
    port: int = PORT
    unix: str | None = None
    loop: str = "asyncio"
    read_size: int = READ_SIZE_BYTES
    log_level: str = "debug"
    log_format: str = "plain"
    tls_cert: str | None = None
    tls_key: str | None = None
    tls_ca: str | None = None

    @property
    def address(self) -> str:
        """The address as a person reads it: `localhost port 10000`, or the path of a Unix socket."""
        return self.unix if self.unix is not None else f"{self.host or 'all addresses'} port {self.port}"


@dataclass(frozen=True, kw_only=True)
class ServerConfig(EndpointConfig):
    """The options of a server."""

    backlog: int = BACKLOG
    max_connections: int | None = None
    idle_timeout_s: float | None = None
    grace_s: float = GRACE_S


@dataclass(frozen=True, kw_only=True)
class ClientConfig(EndpointConfig):
    """The options of a client. It sends `messages`, or, where `file` is given, that file (`-` is standard input)."""

    messages: tuple[bytes, ...] = TUTORIAL_MESSAGES
    file: str | None = None
    lockstep: bool = False
    pause_s: float = 0.0
    connections: int = 1
    timeout_s: float | None = None
    tls_server_name: str | None = None

    @property
    def uses_tls(self) -> bool:
        """A client speaks TLS as soon as any option of TLS is given."""
        return any(option is not None for option in (self.tls_cert, self.tls_key, self.tls_ca, self.tls_server_name))
