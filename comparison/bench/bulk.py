"""One sample of bulk: a real client sends a file through a server, and both are measured meanwhile.

The client is measured from its line `connecting` to its line `closing`, which leaves out how long Python takes to start
and to end. A client that does not say these things is timed as a whole, and its CPU time is not known.
"""

import time
from collections.abc import Collection, Sequence
from pathlib import Path

from comparison.bench.generator.spec import Outcome
from comparison.bench.resources import CPUTime, Gone, Watched
from comparison.model import MIB
from comparison.play.processes import Launcher, Process
from comparison.transcript import parse_line

TRANSFER_S = 60.0
"""What a transfer gets."""

PATTERN = bytes(range(256)) * 4096
GIB = 1024 * MIB


def payload(folder: Path, size_bytes: int) -> Path:
    """A file of so many bytes in `folder`."""
    path = folder / f"{size_bytes}.bytes"
    if not path.exists():
        with path.open("wb") as file:
            for begin in range(0, size_bytes, len(PATTERN)):
                file.write(PATTERN[: size_bytes - begin])
    return path


def transfer(
    launcher: Launcher,
    command: Sequence[str],
    server: Process,
    file: Path,
    cores: Collection[int] | None,
) -> Outcome:
    """Send the file there and back with a client, which gets it by its name or as its standard input; MiB/s counts it
    once."""
    size_bytes = file.stat().st_size
    try:
        watched = Watched(server.pid)
        server_before = watched.cpu()
        started_s = time.monotonic()
        client = launcher.start(command, stdin=None if str(file) in command else file, cores=cores)
        client_watched = Watched(client.pid)
        client_before = _at(client, client_watched, "connecting")
        if client_before is not None:
            started_s = time.monotonic()
        client_after = _at(client, client_watched, "closing") if client_before is not None else None
        ended_s = time.monotonic()
        log = client.wait(TRANSFER_S)
        if client_after is None:
            ended_s = time.monotonic()
        server_cpu = watched.cpu().since(server_before)
        launcher.forget(client)
    except (Gone, OSError) as error:
        return Outcome({}, {}, (f"the transfer failed: {error or 'the server ended'}",))
    if log.exit_code != 0:
        said = log.lines[-1] if log.lines else "it said nothing"
        return Outcome({}, {}, (f"the client failed: {log.trouble or said}",))
    gib = size_bytes / GIB
    values = {"mib_per_s": 1024 * gib / (ended_s - started_s), "server_cpu_s_per_gib": server_cpu.total_s / gib}
    if client_before is not None and client_after is not None:
        values["client_cpu_s_per_gib"] = client_after.since(client_before).total_s / gib
    return Outcome(values)


def _at(client: Process, watched: Watched, event: str) -> CPUTime | None:
    """What the client has used when it says `event`; None where it ends without saying it."""
    if client.wait_for_line(lambda line: parse_line(line).name == event, TRANSFER_S) is None:
        return None
    try:
        return watched.cpu()
    except Gone:
        return None
