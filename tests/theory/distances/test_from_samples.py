"""Distances from raw samples: exact for the empirical law, and limits that hold."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtri

from theory.distances import ScaleMixture, from_samples, kolmogorov, wasserstein1, wasserstein2
from theory.errors import InputError

reals = st.floats(-50, 50)


@given(st.lists(reals, min_size=1, max_size=30), st.floats(0.1, 10))
def test_estimates_are_the_distances_of_the_empirical_law(samples, s2):
    """Against a fine quantile grid and SciPy's Kolmogorov-Smirnov statistic."""
    found = from_samples(samples, s2)
    count = 200_000 // len(samples) * len(samples)
    quantile = math.sqrt(s2) * ndtri((np.arange(count) + 0.5) / count)
    gap = np.repeat(np.sort(samples), count // len(samples)) - quantile
    scale = 1 + math.sqrt(s2) + max(map(abs, samples))
    assert found.wasserstein1.estimate == pytest.approx(np.abs(gap).mean(), abs=1e-4 * scale)
    assert found.wasserstein2.estimate**2 == pytest.approx((gap**2).mean(), abs=1e-4 * scale**2)
    statistic = stats.kstest(samples, stats.norm(0, math.sqrt(s2)).cdf).statistic
    assert found.kolmogorov.estimate == pytest.approx(statistic, abs=1e-12)


@given(st.lists(reals, min_size=1, max_size=40), st.floats(0.1, 10), st.floats(0.5, 0.999))
def test_limits_enclose_the_estimate_and_the_limits_of_lower_confidence(samples, s2, confidence):
    moment = max(np.mean(np.power(samples, 4)), 1e-6)
    wide = from_samples(samples, s2, 0.9995, fourth_moment=moment)
    tight = from_samples(samples, s2, confidence, fourth_moment=moment)
    for name in ("kolmogorov", "wasserstein1", "wasserstein2"):
        outer, inner = getattr(wide, name), getattr(tight, name)
        assert outer.lower <= inner.lower * (1 + 1e-9) + 1e-12
        assert inner.lower <= inner.estimate * (1 + 1e-9) + 1e-12
        assert inner.estimate <= inner.upper * (1 + 1e-9)
    assert tight.wasserstein1.lower <= tight.wasserstein2.lower * (1 + 1e-9) + 1e-12


def test_lattice_law_has_the_constants_of_b41():
    """A sign network with +-1 readout, n = 101: the exact law as equal atoms; printed .5003, .5780, .3983."""
    n, copies = 101, 2**17
    counts = np.round(copies * stats.binom.pmf(np.arange(n + 1), n, 0.5)).astype(int)
    samples = np.repeat((2 * np.arange(n + 1) - n) / math.sqrt(n), counts)
    found = from_samples(samples, 1.0)
    scaled = [
        math.sqrt(n) * sandwich.estimate
        for sandwich in (found.wasserstein1, found.wasserstein2, found.kolmogorov)
    ]
    np.testing.assert_allclose(scaled, [0.5003, 0.5780, 0.3983], atol=2e-4)
    # The law is off the limit by n^(-1/2), and 10^5 samples see it.
    assert found.kolmogorov.lower > 0.03
    assert found.wasserstein1.lower > 0.01


@pytest.mark.parametrize("seed", range(3))
def test_limits_cover_a_known_distance(seed):
    """A two-point scale mixture, confidence 1 - 1e-6: a failure would be a defect, not bad luck."""
    rng = np.random.default_rng(seed)
    mixture = ScaleMixture([0.1, 3.0], [2, 1])
    samples = np.sqrt(np.where(rng.random(20_000) < 1 / 3, 3.0, 0.1)) * rng.normal(size=20_000)
    fourth = 3 * float(mixture.weights @ mixture.variances**2)
    found = from_samples(samples, 1.0, 1 - 1e-6, fourth_moment=fourth)
    assert kolmogorov(mixture, 1.0) in found.kolmogorov
    assert wasserstein1(mixture, 1.0) in found.wasserstein1
    assert wasserstein2(mixture, 1.0) in found.wasserstein2
    assert found.wasserstein2.lower > 0.1


def test_without_a_moment_nothing_bounds_the_tail():
    found = from_samples(np.linspace(-2, 2, 100), 1.0)
    assert found.wasserstein1.upper == math.inf
    assert "fourth_moment" in found.wasserstein1.method
    assert found.kolmogorov.upper < 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 1.0), "samples"),
        (([[1.0]], 1.0), "samples"),
        (([math.nan], 1.0), "samples"),
        (([1e200, -1.0], 1.0), "standard deviations"),
        (([1.0], 0.0), "s2"),
        (([1.0], 1.0, 1.0), "confidence"),
        (([1.0], 1.0, 0.9, -1.0), "fourth_moment"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InputError, match=message):
        from_samples(*arguments)
