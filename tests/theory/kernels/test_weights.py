"""Weight laws: their moments against closed forms, and what they refuse."""

import math
from fractions import Fraction

import numpy as np
import pytest

import theory as th
from theory.errors import ActivationError, ArchitectureError, InputError, UndefinedKernelError
from theory.kernels.weights import Latent

MIXED = ("true", "surrogate")


def test_moments_of_unbinarized_laws():
    for law, v, fourth in (
        (th.gaussian(), 1.0, 3.0),
        (th.rademacher(), 1.0, 1.0),
        (th.ternary_weights(0.3), 0.7, 0.7),
    ):
        assert (law.variance, law.kurtosis) == (v, fourth)
        assert law.jacobian_moment(MIXED) == 1.0
        assert law.derivative("true") is None


def test_masked_laws_have_variance_one_and_a_gaussian_limit():
    x = np.array([[1.0, -0.5], [0.3, 2.0]])
    dense = th.Architecture(2, th.relu(), weight_std=1.3, bias_std=0.2)
    for law, kurtosis in (
        (th.sparse_weights(0.25), 12.0),
        (th.sparse_weights(0.25, "rademacher"), 4.0),
        (th.permuted_blocks(4), 12.0),
        (th.permuted_blocks(4, th.rademacher()), 4.0),
    ):
        assert law.variance == 1.0
        assert law.kurtosis == pytest.approx(kurtosis, rel=1e-15)
        assert law.jacobian_moment(MIXED) == 1.0
        arch = th.Architecture(
            2, th.relu(), weight_std=1.3, bias_std=0.2, weights=[th.gaussian(), law, law]
        )
        for kernel in (th.nngp, th.ntk):
            np.testing.assert_array_equal(kernel(arch, x), kernel(dense, x))
    assert [law.is_iid for law in (th.sparse_weights(0.5), th.permuted_blocks(2))] == [True, False]
    gaussian = [th.gaussian(), th.sparse_weights(0.5), th.permuted_blocks(2), th.rademacher()]
    assert [law.is_gaussian for law in gaussian] == [True, False, False, False]


@pytest.mark.parametrize(("blocks", "shape"), [(2, (4, 6)), (3, (5, 7)), (4, (1, 10)), (3, (2, 2))])
def test_scale_of_permuted_blocks_is_one_over_the_root_of_their_share(blocks, shape):
    rows, columns = (np.arange(n) * blocks // n for n in shape)
    kept = (rows[:, None] == columns).mean()
    assert th.permuted_blocks(blocks).scale(*shape) == pytest.approx(kept**-0.5, rel=1e-15)


def test_eighth_moment_bounds():
    for law, bound in (
        (th.gaussian(), 105),
        (th.rademacher(), 105),
        (th.ternary_weights(0.5), 105 / 16),
        (th.ternary_weights(0.75), 35 * 16 / 3 / 256),
        (th.sparse_weights(0.5, "rademacher"), 105),
        (th.sparse_weights(0.25, "rademacher"), 35 * 16 / 3),
        (th.permuted_blocks(20, "rademacher"), 20**3),
        (th.sparse_weights(0.5), 105 * 8),
        (th.permuted_blocks(3), 105 * 27),
        (th.binarized(th.sign(), th.hardtanh(1)), 105),
    ):
        assert law.eighth_moment_bound == pytest.approx(bound, rel=1e-12)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: th.sparse_weights(0), InputError),
        (lambda: th.sparse_weights(1.5), InputError),
        (lambda: th.sparse_weights(0.5, "ternary"), ArchitectureError),
        (lambda: th.permuted_blocks(1), InputError),
        (lambda: th.permuted_blocks(2.5), InputError),
        (lambda: th.permuted_blocks(2, th.ternary_weights(0.5)), ArchitectureError),
    ],
    ids=["none", "too dense", "ternary", "one block", "half a block", "ternary blocks"],
)
def test_bad_masks(make, error):
    with pytest.raises(error):
        make()


def test_sign_weights():
    law = th.binarized(th.sign(), th.hardtanh(1))
    assert law.variance == pytest.approx(1.0, rel=1e-15)
    assert law.kurtosis == pytest.approx(1.0, rel=1e-15)
    assert law.latent is Latent.NORMAL
    for tau in (th.hardtanh(1), th.hardtanh("1/3"), th.triangle(2), th.erf(2)):
        moment = th.binarized(th.sign(), tau).jacobian_moment(MIXED)
        at_zero = float(tau.derivative(np.zeros(1))[0])
        assert moment == pytest.approx(math.sqrt(2 / math.pi) * at_zero, rel=1e-14)


@pytest.mark.parametrize(("a", "b"), [("1/2", 1), (1, "1/2"), (2, 2), ("1/10", 3)])
def test_hardtanh_weights(a, b):
    law = th.binarized(th.hardtanh(a), th.hardtanh(b))
    a, b = float(Fraction(a)), float(Fraction(b))
    phi = math.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    inside, outside = math.erf(a / math.sqrt(2)), math.erfc(a / math.sqrt(2))
    # T19, diagonal forms.
    assert law.variance == pytest.approx((inside - 2 * a * phi) / a**2 + outside, rel=1e-12)
    fourth = (3 * inside - 2 * phi * (a**3 + 3 * a)) / a**4 + outside
    assert law.kurtosis == pytest.approx(fourth, rel=1e-10)
    exact = math.erf(min(a, b) / math.sqrt(2)) / (a * b)
    assert law.jacobian_moment(MIXED) == pytest.approx(exact, rel=1e-13)
    assert law.jacobian_moment(MIXED[::-1]) == pytest.approx(exact, rel=1e-13)


def test_fourth_moment_of_a_smooth_map():
    # E erf(W)^4 by 200-point Gauss-Hermite, an entire integrand: far more digits than 1e-10.
    nodes, weights = np.polynomial.hermite_e.hermegauss(180)
    values = np.array([math.erf(x) ** 4 for x in nodes])
    reference = weights @ values / math.sqrt(2 * math.pi)
    assert th.binarized(th.erf(1)).kurtosis == pytest.approx(reference, rel=1e-10)


def test_infinite_moment_explains_itself():
    law = th.binarized(th.sign(), th.hardtanh(1))
    with pytest.raises(UndefinedKernelError, match=r"W = 0.*\('true', 'surrogate'\)"):
        law.jacobian_moment(("true", "true"))
    with pytest.raises(UndefinedKernelError):
        th.binarized(th.sign()).jacobian_moment(MIXED)
    assert law.jacobian_moment(("surrogate", "surrogate")) == pytest.approx(
        math.erf(1 / math.sqrt(2))
    )


@pytest.mark.parametrize(
    "forward", [th.relu(), th.heaviside(), th.gelu(), th.hard_sigmoid()], ids=str
)
def test_weight_maps_that_are_not_odd_are_refused(forward):
    with pytest.raises(ArchitectureError, match="odd"):
        th.binarized(forward)


def test_derivatives_are_not_maps():
    with pytest.raises(ActivationError, match="not its derivative"):
        th.binarized(th.sign().derivative)


@pytest.mark.parametrize("p0", [0, 1, -0.1, 1.5, float("nan"), "x", None])
def test_bad_zero_probability(p0):
    with pytest.raises(InputError):
        th.ternary_weights(p0)


def test_unknown_jacobian():
    with pytest.raises(InputError, match="'straight'"):
        th.gaussian().derivative("straight")


def test_laws_compare_and_print_by_value():
    assert th.binarized(th.sign(), th.hardtanh(1)) == th.binarized(th.sign(), th.hardtanh(1))
    assert th.ternary_weights(0.3) != th.ternary_weights(0.4)
    assert th.binarized(th.sign(), th.hardtanh(1)).name == "binarized(sign, hardtanh(1))"
