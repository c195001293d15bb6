"""What carries the bytes: how a server and a client meet, the commands that start them, and the files they need."""

import datetime
import importlib.util
import os
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

from common.config import NOT_SUPPORTED, UNIX_PATH_BYTES
from comparison.model import Endpoint, Log, Pairing, Scenario, Side, Transport
from comparison.play.machine import folder_for_sockets

_SERVER_TLS = ("--port", "0", "--tls-cert", "{certificates}/server.pem")
_CLIENT_TLS = ("--port", "{port}", "--tls-ca", "{certificates}/ca.pem")
_SERVER_MTLS = (*_SERVER_TLS, "--tls-ca", "{certificates}/ca.pem")
_CLIENT_MTLS = (*_CLIENT_TLS, "--tls-cert", "{certificates}/client.pem")

TRANSPORTS = {
    transport.name: transport
    for transport in (
        Transport("tcp", "TCP on localhost", ("--port", "0"), ("--port", "{port}")),
        Transport("tcp6", "TCP on IPv6", ("--host", "::1", "--port", "0"), ("--host", "::1", "--port", "{port}")),
        Transport("unix", "a Unix socket", ("--unix", "{socket}"), ("--unix", "{socket}")),
        Transport("tls", "TLS", _SERVER_TLS, _CLIENT_TLS),
        Transport("mtls", "TLS with a certificate of the client", _SERVER_MTLS, _CLIENT_MTLS),
    )
}
"""What can carry the bytes, by name. The first is the default."""

TCP = TRANSPORTS["tcp"]
HOSTS = {"tcp": "localhost", "tcp6": "::1"}  # where endpoints that take no options can be reached, by transport


def missing(transport: Transport) -> str | None:
    """Why this machine cannot carry it, with the remedy; None where it can."""
    if transport.name == "tcp6":
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as error:
            return f"no IPv6 on this machine ({error}); choose tcp"
    if transport.name == "unix" and folder_for_sockets() is None:
        return "the folder for temporary files has too long a path for a Unix socket; set TMPDIR to a shorter one"
    if not half_closes(transport) and importlib.util.find_spec("trustme") is None:
        return "it needs trustme: pip install trustme (or '.[tls]')"
    return None


def half_closes(transport: Transport) -> bool:
    """Whether one side can say that it has sent everything and still receive: TLS cannot."""
    return transport.name not in ("tls", "mtls")  # one that was read from a file has no options


def write_certificates(folder: Path) -> None:
    """Certificates as PEM files: an authority of our own (`ca`), what it gives to a server called localhost and to a
    client (`server`, `client`), and what no client should accept: `wrong-ca`, `expired`, `wrong-name`."""
    import trustme

    authority, stranger = trustme.CA(), trustme.CA()
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    for name, certificate in {
        "server": authority.issue_cert("localhost"),
        "client": authority.issue_cert("client@localhost"),
        "wrong-ca": stranger.issue_cert("localhost"),
        "expired": authority.issue_cert("localhost", not_after=yesterday),
        "wrong-name": authority.issue_cert("elsewhere.invalid"),
    }.items():
        certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / f"{name}.pem"))


def prepare(scenario: Scenario, transport: Transport, folder: Path) -> None:
    """Put into `folder` what the commands of a scenario refer to: the bytes to send, and certificates."""
    if "client" in scenario.on_trial:
        (folder / "payload").write_bytes(scenario.pattern * scenario.times)
    if not half_closes(transport):  # over TLS
        write_certificates(folder)


def server_command(scenario: Scenario, transport: Transport, server: Endpoint, folder: Path) -> tuple[str, ...]:
    """The command of a server, which may yet hold `{host}` and `{port}`; `folder` is what `prepare` has filled."""
    if not server.takes_options:
        return server.server_command
    options = filled(transport.server_options, socket=socket_path(folder), certificates=folder)
    return (*server.server_command, *options, *scenario.server_options)


def client_command(
    scenario: Scenario, transport: Transport, pairing: Pairing, folder: Path, port: int
) -> tuple[tuple[str, ...], Path | None]:
    """The command of a client, for a server that listens on `port` (0 where it has none), and what it reads as standard
    input: the bytes, where no option tells it of them or it has not the file."""
    client, payload = pairing.client.client_command, folder / "payload"
    if not pairing.client.takes_options:
        return filled(client, host=HOSTS[transport.name], port=port), payload
    read = payload if scenario.from_file and transport.is_far else None
    words = ["--file", str(payload) if read is None else "-"] if scenario.from_file else []
    words += ["--message", os.fsdecode(scenario.pattern)] * scenario.times if scenario.as_messages else []
    places = {"port": port, "socket": socket_path(folder), "certificates": folder}
    return (*client, *filled(transport.client_options, **places), *words, *scenario.client_options), read


def why_not(
    scenario: Scenario, transport: Transport, endpoint: Endpoint, side: Side, more: Sequence[str] = ()
) -> str | None:
    """Why an endpoint cannot take part in a scenario as server or as client, with `more` options; None where it can."""
    if endpoint.takes_options:
        return None
    if transport.is_far:
        return f"{endpoint.label} takes no options, so it is judged by a relay, which is on this host only"
    options = (*(scenario.client_options if side == "client" else scenario.server_options), *more)
    if transport.name not in HOSTS or options:
        wanted = " ".join(options) or f"--transport {transport.name}"
        return f"{endpoint.label} takes no options, so it cannot be told of {wanted}"
    host = endpoint.server_address[0] if side == "server" and endpoint.server_address is not None else "::1"
    if transport.name == "tcp6" and ":" not in host:
        return f"{endpoint.label} listens on {host}, which is not IPv6"
    return None


def not_supported(endpoint: Endpoint, log: Log) -> str | None:
    """Why an endpoint that has ended cannot take part, in its own words: it got no thread, or its exit code says that
    it does not support what its options ask for, and it had not begun. None where it says nothing like it."""
    if not endpoint.takes_options or not log.exit_code:
        return None
    if log.exit_code != NOT_SUPPORTED or any(event.name in ("starting", "connecting") for event in log.events):
        return next((event.message.removeprefix("ERROR ") for event in log.events if event.name == "no_thread"), None)
    return f"{endpoint.label} does not support it: {log.events[-1].plain if log.events else 'it does not say why'}"


def filled(command: Iterable[str], **places: object) -> tuple[str, ...]:
    """A command with its places filled in by their names, such as `{port}`. Any other braces stay as they are."""
    words = tuple(command)
    for name, value in places.items():
        words = tuple(word.replace(f"{{{name}}}", str(value)) for word in words)
    return words


def socket_path(folder: Path) -> Path:
    """The Unix socket of the server; elsewhere where the path of the folder is too long already."""
    path = folder / "echo.sock"
    elsewhere = folder_for_sockets() if len(os.fsencode(path)) > UNIX_PATH_BYTES else None
    return path if elsewhere is None else Path(elsewhere, path.name)
