"""The tutorial's own server and client, which nobody wrote for this project, go through the catalogue beside ours: what
they do otherwise is told in words that say what it is, of the right one of the two, and nothing else is blamed.

The whole catalogue (three minutes on two cores) is tried where EVERYTHING is set; else one scenario of each kind.
"""

import json
import os
import re
import shlex
import sys
from pathlib import Path

import compare
from comparison.model import SIDES
from comparison.play.runner import TOO_BUSY
from comparison.scenarios import SCENARIOS

PROGRAM = Path(__file__).parents[1] / "tutorials_own.py"

SAME = ("identical", "the same lines as the reference")
NO_LAST_WORDS = ("different", "unexplained: 'closing_loop', 'closing_server'")
"""SIGTERM ends its server without a word: it knows Ctrl-C only."""

SHOWS_RESETS = ("failed", "server prints a traceback: ConnectionResetError: (Connection lost|.*reset by peer)")
"""A peer that resets its connection ends the coroutine, and nobody catches that."""

SHOWS_NO_FILES = ("failed", "server prints a traceback: OSError: .* Too many open files")
CLIENT_SHOWS_IT = ("failed", "client prints a traceback: (ConnectionRefused|ConnectionReset|BrokenPipe|OS)Error: ")
CHECKS_NOTHING = ("failed", "client connection ended with 'closing' instead of 'failed'")
"""Its client takes whatever comes for its echo."""

WRITES_BEFORE_IT_READS = ("failed", "client still running after 30 s: ")
"""Its client sends all that it has before it reads: 64 MiB are more than the kernels hold."""

TOO_SLOW = ("failed|different", "client still running after 30 s: |unexplained: 'closing_loop', 'closing_server'")
"""Its server reads 128 bytes at a time, and has two lines for each such piece: 30 s are too few on most machines."""

SKIPPED = (
    "skipped",
    "own takes no options, so it cannot be told of |own does not follow the contract, which says how a server stops",
)
"""No idle limit, no grace, no TLS, no Unix sockets, no lockstep, no time-out ...: whatever is not in the table."""

SERVER = {
    **dict.fromkeys(
        [
            "tutorial", "nothing", "one-byte", "byte-by-byte", "pause", "lockstep", "every-byte", "1-mib",
            "100-connections", "1000-connections", "client-timeout", "never-reads", "reads-slowly", "nothing-to-do",
            "byte-each-10-ms", "interleaved",
        ],
        NO_LAST_WORDS,
    ),
    **dict.fromkeys(["reset-mid-stream", "killed-mid-stream", "reset-before-sending", "closes-unread"], SHOWS_RESETS),
    "no-more-files": SHOWS_NO_FILES,
    "64-mib": TOO_SLOW,
}  # fmt: skip
"""What its server comes to with our Streams client, or with raw sockets."""

CLIENT = {
    **dict.fromkeys(["tutorial", "nothing", "one-byte", "byte-by-byte", "every-byte", "1-mib", "byte-at-a-time"], SAME),
    **dict.fromkeys(
        [
            "refuses", "closes-at-once", "resets", "echoes-and-resets", "closes-amid-64-mib", "eof-amid-64-mib",
            "altered-amid-64-mib",
        ],
        CLIENT_SHOWS_IT,
    ),
    **dict.fromkeys(
        ["echoes-too-little", "echoes-too-much", "echoes-altered", "echoes-reversed", "half-closes-first"],
        CHECKS_NOTHING,
    ),
    "64-mib": WRITES_BEFORE_IT_READS,
}  # fmt: skip
"""What its client comes to with our Streams server, or with raw sockets."""

PAIR = {
    **dict.fromkeys(["tutorial", "nothing", "one-byte", "byte-by-byte", "every-byte", "1-mib"], NO_LAST_WORDS),
    "64-mib": ("skipped", "hangs in .*, which is enough"),
}
"""What the two come to with each other."""

EACH_KIND = ["tutorial", "lockstep", "says-nothing", "sigterm-idle", "reset-mid-stream", "refuses", "echoes-altered"]


def expected(cell, scenario):
    """The verdict on a cell that one of the two is in, and the words of its reason; None for any other."""
    ends = [cell[side] for side in SIDES]
    if "own" not in ends:
        return None
    table = PAIR if ends == ["own", "own"] else SERVER if ends[0] == "own" else CLIENT
    return table.get(scenario, SKIPPED)


def is_right(cell, scenario):
    if (wanted := expected(cell, scenario)) is None:  # ours must not be blamed for what it does
        return cell["verdict"] in ("reference", "identical", "alike") or cell["reason"] == TOO_BUSY
    verdict, words = wanted
    return re.fullmatch(verdict, cell["verdict"]) and re.match(words, cell["reason"])


def run(capsys, scenarios):
    python, program = shlex.quote(sys.executable), shlex.quote(str(PROGRAM))
    words = ["run", "--scenario", scenarios, "--loop", "asyncio", "--jobs", "2", "--format", "json"]
    words += ["--server", "streams,own", "--client", "streams,own", "--endpoint", "own"]
    for side in SIDES:
        words += [f"--{side}-command", f"{python} {program} {side} {{host}} {{port}}"]
    code = compare.main(words)
    return code, json.loads(capsys.readouterr().out)["comparisons"]


def test_what_the_tutorials_own_pair_does_otherwise_is_what_is_known_of_it(capsys):
    everything = bool(os.environ.get("EVERYTHING"))
    names = list(SCENARIOS) if everything else EACH_KIND
    assert {*SERVER, *CLIENT, *PAIR} <= set(SCENARIOS)
    code, comparisons = run(capsys, "all" if everything else ",".join(names))
    assert code == 1
    assert [comparison["scenario"]["name"] for comparison in comparisons] == names
    wrong = [
        (comparison["scenario"]["name"], cell["server"], cell["client"], cell["verdict"], cell["reason"])
        for comparison in comparisons
        for cell in comparison["cells"]
        if not is_right(cell, comparison["scenario"]["name"])
    ]
    assert wrong == []


def test_its_own_implementation_is_the_factor(capsys):
    _, [resets, altered] = run(capsys, "reset-before-sending,echoes-altered")
    told = [[(cause["axes"], cause["is_failure"]) for cause in one["causes"]] for one in (resets, altered)]
    assert told == [[(["server implementation"], True)], [(["client implementation"], True)]]
