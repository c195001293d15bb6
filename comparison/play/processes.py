"""Processes with deadlines, and what they write. The only module that starts any: a `Launcher` leaves none behind."""

import contextlib
import dataclasses
import errno
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, Literal

from comparison.model import MIB, Log
from comparison.transcript import parse

ROOT = Path(__file__).resolve().parents[2]  # where the programs lie, and are started
AWAKE_S = 0.2  # how often who waits for threads wakes: Ctrl-C may reach another thread, and only the first acts on it

STOP_S = 20.0  # for an endpoint to end after SIGTERM: its grace of 5 s, and time for a machine that is busy
EXIT_S = 2.0  # to be gone by itself when its output is over: a signal that is sooner would be its exit code
PIPE_S = 5.0  # for the pipe to reach its end after that of the process: a grandchild may hold it open for ever
CLOSE_S = 0.5  # for the pipes of all together, where everything is given up

LINE_BYTES = MIB  # a longer line is kept in pieces; who shows what it reads has lines of 256 KiB
KEPT_MIB = 512  # of its output, at more than which a process is ended: twice a million lines about 128 bytes each fit
LINE_COST_BYTES = 200  # besides its characters, so that many empty lines do not take all memory either
KEPT_OF_TOO_MANY = 10_000  # lines


class Closed(Exception):
    """The launcher has stopped everything: nothing more is started."""


class Process:
    """One running process and the lines it has written so far, standard output and standard error together."""

    def __init__(self, command: Sequence[str], stdin: Path | None, cores: Collection[int] | None) -> None:
        # Where it reads a file as standard input, its standard output is the answer to that, and no log.
        self.command = tuple(command)
        self.output_is_over = False  # it has written its last line, which it does when it ends
        self.keeps_lines = True  # unset, what it writes is only read from now on: a benchmark must not pay for it
        self.tried_from: int | None = None  # the port of a connection that only tried it: its log leaves that out
        self._lines: list[str] = []
        self._trouble: str | None = None
        self._peak_bytes: int | None = None
        self._grown = threading.Condition()
        with contextlib.ExitStack() as stack:
            if cores is not None:  # inherited from this thread, so that no part of its life is on others
                stack.callback(os.sched_setaffinity, 0, os.sched_getaffinity(0))
                os.sched_setaffinity(0, cores)
            self._popen = subprocess.Popen(
                self.command,
                cwd=ROOT,
                # Without what changes what Python does, and so what is compared.
                env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
                stdin=stack.enter_context(open(stdin or os.devnull, "rb")),
                stdout=subprocess.PIPE if stdin is None else subprocess.DEVNULL,
                stderr=subprocess.STDOUT if stdin is None else subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the engine, which then ends its endpoints in good order
            )
        self.pid = self._popen.pid  # it may have ended
        self.send_signal = self._popen.send_signal  # unless it has
        output = self._popen.stdout or self._popen.stderr
        assert output is not None
        self._output: IO[bytes] = output
        self._reader = threading.Thread(target=self._read, daemon=True)
        # A thread that waits is woken by the end of the process; Popen.wait(timeout) only looks every 50 ms.
        self._waiter = threading.Thread(target=self._popen.wait, daemon=True)
        try:
            self._reader.start()
            self._waiter.start()
        except RuntimeError as error:
            with self._popen:
                self._kill_all()
            raise OSError(errno.EAGAIN, str(error)) from None

    def search(self, wanted: Callable[[str], bool]) -> Callable[[float], str | None]:
        """What waits so many seconds for the first line that is wanted, and gives None where there is none, or where
        the process ends before: each call goes on where the one before it has stopped."""
        seen = 0

        def found() -> bool:
            nonlocal seen
            while seen < len(self._lines) and not wanted(self._lines[seen]):
                seen += 1
            return seen < len(self._lines) or self.output_is_over

        def wait(deadline_s: float) -> str | None:
            with self._grown:
                self._grown.wait_for(found, deadline_s)
                return self._lines[seen] if seen < len(self._lines) else None

        return wait

    @property
    def lines(self) -> tuple[str, ...]:
        """What it has written so far."""
        return tuple(self._lines)

    @property
    def has_ended(self) -> bool:
        return not self._waiter.is_alive()

    def wait_a_little(self, seconds: float) -> None:
        """Wait for its end, but no longer than that."""
        self._waiter.join(seconds)

    def look_at_memory(self) -> None:
        """See how much it took at most so far, for its log: where the system tells, nobody does once it has ended."""
        # As bytes: the name of the program stands there, too, cut after 15 of them.
        with contextlib.suppress(OSError), open(f"/proc/{self.pid}/status", "rb") as file:
            most = (int(line.split()[1]) * 1024 for line in file if line.startswith(b"VmHWM:"))
            self._peak_bytes = next(most, self._peak_bytes)

    def wait(self, deadline_s: float, *, of_s: float | None = None) -> Log:
        """Wait for its end, and kill it after `deadline_s` seconds, the rest of `of_s`."""
        self._waiter.join(deadline_s)
        fate: Literal["there", "hung"] = "there" if self.has_ended else "hung"
        if fate == "hung":
            self.kill()
            self._trouble = self._trouble or f"still running after {of_s or deadline_s:g} s"
        self._close(PIPE_S)
        code, lines = self._popen.returncode if self._trouble is None else None, self.lines
        log = Log(self.command, lines, code, self._trouble, self._peak_bytes, fate, parse(lines))
        ours = f"_{self.tried_from}"
        return log.part([place for place, event in enumerate(log.events) if not event.speaker.endswith(ours)])

    def stop(self, deadline_s: float = STOP_S) -> Log:
        """Ask it to end with SIGTERM, as its users do, and wait for its end. It must not have ended before."""
        if self.output_is_over:
            self.wait_a_little(EXIT_S)
        early = self._popen.poll() is not None
        self.look_at_memory()
        self.send_signal(signal.SIGTERM)
        log = self.wait(deadline_s)
        if early and log.trouble is None:
            return dataclasses.replace(log, trouble="ended before it was stopped", fate="absent")
        return log

    def kill(self, pipe_s: float = PIPE_S) -> None:
        """End it at once, with whatever it has started, and wait until it is gone."""
        self._kill_all()
        self._waiter.join()
        self._close(pipe_s)

    def _kill_all(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # the group of its own session

    def _close(self, pipe_s: float) -> None:
        """Wait for the rest of its output, and close the pipe."""
        self._reader.join(pipe_s)
        if not self._reader.is_alive():
            self._output.close()

    def _read(self) -> None:
        left_bytes = KEPT_MIB * MIB
        for line in iter(lambda: self._output.readline(LINE_BYTES), b""):
            left_bytes -= len(line) + LINE_COST_BYTES
            if left_bytes < 0:
                with self._grown:
                    self._trouble = f"wrote more than {KEPT_MIB} MiB of log lines, and was ended"
                    del self._lines[KEPT_OF_TOO_MANY:]
                self._kill_all()
            if left_bytes < 0 or not self.keeps_lines:
                break
            with self._grown:
                self._lines.append(line.decode(errors="backslashreplace").rstrip("\r\n"))
                self._grown.notify_all()
        while self._output.read(LINE_BYTES):
            pass
        with self._grown:
            self.output_is_over = True
            self._grown.notify_all()


# Reads until nobody is there who could write: then whoever has told of these is killed.
GUARD = 'while read group; do groups="$groups -$group"; done; kill -KILL $groups'


@contextlib.contextmanager
def guard() -> Iterator[IO[bytes]]:
    """A process that is told the groups of others, and ends them when this one is killed, which ends nothing itself."""
    with subprocess.Popen(["sh", "-c", GUARD], stdin=subprocess.PIPE, bufsize=0, start_new_session=True) as process:
        assert process.stdin is not None
        try:
            yield process.stdin
        finally:
            process.kill()


class Launcher(contextlib.AbstractContextManager["Launcher"]):
    """Starts processes from any thread, and kills those that still run when the `with` block ends, however it ends."""

    def __init__(self, told: IO[bytes] | None = None) -> None:
        """With the input of a `guard` to be told they end also where this process is killed."""
        self._told = told
        self._lock = threading.Lock()
        self._started: list[Process | Launcher] = []
        self.is_closed = False  # it starts nothing any more

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self, command: Sequence[str], stdin: Path | None = None, cores: Collection[int] | None = None) -> Process:
        """Start a command, see Process. Raises Closed after `kill`, and OSError where the program cannot be run."""
        with self._lock:
            if self.is_closed:
                raise Closed
            process = Process(command, stdin, cores)
            if self._told is not None:
                self._told.write(f"{process.pid}\n".encode())
            self._started.append(process)
            return process

    @contextlib.contextmanager
    def part(self) -> Iterator["Launcher"]:
        """A launcher for what ends with this block, and is then forgotten with all that it wrote."""
        part = Launcher(self._told)
        with self._lock:
            part.is_closed = self.is_closed
            self._started.append(part)
        try:
            with part:
                yield part
        finally:
            with self._lock:
                self._started.remove(part)

    def kill(self, pipe_s: float = CLOSE_S) -> None:
        """End what runs, and refuse to start more."""
        with self._lock:
            self.is_closed = True
            end_s = time.monotonic() + pipe_s
            for process in self._started:
                process.kill(max(0.0, end_s - time.monotonic()))


def heed_signals() -> None:
    """Have SIGTERM end the engine as Ctrl-C does: through every `finally`, so that no endpoint is left behind. Where a
    shell has started it in the background, and so with Ctrl-C ignored, it goes on ignoring it, but by a handler: what
    is ignored is inherited by all that we start, a handler is not."""
    with contextlib.suppress(ValueError):  # not in the main thread: a test calls us
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, lambda number, frame: None)
