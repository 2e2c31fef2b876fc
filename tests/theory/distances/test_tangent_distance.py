"""Empirical tangent kernels beside their limit, for the four pairs of Jacobians."""

import math

import numpy as np
import pytest
from scipy import stats

import theory as th
from theory.distances import TangentDistance, tangent_to_limit
from theory.errors import InputError, UndefinedKernelError
from theory.estimate import Estimate

X = np.array([[1.0, 0.5, -0.3], [1.2, -0.4, -1.4]])
PAIRS = [(a, b) for a in ("true", "surrogate") for b in ("true", "surrogate")]
# Quantile of one of 16 entries at a false alarm of 1e-6 in all.
Z = float(stats.norm.isf(1e-6 / 32))


def one_layer(**options):
    return th.Architecture(
        1, th.hardtanh("1/2"), th.hardtanh(1), weight_std=1.2, bias_std=0.3, **options
    )


@pytest.mark.parametrize("pair", PAIRS, ids=",".join)
def test_one_hidden_layer_is_unbiased_with_its_exact_variance(pair):
    found = tangent_to_limit(one_layer(), X, 40, pair, draws=6000, seed=1)
    assert np.all(np.abs(found.bias.value) <= Z * found.bias.stderr)
    assert found.expected_by.startswith("exact")
    assert np.all(np.abs(found.variance.value - found.expected) <= Z * found.variance.stderr)
    assert np.all(found.variance.stderr < 0.1 * found.expected)
    w2 = found.wasserstein2(0, 1)
    assert w2.lower < math.sqrt(found.expected[0, 1]) < w2.upper
    assert w2.upper < 1.2 * w2.lower


def test_unequal_norms_tell_rows_from_columns():
    mixed = tangent_to_limit(one_layer(), X, 40, ("true", "surrogate"), draws=200)
    other = tangent_to_limit(one_layer(), X, 40, ("surrogate", "true"), draws=200)
    assert mixed.limit[0, 1] == pytest.approx(other.limit[1, 0], rel=1e-12)
    assert abs(mixed.limit[0, 1] - mixed.limit[1, 0]) > 1e-3


def test_deeper_networks_have_a_leading_variance_on_the_diagonal():
    arch = th.Architecture(2, th.erf(1), weight_std=1.3, bias_std=0.3)
    found = tangent_to_limit(arch, X, 200, ("true", "true"), draws=4000, seed=2)
    diagonal = np.diag(found.variance.value)
    # The next order is of relative size 1/n.
    slack = Z * np.diag(found.variance.stderr) + 5 / 200 * diagonal
    assert np.all(np.abs(diagonal - np.diag(found.expected)) <= slack)
    assert math.isnan(found.expected[0, 1])
    mixed = tangent_to_limit(arch, X, 20, ("true", "surrogate"), draws=50)
    assert mixed.expected_by == "none"


def test_tails_are_clopper_pearson_and_chebyshev_holds():
    found = tangent_to_limit(one_layer(), X, 40, draws=2000, seed=3)
    std = math.sqrt(found.expected[0, 1])
    tails = [found.tail(0, 1, factor * std) for factor in (0.0, 1.0, 2.0, 3.0, 50.0)]
    assert [one.estimate for one in tails] == sorted((one.estimate for one in tails), reverse=True)
    for factor, one in zip((1.0, 2.0, 3.0), tails[1:4], strict=True):
        assert one.lower < one.estimate < one.upper
        assert one.lower <= 1 / factor**2
        exact = stats.binomtest(round(one.estimate * 2000), 2000).proportion_ci(0.99)
        assert (one.lower, one.upper) == pytest.approx((exact.low, exact.high), rel=1e-9)
    assert tails[0].upper == 1.0
    assert tails[-1].lower == 0.0


def test_fluctuations_become_gaussian():
    """Narrow networks are seen not to be, wide ones are not told apart from it (99 % bands)."""
    narrow = tangent_to_limit(one_layer(), X, 2, draws=4000, seed=4).normality(0, 0)
    wide = tangent_to_limit(one_layer(), X, 2000, draws=4000, seed=4).normality(0, 0)
    assert narrow.lower > wide.upper
    assert 0.0 in wide
    assert "asymptotic" not in wide.lower_by


def test_bias_is_seen_where_there_is_one():
    """Deviations with a known shift and no closed form: the interval leaves 0."""
    rng = np.random.default_rng(5)
    deviations = 0.5 + rng.normal(size=(500, 1, 1))
    bias = Estimate.of_mean(deviations)
    variance = Estimate.of_mean((deviations - bias.value) ** 2)
    found = TangentDistance(
        np.ones((1, 1)), bias, variance, np.full((1, 1), np.nan), "none", deviations, 0.99
    )
    assert not found.is_unbiased[0, 0]
    assert "asymptotic" in found.normality(0, 0).upper_by
    assert found.wasserstein2(0, 0).estimate == pytest.approx(math.sqrt(1.25), rel=0.1)


def test_bad_arguments():
    with pytest.raises(InputError, match="hidden layer"):
        tangent_to_limit(th.Architecture(0), X, [])
    with pytest.raises(InputError, match="draws"):
        tangent_to_limit(one_layer(), X, 8, draws=4)
    with pytest.raises(InputError, match="jacobians"):
        tangent_to_limit(one_layer(), X, 8, ("true", "false"))
    with pytest.raises(UndefinedKernelError):
        tangent_to_limit(th.Architecture(1, th.sign()), X, 8, ("true", "true"))
    found = tangent_to_limit(one_layer(), X, 8, draws=8)
    with pytest.raises(InputError, match="entry"):
        found.tail(0, 2, 1.0)
    with pytest.raises(InputError, match="threshold"):
        found.tail(0, 1, -1.0)
