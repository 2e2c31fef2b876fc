"""Bounds on the distance of a finite network to its limit."""

import math

import numpy as np
import pytest

import theory as th
from theory.coupling.fluctuation import _by_quadrature, fluctuation
from theory.errors import DomainError, InputError

X = np.array([[1.0, 0.5, 0.0], [0.3, -1.2, 0.7]])


def arch(depth=1, activation=None, **options):
    activation = th.hardtanh(1) if activation is None else activation
    return th.Architecture(depth, activation, **({"weight_std": 1.2, "bias_std": 0.3} | options))


COVARIANCE = np.array([[1.3, 0.4, -0.9], [0.4, 0.7, 0.1], [-0.9, 0.1, 2.0]])


@pytest.mark.parametrize(
    "activation",
    [th.identity(), th.relu(), th.sign(), th.hardtanh(1), th.erf(1), th.gelu()],
    ids=str,
)
def test_fluctuation_against_monte_carlo(activation):
    """V = sum of Var(f(g_i) f(g_j)), 2*10^5 draws; five standard errors."""
    draws = np.random.default_rng(3).multivariate_normal(np.zeros(3), COVARIANCE, 200_000)
    features = activation(draws)
    products = np.einsum("ni,nj->nij", features, features).reshape(-1, 9)
    deviations = ((products - products.mean(0)) ** 2).sum(1)
    error = 5 * deviations.std() / math.sqrt(200_000)
    assert fluctuation(activation, COVARIANCE) == pytest.approx(deviations.mean(), abs=error)


def test_fluctuation_of_the_identity_is_wicks():
    """E u^2 v^2 - (E u v)^2 = p q + c^2, summed."""
    p = np.diag(COVARIANCE)
    expected = (np.outer(p, p) + COVARIANCE**2).sum()
    assert fluctuation(th.identity(), COVARIANCE) == pytest.approx(expected, rel=1e-12)


def test_fluctuation_of_steep_functions_tends_to_that_of_sign():
    """erf(beta x) tends to sign: V tends to that of sign, at rate 1/beta."""
    pair = COVARIANCE[:2, :2]
    sign = fluctuation(th.sign(), pair)
    gaps = [abs(fluctuation(th.erf(beta), pair) / sign - 1) for beta in (1, 10, 1000)]
    assert gaps[0] > 50 * gaps[1] / 10 > 50 * 50 * gaps[2] / 1000


def test_fluctuation_of_smooth_functions_by_the_trapezoid_rule():
    """What four factors together cannot: the rule agrees where both apply, and says where it does not."""
    pair = COVARIANCE[:2, :2]
    rule = _by_quadrature(th.erf(1), 2, 2, pair)
    joint = th.joint_expectation([th.erf(1)] * 4, variables=(0, 0, 1, 1)).float64(pair)
    assert rule == pytest.approx(float(joint), rel=1e-12)
    assert fluctuation(th.arctan(), pair) > 0
    with pytest.raises(DomainError, match="too steep"):
        _by_quadrature(th.erf(1000), 2, 2, pair)


def test_fluctuation_of_smooth_and_sharp_together():
    """Relu + erf, which no product of two activations holds, against a fine Riemann sum in one variable."""
    f, p = th.relu() + th.erf(1), COVARIANCE[:1, :1]
    z = np.linspace(-12, 12, 2_000_001)
    weight = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    values = f(math.sqrt(1.3) * z)
    expected = weight @ values**4 - (weight @ values**2) ** 2
    assert fluctuation(f, p) == pytest.approx(expected, rel=1e-9)


def test_fluctuation_of_functions_with_breakpoints_and_no_closed_form():
    """Relu + arctan on two inputs and on one twice: Monte Carlo, five standard errors."""
    f = th.relu() + th.arctan()
    pair = COVARIANCE[:2, :2]
    features = f(np.random.default_rng(4).multivariate_normal(np.zeros(2), pair, 200_000))
    products = np.einsum("ni,nj->nij", features, features).reshape(-1, 4)
    deviations = ((products - products.mean(0)) ** 2).sum(1)
    error = 5 * deviations.std() / math.sqrt(200_000)
    assert fluctuation(f, pair) == pytest.approx(deviations.mean(), abs=error)
    twice = fluctuation(f, np.full((2, 2), 1.3))
    assert twice == pytest.approx(4 * fluctuation(f, np.array([[1.3]])), rel=1e-12)


def test_one_linear_layer_by_hand():
    """Identity, one input, no bias: V = 2 p^2, lambda = s_w^2 p; the bound is s_w sqrt(2 p / n)."""
    linear = arch(1, th.identity(), weight_std=1.5, bias_std=0.0)
    p = 1.5**2 * 1.25 / 3
    found = th.bounds.basteri_trevisan(linear, X[:1], 50)
    assert found.value == pytest.approx(1.5 * math.sqrt(2 * p / 50), rel=1e-8)
    assert th.bounds.basteri_trevisan(linear, X[:1], 50, outputs=4).value == pytest.approx(
        2 * found.value, rel=1e-12
    )


@pytest.mark.parametrize("activation", [th.hardtanh(1), th.relu(), th.erf(1)], ids=str)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_bounds_are_ordered_and_scale_with_width(activation, depth):
    """Coupling below the closed bound, which is exactly of order n^(-1/2) where eigenvalues decide it."""
    network = arch(depth, activation)
    closed = th.bounds.basteri_trevisan(network, X, 1024)
    sampled = th.bounds.coupling(network, X, 1024, draws=200)
    assert sampled.terms["mean coupling"] < closed.value
    assert sum(closed.terms.values()) == pytest.approx(closed.value, rel=1e-14)
    assert sum(sampled.terms.values()) == pytest.approx(sampled.value, rel=1e-14)
    wider = th.bounds.basteri_trevisan(network, X, 4096)
    assert closed.value == pytest.approx(2 * wider.value, rel=1e-12)


def test_example_of_t46_is_reproduced_in_order_of_magnitude():
    """Two inputs, hardtanh, n = 256: the source prints .119, .267, .454 for inputs that it does not state."""
    values = [th.bounds.basteri_trevisan(arch(depth), X, 256).value for depth in (1, 2, 3)]
    assert np.all(np.array(values) < 0.5)
    assert values == sorted(values)


def test_near_parallel_inputs_fall_back_on_powers_stormer():
    """The eigenvalue term explodes; the minimum falls with n^(-1/4) instead."""
    close = np.array([[1.0, 0.5, 0.0], [1.0, 0.5, 1e-4]])
    network = arch(1)
    values = [th.bounds.basteri_trevisan(network, close, n).value for n in (16, 256)]
    assert values[0] / values[1] == pytest.approx(2, rel=1e-9)


def test_repeated_inputs_are_allowed():
    """Singular limit: the range counts, and rounding adds a mass of order 1e-7 at most."""
    twice = np.vstack([X, X])
    found = th.bounds.basteri_trevisan(arch(1), twice, 64).value
    single = th.bounds.basteri_trevisan(arch(1), X, 64).value
    # Same range with doubled eigenvalues, and four copies of every entry in V.
    assert found == pytest.approx(single * math.sqrt(2), rel=1e-5)


def test_first_activation_may_jump_but_later_ones_may_not():
    mixed = arch(2, [th.sign(), th.hardtanh(1)])
    assert math.isfinite(th.bounds.basteri_trevisan(mixed, X, 64).value)
    with pytest.raises(DomainError, match=r"sign in hidden layer 2.*th\.bounds\.coupling"):
        th.bounds.basteri_trevisan(arch(2, th.sign()), X, 64)


def test_coupling_of_unbounded_activations_is_labelled():
    bounded = th.bounds.coupling(arch(1), X, 32, draws=200)
    unbounded = th.bounds.coupling(arch(1, th.relu()), X, 32, draws=200)
    assert not any("asymptotic" in text for text in bounded.hypotheses)
    assert any("asymptotic" in text for text in unbounded.hypotheses)


def test_no_hidden_layer():
    linear = th.Architecture(0, weight_std=1.0)
    assert th.bounds.basteri_trevisan(linear, X, []).value == 0.0
    with pytest.raises(DomainError, match="exactly Gaussian"):
        th.bounds.coupling(linear, X, [])


@pytest.mark.parametrize("name", ["basteri_trevisan", "coupling"])
@pytest.mark.parametrize(
    "change",
    [
        {"X": np.zeros((0, 3))},
        {"X": [[math.inf, 1.0]]},
        {"widths": 0},
        {"widths": [8, 8]},
        {"outputs": 0},
    ],
)
def test_bad_input(name, change):
    with pytest.raises(InputError):
        getattr(th.bounds, name)(**({"arch": arch(1), "X": X, "widths": 8} | change))


@pytest.mark.parametrize("name", ["basteri_trevisan", "coupling"])
def test_non_gaussian_weights_are_refused(name):
    with pytest.raises(DomainError, match="rademacher"):
        getattr(th.bounds, name)(arch(1, weights=th.rademacher()), X, 16)
