"""Symmetries that every pair has, whatever it is made of."""

from fractions import Fraction
from math import isqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.activations import (
    catalogue,
    clipped_relu,
    erf,
    gelu,
    hardtanh,
    identity,
    sign,
    ternary,
    triangle,
)
from theory.quadrature import expectation, moment

DIGITS = 15
FUNCTIONS = (sign(), hardtanh("1/2"), clipped_relu(), ternary("1/2"), triangle(1))
functions = st.sampled_from([*FUNCTIONS, *(f.derivative for f in FUNCTIONS)])
variances = st.integers(-6, 6).map(lambda k: Fraction(10) ** k)
squares = st.sampled_from([Fraction(1, 9), Fraction(1), Fraction(25, 4)])


@st.composite
def correlations(draw):
    """Both ends and the middle, exactly."""
    gap = Fraction(1, 10 ** draw(st.integers(0, 12)))
    return draw(st.sampled_from([-1, 1])) * draw(st.sampled_from([gap, 1 - gap]))


def close(first, second, scale):
    return abs(first - second) <= scale * 10**-13


def size(f, p):
    """Natural scale of f(u): 1 for the bounded ones, the density for those with deltas."""
    return 1 + 10 / float(p) ** 0.5 if f.has_dirac else 1 + f.bound


@settings(max_examples=15)
@given(functions, functions, squares, squares, correlations())
def test_exchanging_the_arguments(f, g, p, q, rho):
    if abs(rho) == 1 and f.has_dirac and g.has_dirac:
        return
    c = rho * Fraction(isqrt((p * q).numerator), isqrt((p * q).denominator))
    one = expectation(f, g, p, q, c, digits=DIGITS)
    other = expectation(g, f, q, p, c, digits=DIGITS)
    assert close(one, other, abs(one) + size(f, p) * size(g, q))


@settings(max_examples=15)
@given(functions, functions, variances, variances)
def test_independent_variables_factor(f, g, p, q):
    one = expectation(f, g, p, q, 0, digits=DIGITS)
    product = moment(f, p, digits=DIGITS) * moment(g, q, digits=DIGITS)
    assert close(one, product, size(f, p) * size(g, q))


@settings(max_examples=10)
@given(st.sampled_from(FUNCTIONS[:4]), correlations(), variances)
def test_homogeneous_sign_ignores_the_variance(f, rho, q):
    base = expectation(f, sign(), 1, 1, rho, digits=DIGITS)
    # sqrt(q) is rational for q = 4^k only; take the square instead.
    scaled = expectation(f, sign(), 1, q * q, rho * q, digits=DIGITS)
    assert close(base, scaled, size(f, 1))


@settings(max_examples=10)
@given(correlations(), variances)
def test_widening_the_clip_is_shrinking_the_variance(rho, k):
    wide = expectation(hardtanh(k), sign(), k * k, 1, rho * k, digits=DIGITS)
    unit = expectation(hardtanh(1), sign(), 1, 1, rho, digits=DIGITS)
    assert close(wide, unit, 1)


@pytest.mark.parametrize("rho", ["1/3", "-0.999999"])
@pytest.mark.parametrize("f", [hardtanh(1), gelu(), erf(2)], ids=str)
def test_more_digits_agree_with_fewer(f, rho):
    few = expectation(f, identity(), 1, 1, rho, digits=10)
    many = expectation(f, identity(), 1, 1, rho, digits=25)
    assert abs(few - many) <= 10**-10


@pytest.mark.parametrize("f", catalogue().values(), ids=str)
def test_smoothing_by_definition(f):
    """E f(u + e z) = E[smoothed f](u): the erf form against the sharp one, at a wider Gaussian."""
    smooth = moment(f.smoothed("1/2"), 1, digits=DIGITS)
    sharp = moment(f, Fraction(5, 4), digits=DIGITS)
    assert close(smooth, sharp, 10)
