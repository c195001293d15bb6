"""What was played can be judged later, with the verdicts of the run itself; and together with what others played."""

import collections
import dataclasses
import io
import json
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import compare
from comparison import judge_command, layout, run_command, saved
from comparison.model import Log, Run, Verdict
from comparison.report import export, view
from comparison.run import INTERRUPTED, outlined
from comparison.selection import chosen, trials

PLAIN = f"{shlex.quote(sys.executable)} {shlex.quote(str(Path(__file__).parents[1] / 'plain_echo.py'))}"
OPTIONS = [
    *("--loop", "asyncio", "--repeat", "2", "--jobs", "4"),
    *("--scenario", "tutorial,plain-text-to-tls,reset-mid-stream", "--server", "streams,plain,alters,dead"),
    *("--endpoint", "plain", "--server-command", f"{PLAIN} server {{host}} {{port}}"),
    *("--client-command", f"{PLAIN} client {{host}} {{port}}", "--client", "streams,plain"),
    *("--endpoint", "alters", "--server-command", f"{PLAIN} server {{host}} {{port}} alters"),
    *("--endpoint", "dead", "--server-command", "false {port}"),
]
"""Who tells nothing, who fails, who drops out, what cannot be told of TLS, and what the clock decides."""


def survey_of_run(folder, *options):
    """What comes of a run that is saved."""
    given = compare.parser().parse_args([*options, "--save", str(folder)])
    selection = chosen(given)
    outlines = [outlined(selection, trial, given.repeat) for trial in trials(given.scenario, given.transport)]
    return run_command.survey_of(outlines, jobs=given.jobs, save=given.save)[0]


def judged(*folders):
    return judge_command.survey_of([saved.load(folder) for folder in folders])


Played = collections.namedtuple("Played", "folder survey runs")


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A run that was saved: where, what came of it, and what was to be kept."""
    folder, runs, record = tmp_path_factory.mktemp("played") / "saved", [], saved.record
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saved, "record", lambda run: runs.append(run) or record(run))
        survey = survey_of_run(folder, *OPTIONS)
    return Played(folder, survey, runs)


@pytest.fixture
def copied(played, tmp_path):
    """The same folder, to be altered."""
    return Path(shutil.copytree(played.folder, tmp_path / "copied"))


def alter(path, change):
    """Let `change` have its way with a JSON file."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def elsewhere(folder, name="elsewhere"):
    """Have it look like the folder of another machine."""
    alter(folder / saved.MANIFEST, lambda document: document.update(machine=name))


def views(survey):
    """All that can be shown of a survey, and its exit code."""
    found = {"json": export.to_json(survey), "code": survey.exit_code}
    for raw in (False, True):
        text = io.StringIO()
        layout.draw(view.blocks(survey, diff=raw, raw=raw), text)
        found |= {
            f"text {raw}": text.getvalue(),
            f"markdown {raw}": layout.markdown_of(view.blocks(survey, diff=raw, raw=raw)),
        }
    return found


def test_what_was_saved_is_judged_as_the_run_itself(played):
    cells = [cell for comparison in played.survey.comparisons for cell in comparison.cells]
    assert {cell.verdict for cell in cells} >= {Verdict.REFERENCE, Verdict.SKIPPED, Verdict.FAILED}
    assert any(run.silent for cell in cells for run in cell.runs)
    assert any("cannot start" in cell.reason for cell in cells)
    assert any("takes no options" in cell.reason for cell in cells)
    assert views(judged(played.folder)) == views(played.survey)


def text_of(value):
    """A value with all that is in it; lists and tuples are the same, as in JSON."""

    def parts(value):
        if isinstance(value, Mapping):
            return dict(value)
        if dataclasses.is_dataclass(value):
            return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return repr(value)

    return json.dumps(value, default=parts)


def test_all_that_there_is_of_a_run_is_read_again(played):
    """With what passed on the wire."""
    folder = saved.load(played.folder)
    read = [text_of(run) for one in folder.comparisons for run in folder.runs(one)]
    assert sorted(read) == sorted(map(text_of, played.runs))
    assert any(run.wire for run in played.runs)


def test_what_does_not_count_in_a_log_does_not_count_later(played, tmp_path):
    """Such as the lines about a connection of the engine that only tried whether the server is there."""
    run = next(run for run in played.runs if not run.silent)
    run = dataclasses.replace(run, server=dataclasses.replace(run.server, events=run.server.events[1:]))
    [tutorial, *_] = saved.load(played.folder).comparisons
    folder = saved.Folder(tmp_path / "saved", [tutorial])
    folder.keep(tutorial.scenario, tutorial.transport, run)
    [read] = saved.load(tmp_path / "saved").runs(tutorial)
    assert text_of(read) == text_of(run)


def test_compare_py_judges_a_folder_with_the_exit_code_of_the_run(played, capsys, tmp_path):
    target = tmp_path / "result"
    assert compare.main(["judge", str(played.folder), "--format", "json", "--output", str(target)]) == 1
    assert target.read_text() == export.to_json(played.survey)
    assert tuple(capsys.readouterr()) == ("", "")


def test_a_run_that_was_killed_is_judged_as_far_as_it_went(played, tmp_path, capsys):
    given = compare.parser().parse_args(OPTIONS)
    selection, tried = chosen(given), trials(given.scenario, given.transport)
    folder = saved.Folder(tmp_path / "saved", [outlined(selection, trial, 2) for trial in tried])
    first = next(run for run in played.runs if run.pairing == selection.reference)
    folder.keep(tried[0].scenario, tried[0].transport, first)
    assert compare.main(["judge", str(tmp_path / "saved"), "--format", "json"]) == 0
    out, err = capsys.readouterr()
    [comparison] = json.loads(out)["comparisons"]
    reasons = [cell["reason"] for cell in comparison["cells"] if cell["verdict"] == "skipped"]
    assert (len(comparison["cells"]), set(reasons)) == (len(reasons) + 1, {INTERRUPTED})
    assert err == f"compare.py: {str(tmp_path / 'saved')!r} ended early; 0 of 3 were done\n"


def test_two_machines_that_behave_alike_have_the_causes_of_one(played, copied):
    elsewhere(copied)
    alone, both = judged(played.folder), judged(played.folder, copied)
    for one, two in zip(alone.comparisons, both.comparisons, strict=True):
        assert [(cause.name, cause.axes) for cause in two.causes] == [(cause.name, cause.axes) for cause in one.causes]
        assert [cell.verdict for cell in two.cells] == [cell.verdict for cell in one.cells]
        assert [cell.repeat for cell in two.cells] == [2 * cell.repeat for cell in one.cells]
        assert two.environment["machine"] == f"{saved.this_machine()}, elsewhere"


@pytest.mark.parametrize("name", ["elsewhere", saved.this_machine()])
def test_the_machine_is_named_where_it_predicts_a_difference(played, copied, name, capsys):
    """Two folders of one machine are told apart by their paths."""
    elsewhere(copied, name)
    for path in copied.glob("tutorial-tcp/*/run-*.json"):
        alter(path, lambda run: run["client"].update(lines=[x for x in run["client"]["lines"] if '"waiting"' not in x]))
    assert compare.main(["judge", str(played.folder), str(copied), "--format", "json"]) == 1
    here, there = saved.this_machine(), name
    if here == there:
        here, there = f"{here} ({played.folder})", f"{there} ({copied})"
    tutorial = json.loads(capsys.readouterr().out)["comparisons"][0]
    [cause] = [cause for cause in tutorial["causes"] if cause["event"] == "waiting"]
    assert cause["axes"] == ["machine"]
    assert f"there with machine {here}, missing with machine {there}" in cause["finding"]


def test_the_machine_is_named_where_it_predicts_a_failure(played, copied):
    elsewhere(copied)
    for path in copied.glob("tutorial-tcp/*/run-*.json"):
        alter(path, lambda run: run["server"].update(exit_code=7))
    tutorial = judged(played.folder, copied).comparisons[0]
    causes = [cause for cause in tutorial.causes if "exited with 7" in cause.event]
    assert {(cause.is_failure, cause.axes) for cause in causes} == {(True, ("server implementation and machine",))}
    assert "those with streams with machine elsewhere" in causes[0].finding


def cut_in_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def with_another_name(path, name):
    path.write_text(path.read_text().replace('"streams/asyncio"', json.dumps(name)))


RUN = "tutorial-tcp/streams-asyncio--streams-asyncio/run-1.json"
BROKEN = {
    "an empty folder": (lambda folder: shutil.rmtree(folder) or folder.mkdir(), saved.WANTED),
    "no folder": (shutil.rmtree, saved.WANTED),
    "a file": (lambda folder: shutil.rmtree(folder) or folder.write_text("{}"), saved.WANTED),
    "another's manifest": (lambda folder: (folder / saved.MANIFEST).write_text("[1]"), "has layout None"),
    "half a manifest": (lambda folder: cut_in_half(folder / saved.MANIFEST), "is not JSON"),
    "a manifest of a later layout": (lambda folder: alter(folder / saved.MANIFEST, later), "has layout 99"),
    "a manifest without a number": (
        lambda folder: alter(folder / saved.MANIFEST, lambda manifest: manifest.update(layout=True)),
        "has layout True",
    ),
    "a damaged manifest": (lambda folder: alter(folder / saved.MANIFEST, lambda m: m.pop("machine")), "'machine'"),
    "a scenario of another version": (
        lambda folder: (folder / saved.MANIFEST).write_text(
            (folder / saved.MANIFEST).read_text().replace('"reset-mid-stream"', '"later"')
        ),
        "'later'",
    ),
    "an empty record": (lambda folder: (folder / RUN).write_text(""), "is not JSON"),
    "half a record": (lambda folder: cut_in_half(folder / RUN), "is not JSON"),
    "a record of a later layout": (lambda folder: alter(folder / RUN, later), "has layout 99"),
    "a record of others": (lambda folder: with_another_name(folder / RUN, "nobody"), "'nobody'"),
    "a record of no pairing": (
        lambda folder: alter(folder / RUN, lambda run: run.update(pairing=["streams/asyncio", "raw sockets"])),
        "was not to be played",
    ),
    "a damaged record": (lambda folder: alter(folder / RUN, lambda run: run["server"].update(lines=[1])), "server"),
    "a record without a part": (lambda folder: alter(folder / RUN, lambda run: run.pop("wire")), "wire"),
    "nothing but a manifest": (
        lambda folder: [
            alter(folder / saved.MANIFEST, lambda manifest: manifest.update(done=0)),
            *map(shutil.rmtree, (path for path in folder.iterdir() if path.is_dir())),
        ],
        "nothing was played",
    ),
}


def later(document):
    document["layout"] = 99


@pytest.mark.parametrize("case", BROKEN)
def test_what_was_not_saved_by_a_run_is_refused_in_one_line(copied, case, capsys):
    damage, told = BROKEN[case]
    damage(copied)
    assert compare.main(["judge", str(copied), "--format", "json"]) == 2
    out, err = capsys.readouterr()
    [line] = err.splitlines()
    assert out == ""
    assert str(copied) in line
    assert told in line
    assert line.startswith("compare.py: error: ")
    assert line.rpartition("; ")[2].startswith(("name ", "run it once more"))


def outline(folder, *options):
    """A folder for which nothing was played, by these options."""
    given = compare.parser().parse_args(["--loop", "asyncio", *options])
    selection = chosen(given)
    comparisons = [outlined(selection, trial, 1) for trial in trials(given.scenario, given.transport)]
    saved.Folder(folder, comparisons).finish(comparisons[0])
    return folder


def test_who_was_on_one_machine_only_is_compared_with_those_on_the_other(tmp_path):
    one = outline(tmp_path / "one", "--server", "streams", "--client", "streams")
    two = outline(tmp_path / "two", "--server", "protocol", "--client", "protocol")
    elsewhere(two)
    [comparison] = judged(one, two).comparisons
    assert {str(cell.pairing): cell.reason for cell in comparison.cells} == {
        "streams/asyncio -> streams/asyncio": INTERRUPTED,
        "streams/asyncio -> protocol/asyncio": saved.NEVER_MET,
        "protocol/asyncio -> streams/asyncio": saved.NEVER_MET,
        "protocol/asyncio -> protocol/asyncio": INTERRUPTED,
    }


def test_what_one_machine_skipped_and_the_other_played_is_a_note(tmp_path):
    one = outline(tmp_path / "one", "--server", "streams", "--client", "streams")
    two = outline(tmp_path / "two", "--server", "streams", "--client", "streams")
    elsewhere(two)
    alter(two / saved.MANIFEST, lambda manifest: manifest["comparisons"][0]["cells"].append(SKIPPED))
    [comparison] = judged(one, two).comparisons
    assert [cell.reason for cell in comparison.cells] == [INTERRUPTED]
    assert comparison.notes[-1] == "elsewhere: skipped in tutorial: too small"


SKIPPED = {
    **{"server": "streams/asyncio", "client": "streams/asyncio", "verdict": "skipped", "verdicts": {}, "runs": []},
    **{"reason": "too small", "letters": [], "repeat": 0, "agreed": 0, "cut": 0},
}


def test_endpoints_of_one_name_under_different_pythons_are_two(tmp_path):
    one = outline(tmp_path / "one", "--server", "streams", "--client", "streams")
    two = outline(tmp_path / "two", "--server", "streams", "--client", "streams")
    python = saved.load(one).comparisons[0].servers[0].python
    manifest = two / saved.MANIFEST
    manifest.write_text(manifest.read_text().replace(python, "3.99.0").replace(sys.executable, "/opt/python"))
    [comparison] = judged(one, two).comparisons
    assert [server.label for server in comparison.servers] == [f"streams/asyncio/{python}", "streams/asyncio/3.99.0"]


def test_an_interpreter_at_another_path_is_the_same(tmp_path):
    one = outline(tmp_path / "one", "--server", "streams", "--client", "streams")
    two = outline(tmp_path / "two", "--server", "streams", "--client", "streams")
    (two / saved.MANIFEST).write_text((two / saved.MANIFEST).read_text().replace(sys.executable, "/opt/python"))
    [comparison] = judged(one, two).comparisons
    assert [server.label for server in comparison.servers] == ["streams/asyncio"]


def test_what_was_played_elsewhere_is_shown_again_by_judging_it_again(copied):
    elsewhere(copied)
    survey = judged(copied)
    assert f" judge {copied}" in layout.markdown_of(view.blocks(survey))
    assert "--scenario" not in layout.markdown_of(view.blocks(survey))


def test_pairings_whose_labels_differ_in_what_no_file_name_has_are_kept_apart(tmp_path):
    plain = [("--endpoint", f"odd{sign}one", "--server-command", f"true {sign} {{port}}") for sign in "?*"]
    given = compare.parser().parse_args([word for words in plain for word in words] + ["--loop", "asyncio"])
    given.server, given.client = ["odd?one", "odd*one"], ["streams"]
    comparison = outlined(chosen(given), trials(["tutorial"], None)[0], 1)
    folder = saved.Folder(tmp_path / "saved", [comparison])
    log = Log(("true",), ("x",), 0)
    for pairing in comparison.pairings:
        folder.keep(comparison.scenario, comparison.transport, Run(pairing, 1, log, log))
    kept = saved.load(tmp_path / "saved")
    assert [run.pairing for run in kept.runs(kept.comparisons[0])] == comparison.pairings
