"""The right verdict for the right reason: what is told, what is done, who is to blame.

First on recorded runs, then on real ones: programs from which a statement is missing, and the loops of
`tests/planted_loops.py`.
"""

import dataclasses
import functools
import importlib.util
import itertools
import json
from collections import Counter
from pathlib import Path

import pytest
from recorded import ENDPOINTS, PLAIN, TUTORIAL, client_lines, endpoint, judged, matrix, run, server_lines

from comparison.model import RAW, Expectation, Pairing, Survey, Verdict
from comparison.play.transports import TRANSPORTS, missing
from comparison.report import export
from comparison.run import compare_all, outlined
from comparison.scenarios import SCENARIOS
from comparison.selection import Trial, choose

ROOT = Path(__file__).resolve().parents[2]
STREAMS, STREAMS_UVLOOP, PROTOCOL, PROTOCOL_UVLOOP = ENDPOINTS
ODD = [endpoint("streams", "odd"), endpoint("protocol", "odd")]
THIRD = endpoint("third", "asyncio")
EOF = "received EOF"


def own(pairing, side):
    return pairing.end(side)


def recorded(endpoints, edit=lambda end, lines: lines, *, clients=None, repeat=1):
    """A run of each of the endpoints as a server with each as a client; `edit(endpoint, lines)` has its way with what
    each writes."""
    runs = []
    for server, client in itertools.product(endpoints, clients or endpoints):
        pairing = Pairing(server, client)
        served, sent = edit(server, server_lines(server)), edit(client, client_lines(client))
        runs += [run(pairing, served, sent, number=number) for number in range(1, repeat + 1)]
    return runs


def without(text, lines):
    return [line for line in lines if text not in line]


def with_eof(lines):
    """The lines with an EOF before the connection closes, if it is not there yet."""
    if any(EOF in line for line in lines):
        return lines
    closing = next(n for n, line in enumerate(lines) if line.startswith("echo_") and line.endswith(": closing"))
    return [*lines[:closing], lines[closing].replace("closing", EOF), *lines[closing:]]


def no_eof_on_odd(end, lines):
    """A loop that never calls eof_received()."""
    return without(EOF, lines) if end.loop == "odd" else lines


def eof_on_odd_only(end, lines):
    """A scenario without an EOF, in which an odd loop calls eof_received() all the same."""
    return lines if end.loop == "odd" else without(EOF, lines)


def in_trouble(cells):
    """The pairings that are different or failed."""
    return {cell.pairing for cell in cells if cell.verdict.is_trouble}


def with_one_of(runs, *blamed):
    """The pairings in which one of these takes part."""
    return {one.pairing for one in runs if {one.pairing.server, one.pairing.client} & set(blamed)}


def unexplained(causes):
    """What is not explained: the event, what predicts it, and the entry that does not hold."""
    return [
        (cause.event, cause.axes, cause.broken and cause.broken.name) for cause in causes if cause.explanation is None
    ]


def only(cells, pairing):
    return next(cell for cell in cells if cell.pairing == pairing)


SCENARIOS_ = pytest.mark.parametrize("scenario", [TUTORIAL, PLAIN], ids=lambda scenario: scenario.name)

CHOICES = {
    "asyncio,odd": [STREAMS, PROTOCOL, *ODD],
    "odd,asyncio": [*ODD, STREAMS, PROTOCOL],
    "asyncio,uvloop,odd": [*ENDPOINTS, *ODD],
    "odd,asyncio,uvloop": [*ODD, *ENDPOINTS],
    "uvloop,odd": [STREAMS_UVLOOP, PROTOCOL_UVLOOP, *ODD],
    "odd,uvloop": [*ODD, STREAMS_UVLOOP, PROTOCOL_UVLOOP],
}


# --- Told and done ---


def test_what_is_only_told_is_alike_and_says_what():
    cells, _, _ = judged(TUTORIAL, matrix(), Pairing(STREAMS, STREAMS))
    found = {cell.pairing: (cell.verdict, cell.reason) for cell in cells}
    assert found[Pairing(STREAMS, STREAMS)] == (Verdict.REFERENCE, "what the others are held against")
    assert found[Pairing(STREAMS, PROTOCOL)] == (
        Verdict.ALIKE,
        "differs from the reference only in what is told: eof-callback",
    )
    assert found[Pairing(STREAMS_UVLOOP, PROTOCOL)] == (
        Verdict.ALIKE,
        "differs from the reference only in what is told: eof-callback, selector",
    )


FULL = dataclasses.replace(PLAIN, name="full", shows=("out-of-files",))
OUT_OF_FILES = "main: out of file descriptors: new connections wait until others close"


def full(*loops):
    """Servers whose file descriptors are used up: those on these loops say so."""

    def edit(end, lines):
        starting = next((n for n, line in enumerate(lines) if "starting up" in line), None)
        if starting is None or end.loop not in loops:
            return lines
        return [*lines[: starting + 1], OUT_OF_FILES, *lines[starting + 1 :]]

    return edit


def test_what_is_done_is_explained_and_what_is_told_beside_it_is_named():
    runs = recorded(ENDPOINTS, full("asyncio"), clients=[STREAMS])
    cells, _, _ = judged(FULL, runs, Pairing(STREAMS, STREAMS))
    assert {cell.pairing.server.label: (str(cell.verdict), cell.reason.rpartition(": ")[2]) for cell in cells} == {
        "streams/asyncio": ("reference", "what the others are held against"),
        "streams/uvloop": ("explained", "out-of-files, selector"),
        "protocol/asyncio": ("alike", "eof-callback"),
        "protocol/uvloop": ("explained", "eof-callback, out-of-files, selector"),
    }


def test_an_explanation_of_one_scenario_explains_nothing_in_another():
    runs = recorded([STREAMS, STREAMS_UVLOOP], full("asyncio"), clients=[STREAMS])
    cells, causes, _ = judged(PLAIN, runs, Pairing(STREAMS, STREAMS))
    assert unexplained(causes) == [("out_of_files", ("own loop",), None)]
    assert in_trouble(cells) == {Pairing(STREAMS_UVLOOP, STREAMS)}


# --- The right event in the wrong place ---


@SCENARIOS_
def test_eof_told_by_streams_is_explained_by_nothing(scenario):
    def edit(end, lines):
        return with_eof(lines) if end == STREAMS_UVLOOP else lines

    runs = recorded(ENDPOINTS, edit)
    cells, causes, _ = judged(scenario, runs, Pairing(STREAMS, STREAMS))
    assert {(event, broken) for event, _, broken in unexplained(causes)} == {("eof", "eof-callback")}
    assert in_trouble(cells) == with_one_of(runs, STREAMS_UVLOOP)
    cell = only(cells, Pairing(STREAMS_UVLOOP, STREAMS))
    assert cell.reason == "not where eof-callback has it: 'eof'"


@SCENARIOS_
@pytest.mark.parametrize("change", ["told on uvloop", "missing on asyncio"])
def test_a_selector_in_the_wrong_place_is_explained_by_nothing(scenario, change):
    blamed = PROTOCOL_UVLOOP if change == "told on uvloop" else PROTOCOL

    def edit(end, lines):
        if end != blamed:
            return lines
        if end.loop == "asyncio":
            return without("selector", lines)
        return ["asyncio: Using selector: EpollSelector", *lines]

    runs = recorded(ENDPOINTS, edit)
    cells, causes, _ = judged(scenario, runs, Pairing(STREAMS, STREAMS))
    assert {(event, broken) for event, _, broken in unexplained(causes)} == {("selector", "selector")}
    assert in_trouble(cells) == with_one_of(runs, blamed)


def test_out_of_files_told_on_uvloop_is_explained_by_nothing():
    runs = recorded([STREAMS, STREAMS_UVLOOP], full("asyncio", "uvloop"), clients=[STREAMS])
    cells, causes, _ = judged(FULL, runs, Pairing(STREAMS, STREAMS))
    assert [(event, broken) for event, _, broken in unexplained(causes)] == [("out_of_files", "out-of-files")]
    assert in_trouble(cells) == {Pairing(STREAMS_UVLOOP, STREAMS)}


def test_an_event_that_another_factor_predicts_is_explained_by_nothing():
    def edit(pairing, side, lines):
        peer = pairing.client if side == "server" else pairing.server
        return with_eof(lines) if peer.implementation == "protocol" else without(EOF, lines)

    cells, causes, _ = judged(PLAIN, matrix(edit), Pairing(STREAMS, STREAMS))
    assert unexplained(causes) == [("eof", ("peer implementation",), "eof-callback")]
    assert not any(cell.verdict is Verdict.ALIKE and "eof" in cell.reason for cell in cells)


@pytest.mark.parametrize("choice", CHOICES)
def test_eof_that_one_loop_tells_where_there_is_none_blames_that_loop(choice):
    endpoints = CHOICES[choice]
    runs = recorded(endpoints, eof_on_odd_only)
    cells, causes, _ = judged(PLAIN, runs, Pairing(endpoints[0], endpoints[0]))
    assert unexplained(causes) == [("eof", ("own implementation and own loop",), "eof-callback")]
    assert "there with protocol with odd" in causes[0].finding
    assert in_trouble(cells) == with_one_of(runs, ODD[1])


# --- What must be seen ---


@pytest.mark.parametrize("side", ["server", "client"])
def test_what_a_scenario_shows_must_be_seen_on_each_side(side):
    """All programs of one side have lost the statement that tells of EOF."""

    def edit(pairing, which, lines):
        return without(EOF, lines) if which == side else lines

    runs = matrix(edit)
    cells, causes, _ = judged(TUTORIAL, runs, Pairing(STREAMS, STREAMS))
    assert unexplained(causes) == [("eof", (), "eof-callback")]
    assert causes[0].finding == "With whoever takes part; seen in 8 of 8 runs"
    assert [(d.side, d.sign) for d in causes[0].differences] == [(side, "-")]
    assert in_trouble(cells) == {one.pairing for one in runs if own(one.pairing, side).implementation == "protocol"}
    assert not any(cell.verdict.is_trouble for cell in judged(PLAIN, runs, Pairing(STREAMS, STREAMS))[0])


@pytest.mark.parametrize("label", ["protocol/asyncio", "protocol/uvloop"])
def test_what_one_endpoint_does_not_show_blames_that_endpoint(label):
    def edit(end, lines):
        return without(EOF, lines) if end.label == label else lines

    runs = recorded(ENDPOINTS, edit)
    cells, _, _ = judged(TUTORIAL, runs, Pairing(STREAMS, STREAMS))
    assert in_trouble(cells) == {pairing for pairing in with_one_of(runs, *ENDPOINTS) if label in str(pairing)}


def test_what_nobody_shows_is_missed_also_by_the_reference():
    cells, causes, _ = judged(
        TUTORIAL, recorded(ENDPOINTS, lambda end, lines: without("selector", lines)), Pairing(STREAMS, STREAMS)
    )
    assert unexplained(causes) == [("selector", (), "selector")]
    assert only(cells, Pairing(STREAMS, STREAMS)).reason == "not where selector has it: 'selector'"


@pytest.mark.parametrize("endpoints", [[STREAMS, STREAMS_UVLOOP], [PROTOCOL, PROTOCOL_UVLOOP]])
def test_where_one_api_is_chosen_nothing_is_demanded_of_the_other(endpoints):
    for edit in (lambda end, lines: lines, lambda end, lines: without(EOF, lines)):
        cells, causes, _ = judged(TUTORIAL, recorded(endpoints, edit), Pairing(endpoints[0], endpoints[0]))
        assert unexplained(causes) == []
        assert not in_trouble(cells)


def test_where_one_loop_is_chosen_no_selector_is_demanded():
    endpoints = [STREAMS, PROTOCOL]
    runs = recorded(endpoints, lambda end, lines: without("selector", lines))
    cells, causes, _ = judged(TUTORIAL, runs, Pairing(STREAMS, STREAMS))
    assert unexplained(causes) == []
    assert not in_trouble(cells)


def test_what_is_a_matter_of_timing_need_not_be_seen():
    scenario = dataclasses.replace(TUTORIAL, expects=Expectation(by_timing=("eof",)))
    cells, _, _ = judged(
        scenario, recorded(ENDPOINTS, lambda end, lines: without(EOF, lines)), Pairing(STREAMS, STREAMS)
    )
    assert not in_trouble(cells)


# --- Blame the odd one ---


@SCENARIOS_
@pytest.mark.parametrize("choice", CHOICES)
def test_a_loop_that_never_tells_eof_is_blamed_whatever_is_the_reference(choice, scenario):
    endpoints = CHOICES[choice]
    runs = recorded(endpoints, no_eof_on_odd)
    for reference in (Pairing(end, end) for end in endpoints):
        cells, causes, _ = judged(scenario, runs, reference)
        assert unexplained(causes) == [("eof", ("own loop",), "eof-callback")]
        assert causes[0].finding.endswith("missing with odd")
        assert in_trouble(cells) == with_one_of(runs, ODD[1])


@SCENARIOS_
def test_of_two_unknown_loops_the_reference_is_believed(scenario):
    other = [endpoint("streams", "other"), endpoint("protocol", "other")]
    runs = recorded([*other, *ODD], no_eof_on_odd)
    cells, causes, _ = judged(scenario, runs, Pairing(other[0], other[0]))
    assert unexplained(causes) == [("eof", ("own loop",), "eof-callback")]
    assert in_trouble(cells) == with_one_of(runs, ODD[1])


@SCENARIOS_
def test_an_odd_python_is_blamed(scenario):
    new = [dataclasses.replace(end, python="3.99", label=f"{end.label}/3.99") for end in ENDPOINTS]
    runs = recorded(
        [*ENDPOINTS, *new], lambda end, lines: without(EOF, lines) if end.python == "3.99" else lines, clients=[STREAMS]
    )
    cells, causes, _ = judged(scenario, runs, Pairing(STREAMS, STREAMS))
    assert unexplained(causes) == [("eof", ("own python",), "eof-callback")]
    assert in_trouble(cells) == with_one_of(runs, new[2], new[3])


def test_an_odd_reference_is_blamed_itself():
    runs = recorded(ENDPOINTS, lambda end, lines: without(EOF, lines) if end == PROTOCOL_UVLOOP else lines)
    reference = Pairing(PROTOCOL_UVLOOP, PROTOCOL_UVLOOP)
    cells, causes, _ = judged(TUTORIAL, runs, reference)
    assert only(cells, reference).verdict is Verdict.DIFFERENT
    assert causes[0].name in only(cells, reference).causes
    assert in_trouble(cells) == with_one_of(runs, PROTOCOL_UVLOOP)


def twice(lines, told):
    """The lines of two connections that are not alike, of which the second echoes one byte less; so many tell EOF."""
    first = next(n for n, line in enumerate(lines) if line.startswith("echo_"))
    last = max(n for n, line in enumerate(lines) if line.startswith("echo_"))
    connection = without(EOF, lines[first : last + 1])
    other = [line.replace("64624", "64625").replace("echo_client", "echo_client_2") for line in connection]
    other = [line.replace("parts.", "parts") for line in other]
    blocks = [with_eof(block) if n < told else block for n, block in enumerate((connection, other))]
    return [*lines[:first], *blocks[0], *blocks[1], *lines[last + 1 :]]


@pytest.mark.parametrize("place", range(4))
def test_a_loop_that_tells_one_of_two_ends_is_blamed_and_not_those_that_tell_both(place):
    scenario = dataclasses.replace(PLAIN, connections=2, expects=Expectation(echo="part"))
    endpoints = [STREAMS, PROTOCOL, *ODD]

    def edit(end, lines):
        return twice(lines, {STREAMS: 0, ODD[0]: 0, PROTOCOL: 2, ODD[1]: 1}[end])

    runs = recorded(endpoints, edit)
    cells, causes, _ = judged(scenario, runs, Pairing(endpoints[place], endpoints[place]))
    assert {(axes, broken) for _, axes, broken in unexplained(causes)} == {(("own loop",), "eof-callback")}
    assert in_trouble(cells) == with_one_of(runs, ODD[1])


def test_a_reference_that_fails_blames_nobody_else():
    bad = Pairing(STREAMS, STREAMS)
    runs = matrix()
    runs[0] = run(bad, server_lines(STREAMS), client_lines(STREAMS), client_exit=1)
    cells, causes, _ = judged(TUTORIAL, runs, bad)
    assert Counter(cell.verdict for cell in cells) == {Verdict.FAILED: 1, Verdict.REFERENCE: 1, Verdict.ALIKE: 14}
    assert only(cells, Pairing(STREAMS, STREAMS_UVLOOP)).verdict is Verdict.REFERENCE
    assert [cause.is_failure for cause in causes] == [True, False, False]


def test_where_all_fail_each_says_why():
    runs = [
        run(one.pairing, server_lines(one.pairing.server), client_lines(one.pairing.client), client_exit=1)
        for one in matrix()
    ]
    cells, causes, _ = judged(TUTORIAL, runs, Pairing(STREAMS, STREAMS))
    assert {cell.verdict for cell in cells} == {Verdict.FAILED}
    assert [(cause.is_failure, cause.axes) for cause in causes] == [(True, ())]
    assert causes[0].finding == "With whoever takes part; in 16 of 16 runs"


# --- Several runs ---


@SCENARIOS_
def test_a_single_run_that_tells_no_eof_makes_its_own_pairing_different(scenario):
    runs = matrix(repeat=3)
    place = next(n for n, one in enumerate(runs) if one.pairing == Pairing(PROTOCOL, STREAMS))
    runs[place] = run(runs[place].pairing, without(EOF, server_lines(PROTOCOL)), client_lines(STREAMS))
    cells, causes, _ = judged(scenario, runs, Pairing(STREAMS, STREAMS))
    assert in_trouble(cells) == {Pairing(PROTOCOL, STREAMS)}
    assert causes[0].finding.startswith("Timing: runs of one and the same pairing disagree; seen in 1 of 24 runs")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_run_of_the_reference_that_differs_makes_the_reference_different_and_nobody_else(number):
    runs = matrix(repeat=3)
    lines = [*server_lines(STREAMS)[:-1], "asyncio: something odd", "main: closing event loop"]
    runs[number - 1] = run(Pairing(STREAMS, STREAMS), lines, client_lines(STREAMS), number=number)
    cells, causes, _ = judged(TUTORIAL, runs, Pairing(STREAMS, STREAMS))
    assert in_trouble(cells) == {Pairing(STREAMS, STREAMS)}
    assert only(cells, Pairing(STREAMS, STREAMS)).agreed == 2
    assert causes[0].finding == (
        "Timing: runs of one and the same pairing disagree; seen in 1 of 48 runs, in streams/asyncio -> streams/asyncio"
    )


def test_the_reference_by_itself_is_different_where_its_runs_disagree():
    lines = [*server_lines(STREAMS)[:-1], "asyncio: something odd", "main: closing event loop"]
    alone = Pairing(STREAMS, STREAMS)
    runs = [run(alone, server_lines(STREAMS), client_lines(STREAMS), number=n) for n in (1, 2)]
    [cell], causes, _ = judged(TUTORIAL, runs, alone)
    assert (cell.verdict, cell.reason, causes) == (
        Verdict.REFERENCE,
        "there is nothing to compare it with",
        (),
    )
    runs.append(run(alone, lines, client_lines(STREAMS), number=3))
    [cell], causes, _ = judged(TUTORIAL, runs, alone)
    assert (cell.verdict, cell.reason, cell.agreed) == (Verdict.DIFFERENT, "unexplained: 'log'", 2)


def test_a_reference_of_which_a_run_fails_still_has_runs_to_be_held_against():
    runs = matrix(repeat=2)
    runs[0] = run(runs[0].pairing, server_lines(STREAMS), client_lines(STREAMS), client_exit=1)
    cells, _, _ = judged(TUTORIAL, runs, Pairing(STREAMS, STREAMS))
    assert Counter(cell.verdict for cell in cells) == {Verdict.FAILED: 1, Verdict.ALIKE: 15}


# --- Unknown loops and implementations ---


@SCENARIOS_
@pytest.mark.parametrize("names_selector", [True, False])
@pytest.mark.parametrize("others", ["asyncio", "asyncio,uvloop", "uvloop"])
def test_an_unknown_loop_that_behaves_like_the_others_is_not_blamed(scenario, names_selector, others):
    known = [end for end in ENDPOINTS if end.loop in others.split(",")]

    def edit(end, lines):
        named = end.loop == "odd" and names_selector
        return ["asyncio: Using selector: EpollSelector", *lines] if named else lines

    for endpoints in ([*known, *ODD], [*ODD, *known]):
        cells, causes, _ = judged(scenario, recorded(endpoints, edit), Pairing(endpoints[0], endpoints[0]))
        assert unexplained(causes) == []
        assert not in_trouble(cells)


CUT = dataclasses.replace(PLAIN, name="cut", shows=("eof-without-close-notify",))


def cut(end, lines):
    """Nobody but a Protocol is told of EOF, and that only where the loop is not uvloop."""
    return without(EOF, lines) if end.loop == "uvloop" else lines


@pytest.mark.parametrize("place", range(6))
def test_eof_without_a_goodbye_is_explained_whatever_is_the_reference(place):
    endpoints = [*ENDPOINTS, *ODD]
    cells, causes, _ = judged(CUT, recorded(endpoints, cut), Pairing(endpoints[place], endpoints[place]))
    assert [cause.explanation and cause.explanation.name for cause in causes] == [
        "eof-without-close-notify",
        "selector",
    ]
    assert not in_trouble(cells)


def test_eof_without_a_goodbye_that_uvloop_tells_is_explained_by_nothing():
    runs = recorded(ENDPOINTS)
    cells, causes, _ = judged(CUT, runs, Pairing(STREAMS, STREAMS))
    assert [(event, broken) for event, _, broken in unexplained(causes)] == [("eof", "eof-without-close-notify")]
    assert in_trouble(cells) == with_one_of(runs, PROTOCOL_UVLOOP)


@pytest.mark.parametrize("choice", CHOICES)
def test_an_unknown_loop_that_is_silent_without_a_goodbye_is_to_blame(choice):
    endpoints = CHOICES[choice]
    runs = recorded(endpoints, lambda end, lines: no_eof_on_odd(end, cut(end, lines)))
    cells, _, _ = judged(CUT, runs, Pairing(endpoints[0], endpoints[0]))
    assert in_trouble(cells) == with_one_of(runs, ODD[1])


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("like", ["asyncio", "uvloop"])
def test_an_unknown_loop_without_files_has_to_be_like_asyncio(choice, like):
    endpoints = CHOICES[choice]
    loops = ("asyncio", "odd") if like == "asyncio" else ("asyncio",)
    runs = recorded(endpoints, full(*loops), clients=[endpoints[0]])
    cells, _, _ = judged(FULL, runs, Pairing(endpoints[0], endpoints[0]))
    odd = {pairing for pairing in with_one_of(runs, *ODD) if pairing.server.loop == "odd"}
    assert in_trouble(cells) == (set() if like == "asyncio" else odd)


def test_what_only_an_unknown_loop_does_without_files_is_explained_by_nothing():
    """It says what asyncio says, and does something else beside it: what it does is that of no loop that is known."""
    scenario = dataclasses.replace(FULL, connections=2, expects=Expectation(echo="part", all_accepted=False))

    def edit(end, lines):
        lines = full("asyncio", "odd")(end, lines)
        first = next((n for n, line in enumerate(lines) if "accepted" in line), None)
        if first is None or end.loop != "odd":
            return lines
        last = next(n for n, line in enumerate(lines) if line.endswith(": closing"))
        again = [line.replace("64624", "64625") for line in lines[first : last + 1]]
        return [*lines[: last + 1], *again, *lines[last + 1 :]]

    runs = recorded([STREAMS, STREAMS_UVLOOP, ODD[0]], edit, clients=[STREAMS])
    untold = [(Pairing(one.pairing.server, RAW), dataclasses.replace(one.client, events=())) for one in runs]
    runs = [dataclasses.replace(one, pairing=p, client=log) for one, (p, log) in zip(runs, untold, strict=True)]
    cells, causes, _ = judged(scenario, runs, Pairing(STREAMS, RAW))
    assert ("alike", ("own loop",), "out-of-files") in unexplained(causes)
    assert in_trouble(cells) == {Pairing(ODD[0], RAW)}


@SCENARIOS_
def test_a_third_implementation_that_tells_eof_is_different_and_one_that_does_not_is_not(scenario):
    endpoints = [STREAMS, PROTOCOL, THIRD]
    silent = recorded(endpoints)
    telling = recorded(endpoints, lambda end, lines: with_eof(lines) if end == THIRD else lines)
    cells, causes, _ = judged(scenario, silent, Pairing(STREAMS, STREAMS))
    assert unexplained(causes) == []
    assert only(cells, Pairing(THIRD, STREAMS)).verdict is Verdict.IDENTICAL
    assert only(cells, Pairing(THIRD, PROTOCOL)).verdict is Verdict.ALIKE
    cells, causes, _ = judged(scenario, telling, Pairing(STREAMS, STREAMS))
    assert unexplained(causes) == [("eof", ("own implementation",), "eof-callback")]
    # Protocol tells it as well, but for a known cause.
    assert causes[0].finding.endswith(": there with third, missing with streams")
    assert in_trouble(cells) == with_one_of(telling, THIRD)


@SCENARIOS_
@pytest.mark.parametrize("tells", [True, False])
def test_a_third_implementation_as_the_reference_blames_nobody_that_is_as_known(scenario, tells):
    endpoints = [THIRD, STREAMS, PROTOCOL]
    runs = recorded(endpoints, lambda end, lines: with_eof(lines) if end == THIRD and tells else lines)
    cells, causes, _ = judged(scenario, runs, Pairing(THIRD, THIRD))
    assert unexplained(causes) == []
    assert not in_trouble(cells)


def test_a_third_implementation_at_a_reset_is_different_where_it_tells_eof():
    runs = recorded([*ENDPOINTS, THIRD], lambda end, lines: with_eof(lines) if end == THIRD else without(EOF, lines))
    cells, causes, _ = judged(PLAIN, runs, Pairing(STREAMS, STREAMS))
    assert unexplained(causes) == [("eof", ("own implementation",), "eof-callback")]
    assert in_trouble(cells) == with_one_of(runs, THIRD)


@pytest.mark.parametrize("end", ENDPOINTS, ids=lambda end: end.label)
def test_whatever_is_the_reference_the_same_two_causes_explain_all(end):
    reference = Pairing(end, ENDPOINTS[0])
    cells, causes, _ = judged(TUTORIAL, matrix(), reference)
    assert [cause.explanation and cause.explanation.name for cause in causes] == ["eof-callback", "selector"]
    assert Counter(cell.verdict for cell in cells) == {Verdict.REFERENCE: 1, Verdict.ALIKE: 15}


# --- Failures ---


def failing_on_odd(side, text):
    """The matrix with an odd loop on which a client exits with 1, or a server with 3, after this line."""
    runs = []
    for server, client in itertools.product([*ENDPOINTS, *ODD], repeat=2):
        pairing = Pairing(server, client)
        served, sent = server_lines(server), client_lines(client)
        fails = own(pairing, side).loop == "odd"
        if fails and side == "client":
            sent[-2:-1] = [text.format(port=len(runs))]
        exits = {f"{side}_exit": 1} if fails else {}
        runs.append(run(pairing, served, sent, **exits))
    return runs


@pytest.mark.parametrize(
    ("side", "reason"),
    [
        ("client", "client exited with 1: ERROR ended early: <n> of <n> bytes came back from localhost port <n>"),
        ("server", "server exited with 1: main: closing event loop"),
    ],
)
def test_the_failures_of_a_loop_are_one_cause_with_its_factor(side, reason):
    runs = failing_on_odd(side, "echo_client: ERROR ended early: 12 of 46 bytes came back from localhost port {port}")
    cells, causes, _ = judged(TUTORIAL, runs, Pairing(STREAMS, STREAMS))
    failed = {one.pairing for one in runs if own(one.pairing, side).loop == "odd"}
    [failure] = [cause for cause in causes if cause.is_failure]
    assert (failure.name, failure.event, failure.axes) == ("A", reason, (f"{side} loop",))
    assert failure.finding == f"Predicted by the {side}'s loop: in 12 of 36 runs, those with odd"
    assert set(failure.pairings) == failed == in_trouble(cells)
    assert causes[0] is failure
    assert {cell.pairing for cell in cells if "A" in cell.causes} == failed


def test_failures_of_two_kinds_are_two_causes():
    runs = failing_on_odd("client", "echo_client: ERROR timed out")
    runs[0] = run(runs[0].pairing, server_lines(STREAMS), client_lines(STREAMS), server_exit=-11)
    _, causes, _ = judged(TUTORIAL, runs, Pairing(STREAMS, STREAMS_UVLOOP))
    failures = [(cause.name, cause.axes, len(cause.pairings)) for cause in causes if cause.is_failure]
    assert failures == [("A", (), 1), ("B", ("client loop",), 12)]
    assert "in 1 of 36 runs, in streams/asyncio -> streams/asyncio" in causes[0].finding


def test_a_failure_that_comes_and_goes_is_timing():
    runs = matrix(repeat=2)
    runs[4] = run(runs[4].pairing, server_lines(STREAMS), client_lines(PROTOCOL), client_exit=1)
    _, causes, _ = judged(TUTORIAL, runs, Pairing(STREAMS, STREAMS))
    assert causes[0].finding.startswith("Timing: runs of one and the same pairing disagree; in 1 of 32 runs")


def test_addresses_of_objects_do_not_make_failures_differ():
    runs = []
    for number, one in enumerate(matrix()):
        sent = client_lines(one.pairing.client)
        sent.append(f"asyncio: <Transport at 0x7f{number:02x}ab{number:02x}> is at 127.0.0.{number} {number}")
        runs.append(run(one.pairing, server_lines(one.pairing.server), sent, client_exit=1))
    _, causes, _ = judged(TUTORIAL, runs, Pairing(STREAMS, STREAMS))
    assert [cause.event for cause in causes] == ["client exited with 1: asyncio: <Transport at <n>> is at <n> <n>"]


# --- Real runs ---


NEEDS_UVLOOP = pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="pip install uvloop")
PLANTED = "tests.planted_loops"


@functools.cache
def chosen(loops, servers=None, clients=None, reference=()):
    """Who takes part in a real run."""
    return choose(
        loops=[loop if loop in ("asyncio", "uvloop") else f"{PLANTED}:{loop}" for loop in loops.split(",")],
        servers=servers,
        clients=clients,
        reference=reference,
    )


def compare(selection, name, **changes):
    """A scenario with real programs, over its own transport."""
    scenario = dataclasses.replace(SCENARIOS[name], **changes)
    transport = TRANSPORTS[scenario.transports[0]]
    if (why := missing(transport)) is not None:
        pytest.skip(why)
    [comparison] = compare_all([outlined(selection, Trial(scenario, transport))], jobs=2)
    return comparison


def summary(comparison, side="server"):
    """The verdict on each endpoint of one side, by its implementation and the short name of its loop."""
    ends = [own(cell.pairing, side) for cell in comparison.cells]
    names = [f"{end.implementation}/{end.loop.rpartition(':')[2]}" for end in ends]
    return {name: str(cell.verdict) for name, cell in zip(names, comparison.cells, strict=True)}


def altered(selection, api, role, statement, instead="pass"):
    """The selection with programs that have another statement in place of one of theirs."""
    source = (ROOT / f"{api}_impl" / f"{role}.py").read_text()
    assert source.count(f" {statement}\n") == 1
    source = source.replace(f" {statement}\n", f" {instead}\n")
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{source}"

    def changed(end):
        command = end.server_command if role == "server" else end.client_command
        place = command.index("-m")
        words = (*command[:place], "-c", program, *command[place + 2 :])
        return dataclasses.replace(end, **{f"{role}_command": words}) if end.implementation == api else end

    servers, clients = (tuple(map(changed, ends)) for ends in (selection.servers, selection.clients))
    return dataclasses.replace(selection, servers=servers, clients=clients, reference=Pairing(servers[0], clients[0]))


def only_protocol(selection):
    """Those of a selection that are made with Protocol."""
    servers, clients = (
        tuple(end for end in ends if end.implementation == "protocol")
        for ends in (selection.servers, selection.clients)
    )
    return dataclasses.replace(selection, servers=servers, clients=clients, reference=Pairing(servers[0], clients[0]))


@pytest.mark.parametrize("loops", ["asyncio,never_eof", "never_eof,asyncio"])
@pytest.mark.parametrize("name", ["tutorial", "one-byte", "reads-slowly"])
def test_a_real_loop_that_never_calls_eof_received_is_blamed(name, loops):
    comparison = compare(chosen(loops, clients=("streams/asyncio",)), name)
    found = summary(comparison)
    assert found.pop("protocol/never_eof") == "different"
    assert {"different", "failed"}.isdisjoint(found.values())
    assert unexplained(comparison.causes) == [("eof", ("own loop",), "eof-callback")]
    assert comparison.causes[0].finding.endswith(f"there with asyncio, missing with {PLANTED}:never_eof")


@NEEDS_UVLOOP
def test_a_real_loop_that_never_calls_eof_received_is_blamed_among_three():
    comparison = compare(chosen("asyncio,uvloop,never_eof", servers=("streams/asyncio",)), "lockstep")
    assert summary(comparison, "client") == {
        "streams/asyncio": "reference",
        "streams/uvloop": "alike",
        "streams/never_eof": "identical",
        "protocol/asyncio": "alike",
        "protocol/uvloop": "alike",
        "protocol/never_eof": "different",
    }
    assert unexplained(comparison.causes) == [("eof", ("own loop",), "eof-callback")]


@pytest.mark.parametrize("loops", ["asyncio,eof_at_reset", "eof_at_reset,asyncio"])
def test_eof_told_at_a_reset_is_explained_by_nothing(loops):
    comparison = compare(chosen(loops), "reset-before-sending")
    found = summary(comparison)
    assert found.pop("protocol/eof_at_reset") == "different"
    assert set(found.values()) == {"reference", "identical"}
    assert unexplained(comparison.causes) == [("eof", ("own implementation and own loop",), "eof-callback")]


def test_a_third_implementation_that_tells_eof_at_a_reset_is_explained_by_nothing():
    everyone = chosen("asyncio")
    telling = altered(
        everyone,
        "protocol",
        "server",
        "self.log.ended(exc)",
        '(exc and self.log.tell("eof")) or self.log.ended(exc)',
    )
    third = dataclasses.replace(telling.servers[1], implementation="third", label="third/asyncio")
    comparison = compare(dataclasses.replace(everyone, servers=(*everyone.servers, third)), "reset-before-sending")
    assert summary(comparison) == {
        "streams/asyncio": "reference",
        "protocol/asyncio": "identical",
        "third/asyncio": "different",
    }
    assert unexplained(comparison.causes) == [("eof", ("own implementation",), "eof-callback")]


@pytest.mark.parametrize(
    ("loops", "names"),
    [
        ("asyncio,LikeAsyncio", "LikeAsyncio"),
        ("asyncio,nameless", "nameless"),
        pytest.param("uvloop,nameless", "nameless", marks=NEEDS_UVLOOP),
        pytest.param("uvloop,asyncio,LikeAsyncio", "LikeAsyncio", marks=NEEDS_UVLOOP),
    ],
)
@pytest.mark.parametrize("name", ["tutorial", "tls-cut-without-goodbye", "no-more-files", "reset-before-sending"])
def test_a_real_loop_that_behaves_like_asyncio_is_not_blamed(name, loops, names):
    comparison = compare(chosen(loops, clients=(f"streams/{PLANTED}:{names}",)), name)
    assert unexplained(comparison.causes) == []
    assert {"different", "failed", "skipped"}.isdisjoint(summary(comparison).values())


def test_a_server_that_ends_as_if_it_had_answered_is_explained_by_nothing():
    """Without the error the coroutine tells of an end in good order, with bytes that it never sent back."""
    everyone = chosen("asyncio")
    comparison = compare(altered(everyone, "streams", "server", "raise ConnectionResetError"), "tls-bytes-with-goodbye")
    assert summary(comparison) == {"streams/asyncio": "different", "protocol/asyncio": "explained"}
    assert comparison.cells[0].reason == "not where bytes-with-close-notify has it: 'closing', 'lost'"
    sound = compare(everyone, "tls-bytes-with-goodbye")
    assert summary(sound) == {"streams/asyncio": "reference", "protocol/asyncio": "explained"}
    assert sound.cells[1].reason == (
        "behaves otherwise than the reference, with known causes: bytes-with-close-notify, eof-callback"
    )


@pytest.mark.parametrize("role", ["server", "client"])
def test_a_protocol_that_has_lost_its_line_about_eof_is_blamed(role):
    everyone = altered(chosen("asyncio"), "protocol", role, 'self.log.tell("eof")')
    comparison = compare(everyone, "tutorial")
    assert in_trouble(comparison.cells) == {
        cell.pairing for cell in comparison.cells if own(cell.pairing, role).implementation == "protocol"
    }
    assert unexplained(comparison.causes) == [("eof", (), "eof-callback")]
    alone = compare(only_protocol(everyone), "tutorial")
    assert [(cell.verdict, cell.reason) for cell in alone.cells] == [
        (Verdict.REFERENCE, "there is nothing to compare it with")
    ]


PLANTED_DEFECTS = {
    # The loop, the scenario that shows its defect, the verdict, what fails or differs, its factor, and what each
    # endpoint gets: little where the defect is that something never happens.
    "never_eof": ("tutorial", Verdict.DIFFERENT, "eof", "own loop", 15),
    "never_resumes": ("never-reads", Verdict.FAILED, "in vain: bytes or an end of the connection", "server loop", 4),
    "reads_on": ("never-reads", Verdict.FAILED, "MiB of memory, more than", "server loop", 60),
    "swallows": ("no-more-files", Verdict.FAILED, "were neither served nor turned away", "server loop", 15),
    "loses_sigterm": ("sigterm-idle", Verdict.FAILED, "server still running after", "server loop", 4),
    "cannot_listen": ("tutorial", Verdict.FAILED, "this loop has no servers", "server loop", 15),
}


@pytest.mark.parametrize("loop", PLANTED_DEFECTS)
def test_the_loop_is_the_factor_of_what_a_planted_defect_does(loop):
    name, verdict, event, axis, deadline_s = PLANTED_DEFECTS[loop]
    comparison = compare(chosen(f"asyncio,{loop}", clients=("streams/asyncio",)), name, deadline_s=deadline_s)
    first = comparison.causes[0]
    assert event in first.event
    assert (first.axes, first.is_failure) == ((axis,), verdict is Verdict.FAILED)
    assert f"{PLANTED}:{loop}" in first.finding
    blamed = {cell for cell in comparison.cells if cell.verdict.is_trouble}
    assert {cell.verdict for cell in blamed} == {verdict}
    assert {cell.pairing.server.loop for cell in blamed} == {f"{PLANTED}:{loop}"}
    assert all(first.name in cell.causes for cell in blamed)


def test_a_loop_that_cannot_connect_is_the_factor_on_the_side_of_the_client():
    comparison = compare(chosen("asyncio,cannot_connect"), "tutorial")
    [failure] = [cause for cause in comparison.causes if cause.is_failure]
    assert failure.axes == ("client loop",)
    assert failure.finding == (f"Predicted by the client's loop: in 8 of 16 runs, those with {PLANTED}:cannot_connect")
    assert in_trouble(comparison.cells) == set(failure.pairings)


# --- In the views ---


def test_told_and_done_survive_json(tmp_path):
    comparison = compare(chosen("asyncio"), "tutorial")
    file = tmp_path / "results.json"
    file.write_text(export.to_json(Survey((comparison,), 1.0)))
    [read] = export.from_json(file.read_bytes(), str(file)).comparisons
    assert read.causes == comparison.causes
    assert [(cell.verdicts, cell.reason, cell.causes) for cell in read.cells] == [
        (cell.verdicts, cell.reason, cell.causes) for cell in comparison.cells
    ]
    [explanation] = [cause["explanation"] for cause in json.loads(file.read_text())["comparisons"][0]["causes"]]
    assert (explanation["name"], explanation["kind"]) == ("eof-callback", "told")
