"""The path bound in two and three dimensions: against one dimension, radial laws, signs and the leading order."""

import math

import numpy as np
import pytest
from scipy.stats import ortho_group

import theory as th
from theory.coupling import path_flow
from theory.distances import (
    ScaleMixture,
    radial_wasserstein,
    sharp_wasserstein2,
    wasserstein2,
    wasserstein2_to_limit,
)
from theory.errors import InputError

VARIANCES, WEIGHTS = np.array([0.7, 1.0, 1.3]), np.array([0.3, 0.4, 0.3])


@pytest.mark.parametrize("name", ["benamou_brenier", "stein"])
@pytest.mark.parametrize("k", [2, 3])
def test_one_random_direction_is_the_bound_in_one_dimension(k, name):
    """S random along one axis, in a rotated frame; and the same for K = 4 I, at twice the distance."""
    frame = ortho_group.rvs(k, random_state=1)
    covariances = np.tile(np.eye(k), (3, 1, 1))
    covariances[:, 0, 0] = VARIANCES
    turned = frame @ covariances @ frame.T
    bound, line = (getattr(th.bounds, f"{form}_{name}") for form in ("vector", "mixture"))
    found = bound(turned, np.eye(k), WEIGHTS).value
    flat = line(VARIANCES, WEIGHTS).value
    assert found == pytest.approx(flat, rel=2e-5)
    double = bound(4 * turned, 4 * np.eye(k), WEIGHTS).value
    assert double == pytest.approx(2 * found, rel=1e-9)


@pytest.mark.parametrize("k", [2, 3])
def test_isotropic_components_against_the_radial_distance(k):
    covariances = VARIANCES[:, None, None] * np.eye(k)
    found = th.bounds.vector_benamou_brenier(covariances, np.eye(k), WEIGHTS).value
    exact = radial_wasserstein(ScaleMixture(VARIANCES, WEIGHTS), 1.0, k)
    assert exact <= found <= 1.01 * exact


def test_a_shift_alone_is_the_bures_distance():
    """One component, S != K: an explicit path of Gaussians, at least as long as the geodesic."""
    shifted, limit = np.diag([1.3, 0.8]), np.array([[1.0, 0.2], [0.2, 0.9]])
    found = th.bounds.vector_benamou_brenier([shifted], limit).value
    exact = float(th.distances.bures(shifted, limit))
    assert exact <= found <= 1.05 * exact


@pytest.mark.parametrize("n", [16, 64, 256])
def test_sign_networks_on_two_inputs(n):
    """Above the exact distance of each projection, below the coupling, and leading order as n grows."""
    rho, root = 0.3, math.sqrt(0.5)
    limit = 2 / math.pi * math.asin(rho)
    chain = th.sign_chain(rho, [n])
    r = chain.overlaps()
    weights = chain.conditional_variances(1.0, 0.0)[1]
    covariances = np.stack([np.stack([np.ones(n + 1), r]), np.stack([r, np.ones(n + 1)])]).T
    k = np.array([[1, limit], [limit, 1]])
    likely = weights > 1e-12
    found = th.bounds.vector_benamou_brenier(covariances[likely], k, weights[likely]).value
    variances = np.maximum(chain.conditional_variances(root, root)[0], 0.0)
    exact = wasserstein2(ScaleMixture(variances, weights), 1 + limit)
    cost = (np.sqrt(1 + r) - math.sqrt(1 + limit)) ** 2 + (
        np.sqrt(1 - r) - math.sqrt(1 - limit)
    ) ** 2
    assert exact < found < math.sqrt(float(weights @ cost))
    drawn = covariances[np.random.default_rng(0).choice(n + 1, 40_000, p=weights)]
    leading = sharp_wasserstein2(drawn, k, 1, True)
    assert leading is not None
    assert found == pytest.approx(leading, rel=4 / n + 0.03)


def test_groups_add_up():
    rng = np.random.default_rng(2)
    factors = rng.normal(size=(12, 2, 6))
    covariances = np.einsum("nij,nkj->nik", factors, factors) / 6
    weights = np.full(12, 1 / 12)
    whole, left = path_flow(covariances, weights, np.eye(2), groups=4).squared_lengths()
    assert whole == pytest.approx(path_flow(covariances, weights, np.eye(2)).squared_lengths()[0])
    rest = path_flow(covariances[3:], np.full(9, 1 / 9), np.eye(2)).squared_lengths()[0]
    assert left[0] == pytest.approx(rest, rel=1e-6)


def test_unbounded_activations_get_a_limit_of_order_one_over_n():
    """ReLU on two inputs: three times the estimate where the coupling has a hundred times; labelled asymptotic."""
    arch = th.Architecture(1, th.relu(), weight_std=1.2, bias_std=0.3)
    x = [[1.0, 0.5, 0.0], [0.3, -1.2, 0.7]]
    found = wasserstein2_to_limit(arch, x, 256, draws=1500)
    assert "path" in found.upper_by
    assert "asymptotic" in found.upper_by
    assert found.lower < found.estimate < found.upper < 3 * found.estimate


def test_bad_arguments():
    bound = th.bounds.vector_benamou_brenier
    with pytest.raises(InputError, match="k = 2 or 3"):
        bound([[[1.0]]], [[1.0]])
    with pytest.raises(InputError, match="singular"):
        bound([np.eye(2)], np.ones((2, 2)))
    with pytest.raises(InputError, match="weights"):
        bound([np.eye(2)], np.eye(2), [1.0, 1.0])
