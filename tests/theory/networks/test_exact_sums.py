"""Exact sums are exact for every float64 number, and statistics of merged parts have the bits of the whole."""

from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from theory.errors import InputError
from theory.networks import cumulants
from theory.networks.statistics import Summary
from theory.networks.sums import MIXED, ORDER, Accumulator

finite = st.floats(allow_nan=False, allow_infinity=False)
ROOM = Accumulator()


def unscaled(value, degree):
    return Fraction(value, 2 ** (1074 * degree))


@given(st.lists(finite, min_size=1, max_size=20), st.integers(1, ORDER))
def test_powers_are_summed_exactly(values, order):
    sums, keys, counts = ROOM.powers(np.array(values), order)
    for power, total in enumerate(sums, start=1):
        assert unscaled(total, power) == sum(Fraction(value) ** power for value in values)
    assert counts.sum() == len(values)
    assert len(keys) == len(counts)


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=20))
def test_products_are_summed_exactly(pairs):
    left, right = np.array(pairs).T.copy()
    for (a, b), total in zip(MIXED, ROOM.products(left, right), strict=True):
        exact = sum(Fraction(x) ** a * Fraction(y) ** b for x, y in pairs)
        assert unscaled(total, a + b) == exact


def test_many_terms_carry():
    """A million of the largest significand, of either sign."""
    value = np.nextafter(2.0, 0.0)
    for sign in (1.0, -1.0):
        sums, _, counts = ROOM.powers(np.full(10**6, sign * value), ORDER)
        exact = Fraction(sign * value)
        assert [unscaled(s, p) for p, s in enumerate(sums, 1)] == [
            10**6 * exact**p for p in range(1, ORDER + 1)
        ]
        assert counts.tolist() == [10**6]


def results(values):
    """Two outputs and a kernel of one network a row of four numbers."""
    values = np.asarray(values, np.float64).reshape(-1, 4)
    return {"outputs": values[:, :2], "kernels": values[:, None, 2:].repeat(2, 1)}


@given(
    st.lists(st.tuples(finite, finite, finite, finite), min_size=1, max_size=12),
    st.sets(st.integers(1, 11)),
    st.randoms(use_true_random=False),
)
def test_no_split_and_no_order_changes_a_bit(rows, cuts, random):
    whole = Summary.of(results(rows), 0, "d", 1)
    ends = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    parts = [Summary.of(results(rows[a:b]), a, "d", 1) for a, b in pairwise(ends)]
    while len(parts) > 1:
        random.shuffle(parts)
        parts.append(parts.pop() + Summary.from_bytes(parts.pop().to_bytes()))
    assert parts[0].to_bytes() == whole.to_bytes()


@given(st.lists(finite, min_size=1, max_size=40), st.floats(0.0, 1.0))
def test_quantiles_keep_their_guarantee(values, level):
    """2^-8 of the order statistic, or half the width of the bin that subnormal numbers share."""
    summary = Summary.of({"kernels": np.array(values)[:, None, None]}, 0, "d", 1)
    (found,) = summary.quantile("kernels", level).ravel()
    exact = np.sort(values)[max(int(np.ceil(level * len(values))), 1) - 1]
    assert abs(Fraction(float(found)) - Fraction(float(exact))) <= max(
        abs(Fraction(float(exact))) / 256, Fraction(1, 2**1029)
    )


sixty_fourths = st.integers(-256, 256).map(lambda k: k / 64)


@given(
    st.lists(st.floats(-5.0, 5.0) | sixty_fourths, min_size=1, max_size=40),
    st.sets(sixty_fourths, min_size=2),
)
def test_histograms_count_what_is_between_their_edges(values, ends):
    """Bins hold what they should, where a value on an edge counts away from 0 and subnormal ones as 0."""
    edges = sorted(ends)
    summary = Summary.of({"kernels": np.array(values)[:, None]}, 0, "d", 1)
    below = [
        sum(v < e or (v == e < 0.0) for v in values if e != 0.0 or v <= -(2.0**-1029))
        for e in edges
    ]
    found = summary.histogram("kernels", (0,), edges)
    assert found.tolist() == np.diff(below).tolist()


def test_statistics_are_those_of_numpy_and_scipy():
    rng = np.random.default_rng(3)
    values = {
        "outputs": rng.standard_exponential((500, 3)),
        "kernels": rng.normal(size=(500, 1, 2, 2)),
    }
    summary = Summary.of(values, 0, "d", 2)
    for name, sample in values.items():
        flat = sample.reshape(500, -1)
        for order in (1, 2, 3, 4):
            expected = [stats.kstat(column, order) for column in flat.T]
            found = summary.cumulant(name, order)
            np.testing.assert_allclose(found.value.ravel(), expected, rtol=1e-11)
            assert found.draws == 500
        error = flat.std(axis=0, ddof=1) / np.sqrt(500)
        np.testing.assert_allclose(summary.mean(name).stderr.ravel(), error, rtol=1e-14)
    covariance = summary.covariance()
    np.testing.assert_allclose(covariance.value, np.cov(values["outputs"].T), rtol=1e-12)
    np.testing.assert_allclose(
        np.diag(covariance.stderr), summary.cumulant("outputs", 2).stderr, rtol=1e-12
    )


def test_values_are_rounded_once():
    """Where float64 loses everything: a variance of 1e-16 on top of 1."""
    values = [1.0, 1.0 + 2.0**-52, 1.0 - 2.0**-53, 1.0]
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / 4
    variance = sum((value - mean) ** 2 for value in exact) / 3
    summary = Summary.of({"outputs": np.array(values)[:, None]}, 0, "d", 1)
    assert summary.cumulant("outputs", 1).value[0] == float(mean)
    assert summary.cumulant("outputs", 2).value[0] == float(variance)


POINTS = np.array([0.0, 1.0, 1.0, 5.0])


@pytest.mark.parametrize("order", [2, 3, 4])
def test_standard_errors_are_those_of_the_empirical_distribution(order):
    """All 4^5 samples of five points: the variance of the k-statistic, by enumeration."""
    drawn = np.array(list(product(POINTS, repeat=5)))
    expected = np.var([stats.kstat(sample, order) for sample in drawn])
    moments = [float(np.mean((POINTS - POINTS.mean()) ** p)) for p in range(9)]
    assert cumulants._variance(moments, 5, order) == pytest.approx(expected, rel=1e-12)


def test_standard_error_of_a_covariance_by_enumeration():
    """Averaged over all samples of three points, by the formula at the empirical distribution."""
    x, y = np.array([0.0, 1.0, 4.0]), np.array([1.0, -2.0, 3.0])
    drawn = list(product(range(3), repeat=3))
    expected = np.var([np.cov(x[list(i)], y[list(i)])[0, 1] for i in drawn])
    summary = Summary.of({"outputs": np.stack([x, y], axis=1)}, 0, "d", 1)
    assert summary.covariance().stderr[0, 1] ** 2 == pytest.approx(expected, rel=1e-12)


def test_scale_changes_nothing_but_the_scale():
    rng = np.random.default_rng(4)
    values = rng.normal(size=(50, 2))
    plain, large = (
        Summary.of({"outputs": factor * values}, 0, "d", 1) for factor in (1.0, 2.0**200)
    )
    for order in (1, 2, 3, 4):
        one, other = plain.cumulant("outputs", order), large.cumulant("outputs", order)
        np.testing.assert_array_equal(one.value * 2.0 ** (200 * order), other.value)
        np.testing.assert_array_equal(one.stderr * 2.0 ** (200 * order), other.stderr)


def test_what_cannot_be_merged_or_asked_for():
    one, other = (Summary.of(results(np.ones((2, 4))), first, "d", 1) for first in (0, 1))
    with pytest.raises(InputError, match="networks 1 to 1 are in both"):
        one + other
    with pytest.raises(InputError, match="different ensembles"):
        one + Summary.of(results(np.ones((2, 4))), 5, "e", 1)
    with pytest.raises(InputError, match="was not summarised"):
        one.mean("weights")
    with pytest.raises(InputError, match="order 1, 2, 3 and 4, not 5"):
        one.cumulant("outputs", 5)
    with pytest.raises(InputError, match="at least 5 draws, got 2"):
        one.cumulant("outputs", 4)
    for edges in ([0.1, 0.2], [1.0, 0.5], [[0.0, 1.0]]):
        with pytest.raises(InputError, match="edges must increase"):
            one.histogram("outputs", (0,), edges)
    with pytest.raises(InputError, match=r"none at \(2,\)"):
        one.histogram("outputs", (2,), [0.0, 1.0])
    with pytest.raises(InputError, match=r"level must lie in \[0, 1\]"):
        one.quantile("outputs", 1.5)
    with pytest.raises(InputError, match=r"outputs\[1\] of network 8 is inf"):
        Summary.of(results([[0.0, 0.0, 0.0, 0.0], [0.0, np.inf, 0.0, 0.0]]), 7, "d", 1)
    with pytest.raises(InputError, match="damaged"):
        Summary.from_bytes(one.to_bytes()[:-9])
