"""Badly behaved peers, and a server's own life: every endpoint holds its own against each of them, over each of a
few transports, and what then differs is explained."""

import pytest

from common.logs import EVENTS
from comparison.model import Verdict
from comparison.peers import PEER_ENDINGS, PEER_EVENTS
from comparison.run import choose, compare_all, trials
from comparison.scenarios import SCENARIOS

SCRIPTS = {name: scenario for name, scenario in SCENARIOS.items() if scenario.script is not None}
PAIRS = ("idle", "client-timeout", "tls", "client-certificate")
"""Scenarios for a server with a client where something other than a whole echo, or a handshake, is expected."""

ELSEWHERE = [
    (name, transport)
    for name, transport in (
        ("never-reads", "tcp6"),
        ("reset-mid-stream", "tcp6"),
        ("says-nothing", "unix"),
        ("reads-slowly", "unix"),
        ("says-nothing", "tls"),
        ("sigterm-mid-echo", "unix"),
        ("closes-at-once", "unix"),
        ("echoes-too-little", "tcp6"),
        ("echoes-too-much", "unix"),
        ("never-answers", "tls"),
        ("refuses", "tcp6"),
        ("plain-text-to-tls", "mtls"),
    )
]


@pytest.fixture(scope="module")
def everyone():
    """Every implementation on every loop that is installed."""
    return choose()


def holds(everyone, name, transport=None):
    """Run a scenario with every endpoint: no cell is different, failed or skipped."""
    [trial] = trials([name], None if transport is None else [transport])
    if trial.skipped is not None:
        pytest.skip(trial.skipped)
    [comparison] = compare_all(everyone, [trial], jobs=2)
    if comparison.cells and all(cell.verdict is Verdict.SKIPPED for cell in comparison.cells):
        pytest.skip(comparison.cells[0].reason)
    found = {str(cell.pairing): f"{cell.verdict}: {cell.reason}" for cell in comparison.cells}
    assert {cell.verdict for cell in comparison.cells} <= {Verdict.IDENTICAL, Verdict.EXPLAINED}, found
    assert len(found) == len(everyone.pairings(trial.scenario))
    return comparison


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_endpoint_stands_a_bad_peer(everyone, name):
    comparison = holds(everyone, name)
    [side] = comparison.scenario.on_trial
    assert {cell.pairing.end(side).label for cell in comparison.cells} == {end.label for end in everyone.servers}


@pytest.mark.parametrize("name", PAIRS)
def test_every_pair_does_what_is_expected_of_it(everyone, name):
    holds(everyone, name)


@pytest.mark.parametrize(("name", "transport"), ELSEWHERE, ids=lambda value: value)
def test_a_bad_peer_is_no_worse_over_another_transport(everyone, name, transport):
    holds(everyone, name, transport)


def test_each_script_says_what_it_is_about():
    for scenario in SCRIPTS.values():
        assert scenario.description
        assert len(scenario.on_trial) == 1
        assert scenario.pattern


def test_what_a_peer_must_tell_is_in_the_vocabulary():

    known = {*EVENTS, *PEER_EVENTS}
    for scenario in SCENARIOS.values():
        expects = scenario.expects
        for event in (
            *expects.server_endings,
            *expects.client_endings,
            *expects.warnings,
            *expects.told,
            *expects.by_timing,
        ):
            assert event in known, (scenario.name, event)
    assert set(PEER_ENDINGS) <= PEER_EVENTS.keys()
