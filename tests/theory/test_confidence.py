"""One-sided limits: their coverage, and what they refuse."""

import numpy as np
import pytest

from theory.confidence import lower_mean, upper_mean
from theory.errors import InputError


@pytest.mark.parametrize("size", [10, 200])
def test_bernstein_limits_cover_a_skewed_mean(size):
    """Rare large values, 2000 repetitions at level 0.9: at most 10 % may miss, plus 5 standard errors."""
    rng = np.random.default_rng(0)
    samples = (rng.random((2000, size)) < 0.05) * 1.0
    above = np.mean([upper_mean(row, 0.9, 1.0).value < 0.05 for row in samples])
    below = np.mean([lower_mean(row, 0.9, 1.0).value > 0.05 for row in samples])
    assert max(above, below) <= 0.1 + 5 * np.sqrt(0.09 / 2000)


def test_limits_scale_and_tighten():
    samples = np.random.default_rng(1).random(1000)
    assert upper_mean(5 * samples, 0.99, 5.0).value == pytest.approx(
        5 * upper_mean(samples, 0.99, 1.0).value, rel=1e-12
    )
    assert upper_mean(samples, 0.99).value < upper_mean(samples, 0.99, 1.0).value
    assert lower_mean(samples, 0.99, 1.0).value < samples.mean()
    assert "asymptotic" in upper_mean(samples, 0.99).method


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.array([1.0]), 0.9, 1.0), "M >= 2"),
        ((np.array([0.0, 2.0]), 0.9, 1.0), "a-priori range"),
        ((np.array([-1.0, 0.5]), 0.9, 1.0), "a-priori range"),
        ((np.array([0.0, 0.5]), 1.0, 1.0), "level"),
        ((np.array([0.0, 0.5]), 0.9, 0.0), "span"),
    ],
)
def test_bad_input(arguments, message):
    for limit in (upper_mean, lower_mean):
        with pytest.raises(InputError, match=message):
            limit(*arguments)
