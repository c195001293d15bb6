"""One frozen dataclass per role, and the one command line of every endpoint.

Every constant that both implementations use stands here, with its reason. A value that makes no sense, alone or
together with another, is a `UsageError` whose text names the remedy.
"""

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

HOST = "localhost"
PORT = 10000
TUTORIAL_MESSAGES = ("This is the message. ", "It will be sent ", "in parts.")

READ_SIZE_BYTES = 65536
"""What one read hands out at most: asyncio's default high-water mark, so that one chunk never has to wait for half
of itself."""

BACKLOG = 1024
"""Connections that may wait in the kernel. asyncio's own default of 100 loses clients when a thousand connect at
once."""

GRACE_S = 5.0
"""What open connections get at shutdown: long enough for a peer that is alive, well below the 10 s after which
supervisors kill."""

TLS_HANDSHAKE_TIMEOUT_S = 10.0
"""A silent peer must not hold a half-open handshake for asyncio's default of 60 s: it holds a file descriptor too."""

TLS_SHUTDOWN_TIMEOUT_S = 5.0
"""How long a close waits for the peer's close_notify; asyncio's default is 30 s, beyond any grace."""

ECHO_WINDOW_BYTES = 16 * 1024 * 1024
"""What a client lets out before it has come back. It bounds the client's memory, whatever the size of the kernel's
buffers."""

UNIX_PATH_BYTES = 107
"""The longest path of a Unix socket on Linux: sun_path has 108 bytes, one of them for the final zero."""


class UsageError(Exception):
    """An option whose value makes no sense. The text says what is wrong and what to do instead; the exit code is 2."""


@dataclass(frozen=True, kw_only=True)
class EndpointConfig:
    """What a server and a client have in common. Sizes are in bytes, times in seconds; None means that the option
    was not given."""

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
        return self.unix if self.unix is not None else f"{self.host} port {self.port}"


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

    messages: tuple[str, ...] = TUTORIAL_MESSAGES
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


def parse_server(arguments: Sequence[str] | None = None) -> ServerConfig:
    """Read a server's command line; a bad one prints the remedy and exits with 2."""
    parser = _parser("Echo server: everything that a peer sends comes back to it.", ServerConfig)
    add = parser.add_argument
    add("--backlog", type=_at_least_one, metavar="N", help="connections that may wait to be accepted (%(default)s)")
    add("--max-connections", type=_at_least_one, metavar="N", help="refuse any connection beyond N at once (no limit)")
    add(
        "--idle-timeout",
        dest="idle_timeout_s",
        type=_positive_s,
        metavar="S",
        help="end a connection on which nothing moves for S seconds (never)",
    )
    add(
        "--grace",
        dest="grace_s",
        type=_seconds,
        metavar="S",
        help="seconds that open connections get at shutdown (%(default)s)",
    )
    options = _parse(parser, arguments)
    config = ServerConfig(**options)
    with _usage(parser):
        if config.tls_cert is None and (config.tls_key or config.tls_ca):
            raise UsageError("a server with --tls-key or --tls-ca needs its certificate too: add --tls-cert FILE")
    return config


def parse_client(arguments: Sequence[str] | None = None) -> ClientConfig:
    """Read a client's command line; a bad one prints the remedy and exits with 2."""
    parser = _parser("Echo client: sends, and checks byte for byte what comes back.", ClientConfig)
    add = parser.add_argument
    add(
        "--message",
        dest="messages",
        action="append",
        metavar="TEXT",
        help="a message to send; repeat it for more (the tutorial's three)",
    )
    add("--file", metavar="PATH", help="send this file instead; - is standard input")
    add("--lockstep", action="store_true", help="wait for each echo before the next message")
    add("--pause", dest="pause_s", type=_seconds, metavar="S", help="seconds between two messages (%(default)s)")
    add(
        "--connections",
        type=_at_least_one,
        metavar="N",
        help="so many connections at once, each sends it all (%(default)s)",
    )
    add("--timeout", dest="timeout_s", type=_positive_s, metavar="S", help="give up after S seconds (never)")
    add("--tls-server-name", metavar="NAME", help="the name that the server's certificate must have (--host)")
    options = _parse(parser, arguments)
    if "messages" in options:
        options["messages"] = tuple(options["messages"])
    config = ClientConfig(**options)
    with _usage(parser):
        if "messages" in options and config.file is not None:
            raise UsageError("--message and --file exclude each other: give the one or the other")
        if config.file == "-" and config.connections > 1:
            raise UsageError(
                "standard input can be read only once: save it to a file for --file, or leave out --connections"
            )
        if config.file not in (None, "-") and not (os.path.exists(config.file) and os.access(config.file, os.R_OK)):
            raise UsageError(
                f"--file {config.file!r} cannot be read: give the path of a readable file, or - for standard input"
            )
        if config.file is not None and os.path.isdir(config.file):
            raise UsageError(f"--file {config.file!r} is a directory: give the path of a file")
        if not config.host:
            raise UsageError("--host '' means all addresses, and only a server can use it: give the server's name")
        if config.port == 0 and config.unix is None:
            raise UsageError(
                "port 0 means 'any free port' and only a server can use it: "
                "give the port that the server shows when it starts"
            )
        if config.tls_key is not None and config.tls_cert is None:
            raise UsageError("--tls-key belongs to a certificate: add --tls-cert FILE")
        if config.uses_tls and config.unix is not None and config.tls_server_name is None:
            raise UsageError(
                "TLS over --unix has no host name to verify: "
                "add --tls-server-name NAME, the name in the server's certificate"
            )
    return config


def exit_with_usage(error: UsageError) -> NoReturn:
    """Report a usage error that was found after the command line was read, in the form of the others: exit code 2."""
    print(f"{program_name()}: error: {error}", file=sys.stderr)
    raise SystemExit(2)


def program_name() -> str:
    """How the running program is started: `python -m streams_impl.server`."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return f"python -m {spec.name}" if spec is not None else os.path.basename(sys.argv[0])


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser that prints no usage before an error: the one line with the remedy must not get lost."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (all options: --help)\n")


def _parser(description: str, role: type[EndpointConfig]) -> _Parser:
    parser = _Parser(prog=program_name(), description=description, allow_abbrev=False)
    add = parser.add_argument
    add("--host", metavar="NAME", help=f"name or address ({HOST})")
    add("--port", type=_port, metavar="N", help=f"port; 0 on a server: any free one ({PORT})")
    add("--unix", metavar="PATH", help="a Unix socket instead of --host and --port")
    add("--loop", metavar="NAME", help="event loop: asyncio, uvloop, or MODULE:FACTORY (%(default)s)")
    add(
        "--read-size",
        type=_at_least_one,
        metavar="BYTES",
        help="most that one read hands out, where the API lets one choose (%(default)s)",
    )
    add(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        help="debug shows bytes, info the life of the program (%(default)s)",
    )
    add("--log-format", choices=("plain", "json"), help="form of the lines on standard error (%(default)s)")
    add("--tls-cert", metavar="FILE", help="own certificate chain, PEM")
    add("--tls-key", metavar="FILE", help="its private key, PEM, where it is not in the same file")
    add(
        "--tls-ca",
        metavar="FILE",
        help="authorities that the peer's certificate must come from, PEM; on a server: demand one",
    )
    parser.set_defaults(
        **{name: field.default for name, field in role.__dataclass_fields__.items() if field.default is not None}
    )
    # Not given must be told from given: --unix excludes them, and --message replaces its default.
    parser.set_defaults(host=None, port=None, messages=None)
    return parser


def _parse(parser: _Parser, arguments: Sequence[str] | None) -> dict[str, Any]:
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    with _usage(parser):
        unix = given.get("unix")
        if unix is not None and ("host" in given or "port" in given):
            raise UsageError("--unix replaces --host and --port: leave those out")
        if isinstance(host := given.get("host"), str):
            try:
                host.encode("idna")
            except UnicodeError:
                raise UsageError(
                    f"--host {host!r} cannot be a host name: each part between dots has 1 to 63 characters"
                ) from None
        if isinstance(unix, str):
            if sys.platform == "win32":
                raise UsageError("Unix sockets are not supported on Windows: use --host and --port")
            if not 0 < len(os.fsencode(unix)) <= UNIX_PATH_BYTES:
                raise UsageError(
                    f"--unix takes a path of 1 to {UNIX_PATH_BYTES} bytes, not {len(os.fsencode(unix))}: "
                    "use a shorter one"
                )
    return given


class _usage:
    """Turn a UsageError into argparse's own exit: `with _usage(parser): ...`."""

    def __init__(self, parser: _Parser) -> None:
        self._parser = parser

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if isinstance(error, UsageError):
            self._parser.error(str(error))


def _number(text: str, convert: Callable[[str], float], valid: Callable[[float], bool], wanted: str) -> float:
    try:
        value = convert(text)
    except ValueError:
        value = math.nan
    if not valid(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
    return value


def _port(text: str) -> float:
    # asyncio raises OverflowError for 70000, uvloop connects to 70000 modulo 65536.
    return _number(text, int, lambda n: 0 <= n <= 65535, "a port: give a whole number from 0 to 65535")


def _at_least_one(text: str) -> float:
    return _number(text, int, lambda n: n >= 1, "a whole number of at least 1")


def _seconds(text: str) -> float:
    return _number(text, float, lambda s: 0 <= s < math.inf, "a number of seconds: give 0 or more")


def _positive_s(text: str) -> float:
    return _number(
        text, float, lambda s: 0 < s < math.inf, "a number of seconds: give more than 0, or leave the option out"
    )
