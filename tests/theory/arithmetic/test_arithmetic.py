"""Number systems: nothing inexact slips in, balls contain, float64 bounds are honest."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from theory.arithmetic import OwenT, Phi, Phi2, accurate_ball, ball, exact, exact_or_dyadic, phi
from theory.arithmetic.float64 import Float64, Tracked, cross
from theory.arithmetic.functions import Arc, Cross, Orthant, readable
from theory.arithmetic.lowering import lower
from theory.errors import DomainError, InexactInputError, InputError

h, k, r = sp.symbols("h k r", real=True)
moderate = st.floats(-6, 6).filter(lambda v: abs(v) > 1e-3)


def as_mpf(value: arb) -> mpmath.mpf:
    mantissa, exponent = value.mid().man_exp()
    return mpmath.ldexp(mpmath.mpf(int(mantissa)), int(exponent))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, sp.Integer(3)),
        ("0.3", sp.Rational(3, 10)),
        ("3/10", sp.Rational(3, 10)),
        (Fraction(1, 7), sp.Rational(1, 7)),
        (sp.sqrt(2), sp.sqrt(2)),
        (np.int64(4), sp.Integer(4)),
    ],
)
def test_exact_numbers_stay_exact(value, expected: sp.Expr) -> None:
    assert exact(value, "value") == expected


@pytest.mark.parametrize(
    "value", [0.3, np.float32(0.3), mpmath.mpf("0.3"), sp.Float(0.3)], ids=repr
)
def test_floats_are_refused_where_exactness_counts(value) -> None:
    with pytest.raises(InexactInputError):
        exact(value, "value")


@pytest.mark.parametrize(
    "value", ["", "x", "1/0", None, sp.oo, sp.I, h, True, float("nan")], ids=repr
)
def test_non_numbers_are_refused(value) -> None:
    with pytest.raises((InputError, InexactInputError)):
        exact(value, "value")
    if not isinstance(value, sp.Expr):
        with pytest.raises(InputError):
            exact_or_dyadic(value, "value")


def test_a_float_can_stand_for_the_dyadic_it_stores() -> None:
    assert exact_or_dyadic(0.1, "v") == sp.Rational(Fraction(0.1))
    assert exact_or_dyadic(mpmath.mpf(3) / 4, "v") == sp.Rational(3, 4)


def test_rationals_reach_balls_exactly() -> None:
    # The trap of lambdify: Rational(1, 3) becomes a float there, and the ball misses the value.
    value = ball(sp.Rational(1, 3) + sp.Rational(1, 7), bits=200)
    assert (value * 21).contains(10)
    assert value.rel_accuracy_bits() > 180


def test_balls_around_zero_have_powers_and_owen_t() -> None:
    around = arb(0, 2.0**-90)
    assert ball(h**2, {h: around}, 100).contains(0)
    assert ball(OwenT(k, h), {k: "1", h: around}, 100).contains(0)
    assert ball(OwenT(k, h), {k: "1", h: around}, 100).is_finite()


def test_missing_rules_are_named() -> None:
    with pytest.raises(InputError, match="no rule for gamma"):
        ball(sp.gamma(h), {h: 1})
    with pytest.raises(InputError, match="no value was given for the symbol k"):
        ball(h + k, {h: 1})
    with pytest.raises(InexactInputError):
        ball(h, {h: 0.5})


def test_a_value_that_never_settles_is_a_domain_error() -> None:
    with pytest.raises(DomainError, match="infinite or undefined"):
        accurate_ball(1 / h, {h: 0}, 60)


@given(moderate, moderate)
def test_owen_t_against_quadrature(u: float, a: float) -> None:
    with mpmath.workdps(30):
        U, A = mpmath.mpf(u), mpmath.mpf(a)
        reference = mpmath.quad(
            lambda t: mpmath.exp(-(U**2) * (1 + t * t) / 2) / (1 + t * t), mpmath.linspace(0, A, 9)
        ) / (2 * mpmath.pi)
        value = accurate_ball(OwenT(h, k), {h: arb(u), k: arb(a)}, 80)
        assert abs(as_mpf(value) - reference) < mpmath.mpf(10) ** -20


@given(moderate, moderate, st.floats(-0.99, 0.99))
def test_bivariate_normal_is_consistent(u: float, v: float, rho: float) -> None:
    # Orthants need the signs of the thresholds, so numbers go in before the lowering.
    value = accurate_ball(Phi2(h, k, r).subs(_numbers(u, v, rho)), bits=70)
    mirrored = accurate_ball(Phi2(h, k, r).subs(_numbers(u, -v, -rho)), bits=70)
    whole = accurate_ball(Phi(h), {h: arb(u)}, 70)
    assert (value + mirrored).overlaps(whole)


def _numbers(u: float, v: float, rho: float) -> dict[sp.Symbol, sp.Expr]:
    return {s: exact_or_dyadic(x, "x") for s, x in zip((h, k, r), (u, v, rho), strict=True)}


def test_derivatives_of_the_special_functions() -> None:
    for function in (Phi(h), phi(h), OwenT(h, k), Phi2(h, k, r)):
        for symbol in function.free_symbols:
            at = {h: sp.Rational(3, 10), k: sp.Rational(7, 10), r: sp.Rational(1, 5)}
            step = sp.Rational(1, 10**8)
            up, down = at | {symbol: at[symbol] + step}, at | {symbol: at[symbol] - step}
            rise = ball(function.subs(up), bits=200) - ball(function.subs(down), bits=200)
            slope = rise * 10**8 / 2
            assert abs(float(slope - ball(function.diff(symbol).subs(at), bits=200))) < 1e-14


def test_canonical_values() -> None:
    assert Phi(-h) == 1 - Phi(h)
    assert phi(-h) == phi(h)
    assert OwenT(h, -k) == -OwenT(h, k)
    assert OwenT(-h, k) == OwenT(h, k)
    assert OwenT(0, k) == sp.atan(k) / (2 * sp.pi)
    assert Phi2(h, k, 0) == Phi(h) * Phi(k)
    assert Phi2(0, 0, r) == sp.Rational(1, 4) + sp.asin(r) / (2 * sp.pi)
    assert Cross(h, k, 0, r) == h * k
    assert readable(Arc(1, 1, r) + Cross(h, h, k, k)) == sp.asin(r) + h**2 - k**2


@pytest.mark.parametrize("function", [Phi(h), phi(h), OwenT(h, k), Phi2(h, k, r)])
def test_evalf_agrees_with_balls(function: sp.Expr) -> None:
    at = {h: sp.Rational(-3, 10), k: sp.Rational(7, 10), r: sp.Rational(1, 5)}
    here = {s: v for s, v in at.items() if s in function.free_symbols}
    value = function.subs(here).evalf(30)
    with mpmath.workdps(40):
        gap = as_mpf(ball(function.subs(here), bits=150)) - mpmath.mpf(str(value))
    assert abs(gap) < 1e-28


@given(*[st.floats(-1e100, 1e100) for _ in range(4)])
def test_difference_of_products_keeps_its_digits(a: float, b: float, c: float, d: float) -> None:
    truth = Fraction(a) * Fraction(b) - Fraction(c) * Fraction(d)
    value = float(cross(*(np.array(v) for v in (a, b, c, d))))
    scale = max(abs(a * b), abs(c * d))
    slack = Fraction(2) ** -51 * abs(truth) + Fraction(2) ** -100 * Fraction(scale)
    assert abs(Fraction(value) - truth) <= slack + Fraction(2) ** -1000


@given(
    moderate, moderate, st.floats(0.01, 100), st.floats(0.01, 100), st.floats(-0.999999, 0.999999)
)
def test_running_error_bounds_hold(a: float, b: float, p: float, q: float, rho: float) -> None:
    c = rho * np.sqrt(p * q)
    P, Q, C = sp.symbols("P Q C")
    value = Orthant(exact_or_dyadic(abs(a), "a"), exact_or_dyadic(abs(b), "b"), P, Q, C)
    numbers = dict(zip((P, Q, C), (p, q, c), strict=True))
    with np.errstate(all="ignore"):
        got = lower(value, {s: Tracked.exact(v) for s, v in numbers.items()}, Float64())
    truth = accurate_ball(value, {s: arb(v) for s, v in numbers.items()}, 80)
    assert abs(float(truth - arb(float(got.value)))) <= float(got.error) + 1e-300
