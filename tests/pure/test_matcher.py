"""Edits of recorded logs: what matters is found whatever the edit, and what TCP or the clock decides is not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import ENDPOINTS, TUTORIAL, client_lines, judged, matrix, run, server_lines

from comparison.model import Pairing, Verdict

REFERENCE = Pairing(ENDPOINTS[0], ENDPOINTS[0])
SIDES = ("server", "client")


def lines_of(pairing, side):
    return server_lines(pairing.server) if side == "server" else client_lines(pairing.client)


def after(pairing, side, edit):
    """The cell of `pairing` in the recorded matrix, and all cells, after `edit(lines)` changed one of its logs."""

    def in_place(where, which, lines):
        return edit(list(lines)) if (where, which) == (pairing, side) else lines

    cells, _, _ = judged(TUTORIAL, matrix(in_place), REFERENCE)
    return next(cell for cell in cells if cell.pairing == pairing), cells


# Not the reference itself: everything is held against it.
pairings = st.sampled_from(
    [Pairing(server, client) for server in ENDPOINTS for client in ENDPOINTS if Pairing(server, client) != REFERENCE]
)
sides = st.sampled_from(SIDES)


def assert_found(judgement):
    """Some cell is different or failed: where a line makes a log like that of another API, that one no longer predicts
    it, and all the others are in doubt."""
    _, cells = judgement
    assert any(cell.verdict.is_trouble for cell in cells)


@given(pairing=pairings, side=sides, data=st.data())
def test_a_line_that_is_missing_is_found(pairing, side, data):
    place = data.draw(st.integers(0, len(lines_of(pairing, side)) - 1))
    assert_found(after(pairing, side, lambda lines: lines[:place] + lines[place + 1 :]))


@given(pairing=pairings, side=sides, data=st.data())
def test_a_line_that_comes_twice_is_found(pairing, side, data):
    place = data.draw(st.integers(0, len(lines_of(pairing, side)) - 1))
    assert_found(after(pairing, side, lambda lines: [*lines[: place + 1], *lines[place:]]))


FOREIGN = st.one_of(
    st.sampled_from(
        [
            "main: closing server",
            "echo_client: received EOF",
            "echo_127.0.0.1_64624: received EOF",
            "echo_127.0.0.1_64624: sent b'!'",
            "echo_127.0.0.1_64624: connection lost: OSError",
            "asyncio: Using selector: EpollSelector",
            "asyncio: socket.send() raised exception.",
            "Traceback (most recent call last):",
            "ValueError: a defect",
            "main: not listening on ::1 port 1: in use",
            "",
        ]
    ),
    st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=30),
)


@given(pairing=pairings, side=sides, line=FOREIGN, data=st.data())
def test_a_line_too_many_is_found(pairing, side, line, data):
    place = data.draw(st.integers(0, len(lines_of(pairing, side))))
    assert_found(after(pairing, side, lambda lines: [*lines[:place], line, *lines[place:]]))


@given(pairing=pairings, side=sides, data=st.data())
def test_a_byte_that_changes_is_found(pairing, side, data):
    places = [place for place, line in enumerate(lines_of(pairing, side)) if " b'" in line]
    place = data.draw(st.sampled_from(places))

    def edit(lines):
        head, payload = lines[place].split(" b'")
        at = data.draw(st.integers(0, len(payload) - 2))
        new = "#" if payload[at] != "#" else "-"
        return [*lines[:place], f"{head} b'{payload[:at]}{new}{payload[at + 1 :]}", *lines[place + 1 :]]

    cell, _ = after(pairing, side, edit)
    assert cell.verdicts["echo"] is Verdict.FAILED


@given(pairing=pairings, side=sides, data=st.data())
def test_a_byte_that_is_missing_is_found(pairing, side, data):
    places = [place for place, line in enumerate(lines_of(pairing, side)) if " b'" in line]
    place = data.draw(st.sampled_from(places))

    def edit(lines):
        head, payload = lines[place].split(" b'")
        at = data.draw(st.integers(0, len(payload) - 2))
        return [*lines[:place], f"{head} b'{payload[:at]}{payload[at + 1 :]}", *lines[place + 1 :]]

    cell, _ = after(pairing, side, edit)
    assert cell.verdicts["echo"] is Verdict.FAILED


@given(pairing=pairings, side=sides, data=st.data())
def test_a_line_of_another_speaker_is_found(pairing, side, data):
    places = [place for place, line in enumerate(lines_of(pairing, side)) if line.startswith("echo_")]
    place = data.draw(st.sampled_from(places))
    other = data.draw(st.sampled_from(["main", "echo_10.0.0.1_5", "echo_client_2", "asyncio"]))
    assert_found(
        after(
            pairing,
            side,
            lambda lines: [*lines[:place], re.sub(r"^\S+(?=: )", other, lines[place]), *lines[place + 1 :]],
        )
    )


@given(pairing=pairings)
def test_sides_that_are_swapped_are_found(pairing):
    def swapped(where, side, lines):
        return lines_of(where, "client" if side == "server" else "server") if where == pairing else lines

    cells, _, _ = judged(TUTORIAL, matrix(swapped), REFERENCE)
    assert_found((None, cells))


MOVES = [
    ("server", "connection accepted", -1),
    ("server", "closing", 2),
    ("server", "closing", 3),
    ("client", "waiting for response", 2),
    ("client", "closing", 2),
]


@pytest.mark.parametrize(("side", "text", "to"), MOVES, ids=str)
def test_a_line_that_moves_across_an_order_that_matters_is_found(side, text, to):
    pairing = Pairing(ENDPOINTS[2], ENDPOINTS[2])

    def edit(lines):
        place = next(n for n, line in enumerate(lines) if line.startswith("echo_") and line.endswith(f": {text}"))
        moved = lines.pop(place)
        lines.insert(to if to >= 0 else len(lines) + to, moved)
        return lines

    assert_found(after(pairing, side, edit))


@pytest.mark.parametrize("code", [1, 2, 130, -11])
@pytest.mark.parametrize("side", SIDES)
def test_another_exit_code_fails(side, code):
    pairing = Pairing(ENDPOINTS[1], ENDPOINTS[2])
    changed = run(pairing, server_lines(pairing.server), client_lines(pairing.client), **{f"{side}_exit": code})
    runs = [changed if one.pairing == pairing else one for one in matrix()]
    cells, _, _ = judged(TUTORIAL, runs, REFERENCE)
    cell = next(cell for cell in cells if cell.pairing == pairing)
    assert cell.verdicts["ending"] is Verdict.FAILED
    assert f"{side} exited with {code}" in cell.reason


# --- What must not matter ---
def pieces(data, payload):
    """A payload cut at drawn places."""
    cuts = sorted(data.draw(st.sets(st.integers(1, len(payload) - 1), max_size=4)))
    return [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]


@given(pairing=pairings, data=st.data())
def test_where_the_stream_is_cut_does_not_matter(pairing, data):
    text = TUTORIAL.pattern

    def server(lines):
        speaker = next(line for line in lines if line.startswith("echo_")).partition(": ")[0]
        first = next(n for n, line in enumerate(lines) if " received b" in line)
        last = max(n for n, line in enumerate(lines) if " sent b" in line)
        told = [f"{speaker}: {word} {piece!r}" for piece in pieces(data, text) for word in ("received", "sent")]
        return [*lines[:first], *told, *lines[last + 1 :]]

    def client(lines):
        place = next(n for n, line in enumerate(lines) if " received b" in line)
        told = [f"echo_client: received {piece!r}" for piece in pieces(data, text)]
        return [*lines[:place], *told, *lines[place + 1 :]]

    for side, edit in (("server", server), ("client", client)):
        assert not after(pairing, side, edit)[0].verdict.is_trouble


@given(pairing=pairings, port=st.integers(1, 65535))
def test_ports_do_not_matter(pairing, port):
    for side in SIDES:
        cell, _ = after(
            pairing,
            side,
            lambda lines: [line.replace("64624", str(port)).replace("port 10000", f"port {port}") for line in lines],
        )
        assert not cell.verdict.is_trouble


@given(pairing=pairings, data=st.data())
def test_how_sending_and_receiving_interleave_does_not_matter(pairing, data):
    def edit(lines):
        place = next(n for n, line in enumerate(lines) if "received b" in line)
        received = lines.pop(place)
        whole = TUTORIAL.pattern
        assert received.endswith(repr(whole))
        at = [n for n, line in enumerate(lines) if "sending b" in line]
        first = data.draw(st.integers(1, 20))
        lines.insert(place, f"echo_client: received {whole[first:]!r}")
        lines.insert(data.draw(st.integers(at[0] + 1, at[-1] + 1)), f"echo_client: received {whole[:first]!r}")
        return lines

    assert not after(pairing, "client", edit)[0].verdict.is_trouble
