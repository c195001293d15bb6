"""A server's own life: how it starts where it cannot, and how it stops while clients are connected."""

import functools
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comparison.model import Expectation
from comparison.scenarios.clients import NEVER_READ_BYTES
from comparison.scenarios.declare import CUT_OFF, LATE_S, MEMORY_MIB, MIB, TCP_ONLY, Declared, Script

if TYPE_CHECKING:
    from comparison.play.stage import ServerStage as Stage

SCENARIOS = scenario = Declared("server")

LONG_GRACE = ("--grace", "60")
"""Longer than any scenario: what happens within it is ordered by events, however slow the machine is."""

CANNOT_SERVE = Expectation(
    echo="nothing",
    server_exit=1,
    server_connections=0,
    server_endings=(),
    client_endings=(),
    warnings=("cannot_serve",),
    told=("cannot_serve",),
)


def stopped(name: str, description: str, expects: Expectation, **more: Any) -> Callable[[Script], Script]:
    """A decorator: the function below it is the script of two scenarios, for SIGTERM and for SIGINT."""

    def declare(script: Script) -> Script:
        for number in (signal.SIGTERM, signal.SIGINT):
            told = f"a server that is stopped by {number.name} {description}"
            scenario(f"{number.name.lower()}-{name}", told, expects, **more)(functools.partial(script, number=number))
        return script

    return declare


@stopped(
    "with-clients",
    "while two clients are connected, who finish within its grace",
    Expectation(client_endings=("saw_eof",)),
    transports=(*TCP_ONLY, "unix"),
)
def stopped_with_clients(stage: "Stage", number: int) -> None:
    stage.start(*LONG_GRACE)
    silent, busy = stage.connect(), stage.connect()
    busy.round_trip()
    stage.wait_for("accepted", 2)
    stage.stop(number)
    stage.wait_for("closing_server")
    busy.send(1000)  # its connection goes on: a server that stops lets its clients finish
    busy.receive(1000)
    for peer in (busy, silent):
        peer.half_close()
        peer.receive_to_end()


@stopped(
    "mid-echo",
    "when it has echoed a little of 1 MiB; all of it must come back",
    Expectation(client_endings=("saw_eof",)),
    transports=TCP_ONLY,
)
def stopped_mid_echo(stage: "Stage", number: int) -> None:
    stage.start(*LONG_GRACE)
    peer = stage.connect()
    peer.send(MIB)
    peer.receive(1000)
    stage.stop(number)
    stage.wait_for("closing_server")
    peer.half_close()
    peer.receive_to_end()


@stopped(
    "idle",
    "before anyone has connected",
    Expectation(echo="nothing", server_endings=(), client_endings=()),
)
def stopped_idle(stage: "Stage", number: int) -> None:
    stage.start()
    stage.stop(number)


@scenario(
    "grace-over",
    "a stopped server with a client that stays beyond the grace of 1 s, and is not cut before",
    Expectation(echo="whole", server_endings=("cut",), client_endings=CUT_OFF, warnings=("cut",)),
    late_s=LATE_S,
)
def grace_over(stage: "Stage") -> None:
    stage.start("--grace", "1")
    peer = stage.connect()
    peer.round_trip()
    start_s = time.monotonic()
    stage.stop(signal.SIGTERM)
    peer.receive_to_end()
    stage.check_not_sooner(1, start_s)


@scenario(
    "second-signal",
    "a server with a client that gets SIGTERM a second time, long before its grace of 60 s is over",
    Expectation(echo="whole", server_endings=("cut",), client_endings=CUT_OFF, warnings=("cut",)),
)
def second_signal(stage: "Stage") -> None:
    stage.start(*LONG_GRACE)
    peer = stage.connect()
    peer.round_trip()
    stage.stop(signal.SIGTERM)
    stage.wait_for("closing_server")
    stage.signal(signal.SIGTERM)
    peer.receive_to_end()


@scenario(
    "stuck-at-second-signal",
    "a server that gets SIGTERM twice while a client reads nothing, and only then reads: what the kernel has taken, "
    "and no more",
    Expectation(
        echo="cut",
        server_endings=("cut", "closing"),
        client_endings=("saw_eof", "saw_reset"),
        warnings=("cut",),
        told=("cut",),
        by_timing=("sending", "received", "sent", "broken", "saw_eof", "saw_reset"),
    ),
    transports=(*TCP_ONLY, "unix"),
)
def stuck_at_second_signal(stage: "Stage") -> None:
    stage.start(*LONG_GRACE)
    peer = stage.connect_stuck(NEVER_READ_BYTES)
    stage.stop(signal.SIGTERM)
    stage.wait_for("closing_server")
    stage.signal(signal.SIGTERM)
    peer.wait_until_cut()
    peer.receive_to_end()


@scenario(
    "comes-too-late",
    "clients that come when a server with a client has told that it closes: they must not be served",
    Expectation(client_endings=("saw_eof",)),
    transports=(*TCP_ONLY, "unix"),
)
def comes_too_late(stage: "Stage") -> None:
    stage.start(*LONG_GRACE)
    peer = stage.connect()
    peer.round_trip()
    stage.stop(signal.SIGTERM)
    stage.wait_for("closing_server")
    stage.connect_in_vain()
    peer.round_trip()
    stage.connect_in_vain()
    peer.half_close()
    peer.receive_to_end()


@scenario(
    "nothing-to-do-but-end",
    "a stopped server that waits for a client that is silent, which must not take CPU time",
    Expectation(client_endings=("saw_eof",)),
    transports=(*TCP_ONLY, "unix"),
)
def nothing_to_do_but_end(stage: "Stage") -> None:
    stage.start(*LONG_GRACE)
    peer = stage.connect()
    peer.round_trip()
    stage.stop(signal.SIGTERM)
    stage.wait_for("closing_server")
    stage.check_asleep("while it waits for its last client")
    peer.half_close()
    peer.receive_to_end()


@scenario(
    "grace-over-stuck",
    "a stopped server whose client has filled all buffers and never reads, beyond the grace of 0.2 s",
    Expectation(
        echo="part",
        server_endings=("closing", "cut"),
        client_endings=("saw_eof", "did_close"),
        warnings=("cut",),
        told=("cut",),
        memory_mib=MEMORY_MIB,
        by_timing=("sending", "received", "sent"),
    ),
    transports=(*TCP_ONLY, "unix"),
)
def grace_over_stuck(stage: "Stage") -> None:
    stage.start("--grace", "0.2")
    peer = stage.connect_stuck(NEVER_READ_BYTES)
    stage.stop(signal.SIGTERM)
    stage.wait_for("closing_loop")
    peer.close()


@scenario(
    "sigterm-until-gone",
    "a server that gets SIGTERM again and again, from when it serves until it is gone",
    Expectation(echo="nothing", server_endings=(), client_endings=()),
)
def sigterm_until_gone(stage: "Stage") -> None:
    stage.start()
    stage.stop_again_and_again(signal.SIGTERM)


@scenario(
    "signals-until-gone",
    "a server with a client that gets SIGTERM and SIGINT by turns, again and again until it is gone",
    Expectation(echo="whole", server_endings=("cut",), client_endings=CUT_OFF, warnings=("cut",)),
)
def signals_until_gone(stage: "Stage") -> None:
    stage.start(*LONG_GRACE)
    peer = stage.connect()
    peer.round_trip()
    stage.stop_again_and_again(signal.SIGTERM, signal.SIGINT)
    peer.receive_to_end()


@scenario(
    "no-more-files",
    "8 clients of a server that has file descriptors left for 4",
    Expectation(
        echo="part",
        server_endings=("closing",),
        client_endings=("saw_eof", "saw_reset"),
        all_accepted=False,
        warnings=("out_of_files",),
        by_timing=("sending", "broken", "half_closed", "saw_eof", "saw_reset"),
    ),
    transports=TCP_ONLY,
    shows=("out-of-files",),
)
def no_more_files(stage: "Stage") -> None:
    stage.start()
    stage.limit_files(left=4)
    served = [stage.connect() for _ in range(4)]
    for peer in served:
        peer.send(100)
        peer.receive(100)
    beyond = [stage.connect() for _ in range(4)]
    for peer in beyond:
        peer.send(100)
    stage.wait_until_turned_away(beyond, "out_of_files")
    for peer in (*served, *beyond):
        if peer in beyond:
            peer.receive(100)
        peer.half_close()
        peer.receive_to_end()


@scenario("port-in-use", "a server whose port is taken", CANNOT_SERVE, transports=TCP_ONLY)
def port_in_use(stage: "Stage") -> None:
    taken = stage.take_a_port()
    stage.start_in_vain("--port", str(taken))


@scenario(
    "socket-left-over",
    "a server that finds its Unix socket file left behind by another that is dead",
    Expectation(echo="nothing", client_endings=()),
    transports=("unix",),
)
def socket_left_over(stage: "Stage") -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(stage.socket_path))
    stage.start()


@scenario(
    "socket-in-use",
    "a server that finds another alive on its Unix socket, which must not lose it",
    CANNOT_SERVE,
    transports=("unix",),
)
def socket_in_use(stage: "Stage") -> None:
    with socket.socket(socket.AF_UNIX) as live:
        live.bind(str(stage.socket_path))
        live.listen()
        stage.start_in_vain()
        stage.wait_for("closing_loop")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(stage.socket_path))
    os.unlink(stage.socket_path)


@scenario(
    "socket-not-writable",
    "a server whose Unix socket is to be in a folder where nothing can be made",
    CANNOT_SERVE,
    transports=("unix",),
)
def socket_not_writable(stage: "Stage") -> None:
    stage.start_in_vain("--unix", _not_writable(stage.folder))


@scenario(
    "socket-path-too-long",
    "a server whose Unix socket has a longer path than the system takes",
    Expectation(echo="nothing", server_exit=2, server_connections=0, server_endings=(), client_endings=()),
    transports=("unix",),
)
def socket_path_too_long(stage: "Stage") -> None:
    stage.start_in_vain("--unix", str(stage.folder / ("long" * 100)))


def _not_writable(folder: Path) -> str:
    """A path at which nobody can make a socket, not even root, who may write wherever there is a file system."""
    if Path("/proc").is_dir():
        return "/proc/echo.sock"
    place = folder / "closed"
    place.mkdir(exist_ok=True)
    place.chmod(0o500)
    return str(place / "echo.sock")
