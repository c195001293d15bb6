"""Behaviours, judged: what is known, what is news, which factors predict it, and where each outcome is."""

import dataclasses
import itertools
import json

import pytest

from behaviours.known import known, outcome, seen
from behaviours.page import Page
from comparison import layout
from comparison.experiments import view
from comparison.experiments.model import Behaviour, Evidence, State, Survey, judge, judged, read, to_json
from comparison.experiments.view import where
from comparison.model import CannotCompare
from comparison.options import meant

HURT = outcome("hurt", bites="it is lost")
FINE, SLOW = outcome("fine"), outcome("slow")
TABLE = known(
    trap=[
        seen(HURT, api="protocol", loop="uvloop"),
        seen(HURT, since="3.12.0", fixed="3.12.9, 3.13.2", loop="asyncio", bug="gh-1"),
        seen(FINE, SLOW, api="streams", since="3.14.0"),
        seen(FINE),
    ],
    remedy=[seen(FINE)],
)


def page(name="a-trap", group="data"):
    code = {(api, case): f"def {api}_{case}(): ..." for api in ("streams", "protocol") for case in TABLE}
    return Page(
        f"behaviours.data.{name}", group, name, f"What {name} does", ("It hurts.",), "do not.", "docs.", code, {}
    )


def behaviour(name="a-trap", group="data", table=TABLE):
    return Behaviour(page(name, group), table, dict.fromkeys(table, ("streams", "protocol")))


def evidence(api="streams", loop="asyncio", python="3.12.1", outcomes=("fine",), **values):
    values.setdefault("bites", HURT.bites if outcomes and outcomes[-1] == "hurt" else "")
    version = {"asyncio": "", "uvloop": "0.23.0"}.get(loop, "7")
    return Evidence("a-trap", values.pop("case", "trap"), api, loop, version, python, outcomes, **values)


def survey(*evidences, behaviours=None):
    behaviours = behaviours or {"a-trap": behaviour()}
    return judged(behaviours, evidences)


def everywhere(result, case="trap"):
    """An evidence for each API, two loops and three Pythons; `result` says what came out there."""
    return [
        evidence(api, loop, python, (result(api, loop, python),), case=case)
        for api, loop, python in itertools.product(
            ("streams", "protocol"), ("asyncio", "uvloop"), ("3.11.7", "3.12.1", "3.13.0")
        )
    ]


def as_the_table_says(api, loop, python):
    hurts = (loop == "uvloop" and api == "protocol") or (loop == "asyncio" and python != "3.11.7")
    return "hurt" if hurts else "fine"


# --- Held against the table ---
@pytest.mark.parametrize(
    ("seen_there", "state", "reason"),
    [
        (evidence(outcomes=("hurt",)), State.KNOWN, ""),
        (evidence(python="3.11.7"), State.KNOWN, ""),
        (evidence(python="3.12.9"), State.KNOWN, ""),
        (evidence(python="3.14.0", outcomes=("slow", "fine")), State.KNOWN, ""),
        (evidence(outcomes=("fine", "fine")), State.NEWS, "known is: hurt"),
        (evidence(python="3.11.7", outcomes=("hurt", "hurt"), api="protocol"), State.NEWS, "known is: fine, and"),
        (evidence(outcomes=("fine", "hurt")), State.UNSTEADY, "now fine, now hurt"),
        (evidence(outcomes=("unforeseen: x", "unforeseen: x")), State.NEWS, "known is: hurt"),
        (evidence(outcomes=(), failed="nothing more after 30 s"), State.FAILED, "nothing more"),
        (evidence(outcomes=(), skipped="no ::1 here"), State.SKIPPED, "no ::1 here"),
        (evidence(case="remedy"), State.KNOWN, ""),
        (evidence(case="remedy", outcomes=("hurt", "hurt")), State.FAILED, "the way around does not help: hurt"),
        (evidence(loop="new:loop", outcomes=("hurt",)), State.KNOWN, ""),
        (evidence("protocol", "new:loop", "3.13.2", ("hurt",)), State.NEWS, "known is: fine, and this as on uvloop"),
    ],
)
def test_what_is_seen_is_as_known_news_unsteady_failed_or_skipped(seen_there, state, reason):
    finding = judge(seen_there, TABLE)
    assert finding.state is state
    assert finding.reason.startswith(reason)


def test_the_exit_code_says_whether_there_is_news():
    assert survey(evidence(outcomes=("hurt",))).exit_code == 0
    assert survey(evidence(outcomes=("fine", "hurt"))).exit_code == 0
    assert survey(evidence(outcomes=("fine",))).exit_code == 1
    assert survey(evidence(outcomes=(), failed="so")).exit_code == 1
    assert survey(evidence(outcomes=(), skipped="so")).exit_code == 2
    assert survey().exit_code == 2


# --- What predicts it, and where it is ---
@pytest.mark.parametrize(
    ("result", "factors", "hurts"),
    [
        (lambda *levels: "hurt", [], "everywhere"),
        (lambda api, loop, python: "hurt" if api == "protocol" else "fine", ["API"], "Protocol"),
        (lambda api, loop, python: "hurt" if loop == "uvloop" else "fine", ["loop"], "uvloop"),
        (lambda api, loop, python: "fine" if python == "3.11.7" else "hurt", ["Python"], "Python from 3.12"),
        (
            lambda api, loop, python: "hurt" if api == "protocol" and python < "3.13" else "fine",
            ["API", "Python"],
            "Protocol on Python up to 3.12",
        ),
        (
            lambda api, loop, python: "hurt" if (api, loop) == ("streams", "uvloop") else "fine",
            ["API", "loop"],
            "Streams on uvloop",
        ),
        (as_the_table_says, ["API", "loop", "Python"], "asyncio from 3.12; Protocol on uvloop"),
        (
            lambda api, loop, python: "hurt" if loop == "uvloop" or python == "3.11.7" else "fine",
            ["loop", "Python"],
            "uvloop; Python 3.11",
        ),
    ],
)
def test_the_smallest_set_of_factors_predicts_and_each_outcome_has_its_place(result, factors, hurts):
    found = everywhere(result)
    assert view.predicted_by(survey(*found), behaviour()) == factors
    hurting = {each.levels for each in found if each.outcomes == ("hurt",)}
    assert where(hurting, {each.levels for each in found}) == hurts


def test_where_one_place_disagrees_with_itself_only_timing_decides():
    assert view.predicted_by(survey(evidence(outcomes=("fine", "hurt"))), behaviour()) == ["timing"]


def test_two_pythons_of_one_branch_are_told_apart():
    cells = {("streams", "asyncio", python) for python in ("3.12.1", "3.12.9", "3.13.0")}
    assert where({("streams", "asyncio", "3.12.1")}, cells) == "Python 3.12.1"
    assert where({cell for cell in cells if cell[2] != "3.12.1"}, cells) == "Python from 3.12.9"


# --- Views ---
def drawn(blocks, width=100):
    """The lines of a view, as text."""
    return ["".join(part for part, _ in line).rstrip() for line in layout.text_of(blocks, width)]


def test_the_summary_is_a_sentence_each():
    found = survey(*everywhere(as_the_table_says), *everywhere(lambda *levels: "fine", "remedy"))
    assert view.summary(found) == [
        "1 behaviour, 24 cases on asyncio and uvloop 0.23.0, Python 3.11.7, 3.12.1 and 3.13.0: all as known.",
        "In what ran here: 1 by API, loop and Python.",
        "Biting here: 1; with a way around that worked wherever it ran: 1.",
        "a-trap is a bug of Python 3.12.1 and 3.13.0, gone in 3.12.9, 3.13.2 (gh-1).",
    ]


def test_what_was_skipped_somewhere_is_predicted_by_what_ran():
    found = survey(evidence(outcomes=("hurt",)), evidence(python="3.11.7", outcomes=(), skipped="not there"))
    assert view.summary(found)[0].endswith("1 skipped, all others as known.")
    assert view.summary(found)[1] == "In what ran here: 1 alike everywhere."


def test_news_comes_first_and_names_the_loop_that_alone_has_it():
    found = survey(evidence(outcomes=("hurt",)), evidence(loop="new:loop", outcomes=("fine",)), evidence(case="remedy"))
    assert view.unusual(found) == ["a-trap, trap, new:loop: news: fine (known is: hurt)"]
    shown = drawn(view.overview(found))
    assert shown.index("Not as known") < shown.index("Data")


def test_only_what_bites_can_be_shown():
    behaviours = {"a-trap": behaviour(), "harmless": behaviour("harmless")}
    harmless = dataclasses.replace(evidence(python="3.11.7"), behaviour="harmless")
    found = survey(evidence(outcomes=("hurt",)), harmless, behaviours=behaviours)
    assert "  harmless: What harmless does" in drawn(view.overview(found))
    assert "  harmless: What harmless does" not in drawn(view.overview(found, only_bites=True))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_page_fits_and_has_both_codes_beside_each_other_where_there_is_room(width):
    found = survey(*everywhere(as_the_table_says))
    shown = drawn(view.page(found, behaviour()), width)
    assert max(map(len, shown)) <= width
    beside = [line for line in shown if "streams_trap" in line and "protocol_trap" in line]
    assert bool(beside) is (width == 120)
    assert any("By itself: python -m behaviours.data.a-trap" in line for line in shown)


def test_as_markdown_code_stays_code_and_each_has_a_heading_that_can_be_linked():
    found = survey(*everywhere(as_the_table_says))
    whole = layout.markdown_of(view.overview(found, whole=True))
    assert "### What a-trap does" in whole
    assert "- `!` hurt (it is lost): asyncio from 3.12; Protocol on uvloop\n- `=` fine: " in whole
    assert layout.markdown_of([layout.Line("call `write_eof()` and *then* close", "prose")]) == (
        "call `write_eof()` and \\*then\\* close\n"
    )


# --- Kept, and read again ---
def test_what_was_kept_is_read_as_it_was_and_the_last_of_a_place_counts(tmp_path):
    found = everywhere(as_the_table_says)
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    first.write_text(to_json(survey(*found).findings))
    assert len(json.loads(first.read_text())["seen"]) == 4
    assert sorted(read([first]), key=str) == sorted(found, key=str)
    second.write_text(to_json(survey(evidence(outcomes=("fine", "fine"), told=("so",))).findings))
    assert len(read([first, second])) == 12
    assert evidence(outcomes=("fine", "fine"), told=("so",)) in read([first, second])


SEEN = '{"behaviours": 1, "seen": [{"behaviour": "eof-loop", "case": "trap", "api": "streams", %s}]}'


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{}", '{"behaviours": 7}', '{"behaviours": 1, "seen": [{}]}'),
        SEEN % '"where": [["asyncio", "", "3.12.1"]]',
        SEEN % '"failed": "so", "where": [["asyncio", "", "x"]]',
    ],
)
def test_a_file_that_holds_something_else_is_named(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(CannotCompare, match=r"other\.json.* is not a file of `compare\.py behaviours --save`"):
        read([path])


# --- Names ---
def test_a_part_of_a_name_is_enough_and_a_slip_is_understood():
    names = ["eof-loop", "eof-late", "sigint-live"]
    assert meant("behaviours", "sigint", names) == "sigint-live"
    assert meant("behaviours", "eof-loop", names) == "eof-loop"
    for said, remedy in (("eof", "give one of eof-loop, eof-late"), ("sigtin-live", "did you mean sigint-live")):
        with pytest.raises(CannotCompare, match=remedy):
            meant("behaviours", said, names)


def test_the_survey_of_nothing_says_so_by_its_exit_code():
    assert Survey({}, ()).exit_code == 2
