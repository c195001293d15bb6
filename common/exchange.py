"""What one client connection sends, and what must come back: the source of bytes and the checker of the echo.

An implementation asks `outgoing()` for the next chunk, and hands to `returned()` what the API hands out.
"""

import asyncio
from collections.abc import AsyncIterator, Callable


class Exchange:
    """One client's side of an echo.

    It holds what has been sent and has not come back yet. Nothing is sent while that is `window_bytes` or more.
    """

    def __init__(
        self, source: AsyncIterator[bytes], *, window_bytes: int, lockstep: bool = False, pause_s: float = 0.0
    ) -> None:
        self._source = source
        self._window_bytes = window_bytes
        self._lockstep = lockstep
        self._pause_s = pause_s
        self._outstanding = bytearray()
        self._moved = asyncio.Event()
        self._all_sent = False
        self.sent_bytes = 0
        self.returned_bytes = 0
        self.fault: str | None = None
        """What is wrong with the echo, in words, from the first byte that is not the one sent; None as long as it
        is right."""

    @property
    def complete(self) -> bool:
        """Everything was sent, and exactly that came back."""
        return self._all_sent and not self._outstanding and self.fault is None

    async def outgoing(self) -> AsyncIterator[bytes]:
        """The chunks to send, each when its time has come: after the pause, after the echo of the one before
        (lockstep), and when few enough bytes are under way. Never an empty one."""
        async for chunk in self._source:
            if not chunk:
                continue
            if self.sent_bytes and self._lockstep:
                await self.all_returned()
            if self.sent_bytes and self._pause_s:
                await asyncio.sleep(self._pause_s)
            await self._until(lambda: len(self._outstanding) < self._window_bytes)
            self._outstanding += chunk
            self.sent_bytes += len(chunk)
            yield chunk
        self._all_sent = True

    async def all_returned(self) -> None:
        """Wait until everything that was sent has come back."""
        await self._until(lambda: not self._outstanding)

    def returned(self, data: bytes) -> bool:
        """Check the next bytes of the echo. False where they are not what was sent: `fault` says how."""
        if self.fault is not None:
            return False
        if self._outstanding.startswith(data):
            del self._outstanding[: len(data)]
            self.returned_bytes += len(data)
            self._moved.set()
            return True
        right = _common_prefix_length(self._outstanding, data)
        self.returned_bytes += right
        if right == len(self._outstanding):
            self.fault = f"extra bytes from byte {self.returned_bytes} on"
        else:
            self.fault = f"altered at byte {self.returned_bytes}"
        return False

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self._moved.clear()
            await self._moved.wait()


def _common_prefix_length(a: bytes | bytearray, b: bytes) -> int:
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
