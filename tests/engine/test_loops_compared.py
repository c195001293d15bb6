"""How a loop behaves otherwise than asyncio: what is known of uvloop, what is seen of any other."""

import pytest

from comparison import endpoints
from comparison.experiments import otherwise
from comparison.experiments.model import everything
from comparison.experiments.play import cells

WITNESS = "callbacks-in-order"
"""The behaviour that watches each call a loop makes."""


def found(loop: str, *names: str) -> tuple[str, ...]:
    [here] = endpoints.interpreters([], [loop])
    chosen = [each for name, each in everything().items() if name in names]
    return otherwise.seen(cells(chosen, [(loop, here)]), 1, lambda: None)[loop]


@pytest.mark.parametrize("loop", ["lost_twice", "eof_a_hundred_times", "data_after_the_end"])
def test_a_loop_that_calls_back_out_of_order_is_noticed(loop):
    assert found(f"tests.planted_loops:{loop}", WITNESS) == (WITNESS,)


def test_a_loop_that_does_as_asyncio_does_has_nothing_otherwise():
    assert found("tests.planted_loops:LikeAsyncio", WITNESS, "drain-is-not-flush") == ()


def test_of_uvloop_it_is_known_and_not_run():
    pytest.importorskip("uvloop", reason="uvloop is not installed: pip install uvloop")
    [here] = endpoints.interpreters([], ["uvloop"])
    arms = [("asyncio", here), ("uvloop", here)]
    assert otherwise.to_be_run(arms) == []
    assert "write-after-close" in otherwise.as_known(arms)["uvloop"]
