"""Latencies as a histogram: percentiles that are right to half a percent, whatever the values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparison.bench.estimates import percentile_us
from comparison.bench.generator import histogram

SHARES = (0.5, 0.9, 0.99, 0.999, 1.0)


@given(st.lists(st.integers(1, 10**11), min_size=1), st.sampled_from(SHARES))
def test_a_percentile_is_within_half_a_percent_of_the_true_one(values_ns, share):
    true_ns = sorted(values_ns)[math.ceil(len(values_ns) * share - 1e-9) - 1]
    assert percentile_us([histogram(values_ns)], share) * 1000 == pytest.approx(true_ns, rel=0.005)


@given(st.lists(st.integers(0, 10**9), min_size=1), st.lists(st.integers(0, 10**9)), st.sampled_from(SHARES))
def test_histograms_add_up(some, more, share):
    assert percentile_us([histogram(some), histogram(more)], share) == percentile_us([histogram(some + more)], share)


def test_without_latencies_there_are_no_percentiles():
    assert percentile_us([{}], 0.5) is None
    assert percentile_us([], 0.5) is None
