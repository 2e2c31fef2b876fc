"""Roots proved to exist: between two exact numbers at which balls have opposite signs."""

from collections.abc import Callable
from fractions import Fraction

import flint
from flint import arb

from theory.checks import positive_int
from theory.errors import DomainError


def fmpq(value: Fraction) -> flint.fmpq:
    """Return a rational as FLINT has it."""
    return flint.fmpq(value.numerator, value.denominator)


def sign_change(
    function: Callable[[Fraction], arb], low: Fraction, high: Fraction, digits: int
) -> arb:
    """Return a ball of ``digits`` digits in which a continuous function changes its sign.

    Parameters
    ----------
    function
        Takes exact rational numbers; returns a ball that contains the value.
    low, high
        Exact ends, at which the signs differ.
    digits
        Relative width aimed at.

    Raises
    ------
    DomainError
        If the signs at the ends are equal or unknown, or the balls are too wide to decide on.

    Notes
    -----
    False position with exact dyadic points (Illinois rule), and a bisection in every third step. Between the
    ends of the ball the sign changes, so that it contains a root by the intermediate value theorem.
    """
    goal = Fraction(1, 10 ** positive_int(digits, "digits")) * max(abs(low), abs(high))
    first, last = function(low), function(high)
    start = _sign(first)
    if start * _sign(last) >= 0:
        raise DomainError(f"no certain change of sign between {float(low)!r} and {float(high)!r}")
    left, right = first.mid(), last.mid()
    steps = 0
    while high - low > goal:
        steps += 1
        middle = _between(low, high, left, right) if steps % 3 else (low + high) / 2
        value = function(middle)
        if _sign(value) == 0:
            # The root is too close to tell: enclose it from both sides, a third of the goal away.
            low, high = max(low, middle - goal / 3), min(high, middle + goal / 3)
            if _sign(function(low)) * _sign(function(high)) >= 0:
                raise DomainError(
                    f"the sign at {float(middle)!r} is open: {value.str(5)}; evaluate with more bits"
                )
        elif _sign(value) == start:
            low, left, right = middle, value.mid(), right / 2
        else:
            high, right, left = middle, value.mid(), left / 2
    with flint.ctx.workprec(4 * digits + 64):
        return arb(fmpq(low)).union(arb(fmpq(high)))


def _sign(value: arb) -> int:
    """Return the sign that is certain, else 0."""
    return 1 if value > 0 else -1 if value < 0 else 0


def _between(low: Fraction, high: Fraction, left: arb, right: arb) -> Fraction:
    """Return the point of the secant, as a dyadic number well inside the interval."""
    share = float(left / (left - right))
    part = Fraction(round(min(max(share, 2.0**-40), 1 - 2.0**-40) * 2**60), 2**60)
    return low + (high - low) * part
