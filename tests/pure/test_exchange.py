"""A client's bytes: where they come from, when each may go out, and what is wrong with those that come back."""

import asyncio
import contextlib
import itertools
import os
import threading

import pytest
from fake_clock import run
from hypothesis import given
from hypothesis import strategies as st

import common.sources
from common.config import ClientConfig
from common.exchange import Exchange
from common.sources import CHUNK_BYTES, SourceError, from_messages, sources

DEADLINE_S = 10.0
SIZES = st.lists(st.integers(1, 50), min_size=1, max_size=5)


async def source(chunks):
    """A source that has all of its chunks at once."""
    for chunk in chunks:
        yield chunk


def split(data, sizes):
    """`data` cut into pieces of these sizes, over and over."""
    pieces = []
    for size in itertools.cycle(sizes):
        if not data:
            return pieces
        pieces.append(data[:size])
        data = data[size:]


async def echo(exchange, sizes, on_sent=lambda chunk, outstanding: None):
    """Carry the exchange over a perfect wire that returns pieces of these sizes; the chunks that went out."""
    sent, wire, something_sent = [], bytearray(), asyncio.Event()

    async def send():
        while chunk := await exchange.next_chunk():
            on_sent(chunk, exchange.sent_bytes - exchange.returned_bytes)
            sent.append(chunk)
            wire.extend(chunk)
            something_sent.set()

    sending = asyncio.create_task(send())
    sending.add_done_callback(lambda _: something_sent.set())
    for size in itertools.cycle(sizes):
        if not wire:
            if sending.done():
                break
            something_sent.clear()
            await something_sent.wait()
        elif not exchange.check(bytes(wire[:size])):
            break
        else:
            del wire[:size]
            await asyncio.sleep(0)
    await sending
    return sent


async def every_chunk(exchange):
    """All that goes out while nothing comes back."""
    chunks = []
    while chunk := await exchange.next_chunk():
        chunks.append(chunk)
    return chunks


async def all_sent(data):
    """An exchange that has let everything out and waits for the echo."""
    exchange = Exchange(source([data]), window_bytes=len(data))
    assert await every_chunk(exchange) == [data]
    return exchange


@given(st.lists(st.binary(max_size=100), max_size=8), SIZES, st.integers(1, 200), st.booleans())
def test_any_bytes_come_back_whole_however_they_were_cut(chunks, sizes, window_bytes, lockstep):
    exchange = Exchange(source(chunks), window_bytes=window_bytes, lockstep=lockstep)
    total = sum(map(len, chunks))
    assert run(echo(exchange, sizes)) == [chunk for chunk in chunks if chunk]
    assert (exchange.complete, exchange.fault) == (True, None)
    assert (exchange.sent_bytes, exchange.returned_bytes) == (total, total)


@given(st.lists(st.binary(min_size=1, max_size=100), max_size=8), SIZES, st.integers(1, 200))
def test_nothing_goes_out_while_the_window_is_full(chunks, sizes, window_bytes):
    before = []
    exchange = Exchange(source(chunks), window_bytes=window_bytes)
    run(echo(exchange, sizes, lambda chunk, outstanding: before.append(outstanding - len(chunk))))
    assert [outstanding for outstanding in before if outstanding >= window_bytes] == []


def test_a_window_as_large_as_everything_waits_for_no_echo():
    async def only_send():
        exchange = Exchange(source([b"one", b"two", b"three"]), window_bytes=11)
        return await every_chunk(exchange), exchange.complete

    assert run(only_send()) == ([b"one", b"two", b"three"], False)


@given(st.lists(st.binary(max_size=100), max_size=8), SIZES)
def test_in_lockstep_each_echo_is_back_before_the_next_message_goes(chunks, sizes):
    before = []
    exchange = Exchange(source(chunks), window_bytes=1000, lockstep=True)
    run(echo(exchange, sizes, lambda chunk, outstanding: before.append(outstanding - len(chunk))))
    assert before == [0] * len([chunk for chunk in chunks if chunk])


def test_the_pause_lies_between_two_messages_only():
    at_s = []
    exchange = Exchange(source([b"one", b"", b"two", b"three"]), window_bytes=100, pause_s=3600.0)

    async def carry():
        await echo(exchange, [100], lambda chunk, outstanding: at_s.append(asyncio.get_running_loop().time()))
        return asyncio.get_running_loop().time()

    assert run(carry()) == 7200.0
    assert at_s == [0.0, 3600.0, 7200.0]


@st.composite
def edited(draw):
    """What was sent, and what came back in its place: altered, with bytes too many or too few, or as it was."""
    sent = draw(st.binary(min_size=1, max_size=60))
    at = draw(st.integers(0, len(sent)))
    removed = draw(st.integers(0, 3))
    return sent, sent[:at] + draw(st.binary(max_size=3)) + sent[at + removed :]


def fault_of(exchange, pieces):
    """Feed the pieces until the first that is wrong."""
    for piece in pieces:
        if not exchange.check(piece):
            assert exchange.fault is not None
            break
    return exchange.fault


@given(edited(), SIZES)
def test_the_first_wrong_byte_is_found_at_its_offset(sent_and_answer, sizes):
    sent, answer = sent_and_answer
    right = next((n for n, (a, b) in enumerate(zip(sent, answer, strict=False)) if a != b), min(len(sent), len(answer)))
    exchange = run(all_sent(sent))
    fault = fault_of(exchange, split(answer, sizes))
    assert exchange.returned_bytes == right
    assert exchange.complete == (answer == sent)
    if right == len(answer):
        assert fault is None  # nothing wrong so far; too few bytes are found at the end of the connection
    elif right == len(sent):
        assert fault.startswith(f"extra bytes from byte {right} on")
    else:
        assert fault == f"altered at byte {right}"


@given(edited(), SIZES)
def test_the_fault_reads_the_same_however_the_stream_was_cut(sent_and_answer, sizes):
    sent, answer = sent_and_answer
    whole = fault_of(run(all_sent(sent)), [answer])
    assert fault_of(run(all_sent(sent)), split(answer, sizes)) == whole


def test_an_echo_is_not_complete_while_something_is_left_to_send():
    async def answer_the_first():
        exchange = Exchange(source([b"one", b"two"]), window_bytes=100)
        assert await exchange.next_chunk() == b"one"
        return exchange.check(b"one"), exchange.complete

    assert run(answer_the_first()) == (True, False)


def test_bytes_that_come_back_before_they_went_out_are_extra():
    async def answer_too_early():
        exchange = Exchange(source([b"one", b"two"]), window_bytes=3)
        assert await exchange.next_chunk() == b"one"
        return exchange.check(b"onetwo"), exchange.returned_bytes, exchange.fault

    right, returned, fault = run(answer_too_early())
    assert (right, returned) == (False, 3)
    assert fault.startswith("extra bytes from byte 3 on")


def test_a_fault_is_final():
    exchange = run(all_sent(b"one"))
    assert not exchange.check(b"onX")
    assert not exchange.check(b"one")
    assert (exchange.complete, exchange.returned_bytes, exchange.fault) == (False, 2, "altered at byte 2")


async def gather(chunks):
    """All chunks of a source, which has to end."""
    async with asyncio.timeout(DEADLINE_S):
        return [chunk async for chunk in chunks]


def test_messages_are_sent_one_after_the_other():
    assert run(gather(from_messages([b"plain", b"", b"\xff\xfe"]))) == [b"plain", b"", b"\xff\xfe"]


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, 5 * CHUNK_BYTES + 1])
def test_a_file_comes_whole_and_in_order(size, tmp_path):
    content = (os.urandom(1009) * (size // 1009 + 1))[:size]
    path = tmp_path / "content"
    path.write_bytes(content)
    chunks = asyncio.run(gather_file(str(path)))
    assert b"".join(chunks) == content
    assert max(map(len, chunks), default=0) <= CHUNK_BYTES
    join_reader()


@pytest.mark.parametrize(("name", "reason"), [("missing", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_named_with_the_reason(name, reason, tmp_path):
    path = str(tmp_path / name)
    with pytest.raises(SourceError) as error:
        asyncio.run(gather_file(path))
    assert str(error.value) == f"cannot read {path!r} ({reason})"
    join_reader()


@contextlib.contextmanager
def file_source(path):
    """The source of the only connection of a client that sends a file."""
    with sources(ClientConfig(file=path)) as new_source:
        yield new_source()


async def gather_file(path):
    """All chunks of a file, which has to end."""
    with file_source(path) as chunks:
        return await gather(chunks)


def readers():
    """The threads that read files now."""
    return [thread for thread in threading.enumerate() if thread.name == "source"]


def join_reader():
    """Wait until no thread reads a file any more."""
    for thread in readers():
        thread.join(DEADLINE_S)
    assert readers() == []


class Endless:
    """A file that never ends and counts how often it was read."""

    reads = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def read(self, size):
        self.reads += 1
        return b"x" * size


def test_of_an_endless_file_three_chunks_are_held_and_the_reader_ends_with_the_loop(monkeypatch):
    file = Endless()
    monkeypatch.setattr(common.sources, "open", lambda *_, **__: file, raising=False)

    async def take_some():
        ahead = []
        with file_source("endless") as chunks:
            for taken in range(1, 301):
                assert len(await anext(chunks)) == CHUNK_BYTES
                for _ in range(5):
                    await asyncio.sleep(0)
                    ahead.append(file.reads - taken)
        return max(ahead)

    assert asyncio.run(take_some()) <= 3
    join_reader()


def test_one_thread_reads_for_all_connections_and_ends_with_them(tmp_path):
    path, content = tmp_path / "content", os.urandom(3 * CHUNK_BYTES + 1)
    path.write_bytes(content)

    async def take_turns():
        with sources(ClientConfig(file=str(path))) as new_source:
            several = [new_source() for _ in range(20)]
            turns = [[await anext(chunks, b"") for chunks in several] for _ in range(5)]
            assert len(readers()) == 1
        return {b"".join(chunks) for chunks in zip(*turns, strict=True)}

    assert asyncio.run(take_turns()) == {content}
    join_reader()


def test_bytes_come_as_soon_as_they_are_there_and_a_silent_pipe_holds_up_nothing():
    """The reader sits in a read that only returns when the loop has long been closed; it then ends without a word."""
    reading, writing = os.pipe()
    try:

        async def take_one():
            os.write(writing, b"first")
            with file_source(f"/dev/fd/{reading}") as chunks:
                return await anext(chunks)

        assert asyncio.run(take_one()) == b"first"
        assert len(readers()) == 1
        os.write(writing, b"too late")
        join_reader()
    finally:
        os.close(writing)
        os.close(reading)


def test_standard_input_that_does_not_block_is_not_at_its_end():
    """A terminal or a pipe that another program has switched to non-blocking: no bytes for now is not the end."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    standard_input = os.dup(0)
    os.dup2(reading, 0)

    async def converse():
        heard = []
        with file_source("-") as chunks:
            while len(heard) < 100 and b"the end" not in heard:
                waiting = asyncio.ensure_future(anext(chunks, b"the end"))
                await asyncio.sleep(0)
                os.write(writing, b"%d" % len(heard))
                heard.append(await waiting)
        return heard

    try:
        assert asyncio.run(converse()) == [b"%d" % number for number in range(100)]
    finally:
        os.close(writing)
        join_reader()
        os.dup2(standard_input, 0)
        os.close(standard_input)
        os.close(reading)
