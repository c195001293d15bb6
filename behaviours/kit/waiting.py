"""Two kinds of waiting, never mixed. What must happen waits without an end: the watchdog ends the process at its
deadline, and that is a failure. What may not happen waits for a patience, as the last resort."""

import time
from collections.abc import Callable

DEADLINE_S = 30.0
"""What a case gets, when nothing else is said. It takes some tenths of a second."""

patience_s = 0.5
"""How long something that may not happen is waited for. Ten times as long where a surprise is confirmed."""

LOOK_S = 0.002


def happens(check: Callable[[], object]) -> bool:
    """Whether something comes true within the patience."""
    end_s = time.monotonic() + patience_s
    while not check():
        if time.monotonic() > end_s:
            return False
        time.sleep(LOOK_S)
    return True


def must_happen(check: Callable[[], object]) -> None:
    """Wait until something is true."""
    while not check():
        time.sleep(LOOK_S)
