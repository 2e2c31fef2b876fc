"""mp is correct to the digits asked for, up to 1000, and a ball has the bits asked for and contains the value.

The other route is mpmath's: closed forms of another shape, or one-dimensional integrals of conditional means.
"""

from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from flint import acb, arb, ctx, fmpq, fmpz
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import theory as th
from theory.activations import catalogue
from theory.errors import DomainError

DIGITS = [50, 200, pytest.param(1000, marks=pytest.mark.slow)]


def context(digits):
    mp = mpmath.MPContext()
    mp.dps = digits + 25
    return mp


def assert_digits(value, truth, digits, mp):
    assert abs(mp.mpf(value) - truth) <= abs(truth) * mp.mpf(10) ** -digits


def rationals(mp, *numbers):
    return [mp.mpf(Fraction(x).numerator) / Fraction(x).denominator for x in numbers]


# Exact (p, q, c): ordinary, near both ends, unequal sizes.
POINTS = [
    ("1", "2", "1/2"),
    ("3/10", "3/10", "-0.29999999999999999999"),
    ("1/100", "700", "5/2"),
]


@pytest.mark.parametrize("digits", DIGITS)
@pytest.mark.parametrize("point", POINTS, ids=str)
def test_arcsine_laws(point, digits):
    mp = context(digits)
    p, q, c = rationals(mp, *point)
    value = th.expectation(th.sign(), th.sign()).mp(*point, digits=digits)
    assert_digits(value, 2 / mp.pi * mp.asin(c / mp.sqrt(p * q)), digits, mp)
    value = th.expectation(th.erf(1), th.erf(2)).mp(*point, digits=digits)
    truth = 2 / mp.pi * mp.atan2(4 * c, mp.sqrt((1 + 2 * p) * (1 + 8 * q) - 16 * c * c))
    assert_digits(value, truth, digits, mp)


@pytest.mark.parametrize("digits", DIGITS)
@pytest.mark.parametrize("point", POINTS, ids=str)
def test_arc_cosine_law(point, digits):
    mp = context(digits)
    p, q, c = rationals(mp, *point)
    theta = mp.acos(c / mp.sqrt(p * q))
    truth = mp.sqrt(p * q) * (mp.sin(theta) + (mp.pi - theta) * mp.cos(theta)) / (2 * mp.pi)
    # sin + (pi - theta) cos loses digits of its own near theta = pi
    guarded = context(digits + 80)
    p, q, c = rationals(guarded, *point)
    theta = guarded.acos(c / guarded.sqrt(p * q))
    truth = (
        guarded.sqrt(p * q)
        * (guarded.sin(theta) + (guarded.pi - theta) * guarded.cos(theta))
        / (2 * guarded.pi)
    )
    value = th.expectation(th.relu(), th.relu()).mp(*point, digits=digits)
    assert_digits(value, truth, digits, guarded)


def whole_line(mp, integrand):
    """Equal steps over the whole line, for an entire integrand that falls like exp(-s^2/2)."""
    nats = mp.dps * mp.log(10)
    reach = mp.sqrt(2 * nats) + 4
    # Twice the density on the way off the axis, for what multiplies it.
    step = 2 * mp.pi / mp.sqrt(2 * (1 + 8) * nats)
    count = int(reach / step) + 1
    return step * mp.fsum(integrand(k * step) for k in range(-count, count + 1))


@pytest.mark.parametrize("digits", [50, 200])
def test_gelu_by_its_conditional_mean(digits):
    mp = context(digits)
    point = ("1", "2", "1/2")
    p, q, c = rationals(mp, *point)
    spread = q - c * c / p
    noisy = mp.sqrt(1 + spread)

    def integrand(s):
        u = mp.sqrt(p) * s
        m = c / p * u
        inner = m * mp.ncdf(m / noisy) + spread / noisy * mp.npdf(m / noisy)
        return mp.npdf(s) * u * mp.ncdf(u) * inner

    value = th.expectation(th.gelu(), th.gelu()).mp(*point, digits=digits)
    assert_digits(value, whole_line(mp, integrand), digits, mp)


def normal_cdf(x):
    return (-x / arb(2).sqrt()).erfc() / 2


def normal_density(x):
    return (-(x * x) / 2).exp() / (2 * arb.pi()).sqrt()


def clipped_mean(m, t, a):
    """E clip((m + t z)/a, -1, 1): the integral of P(m + t z > x) over |x| < a, less a, over a."""

    def rise(x):
        y = (m - x) / t
        return t * (y * normal_cdf(y) + normal_density(y))

    return (rise(-a) - rise(a)) / a - 1


@pytest.mark.parametrize("digits", DIGITS)
@pytest.mark.parametrize(("a", "b"), [("1", "1"), ("1/2", "2")])
def test_hardtanh_by_its_conditional_mean(digits, a, b):
    """The outer integral in Arb's rigorous integration, pieces apart; Owen's T does not occur."""
    with ctx.workprec(int(3.33 * digits) + 80):
        p, q, c = arb(1), arb(2), arb(1) / 2
        left, right = (arb(fmpq(*Fraction(x).as_integer_ratio())) for x in (a, b))
        t = (q - c * c / p).sqrt()
        corner = left / p.sqrt()
        end = arb(int((2 * (digits + 20) * 2.31) ** 0.5) + 2)

        def inner(s, _):
            u = p.sqrt() * s
            return normal_density(s) * u / left * clipped_mean(c / p * u, t, right)

        def outer(s, _):
            return normal_density(s) * clipped_mean(c / p * p.sqrt() * s, t, right)

        truth = 2 * (acb.integral(inner, 0, corner) + acb.integral(outer, corner, end)).real
        assert truth.rel_accuracy_bits() > 3.33 * digits
        value = th.expectation(th.hardtanh(a), th.hardtanh(b)).mp("1", "2", "1/2", digits=digits)
        mantissa, exponent = mpmath.libmp.to_man_exp(value._mpf_)
        error = abs(arb(fmpz(int(mantissa))) * arb(2) ** int(exponent) - truth)
        assert error < abs(truth) * arb(10) ** -digits


@pytest.mark.parametrize("digits", [50, 200])
def test_staircase_by_the_derivative_in_the_angle(digits):
    mp = context(digits)
    f = th.staircase((-1, 0, 1), (-3, -1, 1, 3))
    point = ("1", "2", "1/2")
    p, q, c = rationals(mp, *point)
    places = (-1, 0, 1)

    def rate(angle):
        # d/d angle of P(x > h, y > k) at correlation sin(angle), summed over all pairs of jumps
        sine, cosine = mp.sin(angle), mp.cos(angle)
        total = mp.mpf(0)
        for h in places:
            for k in places:
                x, y = h / mp.sqrt(p), k / mp.sqrt(q)
                square = x * x + y * y - 2 * x * y * sine
                total += mp.exp(-square / (2 * cosine**2))
        return 4 * total / (2 * mp.pi)

    # Odd functions: the value at correlation 0 is 0.
    truth = mp.quad(rate, mp.linspace(0, mp.asin(c / mp.sqrt(p * q)), 3))
    assert_digits(th.expectation(f, f).mp(*point, digits=digits), truth, digits, mp)


@pytest.mark.parametrize("digits", [50, 200, 1000])
def test_degenerate_ends(digits):
    mp = context(digits)
    h = th.hardtanh(1)
    # On the line E clip(u)^2 = 2 P(u > 1) + E[u^2; |u| < 1].
    s = mp.sqrt(2)
    square = 2 * mp.ncdf(-1 / s) + 2 * (mp.erf(1 / (s * mp.sqrt(2))) - 2 / s * mp.npdf(1 / s))
    F = th.expectation(h, h)
    assert_digits(F.mp(2, 2, 2, digits=digits), square, digits, mp)
    assert_digits(F.mp(2, 2, -2, digits=digits), -square, digits, mp)
    assert F.mp(2, 3, 0, digits=digits) == 0
    # u = sqrt(2) w, v = sqrt(3) w: irrational, and recognised.
    identity = th.expectation(th.identity(), th.identity())
    assert_digits(identity.mp(2, 3, sp.sqrt(6), digits=digits), mp.sqrt(6), digits, mp)
    rectified = th.expectation(th.relu(), th.relu())
    assert_digits(rectified.mp(2, 3, 0, digits=digits), mp.sqrt(6) / (2 * mp.pi), digits, mp)
    constant = th.expectation(th.gelu().derivative, th.gelu().derivative)
    assert_digits(constant.mp(0, 0, 0, digits=digits), mp.mpf(1) / 4, digits, mp)
    # Within 10^-100 of the line: the missing probability, relative to itself.
    signs = th.expectation(th.sign(), th.sign())
    gap = Fraction(1, 10**100)
    guarded = context(digits + 120)
    truth = 2 / guarded.pi * guarded.asin(1 - guarded.mpf(10) ** -100)
    assert_digits(signs.mp(1, 1, 1 - gap, digits=digits), truth, digits, guarded)


functions = st.sampled_from([g for f in catalogue().values() for g in (f, f.derivative)])


@st.composite
def covariances(draw):
    """Exact (p, q, c) from 1e-12 to 1e12, with 1 - |rho| from 1e-15 to 1."""
    sizes = [
        Fraction(draw(st.integers(10, 99)), 10) * Fraction(10) ** draw(st.integers(-6, 5))
        for _ in "pq"
    ]
    gap = Fraction(draw(st.integers(1, 9)), 10 ** draw(st.integers(1, 15)))
    rho = draw(st.sampled_from([-1, 1])) * draw(st.sampled_from([gap, 1 - gap]))
    a, b = sizes
    return a * a, b * b, rho * a * b


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(functions, functions, covariances(), st.integers(53, 400), st.integers(53, 400))
def test_balls_overlap_and_have_their_bits(f, g, point, bits, more):
    check_balls(f, g, point, bits, more)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=10)
@given(functions, functions, covariances(), st.integers(400, 4096), st.integers(53, 400))
def test_balls_of_thousands_of_bits(f, g, point, bits, more):
    check_balls(f, g, point, bits, more)


def check_balls(f, g, point, bits, more):
    pair = th.expectation(f, g)
    one, other = pair.ball(*point, bits=bits), pair.ball(*point, bits=more)
    assert one.overlaps(other)
    for found, asked in ((one, bits), (other, more)):
        small = mpmath.frexp(mpmath.mpf(str(found.rad().str(5, radius=False))))[1] <= -4095
        assert found.rel_accuracy_bits() >= asked or small


def test_a_dirac_mass_on_the_line_is_infinite():
    impulse = th.sign().derivative
    with pytest.raises(DomainError):
        th.expectation(impulse, impulse).ball(1, 1, 1)
