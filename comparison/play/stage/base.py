"""What every stage has: the endpoint on trial, the peers, the deadline."""

import contextlib
import os
import select
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from comparison.model import Endpoint, Event, Log, Scenario, Transport
from comparison.play.commands import HOSTS, not_supported
from comparison.play.machine import Heartbeat, cpu_clock_s, out_of, wants_cpu
from comparison.play.peers import Deadline, Late, Notebook, Peer
from comparison.play.processes import Launcher, Process
from comparison.transcript import parse_line

LOOK_S = 0.05
"""How often it is looked whether what is waited for has happened."""


class Skip(Exception):
    """The scenario cannot be played here; the text is the reason."""


class Busy(Exception):
    """The machine was too late in this run to tell: it is to be played again."""


ASLEEP_S = 0.05
"""CPU time that the engine takes for itself while it looks whether an endpoint takes some, too. Who spins gets about as
much, however busy the machine is."""

ASLEEP_SHARE = 0.25
"""The most that one with nothing to do takes beside that; the least that one takes which spins."""

LOOKS = 3
"""How often it is looked: at first an endpoint may still do what was to be done."""

SOONEST = 0.85
"""How much of a limit of time must have passed: one that fires at half its time is found out, and who noted the
beginning a little late is not blamed."""


class Stage:
    """What both kinds of script have in common: the endpoint on trial, the peers, the deadline."""

    def __init__(
        self, launcher: Launcher, scenario: Scenario, transport: Transport, folder: Path, endpoint: Endpoint
    ) -> None:
        self.launcher = launcher
        self.scenario = scenario
        self.transport = transport
        self.folder = folder
        self.endpoint = endpoint
        self.deadline = Deadline(scenario.deadline_s)
        self.notebook = Notebook()
        self.process: Process | None = None
        self.peak_bytes: int | None = None
        """The most memory that it was seen to take."""
        self._peers: list[Peer] = []
        self._open = contextlib.ExitStack()

    @property
    def host(self) -> str:
        return HOSTS.get(self.transport.name, "localhost")

    @property
    def uses_tls(self) -> bool:
        return self.transport.name in ("tls", "mtls")

    def running(self) -> Process:
        """The endpoint on trial, which the script has started."""
        assert self.process is not None, "the script has not started the endpoint"
        return self.process

    def look_at_memory(self) -> None:
        """See how much it took so far: nobody tells once it has ended."""
        self.peak_bytes = self.running().peak_bytes() or self.peak_bytes

    def wait_for(self, event: str, count: int = 1) -> None:
        """Wait until the endpoint has told of an event `count` times. One that tells nothing is not waited for."""
        if not self.endpoint.takes_options:
            return
        seen = 0

        def wanted(line: str) -> bool:
            nonlocal seen
            seen += parse_line(line).name == event
            return seen >= count

        # Who ends with the line that is waited for is looked at before.
        process = self.running()
        found, ended = process.search(wanted), False
        while found(min(LOOK_S, self.deadline.left())) is None:
            if ended or self.deadline.left() <= LOOK_S:
                raise Late(f"{count} times {event!r} in the log was waited for in vain")
            self.look_at_memory()
            ended = process.output_is_over

    def told(self, event: str) -> list[Event]:
        """The lines of an event that the endpoint has told so far."""
        return [line for line in map(parse_line, self.running().lines) if line.name == event]

    def wait_until_turned_away(self, peers: Sequence[Peer], event: str) -> None:
        """Wait until all of these peers are turned away, or the endpoint has told of an event."""

        told = self.running().search(lambda line: parse_line(line).name == event)
        waiting = list(peers)
        while waiting and told(LOOK_S) is None:
            ready, _, _ = select.select([peer.sock for peer in waiting], [], [], 0)
            waiting = [peer for peer in waiting if peer.sock not in ready]
            if self.deadline.left() <= LOOK_S:
                raise Late(f"{len(waiting)} clients were neither served nor turned away")

    def check_asleep(self, when: str) -> None:
        """See that the endpoint, which has nothing to do, takes no CPU time. Raises Skip where the system does not
        tell, Late where it spins, and Busy where others keep it from either."""
        if cpu_clock_s(os.getpid()) is None:
            raise Skip("this system does not tell the CPU time of another process")
        looks, share = 0, 0.0
        while looks < LOOKS:
            before_s, own_s = self._cpu_s(), time.thread_time()
            while time.thread_time() < own_s + ASLEEP_S:
                pass
            share = (self._cpu_s() - before_s) / ASLEEP_S
            if share >= ASLEEP_SHARE:
                looks += 1
            elif not wants_cpu(self.running().pid):
                return
            elif self.deadline.left() <= ASLEEP_S:
                raise Busy
        raise Late(f"spins {when}: it has nothing to do, and takes {share:.0%} of the CPU time that another gets")

    def _cpu_s(self) -> float:
        """The CPU time that the endpoint has taken so far; 0 where it has ended."""
        return cpu_clock_s(self.running().pid) or 0.0

    def check_not_sooner(self, limit_s: float, since_s: float) -> None:
        """See that a limit of time has not come too soon. Only that can be seen: later is whatever the machine does."""
        if (passed_s := time.monotonic() - since_s) < SOONEST * limit_s:
            raise Late(f"came after {passed_s:.2f} s, and the limit is {limit_s:g} s")

    def check_not_yet(self, event: str) -> None:
        """See that what only time brings has not come before all was ready for it. Raises Busy where it has."""
        if self.told(event):
            raise Busy

    def signal(self, number: int) -> None:
        self.running().send_signal(number)

    def pause(self, seconds: float) -> None:
        """Let a little time pass, where that is what a peer does."""
        time.sleep(seconds)

    def _play_script(self) -> str | None:
        """Run the script; what went wrong in it, if anything. Raises Busy, and Skip where the engine is out of
        something."""
        assert self.scenario.script is not None
        trouble = None
        with Heartbeat() as machine:
            try:
                self.scenario.script(self)
                self._afterwards()
            except Late as error:
                trouble = str(error)
            except OSError as error:
                if (lacking := out_of(error)) is not None:
                    raise Skip(lacking) from None
                trouble = f"a peer of ours failed: {(error.strerror or str(error) or type(error).__name__).lower()}"
        if self.scenario.late_s is not None and machine.late_s > self.scenario.late_s:
            raise Busy
        return trouble

    def _afterwards(self) -> None:
        """What must hold after the script."""

    def _check_supported(self, log: Log) -> None:
        """Raises Skip where the endpoint says that it cannot do what it was asked for."""
        if (why := not_supported(self.endpoint, log)) is not None:
            raise Skip(why)

    def _wait_for_end(self) -> Log:
        return self.running().wait(self.deadline.left(), of_s=self.deadline.seconds)

    def keep(self, resource: contextlib.AbstractContextManager[object]) -> None:
        """Have something closed when the play is over."""
        self._open.enter_context(resource)

    def close(self) -> None:
        self._open.close()
        for peer in self._peers:
            peer.sock.close()
        if self.process is not None and not self.process.has_ended:
            self.process.kill()

    def _peer(self, sock: socket.socket, *, echoed: bool, name: str | None = None, shift: int = 0) -> Peer:
        name = name or f"peer_{len(self._peers) + 1}"
        pattern = self.scenario.pattern[shift:] + self.scenario.pattern[:shift]
        peer = Peer(sock, name, self.notebook, self.deadline, pattern, echoed=echoed)
        self._peers.append(peer)
        return peer


def family(transport: Transport) -> socket.AddressFamily:
    return socket.AF_INET6 if transport.name == "tcp6" else socket.AF_INET
