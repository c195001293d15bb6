"""Who is measured: the endpoints of the comparison, and arms that put them in proportion."""

from collections.abc import Iterable

from comparison.bench.plan import Arm
from comparison.model import FACTORS, NO_LEVEL, Endpoint

HOST = "127.0.0.1"  # not a name: one family, one listening socket, and no resolver in what is measured

PROPORTIONS = {
    "buffered": "an echo with BufferedProtocol and nothing else: no log, no limits",
    "sockets": "an echo with loop.sock_recv() and sock_sendall(), and nothing else",
}
"""Servers that no endpoint is, each the shortest of its kind: what it is called, and what it is."""

IDIOMS = {
    "readline": "Streams, a line at a time: readline(), write(), drain()",
    "readexactly": "Streams, each message by the length that stands before it: readexactly()",
    "split": "Streams, a chunk at a time: read(), split into lines, answered in one write",
    "protocol-each": "a Protocol that splits what comes into lines, with a write for each",
    "protocol-joined": "a Protocol that splits what comes into lines, with one write for all",
}

QUIET = ("--log-level", "{level}")
SILENT, SAYING = "warning", "info"
"""Two or three log lines a connection are up to half of what it costs. But a server that says when it is ready need not
be tried: nobody has come to it yet, and nobody has left."""

HERE = ("--host", "{host}", "--port", "{port}")
CERTIFICATE = "{certificates}/server.pem"
OVER_TLS = ("--tls-cert", CERTIFICATE)


def of_endpoint(endpoint: Endpoint) -> Arm:
    """The arm of an endpoint's server, without logs."""
    return Arm(
        endpoint.label,
        (*endpoint.server_command, *((*QUIET, *HERE) if endpoint.takes_options else ())),
        factors={factor: endpoint.level(factor) for factor in FACTORS},
        server_address=endpoint.server_address,
        tls_options=OVER_TLS if endpoint.takes_options else (),
    )


def of_program(name: str, python: str, loop: str) -> Arm:
    """The arm of a server of the benchmark itself."""
    return Arm(
        f"{name}/{loop}",
        (python, "-m", "comparison.bench.servers", name, loop, "{host}", "{port}"),
        factors={"idiom": name, "loop": loop} if name in IDIOMS else {},
        meaning=f"{name}: {(PROPORTIONS | IDIOMS)[name]}",
        tls_options=(CERTIFICATE,) if name == "buffered" else (),
    )


def loops(endpoints: Iterable[Endpoint]) -> list[tuple[str, str]]:
    """The loops that endpoints are on, each after the first interpreter that has it."""
    found: dict[str, str] = {}
    for endpoint in endpoints:
        if endpoint.loop != NO_LEVEL and endpoint.takes_options:
            found.setdefault(endpoint.loop, endpoint.server_command[0])
    return [(python, loop) for loop, python in found.items()]


def filled(command: Iterable[str], port: int = 0, **places: object) -> list[str]:
    """A command with its placeholders filled in."""
    words = list(command)
    for name, value in {"port": port, **places}.items():
        words = [word.replace(f"{{{name}}}", str(value)) for word in words]
    return words
