"""Betting limits: an exact martingale, exact coverage by enumeration, and sharper than empirical Bernstein."""

import math
from itertools import product

import numpy as np
import pytest

from theory import confidence
from theory.confidence import betting_lower_mean

SEQUENCES = np.array(list(product([0.0, 1.0], repeat=10)))


def chances(mean, low, high):
    """Probability of each sequence of two values of the given mean."""
    share = (mean - low) / (high - low)
    return np.prod(np.where(SEQUENCES == 1, share, 1 - share), axis=1)


@pytest.mark.parametrize("mean", [0.05, 0.3, 0.8])
def test_capital_is_a_martingale(mean):
    """Over all 2^10 sequences of fair bets the mean capital is 1; stakes that peek would break it."""
    stakes = np.array([confidence._stakes(row, 0.05) for row in SEQUENCES])
    capital = np.prod(
        1 + np.minimum(stakes, confidence.BOLDEST / mean) * (SEQUENCES - mean), axis=1
    )
    assert float(chances(mean, 0.0, 1.0) @ capital) == pytest.approx(1.0, abs=1e-12)
    assert capital.min() > 0


@pytest.mark.parametrize("alpha", [0.2, 0.01])
def test_exact_coverage_by_enumeration(alpha):
    """P(limit > mean) over all sequences of length 10, for every mean of a grid: exactly at most alpha."""
    limits = np.array([betting_lower_mean(row, alpha) for row in SEQUENCES])
    for mean in np.linspace(0.02, 0.98, 49):
        assert float(chances(mean, 0.0, 1.0) @ (limits > mean)) <= alpha
    # Not vacuous: ten ones rule out small means.
    assert limits[-1] > (0.6 if alpha == 0.2 else 0.4)


def test_coverage_on_a_continuous_law():
    """Beta(1/2, 5): 500 samples of 100 at level 0.9; at most 10 % may miss, plus 5 standard errors."""
    samples = np.random.default_rng(3).beta(0.5, 5.0, (500, 100))
    missed = np.mean([betting_lower_mean(row, 0.1) > 0.5 / 5.5 for row in samples])
    other = np.mean([betting_lower_mean(1 - row, 0.1) > 5 / 5.5 for row in samples])
    assert max(missed, other) <= 0.1 + 5 * math.sqrt(0.09 / 500)


def test_sharper_than_empirical_bernstein():
    """Uniform draws at risk 1e-8: below 0.7 of Maurer and Pontil's margin."""
    values = np.random.default_rng(4).random(1000)
    logarithm = math.log(2e8)
    bernstein = math.sqrt(2 * values.var(ddof=1) * logarithm / 1000) + 7 * logarithm / (3 * 999)
    assert values.mean() - betting_lower_mean(values, 1e-8) < 0.7 * bernstein


def test_extreme_samples():
    assert betting_lower_mean(np.zeros(50), 0.01) == 0.0
    assert 0.85 < betting_lower_mean(np.ones(50), 0.01) < 0.92
