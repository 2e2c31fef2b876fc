"""One step of discrete state transition: the two boundary rules, exact and in float64, and the surrogates' masses."""

from fractions import Fraction as F

import numpy as np
import pytest
import sympy as sp

import theory as th
from theory.errors import ActivationError, InexactInputError, InputError
from theory.quantized.surrogates import rectangular, triangular
from theory.quantized.transition import (
    LinearRule,
    TanhRule,
    code_step,
    moves,
    paper_step,
    spacing,
    states,
    values,
)


def test_states_of_each_size():
    assert states(0) == (-1, 1)
    assert states(1) == (-1, 0, 1)
    assert states(2) == (-1, F(-1, 2), 0, F(1, 2), 1)
    assert [spacing(n) for n in range(4)] == [2, 1, F(1, 2), F(1, 4)]
    for n in range(4):
        np.testing.assert_array_equal(values(np.arange(2**n + 1), n), [float(z) for z in states(n)])


@pytest.mark.parametrize("rule", [LinearRule(), TanhRule(3.0)], ids=str)
@pytest.mark.parametrize("bits", range(4))
def test_float_steps_have_the_exact_law(bits, rule):
    gap = spacing(bits)
    changes = [k * gap / 8 for k in range(-40, 41)]
    for code, weight in enumerate(states(bits)):
        found = moves(np.full(81, code), [float(c) for c in changes], bits, rule)
        for k, change in enumerate(changes):
            exact = code_step(weight, change, gap)
            expected = {value: float(p) for value, p in exact.law(rule).items()}
            near, far = (float(values(side[k], bits)) for side in (found.near, found.far))
            assert near == float(exact.near)
            assert found.chance[k] == pytest.approx(expected.get(exact.far, 0) * (near != far))
            assert far == float(exact.far)


def test_both_boundary_rules_agree_on_lattice_points_and_only_there():
    assert paper_step(F(1, 2), F(9, 8), F(1, 2)) == code_step(F(1, 2), F(9, 8), F(1, 2))
    # 1 is no multiple of 2/3: the paper's rule leaves [-1, 1].
    outside = paper_step(F(2, 3), F(1, 2), F(2, 3))
    assert outside.far == F(4, 3)
    assert code_step(F(2, 3), F(1, 2), F(2, 3)).far == 1


def test_draws_follow_the_chances():
    step = moves(np.ones(100_000, int), np.full(100_000, 0.3), 1, LinearRule())
    reached = step.draw(np.random.default_rng(0).random(100_000))
    # A binomial count: five standard deviations.
    assert abs(reached.mean() - 1.3) < 5 * np.sqrt(0.21 / 100_000)


def test_huge_changes_end_at_the_boundary():
    step = moves([0, 1, 2], [1e300, -1e300, 1e300], 1, TanhRule())
    np.testing.assert_array_equal(step.draw(np.zeros(3)), [2, 0, 2])
    np.testing.assert_array_equal(step.chance, 0)


def test_refusals():
    with pytest.raises(InexactInputError, match=r"0\.5"):
        paper_step(0, 0.5, 1)
    with pytest.raises(InputError, match="0 to 2"):
        moves([3], [0.0], 1, LinearRule())
    with pytest.raises(InputError, match="finite"):
        moves([1], [np.nan], 1, LinearRule())
    with pytest.raises(InputError, match="steepness"):
        TanhRule(0)
    with pytest.raises(ActivationError, match="overlap"):
        rectangular(1, 2)


@pytest.mark.parametrize(("r", "a"), [("1", "1/2"), ("1/2", "1/2"), ("3/4", "1/4")])
def test_surrogates_have_the_stated_derivatives(r, a):
    low, high = sp.Rational(r), sp.Rational(a)
    x = np.linspace(-2.5, 2.5, 401) + 1e-9
    from_threshold = np.abs(np.abs(x) - float(low))
    window = from_threshold < float(high)
    box, hat = rectangular(r, a), triangular(r, a)
    np.testing.assert_allclose(box.derivative(x), window / (2 * float(high)), atol=1e-9)
    expected = np.maximum(0, float(high) - from_threshold) / float(high) ** 2
    np.testing.assert_allclose(hat.derivative(x), expected, atol=1e-7)
    outside = np.abs(x) > float(low + high)
    for surrogate in (box, hat):
        np.testing.assert_allclose(surrogate(x)[outside], th.ternary(r)(x)[outside], atol=1e-12)
        assert surrogate(0.0) == pytest.approx(0.0, abs=1e-12)
