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
