"""Altered programs take part, and what notices them says why a statement is there."""

from harness import ROOT

from comparison.selection import choose, trials
from comparison.why import trial
from comparison.why.record import Evidence
from comparison.why.statements import alterations

SERVER = "streams_impl/server.py"
SOURCE = (ROOT / SERVER).read_text()


def searched(monkeypatch, source, codes, known=None, scenarios=("tutorial",)):
    """What notices the changes of the statements with this code, on a few grounds and on asyncio alone."""
    grounds = {(one.scenario.name, one.transport.name, ""): one for one in trials(scenarios, None)}
    monkeypatch.setattr(trial, "grounds", lambda: grounds)
    chosen = [one for one in alterations(SERVER, source) if one.code in codes and one.change == "left out"]
    known = {one.key: known for one in chosen if known}
    arena = trial.Arena(choose(loops=["asyncio"]), 2)
    return {one.code: seen for one, seen in arena.search(chosen, known)}


def test_a_line_that_is_useless_is_found_out_and_one_that_is_not_has_its_reason(monkeypatch):
    useless = SOURCE.replace(
        "            log.received(data)\n", "            log.received(data)\n            len(data)\n"
    )
    found = searched(monkeypatch, useless, ["len(data)", "writer.write(data)"])
    assert found["len(data)"] is None
    seen = found["writer.write(data)"]
    assert (seen.scenario, seen.loops, seen.told) == ("tutorial", ("asyncio",), False)
    assert "bytes" in seen.reason


def test_what_is_known_is_tried_first_and_stands_where_it_cannot_be_tried_here(monkeypatch):
    known = Evidence("tutorial", "tcp", ("some.other:loop",), "as it was")
    assert searched(monkeypatch, SOURCE, ["log.received(data)"], known)["log.received(data)"] == known


def test_what_has_noticed_a_change_on_two_loops_is_asked_again_where_it_notices_on_one(monkeypatch):
    known = Evidence("tutorial", "tcp", ("asyncio", "uvloop"), "as it was")
    seen_on = iter([("uvloop",), ("asyncio",), ("nothing is asked a third time",)])

    def noticed(_, ground, those):
        return dict.fromkeys(those, Evidence(*ground[:2], next(seen_on), "as it is"))

    monkeypatch.setattr(trial.Arena, "loops", frozenset(known.loops), raising=False)
    monkeypatch.setattr(trial.Arena, "grounds", {("tutorial", "tcp", ""): None}, raising=False)
    monkeypatch.setattr(trial.Arena, "__init__", lambda *_: None)
    monkeypatch.setattr(trial.Arena, "noticed", noticed)
    seen = searched(monkeypatch, SOURCE, ["log.received(data)"], known)["log.received(data)"]
    assert (seen.loops, seen.reason) == (("asyncio", "uvloop"), "as it is")


def test_a_planted_defect_is_no_reason_by_itself(monkeypatch):
    [tutorial] = trials(["tutorial"], None)
    same = [one for one in alterations(SERVER, SOURCE) if one.code == "writer.close()"][:1]
    same = [type(one)(**{**vars(one), "source": f"{SOURCE}\n"}) for one in same]
    monkeypatch.setattr(trial, "grounds", lambda: {("tutorial", "tcp", "received bytes raise"): tutorial})
    [(_, seen)] = trial.Arena(choose(loops=["asyncio"]), 2).search(same, {})
    assert seen is None
