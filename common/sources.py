"""Where a client's bytes come from: messages, a file, or standard input that may never end."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import CancelledError

CHUNK_BYTES = 65536
"""What is read from a file at once: two of them fill a transport's buffer up to its high-water mark."""


class SourceError(Exception):
    """The file could not be read to its end. The text names it and the reason."""


async def from_messages(messages: Iterable[str]) -> AsyncIterator[bytes]:
    """Each message as UTF-8; bytes that the command line could not decode come out as they were."""
    for message in messages:
        yield message.encode(errors="surrogateescape")


async def from_file(path: str) -> AsyncIterator[bytes]:
    """The bytes of a file, or of standard input for `-`, as they come. At most three chunks are held. Raises
    SourceError.

    A daemon thread reads them. Standard input may be a terminal or a pipe on which nothing comes for ever: a thread
    of an executor would then hold up the end of the program.
    """
    chunks: asyncio.Queue[bytes | OSError] = asyncio.Queue(maxsize=1)
    loop = asyncio.get_running_loop()

    def put(item: bytes | OSError) -> None:
        asyncio.run_coroutine_threadsafe(chunks.put(item), loop).result()

    def read() -> None:
        try:
            try:
                # Unbuffered: a thread that dies while it holds the lock of a buffered standard input takes the
                # interpreter down.
                with open(0 if path == "-" else path, "rb", buffering=0, closefd=path != "-") as file:
                    while chunk := file.read(CHUNK_BYTES):
                        put(chunk)
                put(b"")
            except OSError as error:
                put(error)
        except (RuntimeError, CancelledError):
            pass  # the loop is closed: nobody wants the rest

    threading.Thread(target=read, name="source", daemon=True).start()
    while chunk := await chunks.get():
        if isinstance(chunk, OSError):
            raise SourceError(f"cannot read {path!r} ({chunk.strerror})")
        yield chunk
