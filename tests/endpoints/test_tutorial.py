"""The streams implementation tells the tutorial's story word for word: PyMOTW-3, "Asynchronous I/O Using Coroutines
and Streams", section Output.

Only what the tutorial's author could not choose may differ: the selector's name, the address, the ports, and where
TCP cut the stream.
"""

import ast
import re

import pytest
from harness import Endpoint

CLIENT = """\
asyncio: Using selector: KqueueSelector
echo_client: connecting to localhost port 10000
echo_client: sending b'This is the message. '
echo_client: sending b'It will be sent '
echo_client: sending b'in parts.'
echo_client: waiting for response
echo_client: received b'This is the message. It will be sent in parts.'
echo_client: closing
main: closing event loop
"""

CLIENT_CUT_BY_TCP = """\
asyncio: Using selector: KqueueSelector
echo_client: connecting to localhost port 10000
echo_client: sending b'This is the message. '
echo_client: sending b'It will be sent '
echo_client: sending b'in parts.'
echo_client: waiting for response
echo_client: received b'This is the message. It will be sent '
echo_client: received b'in parts.'
echo_client: closing
main: closing event loop
"""

SERVER = """\
asyncio: Using selector: KqueueSelector
main: starting up on localhost port 10000
echo_::1_64624: connection accepted
echo_::1_64624: received b'This is the message. It will be sent in parts.'
echo_::1_64624: sent b'This is the message. It will be sent in parts.'
echo_::1_64624: closing
echo_::1_64626: connection accepted
echo_::1_64626: received b'This is the message. It will be sent in parts.'
echo_::1_64626: sent b'This is the message. It will be sent in parts.'
echo_::1_64626: closing
echo_::1_64627: connection accepted
echo_::1_64627: received b'This is the message. It will be sent '
echo_::1_64627: sent b'This is the message. It will be sent '
echo_::1_64627: received b'in parts.'
echo_::1_64627: sent b'in parts.'
echo_::1_64627: closing
"""

SERVER_END = """\
main: closing server
main: closing event loop
"""
"""What the tutorial's server writes after Ctrl-C; its transcript stops before."""


def story(log: str) -> list[str]:
    """The lines of a log without what chance decides: ports and addresses are replaced, peers counted, and the
    chunks of one speaker that follow each other joined, those received before those sent."""
    peers: dict[str, str] = {}
    lines: list[str] = []
    chunks: dict[str, bytes] = {}

    def tell_chunks(speaker: str) -> None:
        lines.extend(f"{speaker}: {verb} {data!r}" for verb, data in chunks.items())
        chunks.clear()

    speaker = ""
    for line in log.splitlines():
        name, _, text = line.partition(": ")
        if name.startswith("echo_") and name != "echo_client":
            name = peers.setdefault(name, f"echo_peer_{len(peers) + 1}")
        chunk = re.fullmatch(r"(received|sent) (b['\"].*)", text)
        if chunks and (not chunk or name != speaker):
            tell_chunks(speaker)
        speaker = name
        if chunk:
            chunks[chunk[1]] = chunks.get(chunk[1], b"") + ast.literal_eval(chunk[2])
        else:
            text = re.sub(r"port \d+", "port PORT", text)
            lines.append(f"{name}: {re.sub('selector: .*', 'selector: SELECTOR', text)}")
    return lines


@pytest.fixture
def transcripts(loop: str) -> tuple[list[str], list[str]]:
    """The tutorial's server and client; the line about the selector is asyncio's own, on its own loop."""
    server, client = story(SERVER + SERVER_END), story(CLIENT)
    return (server, client) if loop == "asyncio" else (server[1:], client[1:])


def test_the_streams_implementation_tells_the_tutorials_story(loop, transcripts):
    expected_server, expected_client = transcripts
    with Endpoint("streams", "server", "--host", "localhost", "--port", "0", loop=loop) as server:
        for run in range(1, 4):
            with Endpoint(
                "streams", "client", "--host", "localhost", "--port", str(server.port()), loop=loop
            ) as client:
                assert client.end() == 0
            assert story(client.log) == expected_client
            server.wait_for(": closing$", count=run)
        assert server.stop() == 0
    assert story(server.log) == expected_server


def test_without_options_it_serves_where_the_tutorial_does():
    from common.options import parse_client, parse_server

    assert (parse_server([]).address, parse_client([]).address) == ("localhost port 10000", "localhost port 10000")


def test_where_tcp_cut_the_stream_is_no_part_of_the_story():
    assert story(CLIENT_CUT_BY_TCP) == story(CLIENT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("in parts.", "in part."),
        ("echo_client: closing\n", ""),
        ("waiting for response", "waiting"),
        ("sending b'It will be sent '\n", ""),
        ("main: closing event loop", "main: closing loop"),
    ],
)
def test_anything_else_is(old, new):
    assert story(CLIENT.replace(old, new, 1)) != story(CLIENT)
