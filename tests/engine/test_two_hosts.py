"""A server and a client on two hosts: each behind its prefix, and in two network namespaces over a link that loses
what a test wants. `LOST=all` tries all kinds of loss with all pairings: minutes."""

import dataclasses
import os
import signal
import subprocess
import sys

import lossy_link
import pytest

from comparison.model import CannotCompare, Verdict
from comparison.play import far
from comparison.run import compare_all, outlined
from comparison.selection import FAR, choose, elsewhere, trials

NEEDS_NAMESPACES = pytest.mark.skipif(lossy_link.why_not() is not None, reason=str(lossy_link.why_not()))
EVERYTHING = os.environ.get("LOST") == "all"
KINDS = [*([kind, times] for kind in lossy_link.LOST for times in (1, 3)), ["silence", 1]]
FEW = [["SYN-ACK", 1], ["FIN", 1], ["half-close", 1], ["data", 3]]
HERE = "sh -c {command}"
"""A prefix of a host that is this one, reached by a shell as with ssh."""


def selection(server_on=None, client_on=None, server_host=None, **choice):
    return choose(**choice, there=elsewhere(server_on, client_on, server_host))


def played(chosen, host, *names, options=(), deadline_s=60.0):
    found = trials(names, None, host)
    changed = [
        dataclasses.replace(trial, scenario=dataclasses.replace(trial.scenario, options=options, deadline_s=deadline_s))
        for trial in found
    ]
    return list(compare_all([outlined(chosen, trial) for trial in changed], jobs=4))


def test_endpoints_behind_a_prefix_do_what_they_do_without():
    chosen = selection(HERE, HERE, "127.0.0.1", loops=["asyncio"], servers=["protocol"], clients=["streams"])
    comparisons = played(chosen, "127.0.0.1", "tutorial", "1-mib")
    assert [cell.verdict for comparison in comparisons for cell in comparison.cells] == [Verdict.REFERENCE] * 2
    [[run], _] = [comparison.cells[0].runs for comparison in comparisons]
    assert run.server.exit_code == run.client.exit_code == 0, "the signal that stops the server has reached it"


def test_what_cannot_be_had_on_another_host_is_skipped_with_its_reason():
    tried = trials(["never-reads", "tls", "tutorial"], None, "192.0.2.1")
    assert [(trial.transport.name, trial.skipped) for trial in tried] == [
        ("tcp", "the engine plays one side itself, with sockets of this host"),
        ("tls", "what tls needs is on this host only; choose tcp"),
        ("tcp", None),
    ]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"server_on": "ssh there"}, "need --server-host ADDRESS"),
        ({"server_on": "ssh 'there", "server_host": "192.0.2.1"}, '--server-on "ssh \'there": no closing quotation'),
        ({"client_on": "", "server_host": "192.0.2.1"}, "--client-on '': it begins with no program of this host"),
        (
            {"server_on": "sssh there", "server_host": "192.0.2.1"},
            "--server-on 'sssh there': it begins with no program",
        ),
    ],
)
def test_a_prefix_that_makes_no_sense_is_answered_with_the_remedy(options, part):
    with pytest.raises(CannotCompare) as error:
        selection(**options, loops=["asyncio"])
    assert part in str(error.value)


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("ip netns exec a", ["ip", "netns", "exec", "a", "echo", "two words"]),
        ("ssh host {command}", ["ssh", "host", "echo 'two words'"]),
        ("ssh host 'cd there && {command}'", ["ssh", "host", "cd there && echo 'two words'"]),
    ],
)
def test_a_command_stands_behind_the_prefix_or_where_that_has_it(prefix, words):
    assert far.behind(prefix, ["echo", "two words"]) == words


@pytest.mark.parametrize(
    ("script", "code", "output"),
    [("import sys; sys.exit('bad')", 1, "bad\n"), ("raise SystemExit(3)", 3, ""), ("print('out')", 0, "")],
)
def test_its_output_and_its_exit_code_are_those_of_the_command(script, code, output):
    command = [*FAR, HERE, sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (code, output)


def test_a_host_that_cannot_be_reached_says_so_itself():
    command = [*FAR, "sh -c 'echo no such host >&2; exit 255'", "true"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (255, "no such host\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_command(number):
    script = f"""
import signal, sys
signal.signal({int(number)}, lambda *_: sys.exit(7))
print('up', file=sys.stderr)
signal.pause()
"""
    with subprocess.Popen([*FAR, HERE, sys.executable, "-c", script], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"up\n"
        process.send_signal(number)
        assert process.wait(60) == 7


@NEEDS_NAMESPACES
@pytest.mark.parametrize(("kind", "times"), KINDS if EVERYTHING else FEW)
def test_what_the_network_loses_nobody_misses(kind, times):
    with lossy_link.lossy_link(kind, times) as (server_in, client_in, link):
        there = {"server_on": f"ip netns exec {server_in}", "client_on": f"ip netns exec {client_in}"}
        everyone = {} if EVERYTHING else {"loops": ["asyncio"], "clients": ["protocol", "streams"]}
        chosen = selection(**there, server_host=lossy_link.SERVER, **everyone)
        [comparison] = played(chosen, lossy_link.SERVER, "tutorial", options=("--timeout", "30"))
    assert [f"{cell.pairing}: {cell.reason}" for cell in comparison.cells if cell.verdict.is_trouble] == []
    assert len(link.lost) >= len(comparison.cells), "every connection has lost something"
    assert link.came.total() == link.carried.total() + link.lost.total()
