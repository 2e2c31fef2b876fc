"""Gaussian expectations: textbook values, ends of the domain, symmetries, errors."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

import theory as th
from theory.activations import catalogue
from theory.arithmetic import ball
from theory.errors import DomainError, InexactInputError, InputError
from theory.gaussian import c, p, q

CASES = catalogue()
PAIRS = [(f, g) for f in CASES.values() for g in CASES.values()]
POINT = {p: sp.Rational(13, 10), q: sp.Rational(7, 10), c: sp.Rational(-2, 5)}


def test_williams_and_arccosine_kernels_print_as_in_the_books() -> None:
    assert th.expectation(th.sign(), th.sign()).expr == 2 * sp.asin(c / sp.sqrt(p * q)) / sp.pi
    erf = th.expectation(th.erf(1), th.erf(1)).expr
    half = sp.Rational(1, 2)
    assert erf == 2 * sp.asin(c / sp.sqrt((p + half) * (q + half))) / sp.pi
    relu = th.expectation(th.relu(), th.relu()).expr
    textbook = (sp.sqrt(p * q - c**2) + c * (sp.pi / 2 + sp.asin(c / sp.sqrt(p * q)))) / (2 * sp.pi)
    assert sp.expand(relu - textbook) == 0


def test_hardtanh_is_written_in_normal_functions_only() -> None:
    F = th.expectation(th.hardtanh(1), th.hardtanh(1))
    assert {type(a).__name__ for a in F.expr.atoms(sp.Function)} == {"Phi", "phi", "Phi2", "exp"}
    assert r"\Phi_2" in F.latex()
    assert not F.expr.has(sp.Integral, sp.erf)


def test_latex_reads_like_a_paper() -> None:
    assert th.expectation(th.sign(), th.sign()).latex() == (
        r"\frac{2 \operatorname{asin}{\left(\frac{c}{\sqrt{p q}} \right)}}{\pi}"
    )
    slope = th.expectation(th.sign().derivative, th.hardtanh(1).derivative).latex()
    assert slope == (
        r"\sqrt{\frac{2}{\pi p}} \left(2 \Phi\left(\sqrt{\frac{p}{p q - c^{2}}}\right) - 1\right)"
    )
    assert (
        th.expectation(th.hardtanh(1), th.hardtanh("1/2")).latex().endswith(r"\Delta = p q - c^{2}")
    )


@pytest.mark.parametrize(("f", "g"), PAIRS[::7], ids=lambda f: str(f))
def test_exchange_and_number_systems_agree(f, g) -> None:
    F, G = th.expectation(f, g), th.expectation(g, f)
    value = F.ball(*POINT.values(), bits=100)
    assert value.rel_accuracy_bits() >= 95
    assert value.overlaps(G.ball(POINT[q], POINT[p], POINT[c], bits=100))
    assert value.overlaps(ball(F.expr, POINT, 160))
    assert float(F.float64(1.3, 0.7, -0.4)) == pytest.approx(float(value), rel=1e-12, abs=1e-15)
    assert str(F.mp("1.3", "0.7", "-0.4", digits=20))[:17] == str(F.mp("1.3", "0.7", "-0.4"))[:17]


@pytest.mark.parametrize(("f", "g"), PAIRS[3::11], ids=lambda f: str(f))
def test_the_line_is_the_limit_and_the_product_is_at_zero(f, g) -> None:
    F = th.expectation(f, g)
    near = F.ball(2, 2, 2 - sp.Rational(1, 10**40), bits=60)
    assert float(F.float64(2.0, 2.0, 2.0)) == pytest.approx(float(near), rel=1e-11, abs=1e-12)
    far = F.ball(2, "1/2", sp.Rational(1, 10**40) - 1, bits=60)
    assert float(F.float64(2.0, 0.5, -1.0)) == pytest.approx(float(far), rel=1e-11, abs=1e-12)
    small = F.ball(2, 3, sp.Rational(1, 10**40), bits=60)
    assert float(F.float64(2.0, 3.0, 0.0)) == pytest.approx(float(small), rel=1e-11, abs=1e-12)
    tiny = F.ball(sp.Rational(1, 10**40), 3, 0, bits=60)
    assert float(F.float64(0.0, 3.0, 0.0)) == pytest.approx(float(tiny), rel=1e-11, abs=1e-12)


def test_the_exact_line_with_irrational_covariance() -> None:
    F = th.expectation(th.relu(), th.identity())
    value = F.ball(2, 3, sp.sqrt(6), bits=100)
    assert value.overlaps(ball(sp.sqrt(6) / 2, bits=120))


def test_independent_variables_keep_the_precision_asked_for() -> None:
    F = th.expectation(th.clipped_relu(), th.clipped_relu())
    assert F.ball("1/100", "1/100", 0, bits=200).rel_accuracy_bits() >= 195


def test_infinite_values() -> None:
    F = th.expectation(th.sign().derivative, th.sign().derivative)
    assert F.float64([1.0, 2.0], [1.0, 1.0], [1.0, 0.0]).tolist()[0] == np.inf
    with pytest.raises(DomainError, match="infinite"):
        F.ball(1, 1, 1)
    with pytest.raises(DomainError, match="infinite"):
        th.expectation(th.sign().derivative).ball(0)
    assert th.expectation(th.sign().derivative).float64(0.0) == np.inf
    # Two masses that do not meet on the line contribute nothing.
    apart = th.expectation(th.sign().derivative, th.ternary("1/2").derivative)
    assert apart.float64(1.0, 1.0, 1.0) == 0


def test_one_function_means() -> None:
    assert th.expectation(th.sign()).expr == 0
    assert th.expectation(th.sign().derivative).expr == sp.sqrt(2) / (sp.sqrt(sp.pi) * sp.sqrt(p))
    square = th.hardtanh(1) * th.hardtanh(1)
    fourth = th.expectation(square, square).on_line(1)
    value = ball(fourth, {p: 1, q: 1}, 100)
    root = arb(2).sqrt()
    erf, density = (1 / root).erf(), (-arb(1) / 2).exp() / (2 * arb.pi()).sqrt()
    assert value.overlaps(3 * erf - 8 * density + (1 / root).erfc())


def test_large_and_small_variances_keep_their_digits() -> None:
    F = th.expectation(th.hardtanh(1), th.hardtanh(1))
    for scale in (1e-12, 1e-6, 1e6, 1e12):
        value = float(F.float64(scale, 2 * scale, 0.3 * scale))
        exact = F.mp(scale, 2 * scale, 0.3 * scale, digits=25)
        assert value == pytest.approx(float(exact), rel=4e-13)


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.floats(-1, 1))
def test_cauchy_schwarz_and_exchange_in_float64(P: float, Q: float, rho: float) -> None:
    C = rho * np.sqrt(P) * np.sqrt(Q)
    f, g = th.hardtanh(1), th.erf(1)
    value = float(th.expectation(f, g).float64(P, Q, C))
    bound = th.expectation(f, f).float64(P, P, P) * th.expectation(g, g).float64(Q, Q, Q)
    assert value**2 <= float(bound) * (1 + 1e-12)
    swapped = float(th.expectation(g, f).float64(Q, P, C))
    assert value == pytest.approx(swapped, rel=1e-12, abs=1e-13 * np.sqrt(float(bound)))


def test_broadcasting_and_shapes() -> None:
    F = th.expectation(th.relu(), th.relu())
    out = F.float64(np.ones((3, 1)), np.ones((1, 2)), np.zeros((3, 2)))
    assert out.shape == (3, 2)
    assert F.float64(1.0, 1.0, 0.5).shape == ()


REFUSED = [
    (lambda F: F.float64(-1.0, 1.0, 0.0), InputError, "variance p must be at least 0"),
    (lambda F: F.float64(1.0, np.nan, 0.0), InputError, "finite"),
    (lambda F: F.float64(1.0, 1.0, 1.1), InputError, "no covariance"),
    (lambda F: F.float64(1.0), InputError, "needs p, q and c"),
    (lambda F: F.ball(1, 1, 0.5), InexactInputError, "0.5"),
    (lambda F: F.ball(1, 1, 2), InputError, "no covariance"),
    (lambda F: F.ball(-1, 1, 0), InputError, "variance p"),
    (lambda F: F.mp(1, 1), InputError, "needs p, q and c"),
    (lambda F: F.on_line(2), InputError, "1 or -1"),
    (lambda _: th.expectation(abs), InputError, "must be an activation"),
]


@pytest.mark.parametrize(
    ("call", "error", "message"), REFUSED, ids=[f"{i}-{m}" for i, (_, _, m) in enumerate(REFUSED)]
)
def test_bad_input_is_refused(call, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(th.expectation(th.relu(), th.relu()))


def test_the_package_is_also_the_weight_law() -> None:
    assert th.gaussian().name == "gaussian"
    assert th.gaussian.p is p


def test_precision_is_not_left_changed() -> None:
    before = mpmath.mp.prec
    th.expectation(th.relu(), th.relu()).mp(1, 1, "1/2", digits=80)
    assert mpmath.mp.prec == before
