"""Exact one-dimensional distances against closed forms, quadrature and leading-order constants."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import ndtri, roots_genlaguerre

from theory.distances import (
    ScaleMixture,
    kolmogorov,
    total_variation,
    wasserstein1,
    wasserstein2,
)
from theory.errors import InputError

ALL = (wasserstein1, wasserstein2, kolmogorov, total_variation)


def all_four(mixture, s2):
    return np.array([distance(mixture, s2) for distance in ALL])


def by_quadrature(mixture, s2):
    """The four distances from their definitions, with no cancellation care and no crossing analysis."""
    sigma, roots = math.sqrt(s2), np.sqrt(mixture.variances)
    positive = roots > 0
    atom = mixture.weights[~positive].sum()
    w, r = mixture.weights[positive], roots[positive]

    def cdf(t):
        return atom * (t > 0) + w @ stats.norm.cdf(t / r)

    def pdf(t):
        return w @ (stats.norm.pdf(t / r) / r)

    top = 14 * max(sigma, r.max(initial=0.0))
    low = min(sigma, r.min(initial=sigma))
    edges = np.concatenate([[0.0], low * 2.0 ** np.arange(-3, math.log2(top / low))])
    grid = np.concatenate([np.linspace(a, b, 60) for a, b in itertools.pairwise(edges)])
    gap = np.array([cdf(t) - stats.norm.cdf(t / sigma) for t in grid[1:]])

    def integral(f):
        return sum(
            integrate.quad(f, a, b, epsabs=1e-12, limit=200)[0]
            for a, b in itertools.pairwise(edges)
        )

    w1 = 2 * integral(lambda t: abs(cdf(t) - stats.norm.cdf(t / sigma)))
    tv = atom / 2 + integral(lambda t: abs(pdf(t) - stats.norm.pdf(t / sigma) / sigma))

    def displacement(t):
        # At 8 standard deviations of every component nothing is left to move.
        tail = w @ stats.norm.sf(t / r)
        return 0.0 if tail < 1e-300 else (t + sigma * ndtri(tail)) ** 2 * pdf(t)

    edge = ndtri(0.5 + atom / 2)
    stretched = 2 * s2 * integrate.quad(lambda x: x**2 * stats.norm.pdf(x), 0, edge)[0]
    w2 = math.sqrt(2 * integral(displacement) + stretched)
    return np.array([w1, w2, max(atom / 2, np.abs(gap).max()), tv])


@pytest.mark.parametrize(
    ("variances", "weights", "s2"),
    [
        ([0.5, 1.6], [1, 1], 1.0),
        ([0.9, 0.95], [1, 2], 1.0),
        ([1.2, 1.0], [1, 1], 1.0),
        ([0.0, 1.0, 2.0], [1, 1, 1], 1.1),
        ([0.0, 1.0], [1, 4], 1.0),
        ([1e-4, 1.0, 40.0], [0.2, 0.7, 0.1], 2.0),
    ],
)
def test_distances_equal_their_definitions(variances, weights, s2):
    mixture = ScaleMixture(variances, weights)
    # The grid maximum behind the reference Kolmogorov distance is only second-order accurate.
    np.testing.assert_allclose(all_four(mixture, s2), by_quadrature(mixture, s2), rtol=1e-4)
    np.testing.assert_allclose(
        [wasserstein1(mixture, s2), total_variation(mixture, s2)],
        by_quadrature(mixture, s2)[[0, 3]],
        rtol=1e-8,
    )


@pytest.mark.parametrize("variance", [1e-6, 0.3, 1 - 1e-9, 1.0, 1 + 1e-9, 4.0, 1e6])
def test_two_gaussians_of_different_variance(variance):
    """W1 and W2 are sqrt(2/pi) and 1 times the difference of the standard deviations."""
    mixture, gap = ScaleMixture([variance]), abs(variance - 1) / (1 + math.sqrt(variance))
    assert wasserstein1(mixture, 1.0) == pytest.approx(math.sqrt(2 / math.pi) * gap, rel=1e-12)
    assert wasserstein2(mixture, 1.0) == pytest.approx(gap, rel=1e-10)
    assert total_variation(mixture, 1.0) == pytest.approx(2 * kolmogorov(mixture, 1.0), rel=1e-12)


@pytest.mark.parametrize("exponent", [4, 10, 20, 25])
def test_leading_constants_at_any_scale(exponent):
    """1 +- d with equal weights: constants of B9, B10, B20 times d^2, corrections of relative order d^2."""
    d = 2.0**-exponent
    mixture = ScaleMixture([1 + d, 1 - d])
    inner, outer = math.sqrt(3 - math.sqrt(6)), math.sqrt(3 + math.sqrt(6))
    peak = inner * stats.norm.pdf(inner)
    c4 = 4 * math.sqrt(6) * (peak + outer * stats.norm.pdf(outer))
    constants = [
        math.sqrt(2 / math.pi) * (1 + 4 * math.exp(-1.5)) / 8,
        math.sqrt(3 / 32),
        math.sqrt(6) * peak / 8,
        c4 / 16,
    ]
    np.testing.assert_allclose(all_four(mixture, 1.0) / d**2, constants, rtol=4 * d**2 + 1e-10)


@pytest.mark.parametrize(
    ("n", "stated", "digits"),
    [(10, (0.0354, 0.01372, 0.0335), 2e-3), (100, (0.00375, None, 0.00348), 2e-3)],
)
def test_linear_network_of_b11(n, stated, digits):
    """A = chi^2_n / n, integrated by Gauss-Laguerre; numbers as printed in claim B11."""
    nodes, weights = roots_genlaguerre(60, n / 2 - 1)
    mixture = ScaleMixture(2 * nodes / n, weights)
    values = (wasserstein1(mixture, 1.0), kolmogorov(mixture, 1.0), total_variation(mixture, 1.0))
    for value, reference in zip(values, stated, strict=True):
        if reference is not None:
            assert value == pytest.approx(reference, rel=digits)


def test_laplace_law_is_a_mixture_with_exponential_variance():
    """A ~ Exp(1) makes F the Laplace law of variance 1; its distances are elementary integrals."""
    u = (np.arange(4000) + 0.5) / 4000
    mixture = ScaleMixture(-np.log1p(-u))
    law, normal = stats.laplace(scale=math.sqrt(0.5)), stats.norm()
    w1 = 2 * integrate.quad(lambda t: abs(law.cdf(t) - normal.cdf(t)), 0, 20, limit=200)[0]
    tv = integrate.quad(lambda t: abs(law.pdf(t) - normal.pdf(t)), 0, 20, limit=200)[0]
    cost = integrate.quad(lambda x: (law.isf(normal.sf(x)) - x) ** 2 * normal.pdf(x), 0, 12)[0]
    assert wasserstein1(mixture, 1.0) == pytest.approx(w1, rel=2e-3)
    assert total_variation(mixture, 1.0) == pytest.approx(tv, rel=5e-3)
    assert wasserstein2(mixture, 1.0) == pytest.approx(math.sqrt(2 * cost), rel=3e-3)


def test_dirac_mass_at_zero():
    """Everything at 0: W1 = E|G|, W2 = sigma, half the mass and all of it."""
    values = all_four(ScaleMixture([0.0]), 2.25)
    np.testing.assert_allclose(values, [1.5 * math.sqrt(2 / math.pi), 1.5, 0.5, 1.0], rtol=1e-13)


def test_limit_of_variance_zero():
    mixture = ScaleMixture([0.0, 4.0], [1, 3])
    expected = [0.75 * 2 * math.sqrt(2 / math.pi), math.sqrt(3), 0.375, 0.75]
    np.testing.assert_allclose(all_four(mixture, 0.0), expected, rtol=1e-14)


def test_same_law_has_distance_zero():
    assert np.all(all_four(ScaleMixture([0.7, 0.7, 0.7]), 0.7) < 1e-60)


def test_ten_thousand_components_agree_with_their_bins():
    """Sampled variances: the jets of 10^4 components against the plain sum at a few points."""
    draws = np.random.default_rng(5).chisquare(64, 10_000) / 64
    mixture = ScaleMixture(draws)
    value = wasserstein1(mixture, 1.0)
    t = np.linspace(0, 8, 1001)
    cdf = np.array([stats.norm.cdf(x / np.sqrt(draws)).mean() for x in t])
    plain = 2 * integrate.trapezoid(np.abs(cdf - stats.norm.cdf(t)), t)
    assert value == pytest.approx(plain, rel=1e-4)


@pytest.mark.parametrize("distance", ALL)
@pytest.mark.parametrize("s2", [-1.0, math.nan, math.inf, [1.0, 2.0], "one"])
def test_bad_limit_variance(distance, s2):
    with pytest.raises(InputError, match="s2"):
        distance(ScaleMixture([1.0]), s2)


@pytest.mark.parametrize("distance", ALL)
@pytest.mark.parametrize(("variance", "s2"), [(1e300, 1e-10), (1e-200, 1e200), (1e308, 1e-308)])
def test_variances_out_of_all_proportion(distance, variance, s2):
    with pytest.raises(InputError, match="factor 1e\\+100"):
        distance(ScaleMixture([variance, 0.0]), s2)


@pytest.mark.parametrize("scale", [1e-300, 1e-90, 1e90, 1e300])
def test_extreme_units_are_only_units(scale):
    mixture = ScaleMixture([0.5 * scale, 1.6 * scale, 0.0])
    values = all_four(ScaleMixture([0.5, 1.6, 0.0]), 1.0)
    units = np.array([math.sqrt(scale), math.sqrt(scale), 1, 1])
    np.testing.assert_allclose(all_four(mixture, scale), values * units, rtol=1e-12)


@pytest.mark.parametrize(
    ("variances", "weights", "message"),
    [
        ([], None, "shape"),
        ([[1.0]], None, "shape"),
        ([1.0, -0.5], None, r"variances\[1\] is -0.5"),
        ([1.0, math.nan], None, r"variances\[1\] is nan"),
        ([1.0, 2.0], [1.0], "one weight a variance"),
        ([1.0, 2.0], [1.0, -1.0], "non-negative"),
        ([1.0, 2.0], [0.0, 0.0], "positive, finite sum"),
    ],
)
def test_bad_mixture(variances, weights, message):
    with pytest.raises(InputError, match=message):
        ScaleMixture(variances, weights)


def test_mixture_is_immutable_and_recentres():
    mixture = ScaleMixture([1.0, 3.0], [3, 1])
    with pytest.raises(ValueError, match="read-only"):
        mixture.variances[0] = 2.0
    assert mixture.mean_variance == 1.5
    assert mixture.recentred(3.0).variances.tolist() == [2.0, 6.0]
    with pytest.raises(InputError, match="Dirac"):
        ScaleMixture([0.0]).recentred(1.0)
