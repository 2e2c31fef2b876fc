"""Closed sandwiches of scale mixtures: their constants, and the exact distances between them."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.special import roots_genlaguerre

import theory as th
from theory.bounds.scale_mixture import C3, C4, CK
from theory.errors import DomainError, InputError

sizes = st.floats(-3, 3).map(lambda e: 10.0**e)


def hermite(*coefficients):
    return np.polynomial.hermite_e.HermiteE(coefficients)


def test_constants_are_the_stated_moments():
    third, fourth = hermite(0, 0, 0, 1), hermite(0, 0, 0, 0, 1)

    def mean(f, cuts):
        edges = [0.0, *cuts, 40.0]
        pieces = itertools.pairwise(edges)
        return 2 * sum(
            integrate.quad(lambda z: abs(f(z)) * stats.norm.pdf(z), a, b, epsabs=1e-13)[0]
            for a, b in pieces
        )

    zeros = [math.sqrt(3 - math.sqrt(6)), math.sqrt(3 + math.sqrt(6))]
    assert pytest.approx(mean(third, [math.sqrt(3)]), rel=1e-10) == C3
    assert pytest.approx(mean(fourth, zeros), rel=1e-10) == C4
    z = np.linspace(0, 6, 600_001)
    assert pytest.approx(np.abs(third(z) * stats.norm.pdf(z)).max(), rel=1e-9) == CK
    # As printed in the source.
    np.testing.assert_allclose([C3, C4, CK], [1.5100130, 2.8006003, 0.5505878], rtol=1e-7)


@given(st.lists(sizes, min_size=1, max_size=6))
def test_exact_distances_lie_between_the_bounds(variances):
    mixture = th.distances.ScaleMixture(variances)
    mean = mixture.mean_variance
    lower, upper = th.bounds.mixture_wasserstein1(variances)
    exact = th.distances.wasserstein1(mixture, mean)
    # E A is rounded, and W1 moves by sqrt(2/pi) times half the relative rounding of it.
    slack = 1e-9 * exact + 1e-15 * math.sqrt(mean)
    assert lower.value - slack <= exact <= upper.value + slack
    assert upper.value == pytest.approx(lower.value * (1 + 4 * math.exp(-1.5)), rel=1e-12)
    tv, k = th.distances.total_variation(mixture, mean), th.distances.kolmogorov(mixture, mean)
    assert tv <= th.bounds.mixture_total_variation(variances).value * (1 + 1e-9) + 1e-15
    assert k <= th.bounds.mixture_kolmogorov(variances).value * (1 + 1e-9) + 1e-15


@pytest.mark.parametrize("exponent", [6, 12, 20])
def test_upper_bounds_are_exact_to_leading_order(exponent):
    d = 2.0**-exponent
    variances = [1 + d, 1 - d]
    mixture = th.distances.ScaleMixture(variances)
    pairs = [
        (th.bounds.mixture_wasserstein1(variances)[1], th.distances.wasserstein1),
        (th.bounds.mixture_total_variation(variances), th.distances.total_variation),
        (th.bounds.mixture_kolmogorov(variances), th.distances.kolmogorov),
    ]
    for bound, distance in pairs:
        assert bound.value / distance(mixture, 1.0) == pytest.approx(1, abs=4 * d * d + 1e-10)


@pytest.mark.parametrize(
    ("n", "printed"),
    [(10, (0.0197, 0.0372, 0.0361, 0.01421)), (100, (0.00199, 0.00377, 0.00351, None))],
)
def test_linear_network_of_b11(n, printed):
    nodes, weights = roots_genlaguerre(60, n / 2 - 1)
    lower, upper = th.bounds.mixture_wasserstein1(2 * nodes / n, weights)
    total = th.bounds.mixture_total_variation(2 * nodes / n, weights)
    uniform = th.bounds.mixture_kolmogorov(2 * nodes / n, weights)
    for bound, value in zip((lower, upper, total, uniform), printed, strict=True):
        if value is not None:
            assert bound.value == pytest.approx(value, rel=4e-3)


def test_variance_zero_makes_the_logarithmic_bounds_trivial():
    assert th.bounds.mixture_total_variation([0.0, 1.0]).value == 1.0
    assert th.bounds.mixture_kolmogorov([0.0, 1.0]).value == 0.5
    assert th.bounds.mixture_wasserstein1([0.0, 0.0])[1].value == 0.0
    with pytest.raises(DomainError, match="Dirac"):
        th.bounds.mixture_total_variation([0.0])


@pytest.mark.parametrize(
    "arguments", [([],), ([-1.0],), ([math.nan],), ([1.0], [1.0, 2.0]), ([1.0], [-1.0])]
)
def test_bad_input(arguments):
    for function in ("mixture_wasserstein1", "mixture_total_variation", "mixture_kolmogorov"):
        with pytest.raises(InputError):
            getattr(th.bounds, function)(*arguments)


def test_bounds_are_found_by_folder():
    assert set(th.bounds.catalogue()) >= {"basteri_trevisan", "coupling", "mixture_wasserstein1"}
    assert th.bounds.coupling is th.bounds.catalogue()["coupling"]
