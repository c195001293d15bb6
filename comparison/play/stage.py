"""What every stage has: the endpoint on trial, the peers, the deadline."""

import contextlib
import dataclasses
import itertools
import os
import select
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from comparison.model import RAW, Endpoint, Event, Log, Pairing, Run, Scenario, Side, Transport
from comparison.play.machine import Heartbeat, Skip, cpu_clock_s, out_of, wants_cpu
from comparison.play.peers import Deadline, Late, Notebook, Peer
from comparison.play.processes import Launcher, Process
from comparison.play.serving import NotReady
from comparison.play.transports import HOSTS, half_closes, not_supported, why_not
from comparison.transcript import parse, parse_line, tells

LOOK_S = 0.05  # how often it is looked whether what is waited for has happened
SAMPLE_S = 0.02  # how often it is looked at the memory of an endpoint that is about to end

ASLEEP_S = 0.05  # CPU time that the engine takes for itself: who spins gets about as much, however busy the machine is
ASLEEP_SHARE = 0.25  # the most that one with nothing to do takes beside that; the least that one takes which spins
LOOKS = 3  # at first an endpoint may still do what was to be done

SOONEST = 0.85  # of a limit of time must have passed: half of it is found out, a beginning that is noted late is not


class Busy(Exception):
    """The machine was too late in this run to tell: it is to be played again."""


@dataclasses.dataclass(eq=False)
class Stage:
    """What both kinds of script have in common: the endpoint on trial, the peers, the deadline."""

    on_trial: ClassVar[Side]
    launcher: Launcher
    scenario: Scenario
    transport: Transport
    folder: Path
    endpoint: Endpoint
    process: Process = dataclasses.field(init=False)  # the endpoint on trial, when the script has started it

    def __post_init__(self) -> None:
        self.host = HOSTS.get(self.transport.name, "localhost")
        self.family = {"tcp6": socket.AF_INET6, "unix": socket.AF_UNIX}.get(self.transport.name, socket.AF_INET)
        self.uses_tls = not half_closes(self.transport)
        self.deadline = Deadline(self.scenario.deadline_s)
        self.notebook = Notebook()
        self._tried_port: int | None = None
        self.kept = contextlib.ExitStack()  # what is closed when the play is over
        self._numbers = itertools.count(1)

    def wait_for(self, event: str, count: int = 1) -> None:
        """Wait until the endpoint has told of an event `count` times. One that tells nothing is not waited for."""
        if not self.endpoint.takes_options:
            return
        numbers, ended = itertools.count(1), False
        found = self.process.search(lambda line: parse_line(line).name == event and next(numbers) >= count)
        # Who ends with the line that is waited for is looked at before.
        while found(min(LOOK_S, self.deadline.left())) is None:
            if ended or self.deadline.left() <= LOOK_S:
                raise Late(f"{count} times {event!r} in the log was waited for in vain")
            self.process.look_at_memory()
            ended = self.process.output_is_over

    def told(self, event: str) -> list[Event]:
        """The lines of an event that the endpoint has told so far."""
        return [line for line in parse(self.process.lines) if line.name == event]

    def wait_until_turned_away(self, peers: Sequence[Peer], event: str) -> None:
        """Wait until all of these peers are turned away, or the endpoint has told of an event."""
        told = self.process.search(lambda line: parse_line(line).name == event)
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
            elif not wants_cpu(self.process.pid):
                return
            elif self.deadline.left() <= ASLEEP_S:
                raise Busy
        raise Late(f"spins {when}: it has nothing to do, and takes {share:.0%} of the CPU time that another gets")

    def _cpu_s(self) -> float:
        return cpu_clock_s(self.process.pid) or 0.0

    def check_not_sooner(self, limit_s: float, since_s: float) -> None:
        """See that a limit of time has not come too soon. Only that can be seen: later is whatever the machine does."""
        if (passed_s := time.monotonic() - since_s) < SOONEST * limit_s:
            raise Late(f"came after {passed_s:.2f} s, and the limit is {limit_s:g} s")

    def check_not_yet(self, event: str) -> None:
        """See that what only time brings has not come before all was ready for it. Raises Busy where it has."""
        if self.told(event):
            raise Busy

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def pause(self, seconds: float) -> None:
        """Let a little time pass, where that is what a peer does."""
        time.sleep(seconds)

    def _with(self, *options: str) -> Scenario:
        """The scenario with further options of the endpoint. Raises Skip where it does not take these."""
        server_options, client_options = (*self.scenario.server_options, *options), (*self.scenario.options, *options)
        # Of both only those of the side on trial are read.
        scenario = dataclasses.replace(self.scenario, server_options=server_options, options=client_options)
        if (reason := why_not(scenario, self.transport, self.endpoint, self.on_trial)) is not None:
            raise Skip(reason)
        return scenario

    def _peer(self, sock: socket.socket, *, echoed: bool, name: str | None = None, shift: int = 0) -> Peer:
        self.kept.enter_context(sock)
        number, pattern = next(self._numbers), self.scenario.pattern[shift:] + self.scenario.pattern[:shift]
        return Peer(sock, name or f"peer_{number}", self.notebook, self.deadline, pattern, echoed=echoed)

    def play(self, number: int) -> Run:
        """Run the script, and see how the endpoint ends. Raises Busy, and Skip where it does not support this."""
        try:
            trouble = self._play_script()
            log, at_last = self._end()
        except NotReady as error:
            trouble, log, at_last = None, error.log, None
        if (why := not_supported(self.endpoint, log)) is not None:
            raise Skip(why)
        theirs = self.notebook.log(trouble or at_last)
        events = tuple(event for event in parse(log.lines) if not event.speaker.endswith(f"_{self._tried_port}"))
        silent = () if self.endpoint.takes_options or tells(events) else (self.on_trial,)
        if self.on_trial == "client":
            return Run(Pairing(RAW, self.endpoint), number, theirs, log, parse(theirs.lines), events, silent)
        return Run(Pairing(self.endpoint, RAW), number, log, theirs, events, parse(theirs.lines), silent)

    def _play_script(self) -> str | None:
        """Run the script; what went wrong in it. Raises Busy, and Skip where the engine is out of something."""
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

    def _end(self) -> tuple[Log, str | None]:
        """Wait for the end of the endpoint; its log, and what is wrong with what it leaves."""
        process = self.process
        while not process.has_ended and self.deadline.left() > SAMPLE_S:
            process.look_at_memory()
            process.wait_a_little(SAMPLE_S)
        return process.wait(self.deadline.left(), of_s=self.deadline.seconds), None
