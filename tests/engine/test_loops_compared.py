"""How a loop behaves otherwise than asyncio: what is known of uvloop, what is seen of any other."""

import pytest

from comparison.experiments import play
from comparison.experiments.model import everything
from comparison.selection import choose

WITNESS = "callbacks-in-order"
"""The behaviour that watches each call a loop makes."""


@pytest.fixture
def found(monkeypatch):
    """Which of some behaviours a loop has otherwise."""

    def of(loop: str, *names: str) -> tuple[str, ...]:
        monkeypatch.setattr(play, "everything", lambda: {name: everything()[name] for name in names})
        return play.otherwise(choose(loops=[loop]))[loop]

    return of


@pytest.mark.parametrize("loop", ["lost_twice", "eof_a_hundred_times", "data_after_the_end"])
def test_a_loop_that_calls_back_out_of_order_is_noticed(found, loop):
    assert found(f"tests.planted_loops:{loop}", WITNESS) == (WITNESS,)


def test_a_loop_that_does_as_asyncio_does_has_nothing_otherwise(found):
    assert found("tests.planted_loops:LikeAsyncio", WITNESS, "drain-is-not-flush") == ()


def test_of_uvloop_it_is_known_and_not_run(monkeypatch):
    pytest.importorskip("uvloop", reason="uvloop is not installed: pip install uvloop")
    run = []
    monkeypatch.setattr(play, "looks", lambda tried, **_: run.extend(tried) or [])
    known = play.otherwise(choose(loops=["asyncio", "uvloop"]))
    assert (list(known), run) == (["uvloop"], [])
    assert "write-after-close" in known["uvloop"]
