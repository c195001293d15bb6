"""The reason of a failure is what came first: a crash before all that follows from it, and in plain words."""

import dataclasses
import json
import subprocess
import sys
import traceback

import pytest
from recorded import ENDPOINTS, TUTORIAL, client_lines, judged, run, server_lines

from comparison.judge.expectations import faults
from comparison.model import RAW, Expectation, Log, Pairing, Scenario, Verdict
from comparison.transcript import parse

PAIRING = Pairing(ENDPOINTS[0], ENDPOINTS[0])
SERVER, CLIENT = server_lines(ENDPOINTS[0]), client_lines(ENDPOINTS[0])
EBADF = "OSError: [Errno 9] Bad file descriptor"
CHAIN = "try:\n    raise OSError(9, 'Bad file descriptor')\nfinally:\n    None.close()"
GROUP = f"""
async def bad():
    {CHAIN.replace(chr(10), chr(10) + "    ")}

async def main():
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bad())

import asyncio
asyncio.run(main())
"""


def printed(script):
    """What Python prints when a script fails."""
    return subprocess.run([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True).stderr.splitlines()


def reasons(one, scenario=TUTORIAL):
    return list(faults(scenario, one).items())


@pytest.mark.parametrize("script", [CHAIN, GROUP])
@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_traceback_that_was_printed_is_told_by_its_first_error(script, exit_code):
    one = run(PAIRING, [*SERVER, *printed(script)], CLIENT, server_exit=exit_code)
    assert reasons(one) == [("ending", f"server prints a traceback: {EBADF}")]


@pytest.mark.parametrize(
    ("error", "first"),
    [
        ("ConnectionResetError(104, 'Connection reset by peer')", "client still running after 15 s"),
        ("KeyError(7)", "server prints a traceback: KeyError: 7"),
    ],
)
def test_a_server_that_is_reset_since_its_client_is_killed_is_not_to_blame(error, first):
    one = run(PAIRING, [*SERVER, *printed(f"raise {error}")], CLIENT[:3])
    late = dataclasses.replace(one.client, exit_code=None, trouble="still running after 15 s", fate="hung")
    assert [text.startswith(first) for _, text in reasons(dataclasses.replace(one, client=late))] == [True, True]


@pytest.mark.parametrize("script", [CHAIN, GROUP])
def test_a_traceback_in_a_record_is_told_by_its_first_error(script):
    try:
        exec(script, {"__name__": "script"})
    except (AttributeError, ExceptionGroup):
        text = traceback.format_exc()
    record = {"t_ns": 1, "logger": "asyncio", "level": "error", "event": "log", "message": "Unhandled"}
    one = run(PAIRING, SERVER, [*CLIENT[:-1], json.dumps(record | {"traceback": text}), CLIENT[-1]])
    assert reasons(one) == [("ending", f"client shows a traceback: {EBADF}")]


def test_an_error_that_python_ignores_is_none_to_be_ignored():
    one = run(PAIRING, [*SERVER, *printed("class A:\n    def __del__(self):\n        1 / 0\nA()")], CLIENT)
    assert reasons(one) == [("ending", "server prints a traceback: ZeroDivisionError: division by zero")]


def test_a_traceback_of_a_program_that_tells_nothing_else_is_one_too():
    one = run(PAIRING, SERVER, CLIENT)
    log = dataclasses.replace(one.server, lines=("ready", *printed("1 / 0")))
    silent = dataclasses.replace(one, server=log, silent=("server",))
    assert reasons(silent) == [("ending", "server prints a traceback: ZeroDivisionError: division by zero")]


@pytest.mark.parametrize(("code", "told"), [(-11, " with exit code -11"), (None, "")])
def test_a_server_that_leaves_without_a_word_tells_its_exit_code(code, told):
    log = Log(("serve",), (), code, "ended before it was ready", fate="absent")
    one = dataclasses.replace(run(PAIRING, (), ()), server=log)
    assert reasons(one)[0] == ("ending", f"server ended before it was ready{told}")


def test_a_crash_is_told_before_the_bytes_that_it_cost():
    crashed = run(PAIRING, [*SERVER[:4], *printed("1 / 0")], CLIENT[:-3], server_exit=1, client_exit=1)
    (cell,), _, _ = judged(TUTORIAL, [crashed], PAIRING)
    assert cell.verdict is Verdict.FAILED
    assert cell.reason.startswith("server prints a traceback: ZeroDivisionError: division by zero; ")
    assert "bytes" in cell.reason.partition("; ")[2]


def test_a_signal_that_ended_a_program_is_told_before_the_bytes_that_it_cost():
    crash = ["Fatal Python error: Segmentation fault", "", "Current thread 0x0 (most recent call first):", "  File 'a'"]
    crashed = run(PAIRING, [*SERVER[:4], *crash[1:]], [*CLIENT[:4], *crash], client_exit=-11)
    assert reasons(crashed)[0] == ("ending", "client prints a traceback: Fatal Python error: Segmentation fault")
    silent = run(PAIRING, SERVER[:4], CLIENT[:4], client_exit=-11)
    assert reasons(silent)[0] == ("ending", "client exited with -11: echo_client: sending b'It will be sent '")


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (json.dumps({"level": "error", "msg": "out of luck"}), "out of luck"),
        ("  +------------------------------------", "main: closing event loop"),
        ('{"a": {"b": [', "main: closing event loop"),
    ],
)
def test_the_last_words_are_words(last, said):
    assert reasons(run(PAIRING, SERVER, [*CLIENT, last], client_exit=1)) == [
        ("ending", f"client exited with 1: {said}")
    ]


def test_a_server_that_is_gone_comes_before_what_its_client_says_of_it():
    one = run(PAIRING, [*SERVER[:4], "out of luck"], [*CLIENT[:2], *printed("open('/nonexistent')")], client_exit=1)
    first = "server ended before it was stopped: out of luck"
    gone = dataclasses.replace(one.server, trouble="ended before it was stopped", fate="absent", exit_code=None)
    assert reasons(dataclasses.replace(one, server=gone)) == [("ending", first), ("echo", first)]


SCRIPTED = Scenario("scripted", "", b"x", expects=Expectation(), on_trial=("server",), script=lambda stage: None)
WAITS = "peer_1 waited 15 s in vain: bytes or an end of the connection"


def alone(side, lines, exit_code, trouble=None, fate="there", own=WAITS):
    """An endpoint whose other side is our own, which waited in vain."""
    pairing = Pairing(ENDPOINTS[0], RAW) if side == "server" else Pairing(RAW, ENDPOINTS[0])
    other = "client" if side == "server" else "server"
    log = Log(("serve",), tuple(lines), exit_code, trouble, fate=fate, events=parse(lines))
    return dataclasses.replace(run(pairing, (), ()), **{side: log, other: Log((), (), None, own)})


def test_what_our_own_peer_waited_for_is_told_where_a_server_hangs():
    one = alone("server", SERVER[:2], None, "still running after 15 s", "hung")
    assert reasons(one, SCRIPTED)[0] == ("ending", WAITS)


def test_a_crash_of_a_server_is_told_before_what_our_own_peer_missed():
    one = alone("server", [*SERVER[:2], *printed(CHAIN)], 1)
    assert reasons(one, SCRIPTED) == [
        ("ending", f"server prints a traceback: {EBADF}"),
        ("echo", f"server prints a traceback: {EBADF}"),
    ]


def test_a_server_that_is_gone_is_told_before_what_our_own_peer_missed():
    one = alone("server", [*SERVER[:2], "out of luck"], 3, "ended before it was stopped", "absent")
    assert reasons(one, SCRIPTED)[0] == ("ending", "server ended before it was stopped: out of luck")


def test_a_client_that_left_is_told_before_what_our_own_server_missed():
    scripted = dataclasses.replace(SCRIPTED, on_trial=("client",))
    one = alone("client", ["usage: client", "client: error: no such option"], 2, own="no client has connected")
    said = "client exited with 2: client: error: no such option"
    assert reasons(one, scripted)[0] == ("ending", said)
