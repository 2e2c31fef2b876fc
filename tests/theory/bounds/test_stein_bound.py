"""The Stein bound in two and three dimensions: against one dimension, the path bound, and shifts alone."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import theory as th
from theory.errors import DomainError


def test_a_grid_of_points_agrees():
    """Posterior means on a square grid, K neither diagonal nor the mean of S."""
    covariances = np.array([[[1.2, 0.3], [0.3, 0.7]], [[0.6, -0.2], [-0.2, 1.1]]])
    limit, weights = np.array([[1.0, 0.2], [0.2, 0.8]]), np.array([0.4, 0.6])
    axis = np.linspace(-9, 9, 601)
    points = np.stack(np.meshgrid(axis, axis), axis=-1)
    each = [
        w * multivariate_normal([0, 0], s).pdf(points)
        for w, s in zip(weights, covariances, strict=True)
    ]
    density = sum(each)
    posterior = sum(
        p[..., None, None] * (s - limit) for p, s in zip(each, covariances, strict=True)
    )
    squares = np.einsum("...ij,jk,...ki->...", posterior, np.linalg.inv(limit), posterior)
    expected = math.sqrt(float((squares / density).sum()) * (axis[1] - axis[0]) ** 2)
    found = th.bounds.vector_stein(covariances, limit, weights).value
    assert found == pytest.approx(expected, rel=2e-5)


def test_a_shift_alone_costs_at_least_the_bures_distance():
    """One component: tau = S everywhere, and the value is |K^{-1/2} (S - K)|."""
    shifted, limit = np.diag([1.3, 0.8]), np.array([[1.0, 0.2], [0.2, 0.9]])
    found = th.bounds.vector_stein([shifted], limit).value
    gap = shifted - limit
    assert found == pytest.approx(math.sqrt(np.trace(gap @ np.linalg.inv(limit) @ gap)), rel=2e-5)
    assert found >= float(th.distances.bures(shifted, limit))


@pytest.mark.parametrize("n", [32, 128])
def test_networks_on_two_inputs_lie_between_the_path_and_twice_the_order_of_it(n):
    arch = th.Architecture(1, th.hardtanh(1), weight_std=1.2, bias_std=0.3)
    x = [[1.0, 0.5, 0.0], [0.3, -1.2, 0.7]]
    drawn = th.sample_covariances(arch, x, n, 300, seed=2)
    limit = np.asarray(th.nngp(arch, x))
    path = th.bounds.vector_benamou_brenier(drawn, limit).value
    found = th.bounds.vector_stein(drawn, limit).value
    coupled = th.bounds.coupling(arch, x, n, draws=300, seed=2).terms["mean coupling"]
    assert path < found < 3 * path
    assert found < coupled


def test_singular_components_are_refused():
    with pytest.raises(DomainError, match="lives on a line"):
        th.bounds.vector_stein([np.ones((2, 2)), np.eye(2)], np.eye(2))
