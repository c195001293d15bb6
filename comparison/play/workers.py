"""Threads that make values, for the main thread to take: Ctrl-C interrupts that one alone, so it must never wait for
another for good."""

import contextlib
import queue
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from comparison.play.processes import AWAKE_S

LEAVE_S = 0.5
"""What threads that nobody needs any more get to end. One that computes goes on, and ends with the program."""

REST_S = 1.0
"""What they get after Ctrl-C to hand over what they have, and whoever takes it to do so."""


_END = object()
"""A thread has nothing more to do."""

Task = TypeVar("Task")
Value = TypeVar("Value")


@dataclass(frozen=True)
class _Raised:
    """What a thread has raised."""

    error: BaseException


class Workers:
    """So many threads at once. They are daemons: leaving the `with` block waits for them a moment only."""

    def __init__(self, count: int) -> None:
        self._count = count
        # Who makes values faster than they are taken waits: each may be a log of a million lines.
        self._made: queue.Queue[Any] = queue.Queue(1)
        self._threads: list[threading.Thread] = []
        self._running = 0
        self._left = threading.Event()

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        end_s = time.monotonic() + LEAVE_S
        for thread in self._threads:
            thread.join(max(0.0, end_s - time.monotonic()))

    def each(
        self,
        make: Callable[[Task], Iterable[Value]],
        tasks: Iterable[Task],
        interrupted: Callable[[], None] = lambda: None,
    ) -> Generator[Value]:
        """What `make` makes of the tasks, as it comes. What it raises is raised here. Where Ctrl-C comes while a value
        is waited for, `interrupted` is called, and what is there in REST_S comes before the KeyboardInterrupt."""
        waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
        for task in tasks:
            waiting.put(task)

        def work() -> None:
            with contextlib.suppress(queue.Empty):
                while not self._left.is_set():
                    task = waiting.get_nowait()
                    try:
                        for value in make(task):
                            self._hand_over(value)
                    except BaseException as error:
                        self._hand_over(_Raised(error))
            self._hand_over(_END)

        for _ in range(self._count):
            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            self._threads.append(thread)  # only now, since Ctrl-C may come at any point
            self._running += 1
        try:
            yield from self._values()
        except KeyboardInterrupt:
            before = signal.signal(signal.SIGALRM, signal.default_int_handler)
            signal.setitimer(signal.ITIMER_REAL, REST_S)
            try:
                interrupted()
                yield from self._values()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)
            raise

    def _values(self) -> Iterator[Any]:
        while self._running:
            try:
                value = self._made.get(timeout=AWAKE_S)
            except queue.Empty:
                continue
            if isinstance(value, _Raised):
                raise value.error
            if value is _END:
                self._running -= 1
            else:
                yield value

    def _hand_over(self, value: object) -> None:
        """Nobody takes it once the `with` block is left."""
        while not self._left.is_set():
            with contextlib.suppress(queue.Full):
                self._made.put(value, timeout=AWAKE_S)
                return
