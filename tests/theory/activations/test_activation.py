"""Properties that every activation of the catalogue has."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import theory as th
from theory.activations import Activation, catalogue, x
from theory.activations.catalog import builder
from theory.errors import ActivationError, InexactInputError, InputError

CASES = catalogue()
NAMES = sorted(CASES)
GRID = np.array([-7.3, -2.0, -1.5, -1.0, -0.5, -0.25, 0.0, 0.1, 0.5, 0.75, 1.0, 1.7, 2.0, 9.0])


@pytest.fixture(params=NAMES)
def f(request: pytest.FixtureRequest) -> Activation:
    return CASES[request.param]


def test_float_values_are_those_of_the_definition(f: Activation) -> None:
    for u, value in zip(GRID, f(GRID), strict=True):
        expected = f.expr.subs(x, sp.Rational(Fraction(float(u))))
        assert value == pytest.approx(float(sp.N(expected, 30)), rel=1e-14, abs=1e-16)


def test_the_derivative_of_the_primitive_is_the_function(f: Activation) -> None:
    assert f.primitive.derivative == f
    assert f.primitive.at_zero == 0


def test_smoothing_commutes_with_differentiation_and_adds_variances(f: Activation) -> None:
    assert f.smoothed("1/2").derivative == f.derivative.smoothed("1/2")
    assert f.smoothed(3).smoothed(4) == f.smoothed(5)


def test_smoothing_is_the_gaussian_average(f: Activation) -> None:
    smooth = f.smoothed("1/2")
    places = [float(b) for b in f.breakpoints]
    for u in (-0.8, 0.3):
        average = mpmath.quad(
            lambda t, u=u: float(f(float(t))) * mpmath.npdf(t, u, 0.5),
            sorted([u - 6, *places, u, u + 6]),
        )
        assert float(smooth(u)) == pytest.approx(float(average), abs=1e-10)


def test_lipschitz_constant_and_bound_hold_and_are_attained(f: Activation) -> None:
    fine = np.linspace(-30, 30, 600_001)
    if f.is_continuous:
        slopes = np.abs(np.diff(f(fine))) / np.diff(fine)
        assert slopes.max() <= f.lipschitz * (1 + 1e-9)
        if np.isfinite(f.lipschitz):
            assert slopes.max() == pytest.approx(f.lipschitz, rel=1e-4)
    else:
        assert f.lipschitz == np.inf
    if np.isfinite(f.bound):
        assert np.abs(f(fine)).max() == pytest.approx(f.bound, rel=1e-6)


def test_points_of_discontinuity_take_the_midpoint() -> None:
    assert th.sign()(0.0) == 0
    assert th.heaviside()(0.0) == 0.5
    assert th.staircase([0, 1], [0, 1, 5])(1.0) == 3
    assert th.hardtanh("1/2").derivative(0.5) == 1


def test_sign_is_the_limit_of_steep_hardtanh() -> None:
    u = np.array([-1.0, -1e-3, 0.0, 1e-3, 2.0])
    np.testing.assert_array_equal(th.hardtanh("1/10000")(u), th.sign()(u))


def test_derivatives_are_the_textbook_ones() -> None:
    assert th.hardtanh(2).derivative(np.array([0.0, 1.9, 2.1])).tolist() == [0.5, 0.5, 0.0]
    assert th.sign().derivative.expr == 2 * sp.DiracDelta(x)
    assert sp.simplify(th.erf(3).derivative.expr - 6 * sp.exp(-9 * x**2) / sp.sqrt(sp.pi)) == 0
    assert th.sign().derivative.primitive == th.sign()
    assert th.hardtanh(1).derivative.primitive == th.hardtanh(1)


def test_products_are_pointwise() -> None:
    sharp = [f for f in CASES.values() if f.is_sharp]
    for f in sharp:
        for g in sharp:
            away = np.array([-3.1, -0.77, 0.26, 0.61, 4.0])
            np.testing.assert_allclose((f * g)(away), f(away) * g(away), rtol=1e-13, atol=1e-15)


@given(
    st.lists(st.integers(-20, 20), min_size=1, max_size=4, unique=True).map(sorted),
    st.lists(st.lists(st.fractions(-9, 9, max_denominator=9), min_size=1, max_size=3), min_size=5),
)
def test_piecewise_polynomials_round_trip(places: list[int], rows: list[list[Fraction]]) -> None:
    ends = [-sp.oo, *places, sp.oo]
    pieces = [
        (sum(sp.Rational(c) * x**k for k, c in enumerate(row)) + 0 * x, (low, high))
        for row, low, high in zip(rows, ends, ends[1:], strict=False)
    ]
    f = th.from_piecewise(pieces)
    for expr, (low, high) in pieces:
        inside = (max(low, -30) + min(high, 30)) / 2 if low != high else low
        assert f(float(inside)) == pytest.approx(float(sp.sympify(expr).subs(x, inside)), abs=1e-9)
    assert f.primitive.derivative == f


OPEN = catalogue(closed=False)


@pytest.mark.parametrize("f", OPEN.values(), ids=str)
def test_curves_have_derivatives_primitives_and_bounds(f: Activation) -> None:
    for g in (f, f.derivative):
        test_float_values_are_those_of_the_definition(g)
        assert g.primitive.derivative == g
        # A bound may be approached at infinity alone, and slowly.
        fine = np.union1d(np.linspace(-30, 30, 600_001), [-1e9, 1e9])
        assert np.abs(g(fine)).max() == pytest.approx(g.bound, rel=1e-6)
        slopes = np.diff(g(fine)) / np.diff(fine)
        assert np.abs(slopes).max() == pytest.approx(g.lipschitz, rel=3e-4)
    moment = th.identity() * f.derivative
    assert moment.primitive.derivative == moment
    slopes = (f(GRID + 1e-6) - f(GRID - 1e-6)) / 2e-6
    np.testing.assert_allclose(slopes, f.derivative(GRID), atol=2e-6)


def test_noise_turns_steps_into_distribution_functions() -> None:
    """Claim T62a: E f(x + nu) by direct integration of the density."""
    stair = th.staircase([-1, "1/3", 2], [-1, 0, "1/2", 3])
    laws = {
        "uniform": stats.uniform(-0.7, 1.4),
        "triangular": stats.triang(0.5, -0.7, 1.4),
        "gaussian": stats.norm(0, 0.7),
        "logistic": stats.logistic(0, 0.7),
        "laplace": stats.laplace(0, 0.7),
        "cauchy": stats.cauchy(0, 0.7),
    }
    for name, noise in laws.items():
        f = stair.noisy(name, "7/10")
        # The law of the noise as SciPy knows it: P(x + nu > g) at each jump.
        direct = -1 + noise.sf(-1 - GRID) + noise.sf(1 / 3 - GRID) / 2 + 2.5 * noise.sf(2 - GRID)
        np.testing.assert_allclose(f(GRID), direct, atol=2e-15)
        assert f.is_continuous


def test_noisy_signs_are_the_textbook_surrogates() -> None:
    assert th.sign().noisy("uniform", "1/2") == th.hardtanh("1/2")
    assert th.sign().noisy("gaussian", "1/2") == th.sign().smoothed("1/2")
    assert th.sign().noisy("logistic", "1/2") == th.tanh(1)
    assert th.sign().noisy("triangular", 1) == 2 * th.triangle(1).primitive
    assert th.uniform_quantizer(1) == th.sign()
    assert th.uniform_quantizer(2)([-0.9, -0.5, 0.2, 0.7]) == pytest.approx([-1, -1 / 3, 1 / 3, 1])


REFUSED = [
    (lambda: th.sign().noisy("poisson", 1), ActivationError, "uniform"),
    (lambda: th.relu().noisy("uniform", 1), ActivationError, "piecewise constant"),
    (lambda: th.sign().noisy("uniform", 0), ActivationError, "positive"),
    (lambda: th.tanh().smoothed(1), ActivationError, "no closed form"),
    (lambda: th.tanh().primitive.primitive, ActivationError, "primitive"),
    (lambda: th.sine() * th.sign(), ActivationError, "leaves the class"),
    (lambda: th.sine(0), ActivationError, "positive"),
    (lambda: th.hardtanh(0.5), InexactInputError, "0.5"),
    (lambda: th.hardtanh(0), ActivationError, "positive"),
    (lambda: th.hardtanh("a"), InputError, "exact number"),
    (lambda: th.ternary(-1), ActivationError, "-1"),
    (lambda: th.erf(sp.Float(0.3)), InexactInputError, "floating"),
    (lambda: th.staircase([1, 0], [0, 1, 2]), ActivationError, "increase"),
    (lambda: th.staircase([0], [0, 1, 2]), ActivationError, "2 levels, got 3"),
    (lambda: th.from_piecewise([]), ActivationError, "no pieces"),
    (lambda: th.from_piecewise([(x, (0, sp.oo))]), ActivationError, "tile"),
    (
        lambda: th.from_piecewise([(x, (-sp.oo, 0)), (x, (1, sp.oo))]),
        ActivationError,
        r"\(-oo, 0\), \(1, oo\)",
    ),
    (lambda: th.from_piecewise([(sp.exp(x), (-sp.oo, sp.oo))]), ActivationError, "polynomial"),
    (lambda: th.from_piecewise([(0.5 * x, (-sp.oo, sp.oo))]), InexactInputError, "0.5"),
    (lambda: th.erf(1) * th.erf(1), ActivationError, "leaves the class"),
    (lambda: th.sign().derivative * th.sign(), ActivationError, "leaves the class"),
    (lambda: th.sign().derivative.derivative, ActivationError, "Dirac"),
    (lambda: th.sign().derivative(0.0), ActivationError, "no point values"),
    (lambda: th.sign().smoothed(0), ActivationError, "positive"),
    (lambda: th.sign()(float("nan")), InputError, "finite"),
    (lambda: builder("signum"), ActivationError, "hardtanh"),
]


@pytest.mark.parametrize(
    ("make", "error", "message"), REFUSED, ids=[f"{i}-{m}" for i, (_, _, m) in enumerate(REFUSED)]
)
def test_contradictions_are_refused(make, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_unknown_public_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = th.no_such_thing


def test_public_names_are_listed_for_completion() -> None:
    assert {"hardtanh", "erf", "expectation", "ntk", "sample_networks", "rademacher"} <= set(
        dir(th)
    )


def test_readable_names() -> None:
    assert str(th.hardtanh("1/2")) == "hardtanh(1/2)"
    assert str(th.hardtanh("1/2").derivative) == "hardtanh(1/2)'"
    assert "Piecewise" in repr(th.relu())
    assert th.relu()._repr_latex_().startswith("$")
