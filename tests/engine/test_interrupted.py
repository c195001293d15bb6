"""Ctrl-C ends compare.py whatever it is doing, and what was judged by then is shown.

Each phase is made to last for ever by a loop in one function: who is not interrupted never ends.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from harness import in_turns

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60.0
"""A phase that is not interrupted takes for ever."""

ONE = ("--loop", "asyncio", "--server", "streams", "--client", "streams", "--jobs", "1")

STAND_STILL = """
import sys
sys.path.insert(0, {root!r})
import compare
from {module} import {owner} as owner
usual, calls = owner.{name}, []
def for_ever(*arguments, **options):
    calls.append(1)
    if len(calls) <= {usual}:
        return usual(*arguments, **options)
    print("for ever", file=sys.stderr, flush=True)
    while True:
        pass
owner.{name} = for_ever
sys.exit(compare.main())
"""
"""compare.py in which a function, after a few `usual` calls, computes for ever once it has said so."""


def interrupted(*options, module, owner, name, usual=0, number=signal.SIGINT):
    """Run until the function stands still, interrupt: exit code, standard output and what was said after that."""
    program = STAND_STILL.format(root=str(ROOT), module=module, owner=owner, name=name, usual=usual)
    with subprocess.Popen(
        [sys.executable, "-c", program, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stderr.readline() == "for ever\n"
            process.send_signal(number)
            out, err = process.communicate(timeout=DEADLINE_S)
        finally:
            process.kill()
    return process.returncode, out, err.replace("for ever\n", "")  # a second thread may have come there, too


STUCK_IMPORT = """
import runpy, sys
class Stuck:
    def find_spec(self, name, *_):
        if name == {module!r}:
            print("for ever", file=sys.stderr, flush=True)
            while True:
                pass
sys.meta_path.insert(0, Stuck())
sys.path.insert(0, {root!r})
runpy.run_path({root!r} + "/compare.py", run_name="__main__")
"""


@pytest.mark.parametrize("module", ["comparison.model", "comparison.run"], ids=["at first", "for its command"])
def test_it_is_interrupted_before_anything_runs(module):
    program = STUCK_IMPORT.format(root=str(ROOT), module=module)
    with subprocess.Popen([sys.executable, "-c", program, "--list"], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr.readline() == "for ever\n"
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=DEADLINE_S)[1]
        finally:
            process.kill()
    assert process.returncode == 130
    assert said == "compare.py: interrupted before anything was started\n"


PHASES = {
    # The first log that is read is the answer of an interpreter, and not in a thread.
    "reading a log, in a thread": {"module": "comparison.play", "owner": "processes", "name": "parse", "usual": 1},
    "judging a run": {"module": "comparison.judge", "owner": "verdicts", "name": "observe"},
    "judging them all": {"module": "comparison.judge", "owner": "verdicts", "name": "judge"},
    "writing": {"module": "comparison.report", "owner": "export", "name": "to_json"},
}
NOTHING = "compare.py: interrupted; every endpoint was stopped\n"


@pytest.mark.parametrize(("phase", "number"), in_turns(PHASES, [signal.SIGINT, signal.SIGTERM]))
def test_a_run_is_interrupted_whatever_it_is_doing(phase, number):
    assert interrupted(*ONE, "--format", "json", **PHASES[phase], number=number) == (130, "", NOTHING)


@pytest.mark.parametrize("phase", ["judging a run", "judging them all", "reading a log, in a thread"])
def test_what_was_judged_before_is_shown(phase):
    usual = {"reading a log, in a thread": 3}.get(phase, 1)  # an interpreter, a server and a client
    options = ("--scenario", "one-byte,tutorial", "--format", "json")
    code, out, err = interrupted(*ONE, *options, **PHASES[phase] | {"usual": usual})
    assert (code, err) == (130, "compare.py: interrupted; 1 run in 1 scenario of 2 were judged\n")
    assert [comparison["scenario"]["name"] for comparison in json.loads(out)["comparisons"]] == ["one-byte"]


def test_of_a_pairing_that_is_repeated_the_runs_so_far_are_shown():
    options = (*ONE, "--scenario", "one-byte", "--repeat", "7", "--format", "json")
    code, out, err = interrupted(*options, **PHASES["judging a run"], usual=3)
    assert (code, err) == (130, "compare.py: interrupted; 3 runs in 1 scenario of 1 were judged\n")
    [comparison] = json.loads(out)["comparisons"]
    [cell] = comparison["cells"]
    assert (comparison["repeat"], cell["repeat"], cell["agreed"]) == (7, 3, 3)


def test_a_pairing_that_was_not_reached_says_so():
    options = ("--loop", "asyncio", "--server", "streams", "--jobs", "1", "--scenario", "one-byte", "--format", "json")
    code, out, _ = interrupted(*options, **PHASES["judging a run"], usual=1)
    done, left = json.loads(out)["comparisons"][0]["cells"]
    assert (code, done["repeat"]) == (130, 1)
    assert (left["verdict"], left["reason"]) == ("skipped", "interrupted before it was run")


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_a_report_has_what_was_judged(form, tmp_path):
    pytest.importorskip("jinja2")
    target = tmp_path / "report"
    options = ("report", *ONE[:-2], "--scenario", "one-byte,tutorial", "--format", form, "-o", str(target))
    code, out, err = interrupted(*options, **PHASES["judging a run"], usual=1)
    assert (code, out) == (130, "")
    said = err.splitlines()[-1]  # of one scenario, or of the second and so not of the first
    assert said in [f"compare.py: interrupted; 1 run in {many} were judged" for many in ("1 scenario", "2 scenarios")]
    assert "one-byte" in target.read_text()


def test_a_report_is_interrupted_while_it_is_made(tmp_path):
    pytest.importorskip("jinja2")
    rendering = {"module": "comparison.report.html", "owner": "evidence", "name": "collect"}
    options = ("report", *ONE[:-2], "--scenario", "one-byte", "-o", str(tmp_path / "report"))
    assert interrupted(*options, **rendering) == (130, "", NOTHING)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_stands_still_does_not_keep_an_interrupted_run():
    """The result is more than a pipe holds, and nobody reads it."""
    announced = {"module": "comparison.report", "owner": "export", "name": "to_json"}
    program = STAND_STILL.format(root=str(ROOT), **announced, usual=0)
    program = program.replace("while True:\n        pass", "return 'x' * 10**7")
    with subprocess.Popen(
        [sys.executable, "-c", program, *ONE, "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stderr.readline() == "for ever\n"
            assert os.read(process.stdout.fileno(), 1) == b"x"  # it writes, and the pipe is about to be full
            process.send_signal(signal.SIGINT)
            err = process.stderr.read()
            process.wait(DEADLINE_S)
        finally:
            process.kill()
    assert (process.returncode, err) == (130, NOTHING)
