"""Expectations of products on several variables: against integrals of the definitions, exact counts, identities.

The reference integrates the definitions over the plane (``theory.quadrature``), or nests Gauss-Legendre panels
over conditional laws: no closed form is in either.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, permutations
from math import factorial

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import theory as th
from theory import quadrature

MP = mpmath.MPContext()
MP.dps = 30
K3 = [["1", "1/2", "-3/10"], ["1/2", "2", "2/5"], ["-3/10", "2/5", "7/10"]]
K4 = [
    ["1", "1/2", "3/10", "1/5"],
    ["1/2", "2", "-2/5", "1/10"],
    ["3/10", "-2/5", "1", "3/5"],
    ["1/5", "1/10", "3/5", "3/2"],
]
FUNCTIONS = {
    "sign": th.sign(),
    "hardtanh": th.hardtanh(1),
    "erf": th.erf(1),
    "relu": th.relu(),
    "gelu": th.gelu(),
    "identity": th.identity(),
    "ternary": th.ternary("1/2"),
    "window": th.hardtanh("1/2").derivative,
    "bump": th.erf(2).derivative,
}


@dataclass(frozen=True)
class Product:
    """A pointwise product by its definition alone."""

    factors: tuple[th.activations.Activation, ...]

    @property
    def expr(self):
        return sp.Mul(*(f.expr for f in self.factors))

    @property
    def breakpoints(self):
        return tuple(sorted({b for f in self.factors for b in f.breakpoints}, key=float))


def floats(K):
    return np.array([[float(Fraction(entry)) for entry in row] for row in K])


def as_mp(ball):
    mantissa, exponent = ball.mid().man_exp()
    return MP.ldexp(int(mantissa), int(exponent))


def holds(ball, fraction):
    """Whether a ball contains a fraction."""
    with flint.ctx.workprec(400):
        return (ball * fraction.denominator - fraction.numerator).contains(0)


def contains(ball, value, slack):
    mantissa, exponent = ball.rad().man_exp()
    return abs(as_mp(ball) - MP.mpf(value)) <= MP.ldexp(int(mantissa), int(exponent)) + slack


def nested(functions, K, order=24, longest=4.0):
    """E[prod f_k(u_k)] by Gauss-Legendre panels on the Cholesky factor, cut at the thresholds and at 8 deviations."""
    covariance = floats(K)
    root = np.linalg.cholesky(covariance)
    nodes, weights = np.polynomial.legendre.leggauss(order)

    def level(k, z, density):
        if k == len(functions):
            return density
        f, shift, scale = functions[k], root[k, :k] @ np.array(z), root[k, k]
        even = np.arange(-8.0, 8.5, longest)
        cuts = sorted({*even, *((float(b) - shift) / scale for b in f.breakpoints)})
        total = 0.0
        for lo, hi in pairwise(c for c in cuts if -8 <= c <= 8):
            points = (hi + lo) / 2 + (hi - lo) / 2 * nodes
            values = f(shift + scale * points) * np.exp(-(points**2) / 2) / np.sqrt(2 * np.pi)
            values *= weights * (hi - lo) / 2
            if k == len(functions) - 1:
                total += values.sum()
            else:
                total += sum(
                    v * level(k + 1, [*z, w], 1.0) for v, w in zip(values, points, strict=True)
                )
        return total * density

    return level(0, [], 1.0)


names = st.sampled_from(sorted(FUNCTIONS))


@pytest.mark.slow
@given(names, names, names, names, st.sampled_from(["2/5", "-9/10", "19/20"]))
@settings(max_examples=15)
def test_four_factors_of_two_variables_against_quadrature(a, b, c, d, cov):
    f, g, h, k = (FUNCTIONS[name] for name in (a, b, c, d))
    p, q = "13/10", "7/10"
    truth = MP.mpf(quadrature.expectation(Product((f, g)), Product((h, k)), p, q, cov, digits=15))
    F = th.joint_expectation([f, g, h, k], variables=(0, 0, 1, 1))
    scale = 1 + abs(truth)
    ball = F.ball([[p, cov], [cov, q]], bits=60)
    assert contains(ball, truth, MP.mpf("1e-14") * scale), f"{ball} instead of {truth}"
    value = F.float64(floats([[p, cov], [cov, q]]))
    assert abs(MP.mpf(float(value)) - truth) <= MP.mpf("1e-12") * scale


@pytest.mark.slow
@pytest.mark.parametrize(
    "chosen",
    [
        ("sign", "hardtanh", "identity"),
        ("hardtanh", "hardtanh", "relu"),
        ("erf", "hardtanh", "gelu"),
        ("ternary", "window", "sign"),
        ("bump", "relu", "relu"),
        ("ternary", "identity", "ternary"),
    ],
    ids="-".join,
)
def test_three_variables_against_nested_quadrature(chosen):
    functions = [FUNCTIONS[name] for name in chosen]
    ball = th.joint_expectation(functions).ball(K3, bits=60)
    # 8 deviations leave 1e-14 of a bounded function; panels up to 4 long resolve what is smooth to 1e-9.
    assert contains(ball, nested(functions, K3), 1e-8), f"{ball}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "chosen",
    [("sign", "hardtanh", "sign", "relu"), ("hardtanh", "hardtanh", "hardtanh", "sign")],
    ids="-".join,
)
def test_four_variables_against_nested_quadrature(chosen):
    functions = [FUNCTIONS[name] for name in chosen]
    ball = th.joint_expectation(functions).ball(K4, bits=50)
    assert contains(ball, nested(functions, K4, order=14, longest=8.0), 1e-5), f"{ball}"


def orthant_by_signs(ball_of, K):
    """P(u > 0) from the expectations of signs over all subsets of the variables."""
    size = len(K)
    total = MP.mpf(0)
    for mask in range(2**size):
        rows = [k for k in range(size) if mask >> k & 1]
        sub = [[K[i][j] for j in rows] for i in rows]
        total += as_mp(ball_of(len(rows), sub)) if rows else 1
    return total / 2**size


def test_four_heavisides_expand_into_signs():
    one = as_mp(th.joint_expectation([th.heaviside()] * 4).ball(K4, bits=90))
    other = orthant_by_signs(
        lambda m, K: th.joint_expectation([th.sign()] * m).ball(K, bits=90), K4
    )
    assert abs(one - other) < MP.mpf("1e-25")


def test_four_equicorrelated_signs_have_the_published_value():
    # P(X > 0) = 1/5 for four variables of correlation 1/2: X_k = Z_k - Z_0 are positive if Z_0 is the least of five.
    half = [[sp.S.One if i == j else sp.S.Half for j in range(4)] for i in range(4)]
    ball = th.joint_expectation([th.heaviside()] * 4).ball(half, bits=200)
    assert holds(ball, Fraction(1, 5))
    assert ball.rel_accuracy_bits() >= 200


@pytest.mark.parametrize("size", [2, 3, 4])
def test_orders_of_independent_variables_are_equally_likely(size):
    # X_k = Z_{k+1} - Z_k are all positive in one order out of (size + 1)!.
    path = sp.Matrix(size, size, lambda i, j: 2 if i == j else -1 if abs(i - j) == 1 else 0)
    ball = th.joint_expectation([th.heaviside()] * size).ball(path, bits=120)
    assert holds(ball, Fraction(1, factorial(size + 1)))
    assert ball.rel_accuracy_bits() >= 120


def test_isserlis():
    F = th.joint_expectation([th.identity()] * 4)
    k = F.K
    assert sp.expand(F.expr - (k[0, 1] * k[2, 3] + k[0, 2] * k[1, 3] + k[0, 3] * k[1, 2])) == 0
    six = th.joint_expectation([th.identity()] * 6)
    assert len(sp.Add.make_args(sp.expand(six.expr))) == 15


def test_squares_of_three_variables():
    # Isserlis over six factors: p q r + 2 (p c_23^2 + q c_13^2 + r c_12^2) + 8 c_12 c_13 c_23.
    square = th.identity() * th.identity()
    F = th.joint_expectation([square] * 3)
    k = F.K
    across = sum(k[i, i] * k[j, l] ** 2 for i, j, l in ((0, 1, 2), (1, 0, 2), (2, 0, 1)))
    expected = k[0, 0] * k[1, 1] * k[2, 2] + 2 * across + 8 * k[0, 1] * k[0, 2] * k[1, 2]
    assert sp.expand(F.expr - expected) == 0


def test_a_mass_on_the_kink_of_a_continuous_function():
    # delta(x - 1) (h(x) + erf(x)) = (1 + erf(1)) delta(x - 1), though h changes there.
    mass = th.from_piecewise([(0, (-sp.oo, 1)), (1, (1, sp.oo))]).derivative
    F = th.joint_expectation([mass, th.hardtanh(1) + th.erf(1)], variables=(0, 0))
    expected = MP.npdf(1) * (1 + MP.erf(1))
    assert abs(as_mp(F.ball([[1]], bits=80)) - expected) < MP.mpf("1e-22")


def test_masses_at_different_places_exclude_each_other():
    step = th.from_piecewise([(0, (-sp.oo, 1)), (1, (1, sp.oo))])
    F = th.joint_expectation(
        [step.derivative, th.sign().derivative, th.erf(1)], variables=(0, 0, 1)
    )
    K = sp.Matrix([[sp.sqrt(2), "1/2"], ["1/2", 1]])
    assert F.ball(K) == 0


def test_three_signs_vanish_and_three_heavisides_are_arcsines():
    assert th.joint_expectation([th.sign()] * 3).expr == 0
    F = th.joint_expectation([th.heaviside()] * 3)
    arcs = [
        sp.asin(F.K[i, j] / sp.sqrt(F.K[i, i] * F.K[j, j])) for i, j in ((0, 1), (0, 2), (1, 2))
    ]
    assert sp.simplify(F.expr - sp.Rational(1, 8) - sum(arcs) / (4 * sp.pi)) == 0
    assert F.is_closed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chosen", "variables"),
    [
        (("sign",) * 4, None),
        (("erf",) * 4, None),
        (("erf",) * 4, (0, 0, 1, 1)),
        (("relu",) * 3, None),
        (("identity", "identity", "hardtanh", "hardtanh"), None),
        (("gelu", "erf", "identity"), None),
    ],
    ids=str,
)
def test_the_expression_has_the_value(chosen, variables):
    F = th.joint_expectation([FUNCTIONS[name] for name in chosen], variables)
    n = F.K.rows
    at = {F.K[i, j]: sp.Rational(K4[i][j]) for i in range(n) for j in range(n)}
    printed = MP.mpf(str(F.expr.subs(at).evalf(15)))
    assert abs(printed - as_mp(F.ball([row[:n] for row in K4[:n]], bits=80))) < MP.mpf("1e-13")


def test_what_is_not_closed_is_the_defining_integral():
    F = th.joint_expectation([th.hardtanh(1), th.heaviside(), th.hardtanh(2)])
    assert not F.is_closed
    assert isinstance(F.expr, sp.Integral)
    x = sp.symbols("x1:4", real=True)
    point = dict(zip(x, (sp.Rational(1, 2), 1, -3), strict=True))
    at = {F.K[i, j]: sp.Rational(K3[i][j]) for i in range(3) for j in range(3)}
    here = sp.Matrix([sp.Rational(1, 2), 1, -3])
    S = sp.Matrix(3, 3, lambda i, j: sp.Rational(K3[i][j]))
    density = sp.exp(-(here.T * S.inv() * here)[0, 0] / 2) / sp.sqrt((2 * sp.pi) ** 3 * S.det())
    assert (
        abs(sp.N(F.expr.function.subs(point).subs(at) - sp.Rational(1, 2) * -1 * density, 20))
        < 1e-18
    )


@pytest.mark.parametrize("order", list(permutations(range(3)))[1:], ids=str)
def test_the_order_of_the_factors_does_not_matter(order):
    functions = [FUNCTIONS[name] for name in ("hardtanh", "relu", "sign")]
    one = th.joint_expectation(functions).ball(K3, bits=70)
    permuted = [[K3[i][j] for j in order] for i in order]
    other = th.joint_expectation([functions[k] for k in order]).ball(permuted, bits=70)
    assert one.overlaps(other)


def test_independent_blocks_factor():
    K = [[1, "1/2", 0, 0], ["1/2", 2, 0, 0], [0, 0, 3, -1], [0, 0, -1, 1]]
    h, s = th.hardtanh(1), th.sign()
    joint = th.joint_expectation([h, s, h, s]).ball(K, bits=80)
    left = th.expectation(h, s).ball(1, 2, "1/2", bits=80)
    right = th.expectation(h, s).ball(3, 1, -1, bits=80)
    assert joint.overlaps(left * right)
    assert joint.rel_accuracy_bits() >= 80
