"""What a lesson may use and what is not on trial there. The page shows the source of what it uses."""

import asyncio
import threading
from typing import Any

live: set[asyncio.WriteTransport] = set()
"""The connections of `echo` and `Echo`."""

handled: list[Any] = []
working: list["asyncio.Future[None] | threading.Event"] = []


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    live.add(writer.transport)
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        live.discard(writer.transport)
        writer.close()


class Echo(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        live.add(transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        live.discard(self.transport)


class Client(asyncio.Protocol):
    """What StreamReader and StreamWriter have built in."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.eof = asyncio.Event()
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.lost: asyncio.Future[Exception | None]
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)

    def eof_received(self) -> bool | None:
        self.eof.set()
        return None

    def pause_writing(self) -> None:
        self.may_write.clear()

    def resume_writing(self) -> None:
        self.may_write.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.eof.set()
        self.may_write.set()
        self.lost.set_result(error)

    @property
    def received(self) -> bytes:
        return b"".join(self.pieces)


async def connected(address: Any, **options: Any) -> tuple[Any, Client]:
    """A transport and its Client."""
    loop = asyncio.get_running_loop()
    return await loop.create_connection(Client, *address, **options)


def handle(value: Any) -> None:
    """What a program does with what has come: the experiment sees it by `handled`."""
    handled.append(value)


def work() -> "asyncio.Future[None]":
    """Work that takes its time, such as a query: the experiment has it done by `finish_work`."""
    future = asyncio.get_running_loop().create_future()
    working.append(future)
    return future


def compute() -> None:
    """Work that lets nobody else have a turn, such as a computation: the experiment has it done by `finish_work`."""
    done = threading.Event()
    working.append(done)
    done.wait()
