"""A server's own life: how it starts where it cannot, and how it stops while clients are connected."""

import itertools
import signal
import socket
import time
from functools import partial

from comparison.model import MIB
from comparison.play.machine import limit_files
from comparison.play.peers import Peer
from comparison.play.serving import LOOK_S
from comparison.play.stage import ServerStage as Stage
from comparison.scenarios.clients import STUCK, connected, finish, started, stuck
from comparison.scenarios.declare import CUT_OFF, LATE_S, MEMORY_MIB, OVER, PLAIN, TCP_ONLY, Declared
from comparison.vocabulary import BYTES

SCENARIOS = scenario = Declared("server", client_endings=("saw_eof",))

LONG_GRACE = ("--grace", "60")
"""Longer than any scenario: what happens within it is ordered by events, however slow the machine is."""

SIGNALS_EVERY_S = 0.001  # an end takes tens of milliseconds: a signal reaches each step of it

NOBODY_CAME = {"echo": "nothing", "server_endings": (), "client_endings": ()}
CUT = {"server_endings": ("cut",), "client_endings": CUT_OFF, "warnings": ("cut",)}
CUT_STUCK = {"warnings": ("cut",), "told": ("cut",)}
NEVER_READS = {**CUT_STUCK, "transports": PLAIN, "echo": "part", "memory_mib": MEMORY_MIB, "by_timing": BYTES}
NEVER_READS |= {"server_endings": ("closing", "cut"), "client_endings": ("saw_eof", "did_close")}
NO_FILES = {"all_accepted": False, "warnings": ("out_of_files",), "transports": TCP_ONLY}
CANNOT = {**NOBODY_CAME, "server_connections": 0}
CANNOT_SERVE = {**CANNOT, "server_exit": 1, "warnings": ("cannot_serve",), "told": ("cannot_serve",)}
BY = {name.lower(): (name, {"number": signal.Signals[name]}) for name in ("SIGTERM", "SIGINT")}


def stopped(stage: Stage) -> list[Peer]:
    """A client that has got a byte back of a server that then stops, and has told so."""
    [peer] = connected(stage)
    peer.round_trip()
    _stop(stage)
    return [peer]


def _stop(stage: Stage, number: int = signal.SIGTERM) -> None:
    stage.stop(number)
    stage.wait_for("closing_server")


def _stop_again_and_again(stage: Stage, *numbers: int) -> None:
    """These signals by turns until the server is gone, or the deadline has come."""
    signals = itertools.cycle(numbers)
    while not stage.process.has_ended and stage.deadline.left() > LOOK_S:
        stage.stop(next(signals))
        stage.process.wait_a_little(SIGNALS_EVERY_S)


@scenario(partial(started, clients=2), BY, transports=PLAIN, server_options=LONG_GRACE)
def each_with_clients(stage: Stage, silent: Peer, busy: Peer, number: int) -> None:
    """A server that is stopped by {each} while two clients are connected, who finish within its grace."""
    busy.round_trip()
    stage.wait_for("accepted", 2)
    _stop(stage, number)
    busy.send(1000)  # its connection goes on: a server that stops lets its clients finish
    busy.receive(1000)
    finish(busy, silent)


@scenario(connected, BY, transports=TCP_ONLY, server_options=LONG_GRACE)
def each_mid_echo(stage: Stage, peer: Peer, number: int) -> None:
    """A server that is stopped by {each} when it has echoed a little of 1 MiB; all of it must come back."""
    peer.send(MIB)
    peer.receive(1000)
    _stop(stage, number)
    finish(peer)


@scenario(started, BY, **NOBODY_CAME)
def each_idle(stage: Stage, number: int) -> None:
    """A server that is stopped by {each} before anyone has connected."""
    stage.stop(number)


@scenario(connected, **CUT, late_s=LATE_S, server_options=("--grace", "1"))
def grace_over(stage: Stage, peer: Peer) -> None:
    """A stopped server with a client that stays beyond the grace of 1 s, and is not cut before."""
    peer.round_trip()
    start_s = time.monotonic()
    stage.stop(signal.SIGTERM)
    peer.receive_to_end()
    stage.check_not_sooner(1, start_s)


@scenario(stopped, **CUT, server_options=LONG_GRACE)
def second_signal(stage: Stage, peer: Peer) -> None:
    """A server with a client that gets SIGTERM a second time, long before its grace of 60 s is over."""
    stage.process.send_signal(signal.SIGTERM)
    peer.receive_to_end()


@scenario(stuck, **STUCK, **CUT_STUCK, server_endings=("cut", "closing"), server_options=LONG_GRACE)
def stuck_at_second_signal(stage: Stage, peer: Peer) -> None:
    """A server that gets SIGTERM twice while a client reads nothing, and only then reads: what the kernel has taken,
    and no more."""
    _stop(stage)
    stage.process.send_signal(signal.SIGTERM)
    peer.read_once_cut()


@scenario(stopped, transports=PLAIN, server_options=LONG_GRACE)
def comes_too_late(stage: Stage, peer: Peer) -> None:
    """Clients that come when a server with a client has told that it closes: they must not be served."""
    stage.connect_in_vain()
    peer.round_trip()
    stage.connect_in_vain()
    finish(peer)


@scenario(stopped, transports=PLAIN, server_options=LONG_GRACE)
def nothing_to_do_but_end(stage: Stage, peer: Peer) -> None:
    """A stopped server that waits for a client that is silent, which must not take CPU time."""
    stage.check_asleep("while it waits for its last client")
    finish(peer)


@scenario(stuck, **NEVER_READS, server_options=("--grace", "0.2"))
def grace_over_stuck(stage: Stage, peer: Peer) -> None:
    """A stopped server whose client has filled all buffers and never reads, beyond the grace of 0.2 s."""
    stage.stop(signal.SIGTERM)
    stage.wait_for("closing_loop")
    peer.close()


@scenario(started, **NOBODY_CAME)
def sigterm_until_gone(stage: Stage) -> None:
    """A server that gets SIGTERM again and again, from when it serves until it is gone."""
    _stop_again_and_again(stage, signal.SIGTERM)


@scenario(connected, **CUT, server_options=LONG_GRACE)
def signals_until_gone(stage: Stage, peer: Peer) -> None:
    """A server with a client that gets SIGTERM and SIGINT by turns, again and again until it is gone."""
    peer.round_trip()
    _stop_again_and_again(stage, signal.SIGTERM, signal.SIGINT)
    peer.receive_to_end()


@scenario(started, **NO_FILES, echo="part", client_endings=OVER, by_timing=("sending", "broken", "half_closed", *OVER))
def no_more_files(stage: Stage) -> None:
    """8 clients of a server that has file descriptors left for 4."""
    limit_files(stage.process.pid, left=4)
    served = [stage.connect() for _ in range(4)]
    for peer in served:
        peer.send(100)
        peer.receive(100)
    beyond = [stage.connect() for _ in range(4)]
    for peer in beyond:
        peer.send(100)
    stage.wait_until_turned_away(beyond, "out_of_files")
    finish(*served)
    for peer in beyond:
        peer.receive(100)
        finish(peer)


@scenario(**CANNOT_SERVE, transports=TCP_ONLY)
def port_in_use(stage: Stage) -> None:
    """A server whose port is taken."""
    taken = stage.kept.enter_context(socket.create_server((stage.host, 0), family=stage.family))
    stage.start_in_vain("--port", str(taken.getsockname()[1]))


@scenario(echo="nothing", client_endings=(), transports=("unix",))
def socket_left_over(stage: Stage) -> None:
    """A server that finds its Unix socket file left behind by another that is dead."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(stage.socket_path))
    stage.start()


@scenario(**CANNOT_SERVE, transports=("unix",))
def socket_in_use(stage: Stage) -> None:
    """A server that finds another alive on its Unix socket, which must not lose it."""
    with socket.socket(socket.AF_UNIX) as live:
        live.bind(str(stage.socket_path))
        live.listen()
        stage.start_in_vain()
        stage.wait_for("closing_loop")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(stage.socket_path))
    stage.socket_path.unlink()


@scenario(**CANNOT_SERVE, transports=("unix",))
def socket_not_writable(stage: Stage) -> None:
    """A server whose Unix socket is to be where nothing can be made: below a file."""
    file = stage.folder / "file"
    file.touch()
    stage.start_in_vain("--unix", str(file / "echo.sock"))


@scenario(**CANNOT, server_exit=2, transports=("unix",))
def socket_path_too_long(stage: Stage) -> None:
    """A server whose Unix socket has a longer path than the system takes."""
    stage.start_in_vain("--unix", str(stage.folder / ("long" * 100)))
