"""Lower bounds of the menu L1, L2, L4, and the exchange of readouts B44, against exact values."""

import math

import numpy as np
import pytest

import theory as th
from theory.distances import ScaleMixture, radial_wasserstein, wasserstein2
from theory.errors import DomainError, InputError

BINARY = [th.gaussian(), th.rademacher()]
MIXTURES = {
    "near": ([0.98, 1.0, 1.03], [0.3, 0.5, 0.2]),
    "wide": ([0.1, 1.0, 4.0], [0.4, 0.4, 0.2]),
    "atom": ([0.0, 2.0], [0.5, 0.5]),
}


@pytest.mark.parametrize("name", MIXTURES)
def test_lower_bounds_are_below_the_exact_distance(name):
    variances, weights = MIXTURES[name]
    mixture = ScaleMixture(variances, weights)
    mean = mixture.mean_variance
    exact = wasserstein2(mixture, mean)
    assert 0 < th.bounds.mixture_cumulant(variances, weights).value <= exact
    covariances = np.array(variances)[:, None, None]
    for limit in (mean, 1.5 * mean):
        found = th.bounds.vector_gelbrich(covariances, [[limit]], weights)
        assert found.value <= wasserstein2(mixture, limit)
        assert found.details["L1"] == pytest.approx(
            abs(math.sqrt(mean) - math.sqrt(limit)), abs=1e-12
        )
    if name != "atom":
        three = th.bounds.vector_gelbrich(covariances, [[mean]], weights, outputs=3).value
        assert 0 < three <= radial_wasserstein(mixture, mean, 3)


def test_shares_of_the_distance_near_the_limit():
    """.0645 against .102 for the cumulant; for absolute values sqrt(2/pi)/8 against sqrt(3/32)."""
    d = 1e-3
    exact = wasserstein2(ScaleMixture([1 - d, 1 + d]), 1.0)
    assert th.bounds.mixture_cumulant([1 - d, 1 + d]).value / exact == pytest.approx(
        0.0645 / 0.102, rel=5e-3
    )
    found = th.bounds.vector_gelbrich([[[1 - d]], [[1 + d]]], [[1.0]])
    assert found.details["L2"] / exact == pytest.approx(
        math.sqrt(2 / math.pi) / 8 / math.sqrt(3 / 32), rel=1e-4
    )


def test_gelbrich_of_one_gaussian_is_the_distance():
    shifted, limit = np.diag([1.3, 0.8]), np.array([[1.0, 0.2], [0.2, 0.9]])
    found = th.bounds.vector_gelbrich([shifted], limit, outputs=4).value
    assert found == pytest.approx(2 * float(th.distances.bures(shifted, limit)), rel=1e-8)
    with pytest.raises(InputError, match="weights"):
        th.bounds.vector_gelbrich([shifted], limit, [1.0, 1.0])


@pytest.mark.parametrize("n", [1, 8, 1000])
@pytest.mark.parametrize("t", [0.1, 1.0, 3.0])
def test_exchange_of_readouts_for_signs(n, t):
    """h(x) = cos(t x) of a sign network: cos(s t / sqrt n)^n against e^{-s^2 t^2 / 2}; half the bound as t -> 0."""
    arch = th.Architecture(1, th.sign(), weight_std=1.2, weights=BINARY)
    found = th.bounds.lindeberg(arch, [[1.0, 0.5]], n, t**4).value
    exact = abs(math.cos(1.2 * t / math.sqrt(n)) ** n - math.exp(-((1.2 * t) ** 2) / 2))
    assert exact <= found
    if t == 0.1:
        assert exact > 0.45 * found


def test_exchange_of_readouts_of_deeper_networks():
    x = [[1.0, 0.5], [0.3, 1.0]]
    signs = th.Architecture(2, th.sign(), weights=[th.gaussian(), *BINARY])
    assert th.bounds.lindeberg(signs, x, 10, 6.0).value == pytest.approx(4 / 10, rel=1e-8)
    with pytest.raises(DomainError, match="bounded"):
        th.bounds.lindeberg(
            th.Architecture(2, th.relu(), weights=[th.gaussian(), *BINARY]), x, 10, 6.0
        )
    with pytest.raises(DomainError, match="not \\+-1"):
        th.bounds.lindeberg(th.Architecture(1, th.sign()), x, 10, 6.0)
