"""The commands that start a server and a client for a scenario, and the files that they refer to."""

import os
import zlib
from collections.abc import Iterable
from pathlib import Path

from common.config import NOT_SUPPORTED, UNIX_PATH_BYTES
from comparison.model import MIB, Endpoint, Log, Pairing, Scenario, Side, Transport
from comparison.play.machine import folder_for_sockets
from comparison.play.transports import needs_certificates, write_certificates
from comparison.transcript import parse

HOSTS = {"tcp": "localhost", "tcp6": "::1"}
"""Where endpoints that take no options can be reached, by transport."""


def prepare(scenario: Scenario, transport: Transport, folder: Path) -> None:
    """Put into `folder` what the commands of a scenario refer to: the bytes to send, and certificates."""
    if "client" in scenario.on_trial:
        with (folder / "payload").open("wb") as file:
            file.writelines(repeated(scenario.pattern, scenario.times))
    if needs_certificates(transport):
        write_certificates(folder)


def where(server: Endpoint, transport: Transport, port: int) -> tuple[str, int]:
    """At which host and port a server that takes no options is reached; `port` is for one that is told."""
    return server.server_address or (HOSTS.get(transport.name, ""), port)


def server_command(
    scenario: Scenario, transport: Transport, server: Endpoint, folder: Path, port: int = 0
) -> tuple[str, ...]:
    """The command of a server; `folder` is what `prepare` has filled, `port` is for one that takes no options."""
    if not server.takes_options:
        return _placed(server.server_command, *where(server, transport, port))
    return (*server.server_command, *_filled(transport.server_options, server, folder, 0), *scenario.server_options)


def client_command(
    scenario: Scenario, transport: Transport, pairing: Pairing, folder: Path, port: int
) -> tuple[str, ...]:
    """The command of a client, for a server that listens on `port` (0 where it has none)."""
    if not pairing.client.takes_options:
        return _placed(pairing.client.client_command, HOSTS[transport.name], port)
    words = ["--file", "-" if transport.is_far else str(folder / "payload")] if scenario.from_file else []
    words += [word for message in scenario.messages for word in ("--message", os.fsdecode(message))]
    where = _filled(transport.client_options, pairing.server, folder, port)
    return (*pairing.client.client_command, *where, *words, *scenario.client_options)


def why_not(scenario: Scenario, transport: Transport, endpoint: Endpoint, side: Side) -> str | None:
    """Why an endpoint cannot take part in a scenario as server or as client; None where it can."""
    if endpoint.takes_options:
        return None
    if transport.is_far:
        return f"{endpoint.label} takes no options, so it is judged by a relay, which is on this host only"
    options = scenario.client_options if side == "client" else scenario.server_options
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
    events = parse(log.lines)
    if log.exit_code != NOT_SUPPORTED or any(event.name in ("starting", "connecting") for event in events):
        return next((event.message.removeprefix("ERROR ") for event in events if event.name == "no_thread"), None)
    return f"{endpoint.label} does not support it: {events[-1].plain if events else 'it does not say why'}"


def payload_file(scenario: Scenario, transport: Transport, pairing: Pairing, folder: Path) -> Path | None:
    """What the client reads as standard input: the bytes of the scenario where no option can tell it of them, or where
    it has not the file."""
    is_read = not pairing.client.takes_options or (scenario.from_file and transport.is_far)
    return folder / "payload" if is_read else None


def repeated(pattern: bytes, times: int) -> Iterable[bytes]:
    """A pattern so many times over, in pieces of about a MiB."""
    at_once = max(1, MIB // max(1, len(pattern)))
    for done in range(0, times, at_once):
        yield pattern * min(at_once, times - done)


def _placed(command: Iterable[str], host: str, port: int) -> tuple[str, ...]:
    return tuple(word.replace("{host}", host).replace("{port}", str(port)) for word in command)


def _filled(options: Iterable[str], server: Endpoint, folder: Path, port: int) -> tuple[str, ...]:
    return tuple(
        option.format(port=port, socket=socket_path(server, folder), certificates=folder) for option in options
    )


def socket_path(server: Endpoint, folder: Path) -> Path:
    """A Unix socket for each server, under a name as short as the system wants it, and elsewhere where the path of the
    folder is too long already."""
    path = folder / f"{zlib.crc32(server.label.encode(errors='backslashreplace')):08x}"
    elsewhere = folder_for_sockets() if len(os.fsencode(path)) > UNIX_PATH_BYTES else None
    return path if elsewhere is None else Path(elsewhere, path.name)
