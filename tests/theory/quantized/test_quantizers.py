"""Quantizers as data: maps against their regularisers, closed forms against definitions, refusals."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from theory.activations import x
from theory.errors import DomainError, InputError
from theory.quantized import (
    PAR,
    Map,
    PiecewiseLinear,
    Projection,
    Regulariser,
    SignSwish,
    Transformed,
    backward_of,
    forward_of,
    k_bit,
    sign_swish,
    sign_swish_activation,
    sign_swish_slope,
    synthesise,
)

F = Fraction
LEVELS = ((-1, 1), (-1, 0, 1), k_bit(2), (F(-1), F(1, 3), F(3, 2), F(4)))
points = st.fractions(min_value=-3, max_value=5, max_denominator=48)
lengths = st.fractions(min_value=0, max_value=2, max_denominator=12)


def at(quantizer: Map, u: F) -> F:
    return quantizer(np.array([u], dtype=object))[0]


@given(levels=st.sampled_from(LEVELS), rho=lengths, varrho=lengths, u=points)
def test_a_proximal_map_is_the_argmin_of_its_regulariser(
    levels: tuple[F, ...], rho: F, varrho: F, u: F
) -> None:
    made = PiecewiseLinear(levels, rho, varrho).map(1)
    assert made.descent is None
    assert at(made, u) in Regulariser.of(made).minimisers(u)


@pytest.mark.parametrize("place", [F(1, 4), F(-2, 3)], ids=str)
def test_jumps_off_the_midpoint_cost_one_level_more(place: F) -> None:
    lopsided = Map((place, F(2)), (0, 0, F(1, 2)), (-1, 1, F(1, 2)))
    r = Regulariser.of(lopsided)
    # Equal sums of (z - u)^2/2 + r at the jump: r(1) - r(-1) = ((-1 - p)^2 - (1 - p)^2)/2 = 2 p.
    assert r(1) - r(-1) == 2 * place
    for u in (place - F(1, 9), place, place + F(1, 9), F(2), F(3)):
        assert at(lopsided, u) in r.minimisers(u)
    assert r.minimisers(place) == [-1, 1]


@given(levels=st.sampled_from(LEVELS), rho=lengths, varrho=lengths, u=points)
def test_floats_follow_rationals(levels: tuple[F, ...], rho: F, varrho: F, u: F) -> None:
    made = PiecewiseLinear(levels, rho, varrho).map(1)
    if u in made.breaks:
        return
    rounded = PiecewiseLinear(tuple(map(float, levels)), float(rho), float(varrho)).map(1.0)
    assert float(rounded(np.array([float(u)]))[0]) == pytest.approx(float(at(made, u)), abs=1e-9)


def test_ends_of_the_family() -> None:
    grid = np.linspace(-2, 2, 41)
    identity, projection = PiecewiseLinear((-1, 0, 1), 0, 0), Projection((-1, 0, 1))
    np.testing.assert_array_equal(identity(grid, 1), np.clip(grid, -1, 1))
    for rho, varrho in ((np.inf, 0), (0, np.inf)):
        np.testing.assert_array_equal(
            PiecewiseLinear((-1, 0, 1), rho, varrho)(grid, 1), projection(grid, 1)
        )
    assert projection(np.array([-0.5, 0.5]), 1).tolist() == [0, 0]
    assert Projection()(np.array([0.0]), 1).tolist() == [1]


@pytest.mark.parametrize("mu", [F(1, 2), F(3)], ids=str)
def test_par_minimises_its_definition(mu: F) -> None:
    par = PAR((-1, F(-1, 2), 0, F(1, 2), 1), (F(1, 8), F(1, 3)))
    made = par.map(mu)
    assert made.descent is None
    assert made.expansion is None
    grid = [F(k, 64) for k in range(-64, 65)]
    for u in [F(k, 24) for k in range(-60, 61)]:
        z = at(made, u)
        least = min((v - u) ** 2 / 2 + mu * par.penalty(v) for v in grid)
        assert (z - u) ** 2 / 2 + mu * par.penalty(z) <= least
    regulariser = Regulariser.of(made)
    assert all(regulariser(z) == mu * par.penalty(z) for z in grid)


def test_convexity_is_read_off_the_slopes() -> None:
    steep = PiecewiseLinear((-1, 1), F(1, 4)).map(1)
    assert "slope is 4/3" in str(steep.expansion)
    assert steep.weak_convexity == F(1, 4)
    assert Projection().map(1).weak_convexity == 1
    falling = Map((0,), (1, -1), (0, 0))
    assert "slope is -1" in str(falling.descent)
    with pytest.raises(InputError, match="no proximal map"):
        Regulariser.of(falling)
    assert "falls from 1 to 0" in str(Map((0,), (0, 0), (1, 0)).descent)


def test_sign_swish_three_ways() -> None:
    u = np.linspace(-400, 400, 2001)
    beta, s = 3.0, 1 / (1 + np.exp(-np.clip(3.0 * u, -700, 700)))
    np.testing.assert_allclose(
        sign_swish(u, beta), 2 * s * (1 + beta * u * (1 - s)) - 1, atol=1e-12
    )
    derived = sign_swish_activation(3)
    np.testing.assert_allclose(derived(u), sign_swish(u, beta), atol=1e-12)
    np.testing.assert_allclose(derived.derivative(u), sign_swish_slope(u, beta), atol=1e-12)
    assert SignSwish(3).final(np.array([-0.1, 0.0])).tolist() == [-1, 1]


def test_synthesis_runs_in_both_directions() -> None:
    proximal = PiecewiseLinear((-1, 0, 1), F(1, 4)).map(1)
    pair = synthesise(proximal, x**3 / 3 + x)
    grid = [F(k, 16) for k in range(-24, 25)]
    backward = backward_of(proximal, pair.forward)
    # Up to its value at the first break, T(-1) = -4/3, and B on the outer flats.
    forward = forward_of(proximal, pair.backward)
    for u in grid:
        point = sp.Rational(u)
        assert backward.subs(x, point) == pair.backward.subs(x, point)
        gap = pair.forward.subs(x, point) - forward.subs(x, point)
        assert sp.simplify(gap) == sp.Rational(-4, 3)
    jump = Map((0,), (0, 0), (-1, 1))
    with pytest.raises(DomainError, match="not determined"):
        backward_of(jump, sp.Piecewise((-1, x < 0), (1, True)))
    with pytest.raises(DomainError, match="where P is constant"):
        backward_of(jump, x)
    with pytest.raises(DomainError, match="no proximal map"):
        synthesise(Map((0,), (1, -1), (0, 0)), x)
    # B = 1 gives back P itself.
    assert forward_of(jump, sp.S.One).subs(x, 1) == 2


def test_transformed_quantizers_are_exact_for_polynomials() -> None:
    made = Transformed(PiecewiseLinear((-1, 1), F(1, 2)), x**3)
    u = np.array([F(1, 4), F(2)], dtype=object)
    assert made(u, 1).tolist() == [F(1, 8), 1]
    assert made.backward(u, 1).tolist() == [F(3, 4), 3]
    smooth = Transformed(PiecewiseLinear((-1, 1), 0.5), sp.tanh(x))
    np.testing.assert_allclose(smooth(np.array([0.25, 2.0]), 1), np.tanh([0.5, 1.0]))
    assert smooth.final(np.array([0.2])) == pytest.approx(np.tanh(1))
    assert smooth.bits == 1


def test_refusals() -> None:
    with pytest.raises(InputError, match="increasing"):
        Projection((1, 0))
    with pytest.raises(InputError, match="rho must be"):
        PiecewiseLinear((-1, 1), -1)
    with pytest.raises(InputError, match="symmetric"):
        PAR((-1, 1), ())
    with pytest.raises(InputError, match="slopes must be 1"):
        PAR((-1, 0, 1), (1, 2))
    with pytest.raises(InputError, match="need 2 slopes"):
        Map((0,), (1,), (0,))
    with pytest.raises(InputError, match="breaks must increase"):
        Map((0, 0), (1, 1, 1), (0, 0, 0))
