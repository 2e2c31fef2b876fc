"""One-sided limits: their coverage, and what they refuse."""

import numpy as np
import pytest

from theory.confidence import lower_mean, lower_mean_cut, upper_gap, upper_mean
from theory.errors import InputError


@pytest.mark.parametrize("size", [10, 200])
def test_bounded_limits_cover_a_skewed_mean(size):
    """Rare large values, 500 repetitions at level 0.9: at most 10 % may miss, plus 5 standard errors."""
    rng = np.random.default_rng(0)
    samples = (rng.random((500, size)) < 0.05) * 1.0
    above = np.mean([upper_mean(row, 0.9, 1.0).value < 0.05 for row in samples])
    below = np.mean([lower_mean(row, 0.9, 1.0).value > 0.05 for row in samples])
    assert max(above, below) <= 0.1 + 5 * np.sqrt(0.09 / 500)


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


@pytest.mark.parametrize("seed", range(5))
def test_cut_lower_limit_needs_no_range(seed):
    """A variable with infinite variance: below its mean 2 at confidence 1 - 1e-9, and not trivial."""
    draws = np.random.default_rng(seed).pareto(1.5, (2, 20_000))
    limit = lower_mean_cut(*draws, 1 - 1e-9)
    assert 1.0 < limit.value < 2.0
    assert lower_mean_cut(*(1e-6 * draws), 1 - 1e-9).value == pytest.approx(1e-6 * limit.value)


def test_cut_lower_limit_of_nothing_is_trivial():
    assert lower_mean_cut(np.zeros(10), np.ones(10), 0.9).value == 0.0


@pytest.mark.parametrize("span", [1.0, None], ids=["bounded", "asymptotic"])
def test_limits_for_a_gap_cover_it_on_both_sides(span):
    """|E Y - target| for a target above, at and below the mean 0.3; at most 10 % may miss, plus 5 standard errors."""
    rng = np.random.default_rng(2)
    samples = (rng.random((500, 200)) < 0.3) * 1.0
    for target in (0.1, 0.3, 0.5):
        limits = np.array([upper_gap(row, target, 0.9, span).value for row in samples])
        assert np.mean(limits < abs(target - 0.3)) <= 0.1 + 5 * np.sqrt(0.09 / 500)
        assert limits.mean() < abs(target - 0.3) + (0.25 if span else 0.08)
