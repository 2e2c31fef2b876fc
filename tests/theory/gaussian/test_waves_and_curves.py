"""Waves, exponentials and curves: expectations against nested quadrature of the definitions, and their ends."""

from fractions import Fraction
from itertools import product

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import theory as th
from theory import quadrature
from theory.activations import catalogue
from theory.errors import DomainError
from theory.gaussian import c, p, q

OPEN = catalogue(closed=False)
CURVES = [g for f in OPEN.values() for g in (f, f.derivative)]
TILTED = [th.sine(), th.cosine(2), th.laplace(1), th.laplace(2).smoothed("1/2")]
PARTNERS = [
    th.relu(),
    th.hardtanh(1).derivative,
    th.sign().derivative,
    th.erf(1),
    th.sine(2),
    th.laplace(1),
    th.uniform_quantizer(2),
    th.arctan(2).derivative,
]
PAIRS = [(f, g) for f, g in product([*CURVES, *TILTED], PARTNERS) if f.parity * g.parity != -1]
POINT = ("13/10", "7/10", "-2/5")


def close(value, truth: mpmath.mpf, relative: float) -> bool:
    return abs(mpmath.mpf(value) - truth) <= relative * abs(truth)


@pytest.mark.parametrize(("f", "g"), PAIRS, ids=str)
def test_inside_the_domain(f, g) -> None:
    F = th.expectation(f, g)
    truth = quadrature.expectation(f, g, *POINT, digits=14)
    assert close(F.mp(*POINT, digits=20), truth, 1e-12)
    value = float(F.float64(1.3, 0.7, -0.4))
    exact = F.mp(1.3, 0.7, -0.4, digits=20)
    assert close(value, exact, 1e-12)


@pytest.mark.parametrize(("f", "g"), PAIRS[::3], ids=str)
def test_balls_have_the_bits_asked_for_and_contain_better_ones(f, g) -> None:
    F = th.expectation(f, g)
    wide, narrow = (F.ball(*POINT, bits=bits) for bits in (40, 90))
    assert wide.rel_accuracy_bits() >= 40
    assert narrow.rel_accuracy_bits() >= 90
    assert wide.contains(narrow.mid())


@pytest.mark.parametrize(("f", "g"), PAIRS[1::3], ids=str)
def test_the_ends_of_the_domain(f, g) -> None:
    F = th.expectation(f, g)
    ends = [(1, 4, 2), (1, 4, -2), (1, 2, 0), (0, 2, 0), (2, 0, 0)]
    for P, Q, C in ends:
        try:
            truth = quadrature.expectation(f, g, P, Q, C, digits=14)
        except DomainError:
            with pytest.raises(DomainError):
                F.mp(P, Q, C)
            continue
        assert abs(F.mp(P, Q, C, digits=20) - truth) <= 1e-13 * (1 + abs(truth))
        assert abs(float(F.float64(float(P), float(Q), float(C))) - truth) <= 1e-12 * (
            1 + abs(truth)
        )


EXTREMES = [(th.arctan(1).derivative, th.relu()), (th.laplace(1), th.hardtanh(1) * th.hardtanh(1))]
EXTREMES += [(th.tanh(1), th.hardtanh(1)), (th.softsign(1).derivative, th.sign().derivative)]
EXTREMES += [(th.cosine(1), th.relu())]


@settings(max_examples=8)
@given(st.sampled_from(EXTREMES), st.integers(-6, 6), st.integers(-6, 6), st.sampled_from([-1, 1]))
def test_extreme_variances_keep_their_digits(pair, a: int, b: int, sign: int) -> None:
    F = th.expectation(*pair)
    P, Q = 10.0 ** (2 * a), 3.0 * 10.0 ** (2 * b)
    C = sign * (1 - 1e-9) * float(np.sqrt(P) * np.sqrt(Q))
    value, exact = float(F.float64(P, Q, C)), F.mp(P, Q, C, digits=20)
    sizes = [th.expectation(f, f).float64(V, V, V) for f, V in zip(pair, (P, Q), strict=True)]
    scale = 0.0 if pair[1].has_dirac else float(np.sqrt(sizes[0] * sizes[1]))
    assert abs(value - exact) <= 5e-13 * abs(exact) + 2e-13 * scale + 1e-300


def test_an_odd_and_an_even_function_are_orthogonal() -> None:
    assert th.expectation(th.tanh(), th.laplace()).expr == 0
    assert th.expectation(th.sine(), th.cosine(2)).mp(1, 2, "1/2") == 0
    assert th.expectation(th.tanh()).float64(2.0) == 0
    assert th.relu().parity == 0
    assert th.softsign().derivative.parity == 1


def test_waves_print_as_in_the_books() -> None:
    F = th.expectation(th.sine(), th.sine())
    assert sp.simplify(F.expr - sp.exp(-(p + q) / 2) * sp.sinh(c).rewrite(sp.exp)) == 0
    bump = th.expectation(th.gaussian_bump(1)).expr
    assert sp.simplify(bump - 1 / sp.sqrt(1 + 2 * p)) == 0


def test_rows_of_the_sign_derivative() -> None:
    """Claim T17: with w^2 = q - c^2/p, sqrt(2/(pi p)) E[tau(w Z)]."""
    alpha, w = sp.Integer(3), sp.sqrt(q - c**2 / p)
    front = sp.sqrt(2 / (sp.pi * p))
    rows = {
        th.arctan(alpha).derivative: sp.sqrt(sp.pi / 2)
        / (alpha * w)
        * sp.exp(1 / (2 * alpha**2 * w**2))
        * sp.erfc(1 / (alpha * w * sp.sqrt(2))),
        th.laplace(alpha): sp.exp(alpha**2 * w**2 / 2) * sp.erfc(alpha * w / sp.sqrt(2)),
    }
    at = {p: sp.Rational(13, 10), q: sp.Rational(7, 10), c: sp.Rational(-2, 5)}
    for tau, row in rows.items():
        derived = th.expectation(th.sign().derivative, tau).expr
        assert not derived.has(sp.Integral)
        assert abs((derived - front * row).subs(at).rewrite(sp.erf).evalf(30)) < 1e-25


def test_curves_print_as_integrals_that_can_be_evaluated() -> None:
    F = th.expectation(th.tanh(1), th.hardtanh(1))
    assert F.expr.has(sp.Integral)
    (integral,) = F.expr.atoms(sp.Integral)
    at = {p: sp.Rational(13, 10), q: sp.Rational(7, 10), c: sp.Rational(-2, 5)}
    plain = integral.function.rewrite(sp.erf).rewrite(sp.exp).subs(at)
    integrand = sp.lambdify(integral.variables[0], plain, "mpmath")
    value = mpmath.quad(integrand, [-9, -3, 0, 3, 9])
    assert value == pytest.approx(float(F.float64(1.3, 0.7, -0.4)), abs=1e-12)
    assert r"\int" in F.latex()


def test_a_certified_integral_refuses_what_is_infinite() -> None:
    with pytest.raises(DomainError, match="infinite"):
        th.expectation(th.sign().derivative, th.sign().derivative + th.tanh()).ball(1, 1, 1)


def test_exchange_is_exact() -> None:
    for f, g in [(th.tanh(), th.hardtanh(1)), (th.laplace(), th.relu())]:
        one, other = th.expectation(f, g), th.expectation(g, f)
        assert float(one.float64(1.3, 0.7, 0.4)) == float(other.float64(0.7, 1.3, 0.4))
        assert one.ball(1, 2, Fraction(1, 3)).overlaps(other.ball(2, 1, Fraction(1, 3)))
