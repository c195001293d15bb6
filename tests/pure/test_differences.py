"""What differs is found, attributed to the factor that predicts it, and explained only by an entry about just that."""

import dataclasses
from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from recorded import ENDPOINTS, PLAIN, TUTORIAL, client_lines, judged, matrix, run, server_lines

from comparison.judge.catalogue import CATALOGUE
from comparison.judge.verdicts import observe
from comparison.model import Pairing, Verdict

REFERENCE = Pairing(ENDPOINTS[0], ENDPOINTS[0])
ODD = Pairing(ENDPOINTS[3], ENDPOINTS[1])
"""protocol/uvloop -> streams/uvloop: a pairing in which something is odd."""


def edited(pairing, side, edit):
    """An edit of one log of one pairing, for `matrix`."""
    return lambda where, which, lines: edit(lines) if (where, which) == (pairing, side) else lines


def test_the_two_known_differences_are_attributed_and_explained():
    cells, causes, _ = judged(TUTORIAL, matrix(), REFERENCE)
    assert [(cause.event, cause.axes, cause.explanation is not None) for cause in causes] == [
        ("eof", ("own implementation",), True),
        ("selector", ("own loop",), True),
    ]
    assert Counter(cell.verdict for cell in cells) == {Verdict.REFERENCE: 1, Verdict.ALIKE: 15}
    assert "there with protocol, missing with streams" in causes[0].finding
    assert "there with asyncio, missing with uvloop" in causes[1].finding


def test_another_reference_gives_the_same_causes_in_reverse():
    _, causes, _ = judged(TUTORIAL, matrix(), Pairing(ENDPOINTS[3], ENDPOINTS[3]))
    assert {(cause.event, cause.explanation is not None) for cause in causes} == {("eof", True), ("selector", True)}
    assert {difference.sign for difference in causes[0].differences} == {"-"}
    assert "there with protocol, missing with streams" in causes[0].finding


def test_where_tcp_cuts_the_stream_is_no_difference():
    def cut(lines):
        return [
            part
            for line in lines
            for part in (
                [line.replace("b'in parts.'", "b'in '"), line.replace("b'in parts.'", "b'parts.'")]
                if "received b'in parts.'" in line
                else [line]
            )
        ]

    cells, _, _ = judged(TUTORIAL, matrix(edited(REFERENCE, "server", cut)), REFERENCE)
    cell = next(cell for cell in cells if cell.pairing == REFERENCE)
    assert (cell.verdict, cell.cut) == (Verdict.REFERENCE, 1)


def test_a_line_in_one_cell_only_is_predicted_by_nothing():
    odd = edited(ODD, "server", lambda lines: [*lines[:-1], "asyncio: something odd", lines[-1]])
    cells, causes, _ = judged(TUTORIAL, matrix(odd), REFERENCE)
    assert (causes[0].name, causes[0].event, causes[0].axes, causes[0].explanation is not None) == (
        "A",
        "log",
        (),
        False,
    )
    assert causes[0].finding == (
        "No factor and no two together predict it; seen in 1 of 16 runs, in protocol/uvloop -> streams/uvloop"
    )
    assert [cell.pairing for cell in cells if cell.verdict is Verdict.DIFFERENT] == [ODD]


def test_the_odd_one_out_is_named():
    odd = edited(ODD, "server", lambda lines: [line for line in lines if "received EOF" not in line])
    cells, causes, _ = judged(TUTORIAL, matrix(odd), REFERENCE)
    findings = [cause.finding for cause in causes if cause.explanation is None]
    assert findings == [
        "No factor and no two together predict it; seen in 1 of 8 runs, in protocol/uvloop -> streams/uvloop"
    ]
    assert [cell.pairing for cell in cells if cell.verdict.is_trouble] == [ODD]


def test_the_one_that_keeps_a_factor_from_predicting_is_named():
    def odd(pairing, side, lines):
        uvloop = side == "server" and pairing.server.loop == "uvloop" and pairing != ODD
        return [*lines[:-1], "asyncio: something odd", lines[-1]] if uvloop else lines

    _, causes, _ = judged(TUTORIAL, matrix(odd), REFERENCE)
    assert causes[0].finding == (
        "No factor and no two together predict it; seen in 7 of 16 runs. "
        "The endpoint's own loop would, but for protocol/uvloop -> streams/uvloop"
    )


def test_a_line_that_comes_and_goes_in_one_pairing_is_timing():
    runs = matrix(repeat=3)
    index = next(n for n, one in enumerate(runs) if one.pairing == ODD)
    lines = [*server_lines(ODD.server)[:-1], "asyncio: something odd", "main: closing event loop"]
    runs[index] = run(ODD, lines, client_lines(ODD.client))
    cells, causes, _ = judged(TUTORIAL, runs, REFERENCE)
    assert causes[0].finding == (
        "Timing: runs of one and the same pairing disagree; seen in 1 of 48 runs, in protocol/uvloop -> streams/uvloop"
    )
    assert next(cell for cell in cells if cell.pairing == ODD).agreed == 2


def test_two_factors_together_are_found():
    def odd(pairing, side, lines):
        both = side == "server" and pairing.server.loop == "uvloop" and pairing.client.implementation == "protocol"
        return [*lines[:-1], "asyncio: something odd", lines[-1]] if both else lines

    _, causes, _ = judged(TUTORIAL, matrix(odd), REFERENCE)
    assert (causes[0].axes, causes[0].explanation is not None) == (("own loop and peer implementation",), False)


def eof_follows_the_loop(place):
    """An edit for `matrix`: EOF lines follow the loop, and not the implementation; `place` is where they stand."""

    def odd(pairing, side, lines):
        kept = [line for line in lines if "received EOF" not in line]
        end = pairing.server if side == "server" else pairing.client
        speaker = "echo_127.0.0.1_64624" if side == "server" else "echo_client"
        closing = kept.index(f"{speaker}: closing") + place
        return [*kept[:closing], f"{speaker}: received EOF", *kept[closing:]] if end.loop == "uvloop" else kept

    return odd


def test_an_explanation_covers_only_the_axis_that_it_expects():
    cells, causes, _ = judged(PLAIN, matrix(eof_follows_the_loop(0)), REFERENCE)
    assert [(cause.event, cause.axes, cause.explanation is not None, cause.broken) for cause in causes] == [
        ("eof", ("own loop",), False, CATALOGUE["eof-callback"]),
        ("selector", ("own loop",), True, None),
    ]
    assert Counter(cell.verdict for cell in cells) == {
        Verdict.REFERENCE: 1,
        Verdict.IDENTICAL: 3,
        Verdict.DIFFERENT: 12,
    }


def test_an_explanation_that_must_be_seen_covers_those_that_are_as_it_says_and_blames_the_others():
    cells, causes, _ = judged(TUTORIAL, matrix(eof_follows_the_loop(0)), REFERENCE)
    assert [(cause.event, "own loop" in cause.axes, cause.broken) for cause in causes if cause.explanation is None] == [
        ("eof", True, CATALOGUE["eof-callback"])
    ]
    as_known = {"streams/asyncio", "protocol/uvloop"}
    assert {str(cell.pairing) for cell in cells if not cell.verdict.is_trouble} == {
        f"{server} -> {client}" for server in as_known for client in as_known
    }


def test_what_a_connection_tells_after_its_end_is_a_fault():
    cells, _, _ = judged(TUTORIAL, matrix(eof_follows_the_loop(1)), REFERENCE)
    assert {cell.reason for cell in cells if cell.verdict is Verdict.FAILED} == {
        "server log: 'received EOF' comes after 'closing'",
        "client log: 'received EOF' comes after 'closing'",
    }
    assert Counter(cell.verdict for cell in cells) == {
        Verdict.REFERENCE: 1,
        Verdict.DIFFERENT: 3,  # Protocol on asyncio does not tell EOF at all
        Verdict.FAILED: 12,
    }


def test_factors_that_this_choice_cannot_tell_apart_are_all_named():
    chosen = {ENDPOINTS[0], ENDPOINTS[3]}
    runs = [one for one in matrix() if {one.pairing.server, one.pairing.client} <= chosen]
    _, causes, _ = judged(TUTORIAL, runs, REFERENCE)
    assert causes[0].axes == ("own implementation", "own loop")
    assert "cannot tell them apart" in causes[0].finding
    assert causes[0].explanation is not None


def test_groups_show_each_log_once_and_the_causes_beside_its_lines():
    _, _, groups = judged(TUTORIAL, matrix(), REFERENCE)
    assert [(group.side, len(group.pairings)) for group in groups] == [("server", 4)] * 4 + [("client", 4)] * 4
    changed = [(line.sign, line.text, line.causes) for line in groups[3].diff if line.sign != " "]
    assert changed == [
        ("-", "asyncio: Using selector: EpollSelector", ("selector",)),
        ("+", "echo_127.0.0.1_<port>: received EOF", ("eof-callback",)),
    ]


def test_an_explanation_covers_a_line_once():
    def twice(pairing, side, lines):
        more = side == "server" and pairing.server.implementation == "protocol"
        return [line for line in lines for _ in range(2 if more and "Using selector" in line else 1)]

    cells, causes, groups = judged(TUTORIAL, matrix(twice), REFERENCE)
    assert [
        (cause.name, cause.event, cause.explanation is not None, [(d.side, d.sign, d.nth) for d in cause.differences])
        for cause in causes
    ] == [
        ("A", "selector", False, [("server", "+", 2)]),
        ("eof-callback", "eof", True, [("client", "+", 1), ("server", "+", 1)]),
        ("selector", "selector", True, [("client", "-", 1), ("server", "-", 1)]),
    ]
    assert Counter(cell.verdict for cell in cells) == {
        Verdict.REFERENCE: 1,
        Verdict.ALIKE: 11,
        Verdict.DIFFERENT: 4,
    }
    changed = [(line.sign, line.text, line.causes) for line in groups[2].diff if line.sign != " "]
    selector = "asyncio: Using selector: EpollSelector"
    assert ("+", selector, ("A",)) in changed


def test_a_line_in_another_place_is_a_difference_of_its_own():
    def wait_late(pairing, side, lines):
        """Protocol clients say that they wait when the response and its end are there."""
        if (side, pairing.client.implementation) != ("client", "protocol"):
            return lines
        waiting = next(n for n, line in enumerate(lines) if "waiting" in line)
        return moved(lines, waiting, waiting + 2)

    _, causes, groups = judged(TUTORIAL, matrix(wait_late), REFERENCE)
    response = "echo_client: received b'This is the message. It will be sent in parts.'"
    assert (causes[0].name, causes[0].axes, causes[0].explanation is not None) == ("A", ("own implementation",), False)
    assert [(d.side, d.sign, d.text) for d in causes[0].differences] == [("client", "~", response)]
    assert causes[0].finding == "Predicted by the endpoint's own implementation in all 16 runs: moved"
    assert [(line.sign, line.text, line.causes) for line in groups[6].diff if line.causes == ("A",)] == [
        ("+", response, ("A",)),
        ("-", response, ("A",)),
    ]


def moved(lines, here, there):
    """The line at `here` taken out and put in at `there`."""
    rest = lines[:here] + lines[here + 1 :]
    return [*rest[:there], lines[here], *rest[there:]]


EDITS = {
    "drop": lambda lines, here, there: lines[:here] + lines[here + 1 :],
    "repeat": lambda lines, here, there: [*lines[:here], lines[here], *lines[here:]],
    "move": moved,
    "add": lambda lines, here, there: [*lines[:here], lines[there], *lines[here:]],
    "alter": lambda lines, here, there: [*lines[:here], lines[here] + "?", *lines[here + 1 :]],
    "alter a payload": lambda lines, here, there: (
        [line.replace("message", "massage") for line in lines[: here + 1]] + lines[here + 1 :]
    ),
}


@given(
    pairing=st.sampled_from([one.pairing for one in matrix()]),
    side=st.sampled_from(["server", "client"]),
    edit=st.sampled_from(sorted(EDITS)),
    here=st.integers(0, 20),
    there=st.integers(0, 20),
)
def test_any_edit_that_changes_an_event_comes_out_as_different(pairing, side, edit, here, there):
    def change(lines):
        return EDITS[edit](lines, here % len(lines), there % len(lines))

    runs = matrix(edited(pairing, side, change))
    before, after = (
        observe(TUTORIAL, next(one for one in all_ if one.pairing == pairing)) for all_ in (matrix(), runs)
    )
    unchanged = before.projected == after.projected and after.faults == {}
    cells, _, _ = judged(TUTORIAL, runs, REFERENCE)
    bad = {cell.pairing for cell in cells if cell.verdict.is_trouble}
    assert bool(bad) is not unchanged
    assume(not unchanged)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("side", ["server", "client"])
def test_neighbours_may_change_places_only_where_timing_decides(side, number):
    """Received and sent chunks interleave as they come; nothing is sent that was not received before."""
    lines = server_lines(ODD.server) if side == "server" else client_lines(ODD.client)
    first = next(n for n, line in enumerate(lines) if "received" in line)

    def swap(lines):
        place = first - number
        lines = list(lines)
        lines[place], lines[place + 1] = lines[place + 1], lines[place]
        return lines

    cells, _, _ = judged(TUTORIAL, matrix(edited(ODD, side, swap)), REFERENCE)
    verdict = next(cell.verdict for cell in cells if cell.pairing == ODD)
    # server: sent before received / received before accepted; client: closing before received / received before waiting
    expected = {("client", 1): Verdict.ALIKE}.get((side, number), Verdict.FAILED)
    assert verdict is expected


def on_two_machines(edit):
    """The matrix as it was played on one machine, and on another where `edit` had its way with it."""
    there, here = matrix(edit), matrix()
    return [
        dataclasses.replace(one, machine=name, number=number)
        for number, (name, runs) in enumerate({"here": here, "there": there}.items(), 1)
        for one in runs
    ]


def with_odd_line(pairing, side, lines):
    return [*lines[:-1], "asyncio: something odd", lines[-1]] if side == "server" else lines


def test_the_machine_predicts_what_only_one_of_two_shows():
    cells, causes, _ = judged(TUTORIAL, on_two_machines(with_odd_line), REFERENCE)
    assert [(cause.event, cause.axes) for cause in causes] == [
        ("log", ("machine",)),
        ("eof", ("own implementation",)),
        ("selector", ("own loop",)),
    ]
    assert causes[0].finding == (
        "Predicted by the machine in all 32 runs: there with machine there, missing with machine here"
    )
    assert {cell.verdict for cell in cells} == {Verdict.DIFFERENT}


def test_a_loop_that_is_odd_on_one_machine_only_is_found():
    def odd(pairing, side, lines):
        return with_odd_line(pairing, side, lines) if pairing.server.loop == "uvloop" else lines

    _, causes, _ = judged(TUTORIAL, on_two_machines(odd), REFERENCE)
    assert causes[0].axes == ("own loop and machine",)
    assert "there with uvloop with machine there, missing with" in causes[0].finding


def test_a_pairing_that_is_odd_on_one_machine_only_is_no_timing():
    odd = edited(ODD, "server", lambda lines: with_odd_line(ODD, "server", lines))
    _, causes, _ = judged(TUTORIAL, on_two_machines(odd), REFERENCE)
    assert causes[0].finding == (
        "No factor and no two together predict it; seen in 1 of 32 runs, in protocol/uvloop -> streams/uvloop"
    )


def test_the_machine_predicts_what_fails_on_one_of_two():
    def failing(pairing, side, lines):
        return [*lines, "Traceback (most recent call last):", "ValueError: odd"] if side == "server" else lines

    _, causes, _ = judged(TUTORIAL, on_two_machines(failing), REFERENCE)
    assert (causes[0].is_failure, causes[0].axes) == (True, ("machine",))
    assert causes[0].finding == "Predicted by the machine: in 16 of 32 runs, those with machine there"
