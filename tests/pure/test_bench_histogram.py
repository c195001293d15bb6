"""Latencies as a histogram: percentiles that are right to half a percent, whatever the values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparison.bench import histogram

SHARES = (0.5, 0.9, 0.99, 0.999, 1.0)


@given(st.lists(st.integers(1, 10**11), min_size=1), st.sampled_from(SHARES))
def test_a_percentile_is_within_half_a_percent_of_the_true_one(values_ns, share):
    true_ns = sorted(values_ns)[math.ceil(len(values_ns) * share - 1e-9) - 1]
    assert histogram.percentile_us(histogram.collect(values_ns), share) * 1000 == pytest.approx(true_ns, rel=0.005)


@given(st.lists(st.integers(0, 10**9)), st.lists(st.integers(0, 10**9)))
def test_histograms_add_up(some, more):
    both = histogram.merge([histogram.collect(some), histogram.collect(more)])
    assert both == histogram.collect([*some, *more])


def test_an_empty_histogram_has_no_percentiles():
    with pytest.raises(ValueError, match="empty"):
        histogram.percentile_us({}, 0.5)
