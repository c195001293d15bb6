"""What the first lines of a run say, made from its verdicts: who does what, in how many pairings, or what all have in
common."""

import dataclasses

import pytest
from recorded import ENDPOINTS, TUTORIAL, matrix
from test_mutants import CLIENTS, LIES, LYING_CLIENTS, SERVERS, everyone, mutant

from comparison import layout
from comparison.judge.verdicts import judge, observe
from comparison.model import Cell, Comparison, Expectation, Pairing, Run, Scenario, Survey
from comparison.play import runner
from comparison.play.transports import TCP
from comparison.report import sentence, view
from comparison.scenarios import SCENARIOS

STREAMS = ENDPOINTS[0]


def comparison(runs, scenario: Scenario = TUTORIAL, reference: Pairing | None = None, skipped=()) -> Comparison:
    """What comes of runs that were played."""
    reference = reference or runs[0].pairing
    cells, causes, groups = judge(scenario, [observe(scenario, run) for run in runs], reference)
    cells += tuple(Cell(pairing, {}, "too busy") for pairing in skipped)
    servers = tuple(dict.fromkeys(cell.pairing.server for cell in cells))
    clients = tuple(dict.fromkeys(cell.pairing.client for cell in cells))
    ends = tuple(dict.fromkeys((*servers, *clients)))
    return Comparison(
        scenario, TCP, {"Python": "3.12.1"}, ends, servers, clients, reference, 1, cells, causes, groups, (), 1.0
    )


def said(*comparisons: Comparison) -> str:
    return sentence.of(Survey(comparisons, 1.0))


def lines(survey: Survey, width: int = 80) -> list[str]:
    """The view in a terminal."""
    return ["".join(text for text, _ in line).rstrip() for line in layout.text_of(view.blocks(survey), width)]


def failing(runs, *labels: str, side: str = "client") -> list[Run]:
    """The runs, of which those with such an endpoint have failed."""
    return [
        dataclasses.replace(run, client=dataclasses.replace(run.client, exit_code=1))
        if run.pairing.end(side).label in labels
        else run
        for run in runs
    ]


# --- All is well ---

KNOWN = "Protocol is told of the end of file and Streams is not (eof-callback)"


def test_what_all_have_in_common_and_why_their_logs_differ():
    assert said(comparison(matrix())) == (
        f"All 16 pairings echo the same bytes and end alike. {KNOWN}; only asyncio names its selector (selector)."
    )


def test_a_pairing_alone_has_nothing_to_be_compared_with():
    assert said(comparison(matrix()[:1])) == (
        "streams/asyncio -> streams/asyncio does what it must; there is nothing to compare it with."
    )


def test_several_scenarios_and_those_that_could_not_be_tried():
    first, second = matrix(), [run for run in matrix() if run.pairing.client == STREAMS]
    other = dataclasses.replace(TUTORIAL, name="other")
    left_out = [Pairing(server, ENDPOINTS[1]) for server in ENDPOINTS]
    assert said(comparison(first), comparison(second, other, skipped=left_out)).startswith(
        "All 20 pairings in 2 scenarios echo the same bytes and end alike. 4 could not be tried here. Protocol is"
    )


def test_where_not_all_bytes_are_to_come_back_nobody_says_that_they_did():
    part = dataclasses.replace(TUTORIAL, expects=Expectation(echo="part"))
    assert said(comparison(matrix(), part)).startswith("All 16 pairings do what they must. Protocol is told")


def test_nothing_was_tried():
    runs = matrix()[:1]
    found = dataclasses.replace(comparison(runs), cells=(Cell(runs[0].pairing, {}, "no IPv6"),))
    assert said(found) == "Nothing was tried: no IPv6."


# --- Something is not ---


def test_the_endpoints_with_whom_nothing_is_well_are_named():
    found = comparison(failing(matrix(), "protocol/uvloop", side="server"))
    assert said(found) == (
        "Server protocol/uvloop fails in 4 of 16 pairings: client exited with 1: main: closing event loop."
        " The other 12 do what they must."
    )
    found = comparison(failing(matrix(), "protocol/asyncio", "protocol/uvloop"))
    assert said(found).startswith("Client protocol/asyncio and protocol/uvloop fail in 8 of 16 pairings: ")


def test_an_endpoint_that_fails_in_both_roles_is_named_in_both():
    both = failing(failing(matrix(), "streams/uvloop", side="server"), "streams/uvloop")
    assert said(comparison(both)).startswith(
        "Server streams/uvloop and client streams/uvloop fail in 7 of 16 pairings: client exited with 1"
    )


def test_a_pairing_that_fails_by_itself_is_named():
    runs = matrix()
    assert said(comparison([*runs[:5], *failing(runs[5:6], "streams/uvloop"), *runs[6:]])).startswith(
        "The pairing streams/uvloop -> streams/uvloop fails in 1 of 16 pairings: "
    )


def test_what_fails_with_everybody_is_said_to_be_nobodys():
    labels = [end.label for end in ENDPOINTS]
    assert said(comparison(failing(matrix(), *labels))) == (
        "Whoever takes part fails in 16 of 16 pairings: client exited with 1: main: closing event loop; with everybody "
        "it is a limit of this machine, or what was tried, rather than an endpoint."
    )


def test_a_line_that_nobody_has_explained_is_shown():
    def talks(pairing, side, lines):
        return [*lines, "main: more"] if side == "server" and pairing.server.label == "protocol/asyncio" else lines

    assert said(comparison(matrix(talks))) == (
        "Server protocol/asyncio differs in 4 of 16 pairings: unlike that of streams/asyncio -> streams/asyncio, the "
        "server's log also has 'main: more'. The other 12 do what they must."
    )


def test_what_fails_in_several_scenarios_is_said_once():
    other = dataclasses.replace(TUTORIAL, name="other")
    runs = failing(matrix(), "streams/uvloop")
    assert said(comparison(runs), comparison(runs, other), comparison(matrix(), other)).startswith(
        "Client streams/uvloop fails in 8 of 48 pairings, in 2 of 3 scenarios: client exited with 1: main: closing"
    )


def test_a_long_reason_is_cut_and_all_of_it_stands_below():
    def talks(pairing, side, lines):
        return [*lines, f"main: {'more ' * 100}"] if pairing.server.label == "protocol/asyncio" else lines

    found = comparison(matrix(talks))
    assert len(said(found)) < 300
    assert said(found).partition(". The other")[0].endswith("...")


# --- Each defect that the tutorial finds ---


def play(pairings) -> dict[Pairing, Run]:
    """The tutorial, with a short deadline for those that hang."""
    units = runner.units(runner.Unit(SCENARIOS["tutorial"], TCP, [(pairing, 1) for pairing in pairings]))
    return {run.pairing: run for _, runs in runner.play_all(2, units) for run in runs}


def defects(cases):
    return [case.defect for case in cases if case.scenario == "tutorial" and case.deadline_s is None]


@pytest.fixture(scope="module")
def played() -> dict[str, tuple[Run, Run]]:
    """Side and defect -> the run of the endpoint that it was made from, and that with the defect; all of them are
    played at once."""
    [sound] = [end for end in everyone().servers if end.implementation == "streams"]
    servers = {f"server {defect}": mutant("streams", defect) for defect in defects([*SERVERS, *LIES])}
    clients = {f"client {defect}": mutant("streams", defect) for defect in defects([*CLIENTS, *LYING_CLIENTS])}
    pairings = {name: Pairing(end, sound) for name, end in servers.items()}
    pairings |= {name: Pairing(sound, end) for name, end in clients.items()}
    runs = play([Pairing(sound, sound), *pairings.values()])
    return {name: (runs[Pairing(sound, sound)], runs[pairing]) for name, pairing in pairings.items()}


NAMES = [f"server {name}" for name in defects([*SERVERS, *LIES])]
NAMES += [f"client {name}" for name in defects([*CLIENTS, *LYING_CLIENTS])]


@pytest.mark.parametrize("name", NAMES)
def test_with_a_defect_the_first_lines_name_the_endpoint_and_the_exit_code_is_1(name, played):
    survey = Survey((comparison(list(played[name]), SCENARIOS["tutorial"]),), 1.0)
    side, _, defect = name.partition(" ")
    first = " ".join(lines(survey)[:5])
    assert first.startswith(f"{side.capitalize()} streams/{defect} ")
    assert " in 1 of 2 pairings: " in first
    assert survey.exit_code == 1


def test_of_a_server_that_never_ends_too():
    runs = matrix()
    for place in (12, 13, 14, 15):
        hung = dataclasses.replace(runs[place].server, exit_code=None, trouble="still running after 15 s", fate="hung")
        runs[place] = dataclasses.replace(runs[place], server=hung)
    survey = Survey((comparison(runs),), 1.0)
    assert " ".join(lines(survey)[:5]).startswith(
        "Server protocol/uvloop fails in 4 of 16 pairings: server still running after 15 s"
    )
    assert survey.exit_code == 1
