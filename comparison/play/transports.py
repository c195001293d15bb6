"""What carries the bytes: the options by which a server and a client meet, and the certificates that some need."""

import datetime
import importlib.util
import socket
from pathlib import Path

from comparison.model import Transport
from comparison.play.machine import folder_for_sockets

_SERVER_TLS = ("--port", "0", "--tls-cert", "{certificates}/server.pem")
_CLIENT_TLS = ("--port", "{port}", "--tls-ca", "{certificates}/ca.pem")

TRANSPORTS = {
    transport.name: transport
    for transport in (
        Transport("tcp", "TCP on localhost", ("--port", "0"), ("--port", "{port}")),
        Transport("tcp6", "TCP on IPv6", ("--host", "::1", "--port", "0"), ("--host", "::1", "--port", "{port}")),
        Transport("unix", "a Unix socket", ("--unix", "{socket}"), ("--unix", "{socket}")),
        Transport("tls", "TLS", _SERVER_TLS, _CLIENT_TLS),
        Transport(
            "mtls",
            "TLS with a certificate of the client",
            (*_SERVER_TLS, "--tls-ca", "{certificates}/ca.pem"),
            (*_CLIENT_TLS, "--tls-cert", "{certificates}/client.pem"),
        ),
    )
}
"""What can carry the bytes, by name. The first is the default."""

TCP = TRANSPORTS["tcp"]


def missing(transport: Transport) -> str | None:
    """Why this machine cannot carry it, with the remedy; None where it can."""
    if transport.name == "tcp6":
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as error:
            return f"no IPv6 on this machine ({error}); choose tcp"
    if transport.name == "unix" and folder_for_sockets() is None:
        return (
            "the path of the folder for temporary files leaves no room for a Unix socket; set TMPDIR to a shorter one"
        )
    if needs_certificates(transport) and importlib.util.find_spec("trustme") is None:
        return "it needs trustme: pip install trustme (or '.[tls]')"
    return None


def needs_certificates(transport: Transport) -> bool:
    return any("{certificates}" in option for option in transport.server_options)


def half_closes(transport: Transport) -> bool:
    """Whether one side can say that it has sent everything and still receive: TLS cannot. `transport` may be one that
    was read from a file."""
    known = TRANSPORTS.get(transport.name)
    return known is None or not needs_certificates(known)


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
        "expired": authority.issue_cert(
            "localhost", not_before=yesterday - datetime.timedelta(days=30), not_after=yesterday
        ),
        "wrong-name": authority.issue_cert("elsewhere.invalid"),
    }.items():
        certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / f"{name}.pem"))
