"""Two kinds of waiting, never mixed. What must happen waits without an end: the watchdog ends the process at its
deadline, and that is a failure. What may not happen waits for a patience, as the last resort."""

import select
import socket
import time
from collections.abc import Callable

DEADLINE_S = 30.0
"""What a case gets, when nothing else is said. It takes some tenths of a second."""

patience_s = 0.5
"""How long something that may not happen is waited for. Ten times as long where a surprise is confirmed."""

LOOK_S = 0.002


before_giving_up: list[Callable[[], object]] = []
"""Has the loop turn: on a busy machine the patience may pass without."""


def happens(check: Callable[[], object]) -> bool:
    """Whether something comes true within the patience, and when the loop has done what there is to do."""
    end_s = time.monotonic() + patience_s
    while not check():
        if time.monotonic() > end_s:
            _let_the_loop_turn()
            return bool(check())
        time.sleep(LOOK_S)
    return True


def is_readable(sock: socket.socket) -> bool:
    """Whether something comes, or the end of file, within the patience."""
    return _is_ready([sock], [])


def is_writable(sock: socket.socket) -> bool:
    """Whether the other side takes something within the patience."""
    return _is_ready([], [sock])


def _is_ready(to_read: list[socket.socket], to_write: list[socket.socket]) -> bool:
    if any(select.select(to_read, to_write, [], patience_s)):
        return True
    _let_the_loop_turn()
    return any(select.select(to_read, to_write, [], 0))


def _let_the_loop_turn() -> None:
    for call in before_giving_up:
        call()


def must_happen(check: Callable[[], object]) -> None:
    """Wait until something is true."""
    while not check():
        time.sleep(LOOK_S)
