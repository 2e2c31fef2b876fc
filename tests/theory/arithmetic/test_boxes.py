"""Ranges, gradients and certified bounds over boxes: contained, decided, or left undecided in finite work."""

from fractions import Fraction

import pytest
import sympy as sp
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from theory.arithmetic import OwenT, Phi, ball, lower, phi
from theory.arithmetic.boxes import above, minimum, sides
from theory.arithmetic.functions import Arc, Cross, PhiCos, PhiSin
from theory.arithmetic.jets import Jet, Jets
from theory.errors import DomainError, InexactInputError, InputError

x, y = sp.symbols("x y", real=True)
EXPRESSIONS = {
    "polynomial": x**3 * y - 2 * x * y**2 + x / 3,
    "quotient": (x - y) / (1 + x**2),
    "inverse root": y * (2 + x) ** sp.Rational(-3, 2),
    "sqrt": sp.sqrt(3 + x * y),
    "exp": sp.exp(x - y),
    "log": sp.log(4 + x * y),
    "erf": sp.erf(x * y) - sp.erfc(x),
    "asin": sp.asin(x / (2 + y)),
    "atan": sp.atan(x - 2 * y),
    "waves": sp.sin(x * y) - sp.cos(2 * x + y),
    "PhiCos": PhiCos(x + 1, x - y),
    "PhiSin": PhiSin(x + 1, x - y),
    "Phi": Phi(x + y**2),
    "phi": phi(x - y / 2),
    "OwenT": OwenT(x + y, x - 2 * y),
    "Arc": Arc(2 + x, 3 + y, x * y / 2),
    "Cross": Cross(x, y, y, y) * x,
}
units = st.fractions(min_value=-1, max_value=1, max_denominator=64)


def jet_over(expr: sp.Expr, box: dict[sp.Symbol, tuple[Fraction, Fraction]]) -> Jet:
    unit = {x: (arb(1), arb(0)), y: (arb(0), arb(1))}
    values = {}
    for symbol, ends in box.items():
        first, last = (arb(end.numerator) / end.denominator for end in ends)
        values[symbol] = Jet(first.union(last), unit[symbol])
    return lower(expr, values, Jets())


@pytest.mark.parametrize("expr", EXPRESSIONS.values(), ids=EXPRESSIONS)
@given(ends=st.tuples(units, units, units, units), place=st.tuples(units, units))
def test_jets_contain_values_and_slopes(expr, ends, place):
    box = {x: tuple(sorted(ends[:2])), y: tuple(sorted(ends[2:]))}
    jet = jet_over(expr, box)
    inside = {
        symbol: low + (high - low) * (1 + share) / 2
        for (symbol, (low, high)), share in zip(box.items(), place, strict=True)
    }
    point = {symbol: sp.Rational(v.numerator, v.denominator) for symbol, v in inside.items()}
    assert jet.value.overlaps(ball(expr, point, 100))
    assert jet.value.is_finite()
    readable = expr.replace(lambda e: isinstance(e, Arc | Cross), lambda e: e.doit())
    for symbol, slope in zip((x, y), jet.slopes, strict=True):
        assert slope.overlaps(ball(sp.diff(readable, symbol), point, 100))


@pytest.mark.parametrize("expr", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_jets_over_a_small_box_are_tight(expr):
    centre, half = Fraction(1, 3), Fraction(1, 10_000)
    jet = jet_over(
        expr, {x: (centre - half, centre + half), y: (-centre / 2 - half, half - centre / 2)}
    )
    assert jet.value.rad() < arb("0.002")
    readable = expr.replace(lambda e: isinstance(e, Arc | Cross), lambda e: e.doit())
    point = {x: sp.Rational(1, 3), y: sp.Rational(-1, 6)}
    for symbol, slope in zip((x, y), jet.slopes, strict=True):
        assert slope.overlaps(ball(sp.diff(readable, symbol), point, 100))
        assert slope.rad() < arb("0.004")


def test_a_missing_rule_names_the_file():
    with pytest.raises(InputError, match=r"theory/arithmetic/jets\.py"):
        lower(sp.gamma(x), {x: arb(1)}, Jets())


def camel(x, y):
    """Six-hump camel function; least value -1.0316284534898774 at two places."""
    return (
        (4 - x * x * arb("2.1") + x * x * x * x / 3) * (x * x) + x * y + 4 * (y * y * y * y - y * y)
    )


def test_minimum_of_a_function_with_many_valleys():
    found = minimum(camel, {"x": (-3, 3), "y": (-2, 2)}, tolerance="1/10000")
    assert found.worst is None
    assert found.lower <= arb("-1.0316284534898774") <= found.value
    assert found.value - found.lower < arb("2e-4")


def test_true_inequalities_are_proved_and_false_ones_get_a_witness():
    box = {"x": (-3, 3), "y": (-2, 2)}
    true, false = above(camel, box, "-1.04"), above(camel, box, "-1.03")
    assert (true.refuted, true.worst) == (False, None)
    assert true.lower > arb("-1.04")
    assert false.refuted
    value = camel(**{k: arb(v.numerator) / v.denominator for k, v in false.place.items()})
    assert value < arb("-1.03")


def test_the_boundary_belongs_to_the_box():
    assert above(lambda x: 1 - x, {"x": (0, 1)}, 0).refuted
    assert above(lambda x, y: x + y, {"x": ("1/3", 1), "y": ("-1/3", 1)}, 0).refuted is False
    assert above(lambda x, y: x + y, {"x": ("1/3", 1), "y": ("-1/3", 1)}, 0).worst is not None
    assert above(lambda x, y: x + y, {"x": ("1/3", 1), "y": ("-0.333", 1)}, 0).worst is None


def test_razor_thin_inequalities_stay_undecided_in_finite_work():
    touching = above(lambda x: (x * 3 - 1) * (x * 3 - 1), {"x": (0, 1)}, 0, max_boxes=300)
    assert (touching.refuted, touching.boxes <= 301) == (False, True)
    low, high = touching.worst["x"]
    # At 80 bits the square cannot be told from 0 within 2^-40 of the contact.
    assert max(abs(low - Fraction(1, 3)), abs(high - Fraction(1, 3))) < Fraction(1, 2**35)
    zero = minimum(lambda x: x * x, {"x": ("-1/3", 1)}, max_boxes=300)
    assert zero.worst is not None
    assert zero.lower <= 0 <= zero.value


def test_functions_of_balls_alone_are_halved_to_the_end():
    found = above(
        lambda x: arb(2) + (x.value if isinstance(x, Jet) else x).sin(), {"x": (0, 9)}, "0.9"
    )
    assert (found.refuted, found.worst) == (False, None)


def test_poles_are_refuted_or_undecided():
    found = above(lambda x: 1 / x, {"x": (-1, 2)}, -1, max_boxes=100)
    assert (found.refuted, found.worst is None) == (True, True)
    pole = above(lambda x: 1 / (x * x), {"x": ("-1/3", 2)}, "1/8", max_boxes=100)
    assert (pole.refuted, pole.worst is None) == (False, False)


def test_boxes_are_exact_closed_and_not_empty():
    assert sides({"x": ("0.1", 2), "y": 3}) == {
        "x": (Fraction(1, 10), Fraction(2)),
        "y": (Fraction(3), Fraction(3)),
    }
    for wrong, error in (
        ((0.5, 1), InexactInputError),
        ((2, 1), DomainError),
        ((1, 2, 3), InputError),
    ):
        with pytest.raises(error):
            sides({"x": wrong})
    with pytest.raises(InputError, match="rational"):
        sides({"x": (0, sp.sqrt(2))})
    with pytest.raises(InputError, match="tolerance"):
        minimum(camel, {"x": (0, 1), "y": (0, 1)}, tolerance=0)
    with pytest.raises(InputError, match="max_boxes"):
        above(camel, {"x": (0, 1), "y": (0, 1)}, 0, max_boxes=0)


def test_a_centre_without_value_does_not_hide_the_witness():
    # 1/x has no value at the centre of the first box; -2 < -1 is found all the same.
    assert above(lambda x: 1 / x, {"x": (-1, 1)}, -1, max_boxes=50).refuted
    nowhere = above(lambda x: arb.nan() * x, {"x": (-1, 1)}, 0, max_boxes=20)
    assert (nowhere.refuted, nowhere.worst is None) == (False, False)
