"""Threads that make values for the main one to take: Ctrl-C interrupts only that, which never waits for good."""

import math
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, wait
from typing import TypeVar

from comparison.play.processes import AWAKE_S

LEAVE_S = 0.5  # for work that nobody needs any more to end. A thread that computes goes on, and ends with the program
REST_S = 1.0  # for work to hand over what it has after Ctrl-C

Task = TypeVar("Task")
Value = TypeVar("Value")


def in_a_thread(make: Callable[[Task], Value], task: Task) -> Future[Value]:
    """Make something of a task in a thread of its own, which nobody has to wait for at the end."""
    future: Future[Value] = Future()

    def work() -> None:
        try:
            future.set_result(make(task))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


def each(
    submit: Callable[[Task], Future[Value]],
    tasks: Iterable[Task],
    fit: Callable[[Sequence[Task]], bool],
    interrupted: Callable[[], None] = lambda: None,
    over: Callable[[], None] = lambda: None,
) -> Generator[tuple[Task, Value]]:
    """The tasks, each with what came of it, as it comes. What it raises is raised here. A task is taken and submitted
    as soon as it and those under way `fit` beside each other. Where Ctrl-C comes while one is waited for, `interrupted`
    is called, and what is there in REST_S comes before the KeyboardInterrupt. At last `over` is called."""
    done: queue.SimpleQueue[Future[Value]] = queue.SimpleQueue()
    running: dict[Future[Value], Task] = {}
    left = iter(tasks)
    upcoming = next(left, None)

    def values(end_s: float = math.inf) -> Generator[tuple[Task, Value]]:
        nonlocal upcoming
        while (running or upcoming is not None) and time.monotonic() < end_s:
            while upcoming is not None and fit([*running.values(), upcoming]):
                future = submit(upcoming)
                running[future] = upcoming
                future.add_done_callback(done.put)
                upcoming = next(left, None)
            try:
                future = done.get(timeout=AWAKE_S)
            except queue.Empty:
                continue
            yield running.pop(future), future.result()

    try:
        yield from values()
    except KeyboardInterrupt:
        upcoming = None
        end_s = time.monotonic() + REST_S
        interrupted()
        yield from values(end_s)
        raise
    finally:
        over()
        wait(running, LEAVE_S)
