"""What is on trial, as the experiment sees it from its own thread: the loop, calls of the lesson, programs."""

import asyncio
import concurrent.futures
import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from behaviours.kit import given, peers, waiting
from behaviours.kit.telling import Failed

ROOT = Path(__file__).parents[2]
"""Where programs are started: they import this package."""

TURNS = 20
"""How often the loop looks for what has come until it counts as settled: a callback wakes a task, which calls back."""

LATE_TIMES, GIVE_UP_TIMES = 20, 4
"""How many patiences a loop may be late that does not even compute, since the machine may be busy: to be called stuck,
and for nobody to wait for it longer."""

Value = TypeVar("Value")

raised: list[BaseException] = []
"""What calls of the lesson have raised: an observation, wherever it shows up."""

programs: list["Program"] = []


class Call:
    """A coroutine of the lesson, which runs on the loop."""

    def __init__(self, future: "concurrent.futures.Future[Any]", subject: "Subject") -> None:
        self._future = future
        self._subject = subject

    def returns(self) -> bool:
        """Whether it ends within the patience."""
        return waiting.happens(self._future.done)

    def has_returned(self) -> bool:
        """Whether it has ended by now; the loop has done first what there was to do."""
        self._subject.settle()
        return self._future.done()

    def result(self) -> Any:
        """What it returns, or raises; it must end."""
        try:
            return self._future.result()
        except BaseException as error:
            raised.append(error)
            raise

    def cancel(self) -> None:
        """Cancel its task."""
        self._future.cancel()


class Subject:
    """The part of the lesson that is on trial, on its loop. `loop` is for what has no method here, by `on_loop`."""

    def __init__(self, part: Any, api: str, case: str, command: list[str]) -> None:
        self.part = part
        self.api = api
        self.case = case
        self.loop: asyncio.AbstractEventLoop
        self.ended: str | None = None
        """Why the loop runs no more."""
        self.protocols: list[asyncio.BaseProtocol] = []
        """Every Protocol that `serve` has made."""
        self._thread = threading.get_ident()
        self._command = command
        self._kept: list[object] = []

    # --- A server: its part is a handler or a Protocol ---
    def serve(self, *, hold: bool = True, **options: Any) -> Any:
        """Serve with the part; the address. Its Protocols are held, since garbage collection changes outcomes: not
        so without `hold`."""
        sock = peers.listener()
        address = sock.getsockname()

        def protocol() -> asyncio.BaseProtocol:
            made: asyncio.BaseProtocol = self.part()
            if hold:
                self.protocols.append(made)
            return made

        async def start() -> None:
            if isinstance(self.part, type):
                server = await self.loop.create_server(protocol, sock=sock, **options)
            else:
                server = await asyncio.start_server(self.part, sock=sock, **options)
            self._kept.append(server)

        self._submit(start()).result()
        return address

    # --- A client, or anything else that is called: its part is a coroutine function ---
    def begin(self, *arguments: Any) -> Call:
        """Call the part, and go on."""
        return Call(self._submit(self.part(*arguments)), self)

    def call(self, *arguments: Any) -> Any:
        """Call the part: what it returns, or raises."""
        return self.begin(*arguments).result()

    def on_loop(self, function: Callable[..., Value], *arguments: Any) -> Value:
        """Call a plain function in the loop's thread: what it returns."""

        async def call() -> Value:
            return function(*arguments)

        return self._submit(call()).result()

    # --- A program: its part is a coroutine function, and the only thing that the program runs ---
    def program(self, *arguments: Any) -> "Program":
        """Start the part as a program of its own. The arguments are plain values."""
        return Program([*self._command, "--program", json.dumps(arguments)])

    def server_program(self) -> "Program":
        """The same with a socket that listens as the only argument."""
        with peers.listener() as sock:  # closed here, since it would go on listening
            sock.set_inheritable(True)
            program = Program([*self._command, "--listening", str(sock.fileno())], (sock.fileno(),))
            program.address = sock.getsockname()
            return program

    # --- The loop ---
    def settle(self) -> None:
        """Wait until the loop has done what there was to do: what has come by now, and what follows from it."""
        for _ in range(TURNS):
            self._turn().wait()

    def is_stuck(self, late_times: int = LATE_TIMES) -> bool:
        """Whether the loop computes without a turn for others, for as long as the patience."""
        for _ in range(TURNS):
            turned, late_s = self._turn(), time.monotonic() + late_times * waiting.patience_s
            enough_s = self._cpu_s() + waiting.patience_s
            while not turned.wait(waiting.LOOK_S):
                if self._cpu_s() > enough_s or time.monotonic() > late_s:
                    return True
        return False

    def let_turn(self) -> None:
        """Let the loop do what there is to do, if it can."""
        with contextlib.suppress(Failed):
            self.is_stuck(GIVE_UP_TIMES)

    def _cpu_s(self) -> float:
        """What the loop's thread has computed; nothing where the system does not tell of other threads."""
        if not hasattr(time, "pthread_getcpuclockid"):
            return 0.0
        return time.clock_gettime(time.pthread_getcpuclockid(self._thread))

    def _turn(self) -> threading.Event:
        turned = threading.Event()
        try:
            self.loop.call_soon_threadsafe(turned.set)
        except RuntimeError as error:
            raise Failed(f"the loop has ended ({self.ended or error})") from None
        return turned

    def _submit(self, coroutine: Coroutine[Any, Any, Value]) -> "concurrent.futures.Future[Value]":
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        except RuntimeError as error:
            raise Failed(f"the loop has ended ({self.ended or error})") from None


class Program:
    """A program that runs a part of the lesson, and nothing else."""

    address: Any = None
    """Where it listens, if it does."""

    def __init__(self, command: list[str], descriptors: tuple[int, ...] = ()) -> None:
        self._popen = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=descriptors,
            encoding="utf-8",
            errors="backslashreplace",
        )
        programs.append(self)
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self._popen.send_signal(signal.SIGINT)

    def terminate(self) -> None:
        """What `kill` does."""
        self._popen.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, if it still runs."""
        self._popen.kill()
        self._popen.wait()

    def ends(self) -> bool:
        """Whether it ends within the patience."""
        return waiting.happens(lambda: self._popen.poll() is not None)

    def exit_code(self) -> int:
        """Its exit code, the number of a signal as a negative one; it must end."""
        return self._popen.wait()

    def printed(self) -> list[str]:
        """What it has printed, and logged; it must end."""
        self._reader.join()
        return self._lines

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            self._lines.append(line.rstrip("\n"))


def run_program(part: Any, loop_factory: Any, *, arguments: str | None, descriptor: int | None) -> None:
    """The other side of Program, in its process."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in what `nohup ... &` starts
    given = [socket.socket(fileno=descriptor)] if descriptor is not None else json.loads(arguments or "[]")
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(part(*given))


# --- What the lesson does with the data ---
def handled(count: int = 1) -> list[Any]:
    """What the lesson has handled, which must become so many."""
    waiting.must_happen(lambda: len(given.handled) >= count)
    return list(given.handled)


def finish_work() -> None:
    """Have the work done that the lesson waits for, which it must."""
    waiting.must_happen(lambda: given.working)
    future = given.working.pop(0)
    if isinstance(future, threading.Event):
        future.set()
        return

    def finish() -> None:
        if not future.done():
            future.set_result(None)

    future.get_loop().call_soon_threadsafe(finish)


def python_command() -> list[str]:
    """How this module is started once more: of `python -m NAME`, both."""
    specification = sys.modules["__main__"].__spec__
    assert specification is not None, "run it by `python -m`"
    return [sys.executable, "-m", specification.name]
