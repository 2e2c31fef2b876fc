"""What every distance obeys, over mixtures that span twelve orders of magnitude."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.distances import (
    ScaleMixture,
    blind_critic,
    kolmogorov,
    total_variation,
    wasserstein1,
    wasserstein2,
)

ALL = (wasserstein1, wasserstein2, kolmogorov, total_variation)

sizes = st.floats(-6, 6).map(lambda e: 10.0**e)
near = st.floats(-1e-3, 1e-3).map(lambda d: 1 + d)


@st.composite
def mixtures(draw):
    variances = draw(st.lists(st.one_of(sizes, near, st.just(0.0)), min_size=1, max_size=5))
    weights = draw(st.lists(st.floats(0.01, 1), min_size=len(variances), max_size=len(variances)))
    return ScaleMixture(variances, weights)


@given(mixtures(), sizes, sizes)
def test_scale_equivariance(mixture, s2, factor):
    scaled = ScaleMixture(factor * mixture.variances, mixture.weights)
    for distance, power in zip(ALL, (0.5, 0.5, 0, 0), strict=True):
        expected = factor**power * distance(mixture, s2)
        # Scaling rounds each variance once; this moves a distance by eps relative to the scale of the laws.
        spread = math.sqrt(factor) ** (2 * power) * math.sqrt(s2 + mixture.variances.max()) ** (
            2 * power
        )
        assert distance(scaled, factor * s2) == pytest.approx(
            expected, rel=1e-9, abs=1e-14 * spread
        )


@given(mixtures(), sizes)
def test_order_of_the_distances(mixture, s2):
    w1, w2, k, tv = (distance(mixture, s2) for distance in ALL)
    slack = 1 + 1e-10
    assert 0 <= w1 <= w2 * slack
    assert 0 <= k <= min(0.5, tv) * slack
    assert tv <= slack


@given(mixtures(), sizes, sizes)
def test_triangle_inequality(mixture, s2, between):
    for distance in ALL:
        around = distance(mixture, between) + distance(ScaleMixture([between]), s2)
        assert distance(mixture, s2) <= around * (1 + 1e-9)


@given(mixtures(), sizes)
def test_wasserstein2_lies_between_gelbrich_and_the_common_noise(mixture, s2):
    sigma, value = math.sqrt(s2), wasserstein2(mixture, s2)
    common = math.sqrt(mixture.weights @ (np.sqrt(mixture.variances) - sigma) ** 2)
    assert abs(math.sqrt(mixture.mean_variance) - sigma) <= value * (1 + 1e-9) + 1e-15 * sigma
    assert value <= common * (1 + 1e-9) + 1e-15 * sigma


@given(mixtures(), sizes)
def test_blind_critic_is_a_lower_bound(mixture, s2):
    """No hypothesis on the mean of the variance."""
    values = blind_critic(mixture.variances, s2)
    assert np.all(values >= 0)
    assert mixture.weights @ values <= wasserstein1(mixture, s2) * (1 + 1e-9)


@given(mixtures(), sizes, st.randoms(use_true_random=False))
def test_order_and_splitting_of_components_do_not_matter(mixture, s2, random):
    order = list(range(mixture.variances.size))
    random.shuffle(order)
    twice = np.concatenate([mixture.variances[order], mixture.variances])
    weights = np.concatenate([mixture.weights[order], 2 * mixture.weights])
    for distance in ALL:
        assert distance(ScaleMixture(twice, weights), s2) == pytest.approx(
            distance(mixture, s2), rel=1e-9, abs=1e-15
        )
