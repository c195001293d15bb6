"""The one command line of every endpoint.

A value that makes no sense, alone or together with another, ends the program with exit code 2 and one line that names
the remedy.
"""

import argparse
import contextlib
import math
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from common.config import (
    HOST,
    NAME_BYTES,
    NOT_SUPPORTED,
    PORT,
    PORTS,
    TLS_HANDSHAKE_TIMEOUT_S,
    UNIX_PATH_BYTES,
    ClientConfig,
    EndpointConfig,
    ServerConfig,
    UsageError,
)
from common.logs import escape
from common.loops import LOOPS
from common.sockets import TELL_WHAT_THEY_HOLD

Number = TypeVar("Number", int, float)
Config = TypeVar("Config", ServerConfig, ClientConfig)
Check = Callable[[Config, dict[str, Any]], None]
"""Raises UsageError where options do not go together; it gets those that were given, too."""

LINE_CHARACTERS = 600
"""A longer line of error is cut in the middle: the option and the remedy stand at its ends."""


def parse_server(arguments: Sequence[str] | None = None) -> ServerConfig:
    """Read a server's command line; a bad one prints the remedy and exits with 2."""
    parser = _parser("Echo server: everything that a peer sends comes back to it.", ServerConfig)
    add = parser.add_argument
    most = "refuse any connection beyond N at once (no limit); who waits in the backlog is not counted, "
    most += f"nor who is in the handshake of TLS, which {TLS_HANDSHAKE_TIMEOUT_S:g} s bound"
    idle = "cut what is idle for S s (never)"
    if sys.platform not in TELL_WHAT_THEY_HOLD:
        idle += "; a slow reader may count as idle: this system does not tell what it takes"
    add("--backlog", type=_count, metavar="N", help="connections that may wait to be accepted (%(default)s)")
    add("--max-connections", type=_count, metavar="N", help=most)
    add("--idle-timeout", dest="idle_timeout_s", type=_positive_s, metavar="S", help=idle)
    add("--grace", dest="grace_s", type=_seconds, metavar="S", help="what connections get at shutdown (%(default)s)")
    return _checked(ServerConfig, parser, arguments, _check_server)


def parse_client(arguments: Sequence[str] | None = None) -> ClientConfig:
    """Read a client's command line; a bad one prints the remedy and exits with 2."""
    parser = _parser("Echo client: sends, and checks byte for byte what comes back.", ClientConfig)
    add = parser.add_argument
    message = "a message to send; repeat it for more (the tutorial's three)"
    add("--message", dest="messages", type=_encoded, action="append", metavar="TEXT", help=message)
    add("--file", type=_path, metavar="PATH", help="send this file instead; - is standard input")
    add("--lockstep", action="store_true", help="wait for each echo before the next message")
    add("--pause", dest="pause_s", type=_seconds, metavar="S", help="seconds between two messages (%(default)s)")
    add("--connections", type=_connections, metavar="N", help="so many at once, each sends it all (%(default)s)")
    add("--timeout", dest="timeout_s", type=_positive_s, metavar="S", help="give up after S seconds (never)")
    add("--tls-server-name", type=_name, metavar="NAME", help="the name in the server's certificate (--host)")
    return _checked(ClientConfig, parser, arguments, _check_client)


def exit_with_usage(error: UsageError, code: int = 2) -> NoReturn:
    """Report a usage error that was found later in the form of the others: exit code 2, or NOT_SUPPORTED."""
    print(f"{_program_name()}: error: {_one_line(str(error))}", file=sys.stderr)
    raise SystemExit(code)


def _one_line(message: str) -> str:
    """Whatever a user has typed: with what breaks a line or moves a cursor escaped, and cut where it is long."""
    line = escape(message)
    half = LINE_CHARACTERS // 2
    return line if len(line) <= LINE_CHARACTERS else f"{line[:half]} ... {line[-half:]}"


def _program_name() -> str:
    """How the running program is started: `python -m streams_impl.server`."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return f"python -m {spec.name}" if spec is not None else os.path.basename(sys.argv[0])


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser that prints no usage before an error: the one line with the remedy must not get lost."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {_one_line(message)} (all options: --help)\n")


def _parser(description: str, role: type[EndpointConfig]) -> _Parser:
    parser = _Parser(prog=_program_name(), description=description, allow_abbrev=False)
    add = parser.add_argument
    add("--host", type=_host, metavar="NAME", help=f"name or address ({HOST})")
    add("--port", type=_port, metavar="N", help=f"port; 0 on a server: any free one ({PORT})")
    add("--unix", type=_path, metavar="PATH", help="a Unix socket instead of --host and --port")
    add("--loop", metavar="NAME", help=f"event loop: {', '.join(LOOPS)}, or MODULE:FACTORY (%(default)s)")
    size = "most bytes per read; a plain Protocol takes what the loop read (%(default)s)"
    add("--read-size", type=_count, metavar="BYTES", help=size)
    level = "debug shows bytes, info the life of the program (%(default)s)"
    add("--log-level", choices=("debug", "info", "warning", "error"), help=level)
    add("--log-format", choices=("plain", "json"), help="form of the lines on standard error (%(default)s)")
    add("--tls-cert", type=_path, metavar="FILE", help="own certificate chain, PEM")
    add("--tls-key", type=_path, metavar="FILE", help="its private key, PEM, where it is not in the same file")
    add("--tls-ca", type=_path, metavar="FILE", help="who signed the peer's certificate, PEM; a server then wants one")
    defaults = {name: field.default for name, field in role.__dataclass_fields__.items()}
    # Not given must be told from given: --unix excludes --host and --port, --message replaces its default.
    parser.set_defaults(**defaults | {"host": None, "port": None, "messages": None})
    return parser


def _checked(role: type[Config], parser: _Parser, arguments: Sequence[str] | None, check: Check[Config]) -> Config:
    """What the command line says, once it has been found to make sense."""
    for word in sys.argv[1:] if arguments is None else arguments:
        if word.startswith("--") and word.endswith("=--") and word.count("=") == 1:
            # argparse, up to 3.12 at least, makes an empty list of it.
            parser.error(f"{word}: -- is not a value, it ends the options: give another")
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    if "messages" in given:
        given["messages"] = tuple(given["messages"])
    config = role(**given)
    try:
        _check_addresses(config, given)
        check(config, given)
    except UsageError as error:
        parser.error(str(error))
    return config


def _check_addresses(config: EndpointConfig, given: dict[str, Any]) -> None:
    if config.unix is None:
        return
    if "host" in given or "port" in given:
        raise UsageError("--unix replaces --host and --port: leave those out")
    if sys.platform == "win32":
        exit_with_usage(UsageError("Unix sockets are not supported on Windows: use --host and --port"), NOT_SUPPORTED)
    if (length := len(os.fsencode(config.unix))) > UNIX_PATH_BYTES:
        raise UsageError(
            f"--unix {config.unix!r} has {length} bytes: use one of at most {UNIX_PATH_BYTES}, perhaps a relative one"
        )


def _check_server(config: ServerConfig, given: dict[str, Any]) -> None:
    if config.tls_cert is None and (config.tls_key or config.tls_ca):
        raise UsageError("a server with --tls-key or --tls-ca needs its certificate too: add --tls-cert FILE")
    if config.port == 0 and config.unix is None and config.log_level in ("warning", "error"):
        raise UsageError(
            f"--port 0 with --log-level {config.log_level} tells nobody which port it took: "
            "give --log-level info, or a port"
        )


def _check_source(config: ClientConfig, given: dict[str, Any]) -> None:
    if config.file is None:
        return
    if "messages" in given:
        raise UsageError("--message and --file exclude each other: give the one or the other")
    if config.connections > 1 and not os.path.isfile(config.file):
        raise UsageError(f"--file {config.file!r} can be read only once: save it to a file, or leave out --connections")
    if config.file == "-":
        return
    if not os.access(config.file, os.R_OK):
        raise UsageError(
            f"--file {config.file!r} cannot be read: give the path of a readable file, or - for standard input"
        )
    if os.path.isdir(config.file):
        raise UsageError(f"--file {config.file!r} is a directory: give the path of a file")


def _check_client(config: ClientConfig, given: dict[str, Any]) -> None:
    _check_source(config, given)
    if not config.host:
        raise UsageError("--host '' means all addresses, and only a server can use it: give the server's name")
    if config.port == 0:
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


def number(convert: Callable[[str], Number], valid: Callable[[Number], bool], wanted: str) -> Callable[[str], Number]:
    """What makes a number of a word."""

    def read(text: str) -> Number:
        with contextlib.suppress(ValueError):
            if valid(value := convert(text)):
                return value
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")

    return read


# asyncio raises OverflowError for 70000, uvloop connects to 70000 modulo 65536.
_port = number(int, lambda n: 0 <= n <= 65535, "a port: give a whole number from 0 to 65535")
# listen() takes a C int, and raises OverflowError for more. No other count needs more, either.
_count = number(int, lambda n: 1 <= n < 2**31, "a whole number from 1 to 2147483647")
_connections = number(int, lambda n: 1 <= n <= PORTS, f"a whole number from 1 to {PORTS}")
_seconds = number(float, lambda s: 0 <= s < math.inf, "a number of seconds: give 0 or more")
_positive_s = number(
    float, lambda s: 0 < s < math.inf, "a number of seconds: give more than 0, or leave the option out"
)


def _host(text: str) -> str:
    return text and _name(text)  # '' means all addresses


def _name(text: str) -> str:
    try:
        encoded = text.encode("idna").decode("ascii")
        if 0 < len(encoded) <= NAME_BYTES and encoded.isprintable() and " " not in encoded:
            return text
    except UnicodeError:
        pass
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a host name: give one without spaces, of at most {NAME_BYTES} characters, "
        "1 to 63 in each part between dots"
    )


def _encoded(text: str) -> bytes:
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(
            f"{text!r} has characters that {sys.getfilesystemencoding()} has not: leave those out"
        ) from None


def _path(text: str) -> str:
    if b"\0" in _encoded(text) or not text:
        raise argparse.ArgumentTypeError(f"{text!r} is not a path: give one of at least 1 character, none of them NUL")
    return text
