"""What changes from one loop or Python to another: counted where it is that and nothing else which differs."""

import dataclasses

import pytest
import recorded

from comparison.judge.causes import Names
from comparison.layout import Command, Line, Table
from comparison.model import Cell, Comparison, Pairing, Survey
from comparison.play.transports import TRANSPORTS
from comparison.report import export, levels

OTHER_PYTHON = "3.13.0"


def comparison(edit=lambda pairing, side, lines: lines, *, name="plain", names=None, skips=lambda pairing: False):
    """The recorded matrix, with changed logs, as a scenario of its own."""
    runs = [run for run in recorded.matrix(edit) if not skips(run.pairing)]
    reference = Pairing(recorded.ENDPOINTS[0], recorded.ENDPOINTS[0])
    scenario = dataclasses.replace(recorded.PLAIN, name=name)
    cells, causes, groups = recorded.judged(scenario, runs, reference, names)
    everyone = tuple(recorded.ENDPOINTS)
    played = {cell.pairing for cell in cells}
    pairings = [Pairing(server, client) for server in everyone for client in everyone]
    skipped = [Cell(pairing, {}, "it has none") for pairing in pairings if pairing not in played]
    return Comparison(
        scenario, TRANSPORTS["tcp"], {}, everyone, everyone, everyone, reference, 1, (*cells, *skipped), causes, groups,
        (), 0.0, ("--loop", "asyncio,uvloop", "--server", "streams,protocol"),
    )  # fmt: skip


def of(*comparisons):
    [standing] = levels.standings(Survey(comparisons, 0.0))
    return standing


def on_uvloop(pairing, side):
    return pairing.end(side).loop == "uvloop"


def odd(pairing, side, lines):
    """A server on uvloop says something that no other says."""
    return (
        [*lines[:-2], "asyncio: something odd", *lines[-2:]] if side == "server" and on_uvloop(pairing, side) else lines
    )


def loses(pairing, side, lines):
    """A server on uvloop drops the second piece."""
    lost = side == "server" and on_uvloop(pairing, side)
    return [line for line in lines if "in parts" not in line] if lost else lines


def test_what_the_api_alone_decides_is_no_change_from_loop_to_loop():
    """Protocol tells of an end of file on both loops, and a selector is only told of."""
    assert of(comparison()) == levels.Standing("loop", "uvloop", "asyncio", ("plain",), {}, {}, {})


def test_a_difference_of_one_loop_is_counted_there_by_what_its_cause_goes_by():
    names = Names()
    found = of(comparison(names=names), comparison(odd, name="odd", names=names))
    assert (found.alike, found.differs, found.fails) == (("plain",), {"odd": ("A",)}, {})


def test_a_failure_of_one_loop_is_counted_there_and_not_as_a_difference_besides():
    found = of(comparison(loses, name="loses"))
    assert (found.alike, found.differs) == ((), {})
    assert list(found.fails) == ["loses"]


def test_what_fails_on_the_first_loop_as_well_is_no_change():
    def all_lose(pairing, side, lines):
        return [line for line in lines if "in parts" not in line] if side == "server" else lines

    assert of(comparison(all_lose)).alike == ("plain",)


def test_what_was_not_tried_on_one_loop_only_is_said():
    found = of(comparison(skips=lambda pairing: "uvloop" in (pairing.server.loop, pairing.client.loop)))
    assert found.skipped == {"plain": ("it has none",)}
    assert of(comparison(skips=lambda pairing: pairing.server.implementation == "protocol")).skipped == {}


def test_each_loop_is_held_against_the_first_whatever_a_third_one_does(monkeypatch):
    third = [recorded.endpoint(api, "third") for api in ("streams", "protocol")]
    monkeypatch.setattr(recorded, "ENDPOINTS", [*recorded.ENDPOINTS, *third])

    def only_third_loses(pairing, side, lines):
        lost = side == "server" and "third" in (pairing.server.loop, pairing.client.loop)
        return [line for line in lines if "in parts" not in line] if lost else lines

    uvloop, other = levels.standings(Survey((comparison(only_third_loses),), 0.0))
    assert (uvloop.level, uvloop.alike, list(other.fails)) == ("uvloop", ("plain",), ["plain"])


def test_pythons_are_held_against_each_other_in_the_same_way(monkeypatch):
    first = [end for end in recorded.ENDPOINTS if end.loop == "asyncio"]
    second = [dataclasses.replace(end, python=OTHER_PYTHON, label=f"{end.label}/3.13.0") for end in first]
    monkeypatch.setattr(recorded, "ENDPOINTS", [*first, *second])
    assert of(comparison()) == levels.Standing("python", OTHER_PYTHON, "3.12.1", ("plain",), {}, {}, {})


def test_the_table_has_a_row_for_each_loop_and_leads_to_what_is_behind_its_numbers():
    names = Names()
    survey = Survey((comparison(names=names), comparison(odd, name="odd", names=names)), 0.0)
    blocks = list(levels.blocks(survey))
    [table] = [block for block in blocks if isinstance(block, Table)]
    assert (list(table.head), [text for text, _ in table.rows[0]]) == (
        ["loop", "as with asyncio", "differs", "fails", "skipped"],
        ["uvloop", "1", "1", "0", "0"],
    )
    assert "uvloop differs (A): odd" in [block.text for block in blocks if isinstance(block, Line)]
    [command] = [block.text for block in blocks if isinstance(block, Command)]
    assert command.endswith("behaviours --loop asyncio,uvloop")


@pytest.mark.parametrize("loops", [["asyncio"]])
def test_of_a_single_loop_there_is_nothing_to_tell(loops, monkeypatch):
    monkeypatch.setattr(recorded, "ENDPOINTS", [end for end in recorded.ENDPOINTS if end.loop in loops])
    assert list(levels.blocks(Survey((comparison(),), 0.0))) == []


def test_behaviours_stand_beside_the_scenarios_where_they_were_looked_at():
    survey = Survey((comparison(),), 0.0, {"uvloop": ("write-after-close", "wait-closed")})
    blocks = list(levels.blocks(survey))
    [table] = [block for block in blocks if isinstance(block, Table)]
    assert (table.head[-1], table.rows[0][-1][0]) == ("behaviours", "2")
    assert "uvloop behaves otherwise than asyncio: write-after-close, wait-closed" in [
        block.text for block in blocks if isinstance(block, Line)
    ]
    assert export.from_json(export.to_json(survey).encode(), "it").otherwise == survey.otherwise


def test_json_has_them_too():
    [standing] = export.document(Survey((comparison(),), 0.0))["levels"]
    assert (standing["factor"], standing["level"], standing["alike"]) == ("loop", "uvloop", ["plain"])
