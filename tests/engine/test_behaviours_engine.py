"""`compare.py behaviours` as a user runs it, and its engine on a behaviour that has every defect."""

import json
import re
import subprocess
import sys

import pytest
from harness import DEADLINE_S, ROOT
from test_compare_cli import run as compared

import compare
from behaviours import page
from comparison import endpoints
from comparison.experiments import command, view
from comparison.experiments.model import Evidence, State, behaviour_of, everything, judge, judged
from comparison.experiments.play import cells, looks, survey

PLANTED = ROOT / "tests" / "planted_behaviours" / "surprise.py"


@pytest.fixture(scope="module")
def planted():
    """What is found of each case of the planted behaviour."""
    behaviour = behaviour_of(page.read(PLANTED))
    [here] = endpoints.interpreters([], ["asyncio"])
    found = survey(cells([behaviour], [("asyncio", here)]), jobs=5, deadline_s=5)
    return {evidence.case: judge(evidence, behaviour.known) for evidence in found}


def test_a_surprise_is_confirmed_with_ten_times_the_patience_before_it_is_news(planted):
    finding = planted["trap"]
    assert (finding.state, finding.reason) == (State.NEWS, "known is: fine")
    assert finding.outcomes == ("hurt", "hurt")
    assert finding.told == ("patience 5.0",)


def test_what_is_as_known_is_run_once(planted):
    assert planted["hasty"].state is State.KNOWN
    assert planted["hasty"].told == ("patience 0.5",)


def test_what_failed_once_and_came_out_as_known_alone_is_unsteady():
    behaviour = behaviour_of(page.read(PLANTED))
    evidence = Evidence("surprise", "trap", "either", "asyncio", "", "3.12.1", ("failed: nothing more", "fine"))
    assert judge(evidence, behaviour.known).state is State.UNSTEADY


def test_what_hangs_has_failed_within_its_deadline(planted):
    assert planted["hanging"].state is State.FAILED
    assert "nothing more after 10 s, at line" in planted["hanging"].reason  # the second time, alone


def test_what_dies_has_failed_with_its_last_words(planted):
    assert planted["crashing"].state is State.FAILED
    assert planted["crashing"].reason.startswith("ended with exit code -6")


def test_what_the_machine_lacks_is_skipped(planted):
    assert (planted["lacking"].state, planted["lacking"].reason) == (State.SKIPPED, "a moon")


# --- The command line ---
def run(*words):
    """`compare.py behaviours` with these view."""
    return subprocess.run(
        [sys.executable, "compare.py", "behaviours", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def test_the_page_of_one_shows_what_came_out_and_keeps_it(tmp_path):
    done = run("half-close", "--loop", "asyncio", "--save", str(tmp_path / "kept.json"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "! the reply was lost (the client sees the end, and no reply): Protocol" in done.stdout
    assert "python -m behaviours.ends.half_close_late_reply" in done.stdout
    kept = json.loads((tmp_path / "kept.json").read_text())["seen"]
    assert {each["state"] for each in kept} == {"as known"}
    again = run("half-close", "--from", str(tmp_path / "kept.json"))
    assert again.stdout == done.stdout
    whole = run("--from", str(tmp_path / "kept.json"), "--format", "markdown")
    assert "- `=` the reply came: Streams" in whole.stdout


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["half-clsoe-late-reply"],
            "behaviours 'half-clsoe-late-reply' is unknown; did you mean half-close-late-reply",
        ),
        (["--group", "dats"], "did you mean data?"),
        (["--loop", "uvlop"], "unknown event loop 'uvlop'"),
        (["--from", "nowhere.json"], "'nowhere.json' cannot be read"),
        (["--save", "/"], "--save: '/' is a folder"),
    ],
)
def test_what_cannot_be_done_is_one_line_with_the_remedy(words, error):
    done = compared("behaviours", *words)
    assert done.returncode == 2
    assert error in done.stderr


def test_a_loop_that_tells_the_end_twice_is_named_in_the_news():
    lost_twice = "tests.planted_loops:lost_twice"
    done = run("callbacks-in-order", "--loop", f"asyncio,{lost_twice}")
    assert done.returncode == 1
    assert f"callbacks-in-order, rely, Protocol on {lost_twice}: news: unforeseen" in " ".join(done.stdout.split())


def test_a_loop_that_never_resumes_reading_is_named_in_the_news():
    reads_no_more, behaviours = "tests.planted_loops:reads_no_more", everything()
    [here] = endpoints.interpreters([], ["asyncio"])
    tried = cells([behaviours["reading-resumes"]], [("asyncio", here), (reads_no_more, here)])
    found = judged(behaviours, [evidence for _, evidence in looks(tried, jobs=4)])
    assert found.exit_code == 1
    [news] = view.unusual(found)
    assert news.startswith(f"reading-resumes, rely, {reads_no_more}: news: unforeseen: a part came, then nothing")


def test_after_ctrl_c_there_is_what_has_come(monkeypatch, capsys):
    def interrupted(chosen, **options):
        yield next(survey(chosen[:1], **options))
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "survey", interrupted)
    assert compare.main(["behaviours", "eof-loop", "--loop", "asyncio", "--format", "json"]) == 130
    shown = capsys.readouterr()
    assert len(json.loads(shown.out)["seen"]) == 1
    assert re.search(r"interrupted; 1 of \d+ cases were run", shown.err)
