"""Degenerate ends, what is undefined there, and refusals."""

from dataclasses import dataclass
from fractions import Fraction

import mpmath
import pytest
import sympy as sp

from theory.activations import hardtanh, heaviside, identity, relu, sign, ternary, triangle, x
from theory.errors import ActivationError, DomainError, InputError
from theory.quadrature import QuadratureError, expectation, moment
from theory.quadrature.definition import define

MP = mpmath.MPContext()
MP.dps = 40
EPS = 1e-20


@dataclass(frozen=True)
class Given:
    """A function by its definition alone."""

    expr: sp.Expr
    breakpoints: tuple[sp.Expr, ...] = ()


def test_equal_arguments_are_one_dimensional():
    square = expectation(hardtanh(1), hardtanh(1), 2, 2, 2)
    # E clip(u)^2 = 2 P(u > 1) + E[u^2; |u| < 1], u = sqrt(2) z
    tail = MP.ncdf(-1 / MP.sqrt(2))
    middle = 2 * (1 - 2 * tail) - 2 * MP.sqrt(2) * MP.npdf(1 / MP.sqrt(2))
    assert abs(MP.mpf(square) - 2 * tail - middle) < EPS


def test_opposite_arguments_flip_the_second():
    assert abs(expectation(sign(), sign(), 1, 4, -2) + 1) < EPS
    assert abs(expectation(relu(), relu(), 1, 4, -2)) < EPS


def test_irrational_proportions_are_recognised():
    value = expectation(identity(), identity(), 2, 3, sp.sqrt(6))
    assert abs(MP.mpf(value) - MP.sqrt(6)) < EPS


def test_rounded_proportions_are_recognised():
    p, q = 0.3, 0.7
    value = expectation(sign(), sign(), p, q, (p * q) ** 0.5 * (1 + 2**-52))
    assert abs(value - 1) < EPS


def test_near_the_end_is_the_end():
    gap = Fraction(1, 10**30)
    inside = expectation(sign().derivative, hardtanh(1), 1, 1, 1 - gap)
    assert abs(inside - expectation(sign().derivative, hardtanh(1), 1, 1, 1)) < 1e-14


def test_zero_variance_is_a_constant():
    assert abs(expectation(heaviside(), heaviside(), 0, 1, 0) - 0.25) < EPS
    impulse = sign().derivative
    assert abs(expectation(triangle(1), impulse, 0, 1, 0) - moment(impulse, 1)) < EPS
    assert expectation(sign(), identity(), 0, 0, 0) == 0
    assert moment(triangle(1), 0) == 1


def test_delta_on_the_line_takes_the_midpoint():
    impulse = sign().derivative
    value = expectation(impulse, 2 * heaviside(), 1, 1, 1)
    assert abs(value - moment(impulse, 1)) < EPS


def test_infinite_values_are_refused():
    impulse = sign().derivative
    with pytest.raises(DomainError, match="both functions have a Dirac delta"):
        expectation(impulse, impulse, 1, 1, -1)
    with pytest.raises(DomainError, match="the variance is 0"):
        moment(impulse, 0)
    with pytest.raises(DomainError, match="the variance is 0"):
        expectation(impulse, sign(), 0, 1, 0)
    assert expectation(impulse, ternary("1/2").derivative, 1, 1, 1) == 0


@pytest.mark.parametrize(
    ("p", "q", "c"),
    [
        (-1, 1, 0),
        (1, 1, 2),
        (0, 1, "1e-9"),
        (float("nan"), 1, 0),
        (1, float("inf"), 0),
        (1, 1, "one"),
        (1, 1, 1.001),
        (1, 1, 1 + Fraction(1, 10**40)),
        (1, [1], 0),
        (1, sp.Symbol("q", positive=True), 0),
        (1, mpmath.mpf("nan"), 0),
    ],
)
def test_bad_covariances(p, q, c):
    with pytest.raises(InputError):
        expectation(sign(), sign(), p, q, c)


@pytest.mark.parametrize("digits", [0, -3, 1.5, True])
def test_bad_digits(digits):
    with pytest.raises(InputError, match="digits"):
        expectation(sign(), sign(), 1, 1, 0, digits=digits)


@pytest.mark.parametrize(
    "expr",
    [
        x * sp.Symbol("y"),
        sp.Heaviside(sp.sin(x)),
        sp.DiracDelta(x) ** 2,
        sp.DiracDelta(x, 1),
        sp.DiracDelta(x**2 - 1),
        sp.gamma(x**2 + 1),
        sp.Piecewise((1, x > 0)),
    ],
)
def test_definitions_that_cannot_be_read(expr):
    with pytest.raises(ActivationError):
        moment(Given(expr), 1)


def test_a_hidden_scale_is_found():
    found = moment(Given(sp.atan(10**9 * x**3) ** 2), 1)
    decades = [MP.mpf(10) ** MP.mpf(k / 4) for k in range(-20, 2)]
    half = MP.quad(lambda z: MP.atan(10**9 * z**3) ** 2 * MP.npdf(z), [0, *decades, 3, 5, 8, 16])
    assert abs(MP.mpf(found) - 2 * half) < EPS * half


def test_too_many_bends_are_refused():
    with pytest.raises(QuadratureError, match="bends too often"):
        moment(Given(sp.sin(10**5 * x**2) ** 2), 1)


def test_branches_are_found_without_breakpoints():
    clip = define(Given(sp.Min(sp.Max(x, -1), 1)))
    kinks = [(piece.lo, piece.hi, piece.expr) for piece in clip.pieces]
    assert kinks == [(-sp.oo, -1, -1), (-1, 1, x), (1, sp.oo, 1)]
    rectifier = define(Given((sp.Abs(x - 1) + x - 1) * sp.sign(x) / 2))
    assert [(piece.lo, piece.expr) for piece in rectifier.pieces] == [(1, x - 1)]


def test_deltas_carry_their_slope():
    definition = define(Given(x**2 * sp.DiracDelta(2 * x - 3)))
    assert definition.diracs == ((sp.Rational(3, 2), sp.Rational(9, 8)),)
    assert definition.pieces == ()
