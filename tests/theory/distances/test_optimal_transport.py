"""Exact optimal transport between small samples, by POT: an oracle that knows nothing of mixtures.

Samples cost more than their laws, by far where distances are of order 1/n: E W2^2(mu_M, nu_M) >= W2^2(mu, nu).
"""

import math

import numpy as np
import ot
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.special import ndtr

import theory as th
from theory.covariance import square_root
from theory.distances import ScaleMixture, wasserstein2, wasserstein2_to_limit

SIZE, REPEATS = 300, 8
X = np.array([[1.0, 0.5, 0.0], [0.3, -1.2, 0.7]])


def transport(first, second):
    """Squared W2 between two samples of equal weights."""
    return float(ot.emd2([], [], ot.dist(first, second)))


def test_transport_between_samples_of_one_size_is_an_assignment():
    """POT's network simplex against SciPy's Hungarian algorithm."""
    first, second = np.random.default_rng(3).normal(size=(2, 200, 3))
    cost = ((first[:, None] - second[None]) ** 2).sum(axis=-1)
    expected = float(cost[linear_sum_assignment(cost)].mean())
    assert transport(first, second) == pytest.approx(expected, rel=1e-12)


def test_sorting_is_optimal_on_the_line():
    """The exact distance of a mixture against a transport of quantiles, which have no noise."""
    mixture = ScaleMixture([0.2, 3.0], [0.6, 0.4])
    levels = (np.arange(800) + 0.5) / 800
    grid = np.linspace(-12, 12, 60_001)
    law = 0.6 * ndtr(grid / math.sqrt(0.2)) + 0.4 * ndtr(grid / math.sqrt(3.0))
    first = np.interp(levels, law, grid)[:, None]
    second = np.interp(levels, ndtr(grid / math.sqrt(1.1)), grid)[:, None]
    found = math.sqrt(transport(np.random.default_rng(0).permutation(first), second))
    assert found == pytest.approx(wasserstein2(mixture, 1.1), rel=0.02)


@pytest.mark.parametrize("activation", [th.relu(), th.hardtanh("1/4")], ids=str)
def test_sandwich_of_a_narrow_network(activation):
    """Width 2, two inputs: lower limit <= mean transport of samples <= cost of the common noise, both with their noise.

    Six standard errors over eight repetitions: false alarm below 1e-3 for the t law with 7 degrees of freedom.
    """
    arch = th.Architecture(1, activation, weight_std=1.2, bias_std=0.3)
    limit = np.asarray(th.nngp(arch, X))
    drawn = th.sample_covariances(arch, X, 2, SIZE * REPEATS, seed=1)
    rng = np.random.default_rng(0)
    apart, together, common = [], [], []
    for part in np.split(drawn, REPEATS):
        noise, other = rng.normal(size=(2, SIZE, 2))
        outputs = np.einsum("nij,nj->ni", square_root(part), noise)
        apart.append(transport(outputs, other @ square_root(limit)))
        together.append(transport(outputs, noise @ square_root(limit)))
        common.append(float(((outputs - noise @ square_root(limit)) ** 2).sum(axis=1).mean()))
    found = wasserstein2_to_limit(arch, X, 2, draws=SIZE * REPEATS, seed=1)
    assert found.lower < found.upper < 10.0
    assert np.all(np.array(together) <= np.array(common))
    error = np.std(apart, ddof=1) / math.sqrt(REPEATS)
    assert found.lower**2 <= np.mean(apart) + 6 * error
    assert found.lower > 0.1 * math.sqrt(np.mean(common))
    coupled = th.bounds.coupling(arch, X, 2, draws=SIZE * REPEATS, seed=1).details["mean cost"]
    spread = np.std(common, ddof=1) / math.sqrt(REPEATS)
    assert coupled <= np.mean(common) + 6 * spread
