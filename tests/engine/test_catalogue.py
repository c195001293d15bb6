"""Every explanation of the catalogue says all that a reader needs, names the scenario that shows it, and explains
nothing else. That it is seen there, `test_scenarios.py` finds out."""

import itertools

import pytest

from comparison.judge.catalogue import CATALOGUE, entries_for
from comparison.scenarios import SCENARIOS
from comparison.vocabulary import BYTES

LOCAL = [name for name, entry in CATALOGUE.items() if not entry.everywhere]


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_explanation_says_all_that_a_reader_needs(name):
    entry = CATALOGUE[name]
    assert entry.name == name
    assert entry.title.strip()
    assert entry.text.strip().endswith(".")
    assert entry.source.strip()
    assert entry.places
    assert set(entry.axis.replace(" and ", ",").split(",")) <= {
        f"{whose} {factor}" for whose in ("own", "peer") for factor in ("implementation", "loop", "python")
    }


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_explanation_names_a_scenario_that_is_there_to_show_it(name):
    entry = CATALOGUE[name]
    assert name in SCENARIOS[entry.scenario].shows


@pytest.mark.parametrize("name", LOCAL)
def test_an_explanation_of_one_scenario_is_silent_in_all_others(name):
    entry = CATALOGUE[name]
    for scenario in SCENARIOS.values():
        if name not in scenario.shows:
            for event in entry.places:
                assert entry not in entries_for(event, scenario.shows)
    general = {event for other in CATALOGUE.values() if other.everywhere for event in other.places}
    for event in set(entry.places) - general:
        assert list(entries_for(event, ())) == []


def test_in_its_own_scenario_the_special_explanation_comes_before_the_general_one():
    special, general = CATALOGUE["eof-without-close-notify"], CATALOGUE["eof-callback"]
    assert list(entries_for("eof", [special.name])) == [special, general]
    assert list(entries_for("eof", ())) == [general]
    assert list(entries_for("eof", [general.name])) == [general]


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_explanation_says_where_each_event_is_at_the_levels_of_its_axis(name):
    entry = CATALOGUE[name]
    for places in entry.places.values():
        assert set(map(len, places)) == {len(entry.axis.split(" and "))}
        # What is the same everywhere is no difference.
        assert len(set(places.values())) > 1 or set(places.values()) == {"either"}


def test_only_what_is_done_is_seen_by_a_peer():
    for entry in CATALOGUE.values():
        seen_by_peers = {event for event in entry.places if event.startswith("peer ") or event in BYTES}
        assert bool(seen_by_peers) == (entry.kind == "done"), entry.name


def test_the_first_place_that_fits_counts():
    entry = CATALOGUE["eof-without-close-notify"]
    found = {
        levels: place[1]
        for levels in itertools.product(("protocol", "streams", "third"), ("asyncio", "uvloop", "unknown"))
        if (place := entry.place("eof", levels)) is not None
    }
    assert found == {
        ("protocol", "asyncio"): "there",
        ("protocol", "uvloop"): "missing",
        ("protocol", "unknown"): "there",
        ("streams", "asyncio"): "missing",
        ("streams", "uvloop"): "missing",
        ("streams", "unknown"): "missing",
    }
    assert entry.place("received", ("protocol", "asyncio")) is None
