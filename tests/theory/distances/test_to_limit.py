"""The sandwich around the distance of a finite network to its limit."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

import theory as th
from theory.distances import (
    ScaleMixture,
    blind_critic,
    sharp_wasserstein2,
    wasserstein1,
    wasserstein2,
    wasserstein2_to_limit,
)
from theory.errors import DomainError, InputError

X = np.array([[1.0, 0.5, 0.0], [0.3, -1.2, 0.7]])


def arch(depth=1, activation=None, **options):
    activation = th.hardtanh(1) if activation is None else activation
    return th.Architecture(depth, activation, weight_std=1.2, bias_std=0.3, **options)


@pytest.mark.parametrize("ratio", [0.0, 0.2, 0.7, 0.999, 1.001, 1.3, 1.7, 20.0])
def test_critic_equals_the_expectation_of_its_test_function(ratio):
    turn, s2 = math.sqrt(2 * math.log(2)), 1.7
    sigma = math.sqrt(s2)

    def mean(std):
        pieces = [
            (0, turn * sigma / std, -1.0, 0.0),
            (turn * sigma / std, np.inf, 1.0, -2 * turn * sigma),
        ]
        return 2 * sum(
            integrate.quad(
                lambda z, a=a, b=b: (a * std * z + b) * stats.norm.pdf(z),
                lo,
                min(hi, 40),
                points=[6],
            )[0]
            if lo < 6 < hi
            else integrate.quad(
                lambda z, a=a, b=b: (a * std * z + b) * stats.norm.pdf(z), lo, min(hi, 40)
            )[0]
            for lo, hi, a, b in pieces
        )

    expected = (mean(ratio * sigma) if ratio else 0.0) - mean(sigma)
    value = blind_critic(np.array([ratio**2 * s2]), s2)[0]
    assert value == pytest.approx(expected, abs=1e-9)


def test_critic_keeps_its_share_of_the_distance():
    """2 ln 2 / (1 + 4 e^(-3/2)) of W1 to leading order, at widths where the mean alone would drown."""
    share = 2 * math.log(2) / (1 + 4 * math.exp(-1.5))
    d = 2.0**-20
    mixture = ScaleMixture([1 + d, 1 - d])
    lower = float(mixture.weights @ blind_critic(mixture.variances, 1.0))
    assert lower / wasserstein1(mixture, 1.0) == pytest.approx(share, rel=1e-8)


def test_sharp_order_is_the_exact_one_on_one_input():
    """One input: sqrt(3/32) Var(A) / sigma^3, and sqrt(m (m + 2) / 32) for m outputs."""
    draws = np.random.default_rng(0).chisquare(2000, 20_000) / 2000
    covariances = (2.5 * draws / draws.mean())[:, None, None]
    limit = np.array([[2.5]])
    exact = wasserstein2(ScaleMixture(covariances[:, 0, 0]), 2.5)
    one = sharp_wasserstein2(covariances, limit, centred=True)
    assert one == pytest.approx(exact, rel=5e-3)
    for m in (2, 5):
        several = sharp_wasserstein2(covariances, limit, m, centred=True)
        assert several == pytest.approx(one * math.sqrt(m * (m + 2) / 3), rel=1e-12)


def test_sharp_order_splits_over_independent_blocks():
    """Two independent blocks: squared distances add; a rotation of both laws changes nothing."""
    rng = np.random.default_rng(1)
    a, b = rng.chisquare(500, (2, 50_000)) / 500
    blocks = np.zeros((50_000, 2, 2))
    blocks[:, 0, 0], blocks[:, 1, 1] = a / a.mean(), 3 * b / b.mean()
    limit = np.diag([1.0, 3.0])
    single = [
        sharp_wasserstein2(
            blocks[:, i : i + 1, i : i + 1], limit[i : i + 1, i : i + 1], centred=True
        )
        for i in (0, 1)
    ]
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    together = sharp_wasserstein2(turn @ blocks @ turn.T, turn @ limit @ turn.T, centred=True)
    # Sampled cross-covariances of order M^(-1/2) do not vanish exactly.
    assert together == pytest.approx(math.hypot(*single), rel=2e-3)


def test_sharp_order_of_a_shifted_gaussian_is_bures():
    """No fluctuation, only a shift of the covariance: to leading order the Bures distance."""
    limit = np.array([[1.0, 0.3], [0.3, 2.0]])
    shifted = limit + 1e-4 * np.array([[1.0, 0.5], [0.5, -1.0]])
    value = sharp_wasserstein2(np.stack([shifted, shifted]), limit)
    assert value == pytest.approx(float(th.distances.bures(limit, shifted)), rel=1e-3)


def test_sharp_order_declines_high_rank_and_ignores_empty_directions():
    assert sharp_wasserstein2(np.ones((2, 20, 20)), np.eye(20)) is None
    assert sharp_wasserstein2(np.zeros((2, 2, 2)), np.zeros((2, 2))) == 0.0


def test_sandwich_holds_together_and_names_its_methods():
    wide = wasserstein2_to_limit(arch(2), X, 64, draws=4000)
    assert 0 < wide.lower < wide.estimate < wide.upper
    assert "B6(ii)" in wide.upper_by
    assert "projection" in wide.lower_by
    assert "B20" in wide.estimate_by


def test_lower_limit_falls_like_the_distance():
    """Order 1/n: from width 32 to 512 by a factor 16, where a limit that sees noise would be 0."""
    near, far = (wasserstein2_to_limit(arch(1), X, n, draws=4000).lower for n in (32, 512))
    assert near / far == pytest.approx(16, rel=0.2)


def test_one_input_is_exact_and_sign_is_gaussian():
    one = wasserstein2_to_limit(arch(1), X[:1], 64, draws=4000)
    assert one.estimate_by.startswith("exact")
    assert one.lower < one.estimate < one.upper
    sign = wasserstein2_to_limit(arch(2, th.sign()), X[:1], 64, draws=4000)
    assert sign.lower <= sign.estimate < 1e-12


def test_unbounded_activation_is_labelled():
    assert "asymptotic" in wasserstein2_to_limit(arch(1, th.relu()), X, 32, draws=500).upper_by


def test_no_hidden_layer_is_exact():
    found = wasserstein2_to_limit(th.Architecture(0, weight_std=1.0), X, [])
    assert found.lower == found.upper == found.estimate == 0.0


def test_non_gaussian_weights_are_refused():
    with pytest.raises(DomainError, match="rademacher"):
        wasserstein2_to_limit(arch(1, weights=th.rademacher()), X, 16)


@pytest.mark.parametrize(
    "change",
    [
        {"X": np.zeros((0, 3))},
        {"X": [[math.nan, 1.0]]},
        {"widths": 0},
        {"widths": [8, 8]},
        {"draws": 7},
        {"confidence": 1.0},
        {"outputs": 0},
    ],
)
def test_bad_input(change):
    with pytest.raises(InputError):
        wasserstein2_to_limit(**({"arch": arch(1), "X": X, "widths": 8} | change))
