"""Where a client's bytes come from: messages, a file, or standard input that may never end."""

import asyncio
import contextlib
import queue
import select
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator

from common.config import ClientConfig

CHUNK_BYTES = 65536
"""What is read from a file at once: one fills a transport's buffer to its high-water mark, the next one has to wait."""

CHUNKS_AHEAD = 2
"""What is read before it is asked for; a third is in the hands of whoever asked."""

Source = AsyncGenerator[bytes, None]
Jobs = queue.SimpleQueue[Callable[[], object] | None]
"""What the thread that reads has to do; at None it ends."""


class SourceError(Exception):
    """The file could not be read to its end. The text names it and the reason."""


@contextlib.contextmanager
def sources(config: ClientConfig) -> Iterator[Callable[[], Source]]:
    """Yields what makes the source of each connection. Raises RuntimeError where no thread can be had for a file.

    One daemon thread reads for all connections. Standard input may be a terminal or a pipe on which nothing comes for
    ever: a thread of an executor would then hold up the end of the program.
    """
    if (path := config.file) is None:
        yield lambda: from_messages(config.messages)
        return
    jobs: Jobs = queue.SimpleQueue()

    def work() -> None:
        while (job := jobs.get()) is not None:
            job()

    threading.Thread(target=work, name="source", daemon=True).start()
    try:
        yield lambda: from_file(path, jobs)
    finally:
        jobs.put(None)


async def from_messages(messages: Iterable[bytes]) -> Source:
    """One message after the other."""
    for message in messages:
        yield message


async def from_file(path: str, jobs: Jobs) -> Source:
    """The bytes of a file, or of standard input for `-`; at most three chunks are held. Raises SourceError."""
    loop = asyncio.get_running_loop()
    received: asyncio.Queue[bytes | OSError] = asyncio.Queue()
    chunks = _chunks(path)

    def read_next() -> None:
        try:
            chunk: bytes | OSError = next(chunks, b"")
        except OSError as error:
            chunk = error
        try:
            # A callback and no coroutine: a loop that ends before it starts one complains about coroutines only.
            loop.call_soon_threadsafe(received.put_nowait, chunk)
        except RuntimeError:  # the loop is closed: nobody wants the rest
            chunks.close()

    for _ in range(CHUNKS_AHEAD):
        jobs.put(read_next)
    try:
        while chunk := await received.get():
            if isinstance(chunk, OSError):
                raise SourceError(f"cannot read {path!r} ({chunk.strerror})")
            jobs.put(read_next)
            yield chunk
    finally:
        jobs.put(chunks.close)


def _chunks(path: str) -> Generator[bytes, None, None]:
    # Unbuffered: a thread that dies while it holds the lock of a buffered standard input kills the interpreter.
    with open(0 if path == "-" else path, "rb", buffering=0, closefd=path != "-") as file:
        while (chunk := file.read(CHUNK_BYTES)) != b"":
            if chunk is not None:
                yield chunk
            else:
                select.select([file], [], [])  # somebody has switched standard input to non-blocking
