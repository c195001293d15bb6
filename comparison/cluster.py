"""Plays units on other machines: a scheduler of dask.distributed hands them to its workers, and to another where one is
lost. All of them have the project as it is here, and the same Pythons at the same paths."""

import contextlib
import hashlib
import logging
import os
import platform
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from functools import cache

from comparison.model import CannotCompare
from comparison.play.machine import too_few_files
from comparison.play.processes import AWAKE_S, ROOT, Launcher, guard
from comparison.play.runner import Outcome, PlayAll, Unit, fit, play
from comparison.play.transports import missing
from comparison.play.workers import each

CONNECT_S = 3.0  # what a scheduler gets to answer


@contextlib.contextmanager
def workers(address: str) -> Iterator[PlayAll]:
    """What plays units on the workers of a scheduler. Raises CannotCompare."""
    try:
        import distributed

        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it says at length is said here in one line
        distributed.comm.resolve_address(address)
        client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except ImportError:
        raise CannotCompare("--cluster needs dask.distributed: pip install distributed (or '.[cluster]')") from None
    except (OSError, ValueError) as error:
        start = "name one that runs, or start it: dask scheduler"
        raise CannotCompare(f"--cluster {address!r}: no scheduler answers there ({error}); {start}") from None
    with client:  # without one for the executor, which would wait for what is still played after Ctrl-C
        executor = client.get_executor(pure=False)
        if not client.nthreads():
            raise CannotCompare(f"--cluster {address!r} has no worker; start one or more: dask worker {address}")

        def has_room(units: Sequence[Unit]) -> bool:  # twice as many as can be played: no worker waits for one
            return fit(2 * sum(client.nthreads().values()), units)

        def play_all(units: Iterable[Unit]) -> Generator[tuple[Unit, list[Outcome]]]:
            try:
                yield from each(lambda unit: executor.submit(play_there, unit, version()), units, has_room)
            except (CancelledError, RuntimeError, distributed.KilledWorker) as error:
                told, _, _ = (str(error) or "it has ended").partition("\n")
                raise CannotCompare(f"--cluster {address!r}: {told} (scheduler and workers need the project)") from None

        yield play_all


def play_there(unit: Unit, wanted: str) -> list[Outcome]:
    """Play a unit on a worker. Raises CannotCompare where that is not like the machine that asks for it."""
    import distributed

    commands = [words for one, _ in unit.turns for words in (one.server.server_command, one.client.client_command)]
    lacking = [words[0] for words in commands if words and os.path.isabs(words[0]) and not os.path.exists(words[0])]
    if lacking or version() != wanted:
        has = f"{platform.node()} has " + (f"no {lacking[0]}" if lacking else "another version of the project")
        raise CannotCompare(f"--cluster: the worker on {has}; have it like here, and start it again")
    if (why := missing(unit.transport) or too_few_files(unit.scenario.connections)) is not None:
        return [(pairing, why) for pairing, _ in unit.turns]
    worker, is_over = distributed.get_worker(), threading.Event()
    task = worker.get_current_task()

    def end_when_unwanted() -> None:
        while not is_over.wait(AWAKE_S):
            if task not in worker.state.tasks or worker.state.tasks[task].state != "executing":
                clients.kill()

    with guard() as told, Launcher(told) as servers, Launcher(told) as clients:
        threading.Thread(target=end_when_unwanted, daemon=True).start()
        try:
            return play(servers, clients, unit)
        finally:
            is_over.set()


@cache
def version() -> str:
    """Tells this version of the project from any other."""
    folders = ("common", "comparison", "protocol_impl", "streams_impl")
    sources = [path.read_bytes() for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return hashlib.blake2b(b"".join(sources)).hexdigest()
