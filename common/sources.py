"""Where a client's bytes come from: messages, a file, or standard input that may never end."""

import asyncio
import contextlib
import select
import threading
from collections.abc import AsyncGenerator, Iterable

CHUNK_BYTES = 65536
"""What is read from a file at once: one fills a transport's buffer to its high-water mark, the next one has to wait."""

CHUNKS_AHEAD = 2
"""What is read before it is asked for; a third is in the hands of whoever asked."""


class SourceError(Exception):
    """The file could not be read to its end. The text names it and the reason."""


async def from_messages(messages: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
    """One message after the other."""
    for message in messages:
        yield message


async def from_file(path: str) -> AsyncGenerator[bytes, None]:
    """The bytes of a file, or of standard input for `-`, as they come. At most three chunks are held. Raises
    SourceError.

    A daemon thread reads them. Standard input may be a terminal or a pipe on which nothing comes for ever: a thread
    of an executor would then hold up the end of the program.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes | OSError] = asyncio.Queue()
    places = threading.Semaphore(CHUNKS_AHEAD)
    wanted = True

    def put(item: bytes | OSError) -> None:
        # A callback and no coroutine: a loop that ends before it starts one complains about coroutines only.
        loop.call_soon_threadsafe(chunks.put_nowait, item)

    def read() -> None:
        # Unbuffered: a thread that dies while it holds the lock of a buffered standard input takes the interpreter
        # down with it.
        with open(0 if path == "-" else path, "rb", buffering=0, closefd=path != "-") as file:
            while places.acquire() and wanted:
                while (chunk := file.read(CHUNK_BYTES)) is None:
                    select.select([file], [], [])  # somebody has switched standard input to non-blocking
                put(chunk)
                if not chunk:
                    return

    def read_or_fail() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants the rest
            try:
                read()
            except OSError as error:
                put(error)

    threading.Thread(target=read_or_fail, name="source", daemon=True).start()
    try:
        while chunk := await chunks.get():
            places.release()
            if isinstance(chunk, OSError):
                raise SourceError(f"cannot read {path!r} ({chunk.strerror})")
            yield chunk
    finally:
        wanted = False
        places.release()
