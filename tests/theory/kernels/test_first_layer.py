"""Kernels over an exact first layer: brute force, closed forms, Gaussian limit, ties, refusals (claim B37)."""

import itertools
import math
import warnings

import numpy as np
import pytest
from scipy.special import ndtr

import theory as th
from theory.errors import (
    ArchitectureError,
    FirstLayerWarning,
    HardlimitError,
    InputError,
    UndefinedKernelError,
)
from theory.kernels.lattice import Lattice, support

X = np.array([[1.0, 0.5, -0.3, 0.7], [1.2, -0.4, -1.4, 0.1], [0.2, 0.3, 0.9, -0.8]])
Y = np.array([[0.4, -1.0, 0.2, 0.3], [1.0, 0.5, -0.3, 0.7]])
LAWS = [
    th.rademacher(),
    th.ternary_weights(0.4),
    th.sparse_weights(0.3, "rademacher"),
    th.binarized(th.sign(), th.hardtanh(1)),
    th.binarized(th.ternary("1/2"), th.hardtanh(1)),
]
SIGMA, TAU = th.hardtanh("1/2"), th.hardtanh(1)


def architecture(law, depth=1, bias=0.0, sigma=SIGMA, tau=TAU):
    laws = [law, *[th.gaussian()] * depth]
    return th.Architecture(depth, sigma, tau, weight_std=1.2, bias_std=bias, weights=laws)


def brute_force(law, x, y, f, g, bias):
    """Sum over all rows of weights, and over 4000 midpoints of the bias."""
    values, masses = support(law)
    total = np.zeros((len(x), len(y)))
    nodes = ndtr_nodes(4000) if bias else np.zeros(1)
    for row in itertools.product(range(len(values)), repeat=x.shape[1]):
        weights, mass = values[list(row)], masses[list(row)].prod()
        u = 1.2 / math.sqrt(x.shape[1]) * x @ weights
        v = 1.2 / math.sqrt(x.shape[1]) * y @ weights
        left, right = f(u[:, None] + bias * nodes), g(v[:, None] + bias * nodes)
        total += mass * left @ right.T / len(nodes)
    return total


def ndtr_nodes(count):
    from scipy.special import ndtri

    return ndtri((np.arange(count) + 0.5) / count)


@pytest.mark.parametrize("bias", [0.0, 0.3])
@pytest.mark.parametrize("law", LAWS, ids=str)
def test_products_are_those_of_brute_force(law, bias):
    exact = Lattice.of(law, X, Y, 1.2, bias)
    for f, g in ((SIGMA, SIGMA), (SIGMA.derivative, TAU.derivative), (th.erf(1), th.relu())):
        np.testing.assert_allclose(
            exact.products(f, g), brute_force(law, X, Y, f, g, bias), atol=2e-3 if bias else 1e-14
        )
    np.testing.assert_allclose(
        np.concatenate(exact.squares(SIGMA)),
        [brute_force(law, z[None], z[None], SIGMA, SIGMA, bias)[0, 0] for z in (*X, *Y)],
        atol=2e-3 if bias else 1e-14,
    )


def test_sign_with_bias_against_the_closed_form():
    # Given the weights, signs differ where b lies between the two zeros.
    exact = Lattice.of(th.rademacher(), X, Y, 1.2, 0.3).products(th.sign(), th.sign())
    states = np.array(list(itertools.product((-1, 1), repeat=4)))
    u, v = (1.2 / 2 * states @ z.T / 0.3 for z in (X, Y))
    expected = (1 - 2 * np.abs(ndtr(u[:, :, None]) - ndtr(v[:, None, :]))).mean(axis=0)
    np.testing.assert_allclose(exact, expected, atol=1e-13)
    # A Dirac mass of sign' sits where the bias cancels the weights.
    slopes = Lattice.of(th.rademacher(), X, Y[:1], 1.2, 0.3).products(
        th.sign().derivative, TAU.derivative
    )
    inside = np.abs(0.3 * (v[:, None, :1] - u[:, :, None])) < 1
    density = 2 * np.exp(-(u**2) / 2) / (math.sqrt(2 * math.pi) * 0.3)
    np.testing.assert_allclose(slopes, (density[:, :, None] * inside).mean(axis=0), atol=1e-13)


def test_steep_functions_under_a_bias_tend_to_the_jump():
    exact = Lattice.of(th.rademacher(), X, X, 1.2, 0.3)
    jump = exact.products(th.sign(), th.sign())
    steep = exact.products(th.erf(10**7), th.erf(10**7))
    np.testing.assert_allclose(steep, jump, atol=1e-6)
    masses = exact.products(th.sign().derivative, TAU.derivative)
    spikes = exact.products(th.erf(10**7).derivative, TAU.derivative)
    np.testing.assert_allclose(spikes, masses, atol=1e-6)


def test_kernels_use_it_in_the_first_layer_alone():
    arch = architecture(th.rademacher(), depth=2, bias=0.2)
    first = Lattice.of(th.rademacher(), X, X, 1.2, 0.2)
    second = 1.2**2 * first.products(SIGMA, SIGMA) + 0.2**2
    p, q = np.diag(second)[:, None], np.diag(second)[None, :]
    third = 1.2**2 * th.expectation(SIGMA, SIGMA).float64(p, q, second) + 0.2**2
    np.testing.assert_allclose(th.nngp(arch, X, first_layer="exact"), third, rtol=1e-12)
    theta = 1.2**2 * X @ X.T / 4 + 0.2**2
    theta = second + theta * 1.2**2 * first.products(SIGMA.derivative, TAU.derivative)
    slope = th.expectation(SIGMA.derivative, TAU.derivative).float64(p, q, second)
    theta = third + theta * 1.2**2 * slope
    np.testing.assert_allclose(th.ntk(arch, X, first_layer="exact"), theta, rtol=1e-12)
    np.testing.assert_allclose(
        th.ntk(arch, X, Y, first_layer="exact")[:, 1], theta[:, 0], rtol=1e-12
    )
    standard = th.standard_ntk(architecture(th.rademacher()), X, 7, first_layer="exact")
    slopes = Lattice.of(th.rademacher(), X, X, 1.2, 0.0)
    features = slopes.products(SIGMA, SIGMA)
    carried = 1.2**2 * slopes.products(SIGMA.derivative, TAU.derivative)
    np.testing.assert_allclose(standard, 7 * features + 1 + (X @ X.T + 1) * carried, rtol=1e-12)


def test_symmetric_to_the_last_bit():
    for bias in (0.0, 0.3):
        kernel = th.nngp(architecture(th.rademacher(), bias=bias), X, first_layer="exact")
        np.testing.assert_array_equal(kernel, kernel.T)


def test_gaussian_first_layers_are_what_they_were():
    arch = architecture(th.gaussian())
    for choice in (None, "gaussian", "exact"):
        np.testing.assert_array_equal(th.ntk(arch, X, first_layer=choice), th.ntk(arch, X))
    linear = th.Architecture(0, weights=th.rademacher())
    np.testing.assert_array_equal(th.ntk(linear, X, first_layer="exact"), th.ntk(linear, X))


def test_the_gaussian_limit_is_reached_as_d_grows():
    gaps = []
    for d in (8, 16):
        x = np.stack([np.ones(d), np.where(np.arange(d) % 4 == 0, -1.0, 1.0)])
        arch = architecture(th.rademacher(), sigma=th.erf(1), tau=th.erf(1))
        both = [th.nngp(arch, x, first_layer=choice) for choice in ("gaussian", "exact")]
        gaps.append(np.abs(both[0] - both[1]))
    np.testing.assert_allclose(gaps[0] / gaps[1], 2.0, rtol=0.1)


def test_ties_are_exact():
    # 0.1 + 0.2 - 0.3 is not 0 in binary, 1 + 2 - 3 is; two thirds of the entries round in the third case.
    for x, tied in (([1.0, 2.0, 3.0], True), ([0.1, 0.2, 0.3], False), ([0.1, 0.1, 0.2], True)):
        arch = architecture(th.rademacher(), sigma=th.sign())
        value = th.nngp(arch, [x], first_layer="exact")[0, 0] / 1.2**2
        assert value == pytest.approx(0.75 if tied else 1.0, abs=1e-15)
    many = 0.1 * np.ones((1, 10))
    value = th.nngp(architecture(th.rademacher(), sigma=th.sign()), many, first_layer="exact")
    assert value[0, 0] / 1.2**2 == pytest.approx(1 - math.comb(10, 5) / 2**10, abs=1e-14)


def test_silence_is_never_misleading():
    arch = architecture(th.rademacher())
    for call in (th.nngp, th.ntk, lambda a, x: th.standard_ntk(a, x, 5)):
        with pytest.warns(FirstLayerWarning, match=r"d = 4.*first_layer=\"exact\"") as record:
            call(arch, X)
        assert record[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        th.nngp(arch, X, first_layer="gaussian")
        th.nngp(arch, np.ones((1, 100)))
        th.nngp(arch, np.zeros((1, 3)))
        th.nngp(th.Architecture(1, th.relu(), weights=[th.gaussian(), th.rademacher()]), X)
        # A large bias makes the first layer Gaussian, and one large entry takes that away again.
        th.nngp(architecture(th.rademacher(), bias=3.0), X)
    with pytest.warns(FirstLayerWarning):
        th.nngp(arch, np.array([[9.0, *[0.1] * 99]]))


@pytest.mark.parametrize(
    ("law", "options", "error", "says"),
    [
        pytest.param(th.rademacher(), {"first_layer": "lattice"}, InputError, "lattice", id="name"),
        pytest.param(
            th.binarized(th.hardtanh(1)), {"first_layer": "exact"}, ArchitectureError, "independent", id="continuum"
        ),
        pytest.param(
            th.permuted_blocks(2, "rademacher"), {"first_layer": "exact"}, ArchitectureError, "independent", id="blocks"
        ),
    ],
)  # fmt: skip
def test_refusals(law, options, error, says):
    with pytest.raises(error, match=says):
        th.nngp(architecture(law), X, **options)


def test_refusals_of_cost_and_of_masses():
    with pytest.raises(ArchitectureError, match=r"2\^25"):
        th.nngp(architecture(th.rademacher()), np.ones((1, 25)), first_layer="exact")
    with pytest.raises(ArchitectureError, match=r"3\^16"):
        th.nngp(architecture(th.ternary_weights(0.5)), np.ones((1, 16)), first_layer="exact")
    sign = architecture(th.rademacher(), sigma=th.sign())
    with pytest.raises(UndefinedKernelError, match="finitely many values"):
        th.ntk(sign, X, first_layer="exact")
    biased = architecture(th.rademacher(), sigma=th.sign(), bias=0.3)
    assert np.all(np.isfinite(th.ntk(biased, X, first_layer="exact")))
    with pytest.raises(UndefinedKernelError, match="Dirac mass"):
        th.ntk(biased, X, first_layer="exact", jacobians=("true", "true"))
    levels = architecture(th.binarized(th.ternary("1/2"), th.hardtanh(1)))
    assert th.nngp(levels, X, first_layer="exact").shape == (3, 3)
    with pytest.raises(ArchitectureError, match="3 values"):
        th.ntk(levels, X, first_layer="exact", jacobians=("surrogate", "surrogate"))
    with pytest.raises(HardlimitError):
        th.ntk(levels, X, first_layer="exact", jacobians=("true", "nobody"))


SIGNS = np.array([[1.0, -1, 1, 1], [1, 1, -1, 1], [1, 1, 1, 1]])


@pytest.mark.parametrize("points", [np.sqrt(np.arange(2.0, 14)).reshape(3, 4), SIGNS])
def test_a_surrogate_that_jumps_at_a_jump_counts_half(points):
    """Of equal pre-activations the mass of sigma' sits on the jump of tau itself, not beside it."""
    at, bias = 0.3, 0.5
    arch = architecture(th.rademacher(), 1, bias, th.ternary("3/10"), th.hardtanh("3/10"))
    found = th.ntk(arch, points, first_layer="exact")
    features = th.nngp(arch, points, first_layer="exact")
    slopes = np.zeros((3, 3))
    for row in itertools.product((-1.0, 1.0), repeat=4):
        u = 0.6 * points @ np.array(row)
        for place in (-at, at):
            density = np.exp(-(((place - u) / bias) ** 2) / 2) / (math.sqrt(2 * np.pi) * bias)
            v = place + (u[None, :] - u[:, None])
            inside = np.where(np.abs(np.abs(v) - at) < 1e-12, 0.5, np.abs(v) < at)
            slopes += density[:, None] * inside / at / 16
    first = 1.44 * points @ points.T / 4 + bias**2
    np.testing.assert_allclose(found, features + first * 1.44 * slopes, rtol=1e-12)
