"""An event loop whose clock jumps to the next timer instead of waiting for it: hours pass in no time, and a deadlock
is an error at once."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "deadlock: every task waits, and no timer is left to wake one"
            self.now_s += max(timeout, 0.0)
        return ready


class FakeClockLoop(asyncio.SelectorEventLoop):
    """For code that waits for timers and other tasks only; it never waits for threads or the network."""

    def __init__(self) -> None:
        self._selector_with_clock = _JumpingSelector()
        super().__init__(self._selector_with_clock)

    def time(self) -> float:
        return self._selector_with_clock.now_s


def run(main: Coroutine[None, None, T]) -> T:
    """Run `main` to its end on a loop of its own that starts at 0 s."""
    with asyncio.Runner(loop_factory=FakeClockLoop) as runner:
        return runner.run(main)
