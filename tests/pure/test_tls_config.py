"""TLS by configuration: who must show a certificate, which one is believed, and what a file that is none is told.

The handshakes run between two buffers in memory; nothing but the contexts is under test.
"""

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from common.config import ClientConfig, ServerConfig, UsageError
from common.tls import client_tls, server_tls

TLS_OPTIONS = ("ca", "cert", "key", "client_cert", "client_key", "other_ca")


@pytest.fixture
def files(certificates):
    """The certificates' paths as a command line gives them."""
    return {name: str(getattr(certificates, name)) for name in TLS_OPTIONS}


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str | None = "localhost") -> str:
    """The version that both agreed on. Raises ssl.SSLError where one of them refused the other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname=name),
    ]
    waiting = ends
    for _ in range(10):
        waiting = [end for end in waiting if not finished(end)]
        if not waiting:
            return ends[0].version()
    raise AssertionError("the handshake does not come to an end")


def finished(end: ssl.SSLObject) -> bool:
    """Whether this end's part of the handshake is done."""
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def test_without_its_options_neither_side_speaks_tls():
    assert server_tls(ServerConfig()) == {}
    assert client_tls(ClientConfig()) == {}


def test_a_client_that_trusts_the_authority_is_served(files):
    server = server_tls(ServerConfig(tls_cert=files["cert"], tls_key=files["key"]))
    client = client_tls(ClientConfig(tls_ca=files["ca"]))
    assert handshake(server["ssl"], client["ssl"]) in ("TLSv1.2", "TLSv1.3")
    assert server["ssl"].verify_mode is ssl.CERT_NONE
    assert (client["ssl"].verify_mode, client["ssl"].check_hostname) == (ssl.CERT_REQUIRED, True)
    assert {name: value for name, value in client.items() if name != "ssl"} == {
        "ssl_handshake_timeout": 10.0,
        "ssl_shutdown_timeout": 5.0,
        "server_hostname": "localhost",
    }
    assert server.keys() == {"ssl", "ssl_handshake_timeout", "ssl_shutdown_timeout"}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("old", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_a_peer_that_only_speaks_a_version_before_tls_1_2_is_refused(old, files):
    ours = [
        server_tls(ServerConfig(tls_cert=files["cert"], tls_key=files["key"]))["ssl"],
        client_tls(ClientConfig(tls_ca=files["ca"]))["ssl"],
    ]
    for context in ours:
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    theirs = client_tls(ClientConfig(tls_ca=files["ca"]))["ssl"]
    theirs.set_ciphers("ALL:@SECLEVEL=0")
    theirs.minimum_version = theirs.maximum_version = old
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol|version"):
        handshake(ours[0], theirs)


@pytest.mark.parametrize(
    ("options", "name"), [({"tls_ca": "other_ca"}, "localhost"), ({"tls_ca": "ca"}, "not.the.server.example")]
)
def test_a_client_refuses_a_server_of_another_authority_or_name(options, name, files):
    server = server_tls(ServerConfig(tls_cert=files["cert"], tls_key=files["key"]))
    client = client_tls(ClientConfig(**{option: files[value] for option, value in options.items()}))
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server["ssl"], client["ssl"], name)


def test_a_server_with_an_authority_serves_only_clients_that_show_its_certificate(files):
    server = server_tls(ServerConfig(tls_cert=files["cert"], tls_key=files["key"], tls_ca=files["ca"]))["ssl"]
    shown = {"tls_cert": files["client_cert"], "tls_key": files["client_key"]}
    known = client_tls(ClientConfig(tls_ca=files["ca"], **shown))["ssl"]
    nameless = client_tls(ClientConfig(tls_ca=files["ca"]))["ssl"]
    handshake(server, known)
    with pytest.raises(ssl.SSLError, match=r"(?i)did not return a certificate"):
        handshake(server, nameless)
    choosy = server_tls(ServerConfig(tls_cert=files["cert"], tls_key=files["key"], tls_ca=files["other_ca"]))["ssl"]
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(choosy, known)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"host": "echo.example", "tls_ca": None, "tls_cert": None}, None),
        ({"host": "echo.example", "tls_server_name": "other.example"}, "other.example"),
        ({"unix": "/tmp/echo.sock", "tls_server_name": "other.example"}, "other.example"),
        ({"host": "::1", "tls_ca": "ca"}, "::1"),
    ],
)
def test_a_client_verifies_the_name_it_was_given_or_else_the_host(options, name, files):
    config = ClientConfig(**{option: files.get(value, value) for option, value in options.items()})
    assert client_tls(config).get("server_hostname") == name


def test_key_and_certificate_may_stand_in_one_file(files, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(Path(files["key"]).read_bytes() + Path(files["cert"]).read_bytes())
    server = server_tls(ServerConfig(tls_cert=str(both)))["ssl"]
    handshake(server, client_tls(ClientConfig(tls_ca=files["ca"]))["ssl"])


@pytest.fixture
def bad(files, tmp_path):
    """Files that are not what an option wants."""
    not_pem = tmp_path / "not_pem"
    not_pem.write_text("this is no certificate\n")
    encrypted = tmp_path / "encrypted.pem"
    key = serialization.load_pem_private_key(Path(files["key"]).read_bytes(), password=None)
    encrypted.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    return {"missing": str(tmp_path / "missing"), "not_pem": str(not_pem), "encrypted": str(encrypted)}


@pytest.mark.parametrize(
    ("options", "blamed", "reason"),
    [
        ({"tls_ca": "missing"}, "tls_ca", "No such file or directory"),
        ({"tls_ca": "not_pem"}, "tls_ca", "PEM"),
        ({"tls_cert": "missing"}, "tls_cert", "No such file or directory"),
        ({"tls_cert": "missing", "tls_key": "key"}, "tls_cert", "No such file or directory"),
        ({"tls_cert": "not_pem", "tls_key": "key"}, "tls_cert", "PEM"),
        ({"tls_cert": "cert"}, "tls_cert", "--tls-cert may hold the private key too"),
        ({"tls_cert": "cert", "tls_key": "missing"}, "tls_key", "No such file or directory"),
        ({"tls_cert": "cert", "tls_key": "not_pem"}, "tls_key", "PEM"),
        ({"tls_cert": "cert", "tls_key": "client_key"}, "tls_key", "matching"),
        ({"tls_cert": "cert", "tls_key": "encrypted"}, "tls_key", "without a password"),
    ],
    ids=lambda value: " ".join(f"{option}={file}" for option, file in value.items()) if isinstance(value, dict) else "",
)
def test_a_file_that_does_not_fit_is_named_with_the_remedy_and_nobody_is_asked_for_a_password(
    options, blamed, reason, files, bad, capfd
):
    paths = {option: (files | bad)[name] for option, name in options.items()}
    configure = [lambda: client_tls(ClientConfig(**paths))]
    if "tls_cert" in paths:
        configure.append(lambda: server_tls(ServerConfig(**paths)))
    for tls in configure:
        with pytest.raises(UsageError) as error:
            tls()
        text = str(error.value)
        for part in (f"--{blamed.replace('_', '-')} {paths[blamed]!r}", reason, "give a PEM file"):
            assert part in text
        assert "_ssl.c" not in text  # a place in the source of one version of Python helps nobody
    assert capfd.readouterr() == ("", "")
