"""What is tried, and over what: a scenario is data, a transport is options."""

import importlib.util
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

from common.config import TUTORIAL_MESSAGES
from comparison.model import CannotCompare, Scenario, Transport

MIB = 1024 * 1024
PATTERN = bytes(range(251))
"""Repeated, it shows a chunk that is lost or out of place: no power of two is a multiple of 251."""


TUTORIAL_BYTES = b"".join(TUTORIAL_MESSAGES)


def _messages(*messages: bytes) -> tuple[str, ...]:
    return tuple(word for message in messages for word in ("--message", message.decode()))


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("tutorial", "the tutorial's three messages", TUTORIAL_BYTES),
        Scenario("nothing", "no bytes at all: connect, and say that this was all", b"", options=_messages(b"")),
        Scenario("one-byte", "a single byte", b"x", options=_messages(b"x")),
        Scenario("byte-by-byte", "100 messages of one byte", b"x", 100, options=_messages(*[b"x"] * 100)),
        Scenario(
            "pause",
            "the tutorial's messages with a pause between",
            TUTORIAL_BYTES,
            options=("--pause", "0.05"),
        ),
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
        Scenario("64-mib", "64 MiB while both read and write", PATTERN, 64 * MIB // len(PATTERN) + 1, from_file=True),
        Scenario(
            "100-connections",
            "100 connections at once with the tutorial's messages",
            TUTORIAL_BYTES,
            connections=100,
            options=("--connections", "100"),
        ),
        Scenario(
            "1000-connections",
            "1,000 connections at once with the tutorial's messages",
            TUTORIAL_BYTES,
            connections=1000,
            options=("--connections", "1000"),
        ),
    )
}
"""What can be tried, by name. The first is the default."""

_SERVER_TLS = ("--port", "0", "--tls-cert", "{certificates}/server.pem")
_CLIENT_TLS = ("--port", "{port}", "--tls-ca", "{certificates}/ca.pem")

TRANSPORTS = {
    transport.name: transport
    for transport in (
        Transport("tcp", "TCP on localhost", ("--port", "0"), ("--port", "{port}")),
        Transport("tcp6", "TCP on IPv6", ("--host", "::1", "--port", "0"), ("--host", "::1", "--port", "{port}")),
        Transport("unix", "a Unix socket", ("--unix", "{socket}"), ("--unix", "{socket}")),
        Transport("tls", "TLS over TCP", _SERVER_TLS, _CLIENT_TLS),
        Transport(
            "mtls",
            "TLS with a certificate of the client",
            (*_SERVER_TLS, "--tls-ca", "{certificates}/ca.pem"),
            (*_CLIENT_TLS, "--tls-cert", "{certificates}/client.pem"),
        ),
    )
}
"""What can carry the bytes, by name. The first is the default."""

TUTORIAL = SCENARIOS["tutorial"]
TCP = TRANSPORTS["tcp"]


def check_available(transport: Transport) -> None:
    """Raises CannotCompare, with the reason and the remedy, where this machine cannot carry it."""
    if transport.name == "tcp6":
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as error:
            raise CannotCompare(f"--transport tcp6: no IPv6 on this machine ({error}); choose tcp") from None
    if transport.name == "unix" and sys.platform == "win32":
        raise CannotCompare("--transport unix: there are no Unix sockets on Windows; choose tcp")
    if needs_certificates(transport) and importlib.util.find_spec("trustme") is None:
        raise CannotCompare(f"--transport {transport.name} needs trustme: pip install trustme (or '.[tls]')")


def needs_certificates(transport: Transport) -> bool:
    return any("{certificates}" in option for option in transport.server_options)


def write_certificates(folder: Path) -> None:
    """An authority of our own, and what it gives to a server called localhost and to a client: PEM files."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    authority.issue_cert("client@localhost").private_key_and_cert_chain_pem.write_to_path(str(folder / "client.pem"))


def write_payload(scenario: Scenario, path: Path) -> None:
    """The file that the client of a scenario sends."""
    with path.open("wb") as file:
        file.writelines(_blocks(scenario))


def _blocks(scenario: Scenario) -> Iterable[bytes]:
    """The bytes in pieces of about a MiB."""
    at_once = max(1, MIB // len(scenario.pattern))
    for done in range(0, scenario.times, at_once):
        yield scenario.pattern * min(at_once, scenario.times - done)
