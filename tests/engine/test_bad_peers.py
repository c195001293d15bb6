"""Badly behaved peers over other transports than their own: every endpoint holds its own against each of them, and what
then differs is explained."""

import pytest

from comparison.model import Verdict
from comparison.run import compare_all, outlined
from comparison.scenarios import SCENARIOS
from comparison.selection import choose, trials
from comparison.vocabulary import KINDS

SCRIPTS = {name: scenario for name, scenario in SCENARIOS.items() if scenario.script is not None}
ELSEWHERE = [
    (name, transport)
    for name, transport in (
        ("never-reads", "tcp6"),
        ("reset-mid-stream", "tcp6"),
        ("says-nothing", "unix"),
        ("interleaved", "unix"),
        ("says-nothing", "tls"),
        ("reads-after-eof", "tcp"),
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
    [comparison] = compare_all([outlined(everyone, trial)], jobs=2)
    if comparison.cells and all(cell.verdict is Verdict.SKIPPED for cell in comparison.cells):
        pytest.skip(comparison.cells[0].reason)
    found = {str(cell.pairing): f"{cell.verdict}: {cell.reason}" for cell in comparison.cells}
    assert not any(cell.verdict.is_trouble or cell.verdict is Verdict.SKIPPED for cell in comparison.cells), found
    assert len(found) == len(everyone.pairings(trial.scenario))
    return comparison


@pytest.mark.parametrize(("name", "transport"), ELSEWHERE, ids=lambda value: value)
def test_a_bad_peer_is_no_worse_over_another_transport(everyone, name, transport):
    holds(everyone, name, transport)


def test_each_script_says_what_it_is_about():
    for scenario in SCRIPTS.values():
        assert scenario.description
        assert len(scenario.on_trial) == 1
        assert scenario.pattern


def test_what_a_peer_must_tell_is_in_the_vocabulary():

    known = KINDS.keys()
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
