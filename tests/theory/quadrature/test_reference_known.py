"""Reference integrals against values known without any quadrature."""

from dataclasses import dataclass
from fractions import Fraction

import mpmath
import pytest
import sympy as sp

from theory.activations import erf, hardtanh, heaviside, identity, relu, sign, staircase, x
from theory.quadrature import expectation, moment

DIGITS = 20
MP = mpmath.MPContext()
MP.dps = 50
CORRELATIONS = ("0", "0.3", "-0.9", "0.999999", "0.999999999999", "-0.999999999999")


@dataclass(frozen=True)
class Given:
    """A function by its definition alone."""

    expr: sp.Expr
    breakpoints: tuple[sp.Expr, ...] = ()


def assert_digits(value, truth, scale=1):
    assert abs(MP.mpf(value) - truth) <= scale * MP.mpf(10) ** -DIGITS


@pytest.mark.parametrize("power", range(7))
def test_moments_of_a_gaussian(power):
    truth = 3 ** (power // 2) * MP.fac2(power - 1) if power % 2 == 0 else 0
    value = moment(Given(x**power), 3, digits=DIGITS)
    assert_digits(value, truth, scale=3 ** (power / 2) * float(MP.fac2(power)))


@pytest.mark.parametrize(("i", "j"), [(1, 1), (2, 2), (1, 3), (4, 2), (3, 3), (2, 1)])
def test_polynomials_obey_isserlis(i, j):
    p, q, c = 2, Fraction(1, 3), Fraction(-3, 5)
    pairings = sum(
        sp.binomial(i, k)
        * sp.binomial(j, k)
        * sp.factorial(k)
        * sp.factorial2(i - k - 1)
        * sp.factorial2(j - k - 1)
        * sp.Rational(-3, 5) ** k
        * sp.Integer(p) ** ((i - k) // 2)
        * sp.Rational(1, 3) ** ((j - k) // 2)
        for k in range(min(i, j) + 1)
        if (i - k) % 2 == 0 and (j - k) % 2 == 0
    )
    value = expectation(Given(x**i), Given(x**j), p, q, c, digits=DIGITS)
    assert_digits(value, MP.mpf(pairings.p) / pairings.q if pairings else 0, scale=30)


@pytest.mark.parametrize("rho", CORRELATIONS)
def test_signs_obey_the_arcsine_law(rho):
    value = expectation(sign(), sign(), 4, Fraction(1, 4), rho, digits=DIGITS)
    assert_digits(value, 2 / MP.pi * MP.asin(MP.mpf(rho)))


@pytest.mark.parametrize("rho", CORRELATIONS)
def test_relus_obey_the_arc_cosine_law(rho):
    r = MP.mpf(rho)
    value = expectation(relu(), relu(), 1, 1, rho, digits=DIGITS)
    assert_digits(value, (MP.sqrt(1 - r * r) + r * (MP.pi - MP.acos(r))) / (2 * MP.pi))


@pytest.mark.parametrize("size", ["1e-12", "1", "1e12"])
@pytest.mark.parametrize("rho", ["0.3", "-0.999999999999"])
def test_error_functions_at_every_size(size, rho):
    p = Fraction(size)
    value = expectation(erf(1), erf(1), p, p, Fraction(rho) * p, digits=DIGITS)
    s = MP.mpf(size)
    truth = 2 / MP.pi * MP.asin(2 * s * MP.mpf(rho) / (1 + 2 * s))
    assert_digits(value, truth, scale=abs(truth))


@pytest.mark.parametrize("threshold", [0, 1, 40])
def test_tails_keep_their_relative_accuracy(threshold):
    value = moment(Given(sp.Heaviside(x - threshold), (sp.Integer(threshold),)), 1, digits=DIGITS)
    truth = MP.ncdf(-threshold)
    assert_digits(value, truth, scale=truth)


def test_two_deltas_give_the_bivariate_density():
    steps = staircase((-1, 2), (0, 1, 3))
    value = expectation(steps.derivative, sign().derivative, 2, 3, 1, digits=DIGITS)
    # p q - c^2 = 5; the density at (a, 0) is exp(-3 a^2 / 10) / (2 pi sqrt 5).
    peaks = 2 * (MP.exp(MP.mpf(-3) / 10) + 2 * MP.exp(MP.mpf(-12) / 10))
    assert_digits(value, peaks / (2 * MP.pi * MP.sqrt(5)))


def test_a_smooth_function_without_a_named_scale():
    value = expectation(Given(sp.sin(x)), Given(sp.sin(2 * x)), 1, 1, "0.5", digits=DIGITS)
    # E sin(au) sin(bv) = exp(-(a^2 + b^2)/2) sinh(a b c)
    assert_digits(value, MP.exp(-2.5) * MP.sinh(1))


def test_a_bump_wider_than_the_gaussian():
    """One panel with a node at 0, where a power of a ball must not lose itself."""
    bump = erf(2).derivative
    value = moment(bump, Fraction(3, 100), digits=DIGITS)
    assert_digits(value, 4 / MP.sqrt(MP.pi * MP.mpf("1.24")))


def test_price_by_central_differences():
    """d/dc E[f g] = E[f' g'], to the h^4 of a five-point difference."""
    h = Fraction(1, 1000)
    f, g = hardtanh(1), heaviside()
    c = Fraction(2, 5)

    def at(cross):
        return MP.mpf(expectation(f, g, 1, 2, cross, digits=DIGITS))

    slope = (8 * (at(c + h) - at(c - h)) - (at(c + 2 * h) - at(c - 2 * h))) / (12 * MP.mpf("1e-3"))
    truth = MP.mpf(expectation(f.derivative, g.derivative, 1, 2, c, digits=DIGITS))
    assert abs(slope - truth) < 1e-11


def test_an_expectation_leaves_precision_alone():
    from flint import ctx

    before = (ctx.prec, mpmath.mp.prec)
    expectation(identity(), sign(), 1, 1, "0.5", digits=40)
    assert (ctx.prec, mpmath.mp.prec) == before


def test_an_odd_integrand_on_a_symmetric_window_integrates_to_nothing():
    # On the line v = -u/100: the window 1{|u| < 1} times an odd function, in one symmetric panel.
    value = expectation(hardtanh(1).derivative, erf(1), 100, Fraction(1, 100), -1, digits=DIGITS)
    assert_digits(value, 0)
