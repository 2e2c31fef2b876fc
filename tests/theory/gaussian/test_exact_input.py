"""What is not exact is refused by balls, with a remedy; mp reads it as the dyadic number that it is."""

from decimal import Decimal
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp

import theory as th
from theory.errors import InexactInputError, InputError

PAIR = th.expectation(th.hardtanh(1), th.sign())
INEXACT = {
    "float": 0.5,
    "float64": np.float64(0.5),
    "float32": np.float32(0.5),
    "array of one": np.array(0.5),
    "mpf": mpmath.mpf("0.5"),
    "SymPy float": sp.Float("0.5"),
    "SymPy float inside": sp.sqrt(2) * sp.Float("0.5"),
    "Decimal": Decimal("0.5"),
}
MEANINGLESS = {
    "bool": True,
    "NumPy bool": np.True_,
    "None inside a list": [None],
    "complex": 1 + 2j,
    "text": "a half",
    "nan text": "nan",
    "infinity": sp.oo,
    "nan": sp.nan,
    "imaginary": sp.I,
    "symbol": sp.Symbol("t"),
}


@pytest.mark.parametrize("place", range(3), ids="pqc")
@pytest.mark.parametrize("value", INEXACT.values(), ids=INEXACT)
def test_balls_refuse_what_is_inexact(value, place):
    point = [1, 2, Fraction(1, 2)]
    point[place] = value
    with pytest.raises(InexactInputError, match=r"string|Rational"):
        PAIR.ball(*point)
    with pytest.raises(InexactInputError, match=r"string|Rational"):
        th.expectation(th.sign()).ball(value)


@pytest.mark.parametrize("place", range(3), ids="pqc")
@pytest.mark.parametrize("value", MEANINGLESS.values(), ids=MEANINGLESS)
def test_what_is_no_number_is_refused_everywhere(value, place):
    point = [1, 2, Fraction(1, 2)]
    point[place] = value
    with pytest.raises(InputError):
        PAIR.ball(*point)
    with pytest.raises(InputError):
        PAIR.mp(*point)


@pytest.mark.parametrize("kind", [float, np.float64, np.float32, mpmath.mpf])
def test_mp_reads_the_stored_number(kind):
    stored = kind(0.1)
    exact = Fraction(float(stored))
    assert exact != Fraction(1, 10)
    assert PAIR.mp(1, 2, stored, digits=60) == PAIR.mp(1, 2, exact, digits=60)


@pytest.mark.parametrize("kind", [int, np.int64, np.uint8, Fraction, sp.Integer, str])
def test_integers_of_any_kind_are_exact(kind):
    ball = PAIR.ball(kind(3), kind(4), kind(1), bits=100)
    assert ball.overlaps(PAIR.ball(3, 4, 1, bits=100))
    assert ball.rel_accuracy_bits() >= 100


@pytest.mark.parametrize("bits", [0, -5, 1.5, True, "many", None])
def test_bad_bits_and_digits(bits):
    with pytest.raises(InputError, match="bits"):
        PAIR.ball(1, 2, 1, bits=bits)
    with pytest.raises(InputError, match="digits"):
        PAIR.mp(1, 2, 1, digits=bits)
