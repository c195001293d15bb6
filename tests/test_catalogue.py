"""Every explanation of the catalogue can be seen in a run of the scenario that it names, and explains nothing else."""

import importlib.util

import pytest

from comparison.catalogue import CATALOGUE, entry_for, expected_axis
from comparison.run import choose, compare_all, trials
from comparison.scenarios import SCENARIOS
from comparison.transports import TRANSPORTS, missing

LOCAL = [name for name, entry in CATALOGUE.items() if not entry.everywhere]


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_explanation_can_be_seen_where_it_says(name):
    entry = CATALOGUE[name]
    if "own loop" in entry.axis and importlib.util.find_spec("uvloop") is None:
        pytest.skip("two loops are needed: pip install uvloop")
    if (why := missing(TRANSPORTS[entry.transport])) is not None:
        pytest.skip(why)
    [trial] = trials([entry.scenario], [entry.transport])
    assert trial.skipped is None
    [comparison] = compare_all(choose(), [trial], jobs=2)
    told = [
        (cause.explanation.name if cause.explained else cause.event, cause.axes, cause.finding)
        for cause in comparison.causes
    ]
    seen = [cause for cause in comparison.causes if cause.explanation == entry]
    assert seen, told
    assert all(entry.axis in cause.axes for cause in seen), told
    assert all(cause.explained for cause in comparison.causes), told
    assert [cell.reason for cell in comparison.cells if cell.verdict not in ("identical", "explained")] == []


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_explanation_says_all_that_a_reader_needs(name):
    entry = CATALOGUE[name]
    assert entry.name == name
    assert entry.title.strip()
    assert entry.text.strip().endswith(".")
    assert entry.source.strip()
    assert entry.events
    assert set(entry.axis.replace(" and ", ",").split(",")) <= {
        f"{whose} {factor}" for whose in ("own", "peer") for factor in ("implementation", "loop", "python")
    }


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_explanation_names_a_scenario_that_is_there_to_show_it(name):
    entry = CATALOGUE[name]
    assert name in SCENARIOS[entry.scenario].shows
    assert entry.transport in SCENARIOS[entry.scenario].transports


def test_a_scenario_shows_only_what_the_catalogue_has():
    shown = {name for scenario in SCENARIOS.values() for name in scenario.shows}
    assert shown <= CATALOGUE.keys()


@pytest.mark.parametrize("name", LOCAL)
def test_an_explanation_of_one_scenario_is_silent_in_all_others(name):
    entry = CATALOGUE[name]
    for scenario in SCENARIOS.values():
        if name not in scenario.shows:
            for event in entry.events:
                assert entry_for(event, [entry.axis], scenario.shows) != entry
    general = {event for other in CATALOGUE.values() if other.everywhere for event in other.events}
    for event in set(entry.events) - general:
        assert entry_for(event, [entry.axis], ()) is None
        assert expected_axis(event, ()) is None


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_explanation_does_not_stand_for_another_axis(name):
    entry = CATALOGUE[name]
    other = "peer python"
    for event in entry.events:
        assert entry_for(event, [other], [name]) is None
        assert entry_for(event, [], [name]) is None
        assert entry_for(event, [entry.axis, other], [name]) is not None
