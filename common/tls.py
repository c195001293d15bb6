"""TLS by configuration: the keyword arguments that asyncio's own functions take.

TLS 1.2 at least, which is the default of `ssl.create_default_context`. The time limits of the handshake and of the
close are part of it: no API ever hears of a handshake that fails, so nobody else could bound it.
"""

import ssl
from typing import Any

from common.config import (
    TLS_HANDSHAKE_TIMEOUT_S,
    TLS_SHUTDOWN_TIMEOUT_S,
    ClientConfig,
    EndpointConfig,
    ServerConfig,
    UsageError,
)

TLSArguments = dict[str, Any]
"""What the functions of both APIs that connect or serve take for TLS; empty for plain TCP."""


def server_tls(config: ServerConfig) -> TLSArguments:
    """For a server: its certificate, and with `tls_ca` the demand of one from every client. Raises UsageError."""
    if config.tls_cert is None:
        return {}
    arguments = _tls_arguments(config, ssl.Purpose.CLIENT_AUTH)
    if config.tls_ca is not None:
        arguments["ssl"].verify_mode = ssl.CERT_REQUIRED
    return arguments


def client_tls(config: ClientConfig) -> TLSArguments:
    """For a client: verify the server's certificate and name, and show its own if it has one. Raises UsageError."""
    if not config.uses_tls:
        return {}
    return {**_tls_arguments(config, ssl.Purpose.SERVER_AUTH), "server_hostname": config.tls_server_name or config.host}


def _tls_arguments(config: EndpointConfig, purpose: ssl.Purpose) -> TLSArguments:
    options = {"--tls-ca": config.tls_ca}
    try:
        context = ssl.create_default_context(purpose, cafile=config.tls_ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if config.tls_cert is not None:
            options = {"--tls-cert": config.tls_cert, "--tls-key": config.tls_key}
            # An empty password: one line of error for an encrypted key, where OpenSSL would stop and ask for it.
            context.load_cert_chain(config.tls_cert, config.tls_key, password="")
    except OSError as error:
        named = " with ".join(f"{option} {path!r}" for option, path in options.items() if path is not None)
        reason = error.strerror
        if isinstance(error, ssl.SSLError):
            reason = f"not a matching PEM file without a password ({error.reason or 'nothing to read in it'})"
        remedy = "give a PEM file" + (" (--tls-cert may hold the private key too)" if "--tls-cert" in options else "")
        raise UsageError(f"{named}: {reason}; {remedy}") from None
    return {
        "ssl": context,
        "ssl_handshake_timeout": TLS_HANDSHAKE_TIMEOUT_S,
        "ssl_shutdown_timeout": TLS_SHUTDOWN_TIMEOUT_S,
    }
