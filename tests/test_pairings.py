"""Every server with every client, on every loop, over every transport: the same bytes come back whole."""

import hashlib
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import APIS, Certificates, loops
from harness import Endpoint, assert_quiet

PAYLOAD = random.Random(5).randbytes(200_000)
DIGEST = hashlib.blake2b(PAYLOAD, digest_size=16).hexdigest()
ENDINGS = ("closing", "lost", "failed")


def endpoints(role: str) -> list[object]:
    """Every implementation on every loop, named as a reader of the results would."""
    axis = []
    for loop in loops():
        name, marks = (loop, ()) if isinstance(loop, str) else (loop.values[0], loop.marks)
        axis += [pytest.param((api, name), id=f"{api}-{name}-{role}", marks=marks) for api in APIS]
    return axis


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


TRANSPORTS = [
    "IPv4",
    pytest.param("IPv6", marks=pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")),
    "Unix",
    "TLS",
    "TLS-client-certificate",
]


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def options(transport: str, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[list[str], list[str]]:
    """What the server and the client are given for a transport; the client's port is still missing."""
    if transport == "Unix":
        path = ["--unix", str(tmp_path / "socket")]
        return path, path
    host = ["--host", "::1" if transport == "IPv6" else "127.0.0.1"]
    server, client = [*host, "--port", "0"], host
    if transport.startswith("TLS"):
        files: Certificates = request.getfixturevalue("certificates")
        server = [*server, "--tls-cert", files.cert, "--tls-key", files.key]
        client = [*client, "--tls-ca", files.ca]
        if transport == "TLS-client-certificate":
            server = [*server, "--tls-ca", files.ca]
            client = [*client, "--tls-cert", files.client_cert, "--tls-key", files.client_key]
    return server, client


@pytest.fixture
def file(tmp_path: Path) -> Iterator[str]:
    path = tmp_path / "payload"
    path.write_bytes(PAYLOAD)
    return str(path)


@pytest.mark.parametrize("client", endpoints("client"))
@pytest.mark.parametrize("server", endpoints("server"))
def test_every_client_gets_its_bytes_back_from_every_server(server, client, transport, options, file):
    for_server, for_client = options
    with Endpoint(server[0], "server", *for_server, "--log-format", "json", loop=server[1]) as serving:
        serving.wait_for("starting up on")
        if transport != "Unix":
            for_client = [*for_client, "--port", str(serving.port())]
        arguments = (*for_client, "--file", file, "--log-format", "json")
        with Endpoint(client[0], "client", *arguments, loop=client[1]) as asking:
            client_code = asking.end()
        # Over TLS the client has closed before the server has heard of it.
        serving.wait_for('"event": "(closing|lost|failed)"')
        server_code = serving.stop()
    account = {
        "event": "closing",
        "received_bytes": len(PAYLOAD),
        "sent_bytes": len(PAYLOAD),
        "received_digest": DIGEST,
        "sent_digest": DIGEST,
    }
    ends = [
        [{key: record.get(key) for key in account} for record in endpoint.records if record["event"] in ENDINGS]
        for endpoint in (serving, asking)
    ]
    assert (server_code, client_code, *ends) == (0, 0, [account], [account]), f"{serving.log}\n{asking.log}"
    assert_quiet(serving)
    assert_quiet(asking)
