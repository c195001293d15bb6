"""What one client connection sends, and what must come back: the source of bytes and the checker of the echo.

An implementation asks for the `next_chunk()`, and has `check()` look at what the API hands out.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from common.config import ECHO_WINDOW_BYTES


class Exchange:
    """One client's side of an echo.

    It holds what has been sent and has not come back yet. Nothing is sent while that is `window_bytes` or more.
    `total_bytes` is what the source holds, where that is known.
    """

    def __init__(
        self,
        source: AsyncIterator[bytes],
        *,
        window_bytes: int = ECHO_WINDOW_BYTES,
        total_bytes: int | None = None,
        lockstep: bool = False,
        pause_s: float = 0.0,
    ) -> None:
        self._source = source
        self._window_bytes = window_bytes
        self._total_bytes = total_bytes
        self._lockstep = lockstep
        self._pause_s = pause_s
        self._outstanding: deque[memoryview] = deque()
        self._outstanding_bytes = 0
        self._moved = asyncio.Event()
        self._all_sent = False
        self.sent_bytes = 0
        self.returned_bytes = 0
        self.fault: str | None = None
        """What is wrong with the echo, in words, from the first byte that is not the one sent; None: it is right."""

    @property
    def complete(self) -> bool:
        """Everything was sent, and exactly that came back."""
        # A server may close with the last byte, before the source was asked whether there is more.
        all_sent = self._all_sent or self.sent_bytes == self._total_bytes
        return all_sent and not self._outstanding and self.fault is None

    async def next_chunk(self) -> bytes:
        """What to send next, when its time has come: after the pause, after the echo of the chunk before (lockstep),
        and when few enough bytes are under way. Empty when everything was sent."""
        async for chunk in self._source:
            if chunk:
                break
        else:
            self._all_sent = True
            return b""
        if self.sent_bytes and self._lockstep:
            await self.all_returned()
        if self.sent_bytes and self._pause_s:
            await asyncio.sleep(self._pause_s)
        await self._until(lambda: self._outstanding_bytes < self._window_bytes)
        self._outstanding.append(memoryview(chunk))
        self._outstanding_bytes += len(chunk)
        self.sent_bytes += len(chunk)
        return chunk

    async def all_returned(self) -> None:
        """Wait until everything that was sent has come back."""
        await self._until(lambda: not self._outstanding)

    def check(self, data: bytes) -> bool:
        """Check the next bytes of the echo. False where they are not what was sent: `fault` says how."""
        if self.fault is not None:
            return False
        right = 0
        while right < len(data) and self._outstanding:
            expected = self._outstanding.popleft()
            part = data[right : right + len(expected)]
            same = len(part)
            if not part.startswith(expected[:same]):
                same = next(n for n, (x, y) in enumerate(zip(expected, part, strict=False)) if x != y)
            right += same
            if same < len(expected):
                self._outstanding.appendleft(expected[same:])
                break
        self._outstanding_bytes -= right
        self.returned_bytes += right
        self._moved.set()
        if right < len(data):
            wrong = "altered at byte {}" if self._outstanding else "extra bytes from byte {} on"
            self.fault = wrong.format(self.returned_bytes)
        return self.fault is None

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self._moved.clear()
            await self._moved.wait()
