"""Lower limits from raw samples by periodic test functions and atoms."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

import theory as th
from theory.distances import outputs_to_limit
from theory.distances.periodic import atom_limit, best_wave, gaussian_mean, periodic_limit
from theory.errors import InputError

BINARY = [th.gaussian(), th.rademacher()]


@pytest.mark.parametrize("period", [0.05, 0.7, 3.0, 30.0])
def test_mean_of_the_test_function_under_the_gaussian(period):
    """Against an integral from multiple to multiple of half a period."""
    corners = np.arange(-math.ceil(24 / period), math.ceil(24 / period) + 1) * period / 2
    expected = sum(
        integrate.quad(
            lambda x: abs(x - period * np.rint(x / period)) * stats.norm.pdf(x, scale=1.3), a, b
        )[0]
        for a, b in pairwise(corners)
    )
    assert gaussian_mean(period, 1.3) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n", [8, 9, 1024, 65536])
def test_lattices_are_seen_at_every_width(n):
    """Signs read out by signs: sqrt(n) W1 -> 1/2 (claim B41), seen by 1000 draws at risk 1e-8."""
    arch = th.Architecture(1, th.sign(), weights=BINARY)
    found = outputs_to_limit(arch, [[1.0, 0.5]], n, draws=1000, confidence=1 - 1e-8)
    edges = np.clip(stats.binom.cdf(np.arange(-1, n + 1), n, 0.5), 0.0, 1.0)
    points = (2 * np.arange(n + 1) - n) / math.sqrt(n)
    grid = np.linspace(-9, 9, 2_000_001)
    steps = edges[np.searchsorted(points, grid, side="right")]
    exact = float(np.abs(steps - stats.norm.cdf(grid)).sum() * (grid[1] - grid[0]))
    assert 0.85 * exact < found["W1"].lower <= exact
    assert found["W2"].lower >= found["W1"].lower
    atom = stats.binom.pmf(n // 2, n, 0.5)
    assert found["convex"].lower <= atom
    assert found["Kolmogorov"].lower <= 0.5 * atom
    if n < 10:
        assert found["convex"].lower > 0.4 * atom


def test_a_difference_of_outputs_without_its_bias_is_a_lattice():
    """Two inputs: the bias hides every single output, and cancels in the difference."""
    arch = th.Architecture(1, th.sign(), bias_std=0.5, weights=BINARY)
    found = outputs_to_limit(arch, [[1.0, 0.5], [-0.3, 1.0]], 1024, draws=1000, confidence=0.999)
    assert "period" in found["W1"].lower_by
    assert all(one.lower <= one.estimate for one in found.values())
    assert found["W1"].lower * 32 > 0.3


def test_the_gaussian_itself_is_not_mistaken():
    """Level 0.9, 400 pairs of samples: more than 68 false alarms have probability 1e-5."""
    rng, wrong = np.random.default_rng(5), 0
    for _ in range(400):
        training, test = 0.7 * rng.normal(size=(2, 60))
        wave = best_wave(training, 0.7, 0.9)
        wrong += periodic_limit(wave, test, 0.7, 0.9).value > 0
        assert atom_limit(training, test, 0.7, 0.9).value == 0
    assert wrong <= 68


def test_an_atom_is_bounded_by_its_mass():
    """Half of the mass at 1, level 0.9: more than 68 of 400 limits beyond it have probability 1e-5."""
    rng, beyond, seen = np.random.default_rng(6), 0, 0.0
    for _ in range(400):
        training, test = np.where(rng.random((2, 60)) < 0.5, 1.0, rng.normal(size=(2, 60)))
        value = atom_limit(training, test, 1.0, 0.9).value
        beyond, seen = beyond + (value > 0.5), seen + value / 400
    assert beyond <= 68
    assert seen > 0.3


def test_a_limit_without_variance_is_refused():
    arch = th.Architecture(1, th.relu(), bias_std=0.0, weights=BINARY)
    with pytest.raises(InputError, match="limit is 0"):
        outputs_to_limit(arch, [[0.0, 0.0]], 8, draws=10)
