"""A behaviour as a program: what it says, and that it ends whatever the lesson or the experiment does."""

import json
import os
import socket
import subprocess
import sys
import textwrap

import pytest
from harness import DEADLINE_S, ROOT

from behaviours import kit

BODY = """
import asyncio
import socket
from behaviours import kit
from behaviours.known import known, outcome, seen

GOOD, BAD = outcome("good"), outcome("bad", bites="it hurts")
KNOWN = known(trap=[seen(BAD)], remedy=[seen(GOOD)])

async def streams_trap(*arguments):
    {trap}

async def streams_remedy(*arguments):
    return "remedy"

protocol_trap = None

def experiment(subject):
    {experiment}

if __name__ == "__main__":
    kit.main()
"""


@pytest.fixture
def run(tmp_path):
    def run(*options, trap="return 'trap'", experiment="return GOOD", stdout=subprocess.PIPE):
        body = BODY.format(
            trap=textwrap.indent(textwrap.dedent(trap), "    ").strip(),
            experiment=textwrap.indent(textwrap.dedent(experiment), "    ").strip(),
        )
        (tmp_path / "planted.py").write_text(f'"""A planted behaviour\n"""\n{body}')
        done = subprocess.run(
            [sys.executable, "-m", "planted", *options],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{tmp_path}:{ROOT}"},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


ONE = ("--api", "streams", "--case", "trap")


def test_it_says_what_was_seen_and_what_came_out(run):
    code, out, err = run(*ONE, experiment="kit.tell(f'it said {subject.call()}')\nreturn BAD")
    assert (code, err) == (0, "")
    assert out.splitlines() == ["  trap, streams on asyncio:", "    it said trap", "    = bad: it hurts"]


def test_without_a_case_it_runs_all_that_there_are(run):
    code, out, _ = run(experiment="return {'trap': BAD, 'remedy': GOOD}[subject.call()]")
    assert code == 0
    assert out.splitlines() == [
        "A planted behaviour",
        "  trap, streams on asyncio:",
        "    = bad: it hurts",
        "  remedy, streams on asyncio:",
        "    = good",
    ]


def test_for_the_engine_it_is_one_line_with_its_place(run):
    code, out, _ = run(*ONE, "--json", experiment="kit.tell('port 127.0.0.1:4711')\nreturn BAD")
    assert code == 0
    result = json.loads(out)
    assert result["told"] == ["port 127.0.0.1:PORT"]
    assert (result["outcome"], result["bites"], result["api"], result["loop"]) == (
        "bad",
        "it hurts",
        "streams",
        "asyncio",
    )


def test_what_must_happen_and_does_not_is_a_failure_at_the_deadline_with_its_line(run):
    code, out, _ = run(*ONE, "--deadline", "0.3", trap="await asyncio.Event().wait()", experiment="subject.call()")
    assert code == 1
    assert "nothing more after 0.3 s, at line" in out
    assert ": subject.call()" in out


def test_a_loop_that_spins_keeps_nobody_from_the_outcome(run):
    code, out, _ = run(
        *ONE,
        "--patience",
        "0.05",
        trap="while True:\n    pass",
        experiment="subject.begin()\nreturn BAD if subject.is_stuck() else GOOD",
    )
    assert (code, out.splitlines()[-1]) == (0, "    = bad: it hurts")


def test_what_nobody_foresaw_is_an_outcome(run):
    code, out, _ = run(*ONE, trap="raise ValueError('0x7f00')", experiment="subject.call()")
    assert (code, out.splitlines()[-1]) == (0, "    = unforeseen: ValueError: 0x...")
    code, out, _ = run(*ONE, experiment="raise ConnectionResetError('so')")
    assert (code, out.splitlines()[-1]) == (0, "    = unforeseen: ConnectionResetError: so")


def test_a_defect_of_the_experiment_is_a_failure(run):
    code, out, _ = run(*ONE, experiment="return undefined")
    assert code == 1
    assert "NameError" in out
    code, out, _ = run(*ONE, experiment="pass")
    assert (code, "let it return an outcome" in out) == (1, True)


def test_a_loop_that_the_lesson_ends_is_told(run):
    code, out, _ = run(
        *ONE,
        trap="raise SystemExit(3)",
        experiment="subject.begin()\nkit.must_happen(lambda: subject.ended)\nsubject.settle()",
    )
    assert code == 1
    assert "the loop has ended (SystemExit(3))" in out


def test_what_the_machine_lacks_is_skipped(run):
    code, out, _ = run(*ONE, experiment="kit.skip('there is no ::1 here')")
    assert (code, out.splitlines()[-1]) == (0, "    skipped: there is no ::1 here")


def test_what_asyncio_logs_is_kept_for_the_experiment(run):
    code, out, err = run(
        *ONE,
        trap="asyncio.get_running_loop().call_soon(lambda: 1 / 0)",
        experiment="subject.call()\nsubject.settle()\nkit.tell(kit.logged()[0])\nreturn BAD",
    )
    assert (code, err) == (0, "")
    assert "ZeroDivisionError" in out


def test_programs_end_with_the_experiment(run):
    code, out, _ = run(
        *ONE,
        trap="await asyncio.Event().wait()",
        experiment="program = subject.server_program()\nkit.tell(str(program.address[1]))\nreturn BAD",
    )
    assert code == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(out.splitlines()[1])))


def test_it_ends_also_where_nobody_reads_what_it_says(run):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as nobody:
        code, _, _ = run(*ONE, "--json", experiment="return BAD", stdout=nobody)
    assert code == 0


def test_a_peer_that_leaves_in_the_handshake_is_noticed():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionError, match="has left the handshake"):
            kit.TLSPeer(ours)


def test_another_case_can_play_it(run):
    _, out, _ = run(*ONE, "--played-by", "remedy", experiment="kit.tell(subject.case + subject.call())\nreturn GOOD")
    assert "trapremedy" in out


def test_usage_errors_are_one_line_with_the_remedy(run):
    code, _, err = run("--loop", "nonsense")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "MODULE:FACTORY" in err
    code, _, err = run("--api", "protocol", "--case", "trap")
    assert code == 2
    assert "protocol has no trap here" in err
