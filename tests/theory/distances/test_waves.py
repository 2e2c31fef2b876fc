"""Lower bounds on Wasserstein-2 by waves: their formula, that they hold, and how much of the distance they show."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from theory.distances import ScaleMixture, Waves, radial_wasserstein, wasserstein2
from theory.distances.waves import FREQUENCIES

LONG_TO_SHORT = tuple(Waves(slow, fast) for slow, fast in FREQUENCIES)

MIXTURES = {
    "near": ([0.98, 1.0, 1.03], [0.3, 0.5, 0.2], 1.0),
    "wide": ([0.1, 1.0, 4.0], [0.4, 0.4, 0.2], 1.3),
    "atom": ([0.0, 2.0], [0.5, 0.5], 1.0),
    "far": ([1e-3, 50.0], [0.5, 0.5], 2.0),
    "shifted": ([1.9, 2.1], [0.5, 0.5], 1.0),
}


def wave(waves, x):
    """The test function itself, for a unit limit."""
    fast = math.exp(waves.fast**2 / 2) * np.cos(waves.fast * x) / waves.fast**2
    return fast - math.exp(waves.slow**2 / 2) * np.cos(waves.slow * x) / waves.slow**2


@pytest.mark.parametrize("waves", LONG_TO_SHORT, ids=str)
@pytest.mark.parametrize("ratio", [0.0, 0.3, 0.95, 1.0, 1.2, 6.0])
def test_values_are_expectations_of_the_test_function(waves, ratio):
    s2 = 1.7
    mean, limit = (
        integrate.quad(
            lambda z, std=std: float(wave(waves, std * z)) * stats.norm.pdf(z), -12, 12, limit=200
        )[0]
        for std in (math.sqrt(ratio), 1.0)
    )
    found = waves(np.array([ratio * s2]), s2)[0]
    assert found == pytest.approx(mean - limit, abs=1e-10)
    assert found >= 0


@pytest.mark.parametrize("waves", LONG_TO_SHORT, ids=str)
def test_constants_against_quadrature(waves):
    """D^2 = E h'(G)^2 and h'' <= L, from differences of h."""
    step = 1e-4
    z = np.linspace(-12, 12, 200_001)
    slope = (wave(waves, z + step) - wave(waves, z - step)) / (2 * step)
    square = integrate.trapezoid(slope**2 * stats.norm.pdf(z), z)
    assert waves._slope() ** 2 == pytest.approx(square, rel=1e-6)
    second = (wave(waves, z + step) - 2 * wave(waves, z) + wave(waves, z - step)) / step**2
    assert second.max() <= waves._curvature() * (1 + 1e-6)
    assert second.max() > 0.5 * waves._curvature()


@pytest.mark.parametrize("waves", LONG_TO_SHORT, ids=str)
@pytest.mark.parametrize("name", MIXTURES)
def test_never_above_the_exact_distance(waves, name):
    variances, weights, s2 = MIXTURES[name]
    mixture = ScaleMixture(variances, weights)
    mean = float(mixture.weights @ waves(mixture.variances, s2))
    assert 0 < waves.distance(mean, s2) <= wasserstein2(mixture, s2)


@pytest.mark.parametrize(
    ("waves", "share"), list(zip(LONG_TO_SHORT, (0.984, 0.924, 0.788), strict=True)), ids=str
)
def test_share_of_the_distance_near_the_limit(waves, share):
    d = 1e-4
    mixture = ScaleMixture([1 - d, 1 + d])
    mean = float(mixture.weights @ waves(mixture.variances, 1.0))
    found = waves.distance(mean, 1.0) / wasserstein2(mixture, 1.0)
    assert found == pytest.approx(share, abs=2e-3)


def test_units_and_trivial_means():
    waves = Waves(0.6, 1.2)
    assert waves.distance(0.01, 9.0) == pytest.approx(3 * waves.distance(0.01, 1.0))
    assert waves.distance(0.0, 1.0) == 0.0
    assert waves.distance(-0.5, 1.0) == -0.5


@pytest.mark.parametrize("outputs", [2, 3, 10])
@pytest.mark.parametrize("pair", FREQUENCIES, ids=str)
def test_several_outputs_are_seen_together(pair, outputs):
    """Never above the radial distance of claim B19, and the same share of it as for one output."""
    waves = Waves(*pair, outputs)
    for variances, weights, s2 in (MIXTURES["near"], MIXTURES["wide"], MIXTURES["shifted"]):
        mixture = ScaleMixture(variances, weights)
        mean = float(mixture.weights @ waves(mixture.variances, s2))
        assert 0 < waves.distance(mean, s2) <= radial_wasserstein(mixture, s2, outputs)
    mixture = ScaleMixture([0.99, 1.01])
    mean = float(mixture.weights @ waves(mixture.variances, 1.0))
    share = waves.distance(mean, 1.0) / radial_wasserstein(mixture, 1.0, outputs)
    assert share > 0.97 * dict(zip(FREQUENCIES, (0.984, 0.924, 0.788), strict=True))[pair]


@pytest.mark.parametrize("outputs", [2, 5])
def test_slope_of_averaged_waves_against_directions(outputs):
    """E |h'(G)|^2 over independent pairs of directions, five standard errors."""
    waves = Waves(0.8, 1.6, outputs)
    pairs = np.random.default_rng(outputs).normal(size=(2, 200_000, outputs))
    one, other = pairs / np.linalg.norm(pairs, axis=-1, keepdims=True)
    c = (one * other).sum(axis=1)
    square = c * (
        np.sinh(0.64 * c) / 0.64 + np.sinh(2.56 * c) / 2.56 - 2 * np.sinh(1.28 * c) / 1.28
    )
    error = square.std() / math.sqrt(c.size)
    assert abs(waves._slope() ** 2 - square.mean()) < 5 * error
