"""Very many connections at once: all of them echo, and when they come again they take no more memory than before.

By default a few hundred; `SCALE=10000 pytest tests/endpoints/test_scale.py` is the real thing.
"""

import os
import resource
from contextlib import ExitStack
from pathlib import Path

import pytest
from harness import Endpoint, assert_quiet, connect, round_trip

CONNECTIONS = int(os.environ.get("SCALE", "300"))
SPARE_FILES = 100
GROWTH_BYTES = (1 << 20) + 256 * CONNECTIONS
"""What the process may have grown by from one wave to the next: a little for the allocator, and for each connection
less than any object that could be forgotten."""


def open_files(server):
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def wave(server, bystander):
    """Open them all, have each echo twice, and see all of them go; how much memory they took, and what is left."""
    port, before = server.port(), open_files(server)
    with ExitStack() as stack:
        peers = [stack.enter_context(connect(port)) for _ in range(CONNECTIONS)]
        for number, peer in enumerate(peers):
            assert round_trip(peer, f"I am {number}".encode())
        for number, peer in enumerate(reversed(peers)):
            assert round_trip(peer, f"still here, {number}".encode())
        assert open_files(server) - before >= CONNECTIONS
        full_bytes = server.rss_bytes()
    while open_files(server) > before:
        assert round_trip(bystander)
    return full_bytes, server.rss_bytes()


def test_none_is_lost_and_coming_again_takes_no_more_memory(api, loop):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CONNECTIONS + SPARE_FILES:
        pytest.skip(f"a process may have {hard} files open here, and this takes {CONNECTIONS + SPARE_FILES}: ulimit -n")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with Endpoint(api, "server", "--port", "0", "--log-level", "info", loop=loop) as server:
        with connect(server.port()) as bystander:
            assert round_trip(bystander)
            wave(server, bystander)  # what the allocator takes now it keeps, and uses again
            full_bytes, left_bytes = wave(server, bystander)
            again_full_bytes, again_left_bytes = wave(server, bystander)
            print(f"\n{api}/{loop}: {full_bytes >> 10} KiB with {CONNECTIONS}, {left_bytes >> 10} KiB after; ", end="")
            print(f"again {again_full_bytes >> 10} and {again_left_bytes >> 10}")
            assert again_full_bytes - full_bytes <= GROWTH_BYTES
            # How much of it the allocator gives back is its own affair.
            assert again_left_bytes - full_bytes <= GROWTH_BYTES
        assert server.stop() == 0
        assert_quiet(server)
