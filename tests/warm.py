"""Programs in Python that start in a fifth of the time: forked from a process that has imported what they need.

`popen()` does so where the program is the same either way: `python -m MODULE` or `python -c CODE`, without anything
that only a fresh interpreter has. On other systems than Linux all programs start afresh, and with EVERYTHING=1 in the
environment.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import types
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
REQUEST_BYTES = 100_000
"""A longer command line does not fit into one datagram."""

NUMBER_BYTES = 16
"""The length of a number in the pipe through which a program tells its process id, and the nursery its exit code."""

OPTIONS = {"cwd", "stdin", "stdout", "stderr", "start_new_session"}
"""Those of subprocess.Popen that a program which is forked can have."""

IRRELEVANT = ("PYTEST", "TERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PATH")
"""Variables that no program here looks at."""


def without(environment: Mapping[str, str], *beginnings: str) -> dict[str, str]:
    """An environment without the variables whose names begin so."""
    return {name: value for name, value in environment.items() if not name.startswith(beginnings)}


def plain() -> dict[str, str]:
    """What programs are given: the environment without what changes how they run."""
    return without(os.environ, "PYTHON", "ECHO_", "PYTEST")


ENVIRONMENT = without(plain(), *IRRELEVANT)
"""What all programs have in common that are forked: a test may set more, which then is there to be seen."""


# --- In the process that starts programs ---


class Nursery:
    """The process that forks, for all programs of this one."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, pass_fds=[theirs.fileno()])

    def fork(self, request: dict[str, object], descriptors: Sequence[int]) -> None:
        """Ask for a program. It takes the descriptors as its input, its output, its errors and its pipe of numbers."""
        socket.send_fds(self._ours, [json.dumps(request).encode()], descriptors)

    def close(self) -> None:
        """It ends when nobody is left who could ask."""
        self._ours.close()
        self._process.wait()


_nursery: Nursery | None = None
_needed = threading.Lock()


def nursery() -> Nursery:
    """The one of this process, started when it is first needed."""
    global _nursery
    with _needed:
        if _nursery is None:
            _nursery = Nursery()
        return _nursery


def close() -> None:
    """End the nursery, where there is one."""
    global _nursery
    if _nursery is not None:
        _nursery.close()
        _nursery = None


def popen(command: Sequence[str], *, env: Mapping[str, str], **options: object) -> "Program | subprocess.Popen[bytes]":
    """Start a program, as subprocess.Popen does; forked, where it is the same then."""
    if (
        sys.platform == "linux"
        and "EVERYTHING" not in os.environ
        and command[0] == sys.executable
        and command[1] in ("-m", "-c")
        and sum(map(len, command)) < REQUEST_BYTES
        and options.keys() <= OPTIONS
        and without(env, *IRRELEVANT) == ENVIRONMENT
    ):
        return Program(command, **options)
    return subprocess.Popen(command, env=env, **options)


class Program:
    """A program that was forked, with what its users need of subprocess.Popen's interface."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: str | os.PathLike[str],
        stdin: int | IO[bytes],
        stdout: int,
        stderr: int,
        start_new_session: bool = False,
    ) -> None:
        self.returncode: int | None = None
        self.stdout = self.stderr = None
        self._reaping = threading.Lock()
        with contextlib.ExitStack() as stack:
            null = stack.enter_context(open(os.devnull, "r+b")).fileno()
            reads = null if stdin == subprocess.DEVNULL else stdin if isinstance(stdin, int) else stdin.fileno()
            writes = errors = null
            if stdout == subprocess.PIPE:
                reading, writes = _pipe(stack)
                self.stdout = os.fdopen(reading, "rb")
            if stderr == subprocess.PIPE:
                reading, errors = _pipe(stack)
                self.stderr = os.fdopen(reading, "rb")
            elif stderr == subprocess.STDOUT:
                errors = writes
            self._numbers, numbers = _pipe(stack)
            weakref.finalize(self, os.close, self._numbers)
            request = {"words": command[1:], "cwd": os.fspath(cwd), "session": start_new_session}
            request["cores"] = [*os.sched_getaffinity(0)]
            nursery().fork(request, [reads, writes, errors, numbers])
        self.pid = int(os.read(self._numbers, NUMBER_BYTES))

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        for stream in filter(None, (self.stdout, self.stderr)):
            stream.close()
        self.wait()

    def poll(self) -> int | None:
        """Its exit code, where it has ended."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; its exit code."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def _ended(self, timeout: float | None) -> int | None:
        told = select.poll()
        told.register(self._numbers, select.POLLIN)
        if self.returncode is None and told.poll(None if timeout is None else timeout * 1000):
            with self._reaping:
                if self.returncode is None:
                    self.returncode = int(os.read(self._numbers, NUMBER_BYTES))
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile, and the nursery knows it
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _pipe(stack: contextlib.ExitStack) -> tuple[int, int]:
    """A pipe, of which the end that is written to is closed here when the program has it."""
    reading, writing = os.pipe()
    stack.callback(os.close, writing)
    return reading, writing


# --- In the nursery ---


def nurse(requests: socket.socket) -> dict | None:
    """Fork a program for each request; tell of their ends. Returns in each program with its request, and in the nursery
    with None, when nobody can ask any more."""
    running: dict[int, int] = {}
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C on a terminal is for pytest
    # A signal that comes just before a call that waits would be handled only after it; a pipe is not forgotten.
    ends, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        if ends in select.select([requests, ends], [], [])[0]:
            os.read(ends, select.PIPE_BUF)
            tell_ends(running)
            continue
        data, descriptors, *_ = socket.recv_fds(requests, 2 * REQUEST_BYTES, 4)
        if not data:
            return None
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            requests.close()
            for descriptor in (ends, waker, *running.values()):
                os.close(descriptor)
            request = json.loads(data)
            enter(request, descriptors)
            return request
        running[pid] = descriptors.pop()
        for descriptor in descriptors:
            os.close(descriptor)


def tell_ends(running: dict[int, int]) -> None:
    """Tell each program that has ended to whoever has started it."""
    with contextlib.suppress(ChildProcessError):  # none is left
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            pipe = running.pop(ended[0])
            with contextlib.suppress(BrokenPipeError):
                os.write(pipe, numeral(os.waitstatus_to_exitcode(ended[1])))
            os.close(pipe)


def enter(request: dict, descriptors: list[int]) -> None:
    """Make the process that was forked like one that was started."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if request["session"]:
        os.setsid()
    os.sched_setaffinity(0, request["cores"])
    os.chdir(request["cwd"])
    for stream, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, stream)
    os.write(descriptors[3], numeral(os.getpid()))
    for descriptor in descriptors:
        os.close(descriptor)


def numeral(number: int) -> bytes:
    """As it goes through the pipe."""
    return str(number).encode().rjust(NUMBER_BYTES)


def play(option: str, what: str, *words: str) -> None:
    """What the interpreter does with these words on its command line."""
    sys.argv[:] = [option, *words]
    sys.path[0] = os.getcwd() if option == "-m" else ""
    if option == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), vars(sys.modules["__main__"]))


def warm_up() -> None:
    """Import what programs import, but for the programs themselves."""
    sys.path[0] = str(ROOT)
    import common

    for module in pkgutil.iter_modules(common.__path__):
        importlib.import_module(f"common.{module.name}")
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: F401
    gc.freeze()


if __name__ == "__main__":
    warm_up()
    asked = nurse(socket.socket(fileno=int(sys.argv[1])))
    if asked is not None:
        play(*asked["words"])
