"""Every evaluator of every pair against nested quadrature of the definitions (claim G6).

The natural size of E[f(u) g(v)] is sqrt(E f^2 E g^2); where a Dirac mass makes that infinite, it is
sqrt(E|f| E|f|g^2), or E|f g| for two of them. float64 is held to the accuracy that it states, with a relative
error of 1e-12 and 1e-15 of the natural size where a Dirac mass is present; mp and ball to the digits asked for.
"""

from dataclasses import dataclass
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

import theory as th
from theory import quadrature
from theory.activations import catalogue
from theory.errors import DomainError

pytestmark = pytest.mark.slow

MP = mpmath.MPContext()
MP.dps = 60
RELATIVE, CANCELLED = MP.mpf("1e-12"), MP.mpf("1e-15")
STATED = MP.mpf("2e-13"), MP.mpf("2e-13")
# Below this float64 has no digits left to be right in.
UNDERFLOW = MP.mpf("1e-300")
# The absolute radius that a ball is allowed however small its value is.
FLOOR = MP.mpf(2) ** -4095

functions = st.sampled_from([g for f in catalogue().values() for g in (f, f.derivative)])
signs = st.sampled_from([-1, 1])
decades = st.floats(-6, 6)


def followed(f, variance):
    """Draw anew where a wave, or its square, turns too often within the Gaussian for panels to follow it."""
    assume(all(float(a.omega) ** 2 * float(variance) <= 25 for a in f.atoms))


@dataclass(frozen=True)
class Given:
    """A function by its definition alone."""

    expr: sp.Expr
    breakpoints: tuple[sp.Expr, ...]


def squared(f):
    return Given(f.expr**2, f.breakpoints)


def absolute(f):
    """|f| for a piecewise polynomial with Dirac masses."""
    deltas = f.expr.atoms(sp.DiracDelta)
    regular = f.expr.xreplace(dict.fromkeys(deltas, sp.S.Zero))
    masses = (sp.Abs(f.expr.coeff(delta)) * delta for delta in deltas)
    return Given(sp.Abs(regular) + sp.Add(*masses), f.breakpoints)


def size(f, g, p, q, c):
    """Natural size of E[f(u) g(v)], to 8 digits."""
    if f.has_dirac and g.has_dirac:
        return MP.mpf(quadrature.expectation(absolute(f), absolute(g), p, q, c, digits=8))
    if g.has_dirac:
        f, g, p, q = g, f, q, p
    if f.has_dirac:
        mass = quadrature.moment(absolute(f), p, digits=8)
        power = quadrature.expectation(absolute(f), squared(g), p, q, c, digits=8)
    else:
        mass = quadrature.moment(squared(f), p, digits=8)
        power = quadrature.moment(squared(g), q, digits=8)
    return MP.sqrt(MP.mpf(mass) * MP.mpf(power))


def allowed(f, g, truth, scale):
    """Error that float64 states for itself."""
    relative, absolute_ = (RELATIVE, CANCELLED) if f.has_dirac or g.has_dirac else STATED
    return relative * abs(truth) + absolute_ * scale + UNDERFLOW


def as_mp(number):
    """An exact ball (a midpoint or a radius) as it is."""
    mantissa, exponent = number.man_exp()
    return MP.ldexp(int(mantissa), int(exponent))


@st.composite
def correlations(draw):
    """0, both ends left out, and everything that crowds them."""
    gap = 10 ** draw(st.floats(-14, -0.3))
    return draw(signs) * draw(st.sampled_from([0.0, gap, 1 - gap]))


@st.composite
def exact_deviations(draw):
    """Rational standard deviations from 1e-3 to 1e3, so that the ends are rational too."""
    return Fraction(draw(st.integers(1, 99)), 10) * Fraction(10) ** draw(st.integers(-3, 2))


@st.composite
def exact_correlations(draw):
    gap = Fraction(draw(st.integers(1, 9)), 10 ** draw(st.integers(1, 14)))
    return draw(signs) * draw(st.sampled_from([Fraction(0), gap, 1 - gap]))


@given(functions, functions, decades, decades, st.booleans(), correlations())
def test_float64_inside_the_domain(f, g, log_p, log_q, equal, rho):
    p = 10**log_p
    q = p if equal else 10**log_q
    c = rho * float(np.sqrt(p) * np.sqrt(q))
    assume(Fraction(c) ** 2 < Fraction(p) * Fraction(q))
    followed(f, p)
    followed(g, q)
    truth = MP.mpf(quadrature.expectation(f, g, p, q, c, digits=18))
    value = MP.mpf(float(th.expectation(f, g).float64(p, q, c)))
    slack = allowed(f, g, truth, size(f, g, p, q, c))
    assert abs(value - truth) <= slack, f"{value} instead of {truth}, {slack} allowed"


@given(functions, functions, exact_deviations(), exact_deviations(), signs)
def test_float64_and_mp_on_the_line(f, g, a, b, sign):
    p, q, c = a * a, b * b, sign * a * b
    followed(f, p)
    followed(g, q)
    pair = th.expectation(f, g)
    try:
        truth = MP.mpf(quadrature.expectation(f, g, p, q, c, digits=18))
    except DomainError:
        with pytest.raises(DomainError):
            pair.mp(p, q, c)
        return
    scale = size(f, g, p, q, c)
    assert abs(MP.mpf(pair.mp(p, q, c, digits=30)) - truth) <= MP.mpf("1e-18") * scale + FLOOR
    if f.has_dirac or g.has_dirac:
        # Whether a mass sits on a threshold of the other is lost once p, q, c are rounded.
        return
    value = MP.mpf(float(pair.float64(float(p), float(q), float(c))))
    slack = allowed(f, g, truth, scale)
    assert abs(value - truth) <= slack, f"{value} instead of {truth}, {slack} allowed"


@given(functions, functions, exact_deviations(), exact_deviations(), exact_correlations())
def test_mp_and_ball_inside_the_domain(f, g, a, b, rho):
    p, q, c = a * a, b * b, rho * a * b
    followed(f, p)
    followed(g, q)
    digits = 20
    truth = MP.mpf(quadrature.expectation(f, g, p, q, c, digits=digits))
    doubt = MP.mpf(10) ** -digits * size(f, g, p, q, c)
    pair = th.expectation(f, g)
    ball = pair.ball(p, q, c, bits=100)
    mid, radius = as_mp(ball.mid()), as_mp(ball.rad())
    assert abs(mid - truth) <= radius + doubt
    assert radius <= MP.mpf(2) ** -95 * abs(mid) or radius <= FLOOR
    value = MP.mpf(pair.mp(p, q, c, digits=30))
    assert abs(value - truth) <= MP.mpf("1e-29") * abs(truth) + doubt + FLOOR


@given(functions, decades)
def test_means(f, log_p):
    p = 10**log_p
    followed(f, p)
    truth = MP.mpf(quadrature.moment(f, p, digits=25))
    mean = th.expectation(f)
    weight = MP.mpf(quadrature.moment(absolute(f) if f.has_dirac else squared(f), p, digits=8))
    scale = weight if f.has_dirac else MP.sqrt(weight)
    error = abs(MP.mpf(float(mean.float64(p))) - truth)
    assert error <= RELATIVE * abs(truth) + CANCELLED * scale + UNDERFLOW
    assert abs(MP.mpf(mean.mp(p, digits=30)) - truth) <= MP.mpf("1e-25") * scale + FLOOR


@given(functions, functions, exact_deviations(), st.booleans())
def test_a_variance_of_zero(f, g, b, first):
    p, q = (0, b * b) if first else (b * b, 0)
    followed(f, p)
    followed(g, q)
    pair = th.expectation(f, g)
    try:
        truth = MP.mpf(quadrature.expectation(f, g, p, q, 0, digits=25))
    except DomainError:
        with pytest.raises(DomainError):
            pair.mp(p, q, 0)
        return
    value = MP.mpf(float(pair.float64(float(p), float(q), 0.0)))
    assert abs(value - truth) <= RELATIVE * abs(truth) + CANCELLED * (1 + b * b) * 10
    assert abs(MP.mpf(pair.mp(p, q, 0, digits=30)) - truth) <= MP.mpf("1e-24") * (1 + b * b) * 10
