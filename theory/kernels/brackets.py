"""Roots proved to exist: between two exact numbers at which balls have opposite signs."""

from collections.abc import Callable
from fractions import Fraction
from math import isqrt

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
    Quadratic interval refinement (Abbott 2014): the secant picks one of N parts of the interval; where the sign
    changes across it N is squared, else it falls back to the root of N and the interval is halved. Two values
    a step, twice the digits. Between the ends of the ball the sign changes, so that it contains a root by the
    intermediate value theorem.
    """
    goal = Fraction(1, 10 ** positive_int(digits, "digits")) * max(abs(low), abs(high))
    at_low, at_high = function(low), function(high)
    start = _sign(at_low)
    if start * _sign(at_high) >= 0:
        raise DomainError(f"no certain change of sign between {float(low)!r} and {float(high)!r}")

    def certain(x: Fraction) -> tuple[arb, int]:
        value = function(x)
        sign = _sign(value)
        if sign == 0:
            raise DomainError(
                f"the sign at {float(x)!r} is open: {value.str(5)}; evaluate with more bits"
            )
        return value, sign

    parts = 4
    while high - low > goal:
        # Never narrower than half the goal: next to the root signs are hard to tell.
        reach = max((high - low) / (2 * parts), goal / 3)
        place = _between(low, high, at_low, at_high)
        for x in (max(low, place - reach), min(high, place + reach)):
            if not low < x < high:
                continue
            value, sign = certain(x)
            if sign == start:
                low, at_low = x, value
            else:
                high, at_high = x, value
        if high - low <= 2 * reach:
            parts = parts**2
            continue
        parts = max(4, isqrt(parts))
        middle = (low + high) / 2
        value, sign = certain(middle)
        low, at_low, high, at_high = (
            (middle, value, high, at_high) if sign == start else (low, at_low, middle, value)
        )
    with flint.ctx.workprec(4 * digits + 64):
        return arb(fmpq(low)).union(arb(fmpq(high)))


def _sign(value: arb) -> int:
    """Return the sign that is certain, else 0."""
    return 1 if value > 0 else -1 if value < 0 else 0


def _between(low: Fraction, high: Fraction, at_low: arb, at_high: arb) -> Fraction:
    """Return the zero of the secant, as a rational number of a few more bits than the interval tells."""
    with flint.ctx.workprec(flint.ctx.prec + 200):
        left, right = at_low.mid(), at_high.mid()
        mantissa, exponent = (left / (left - right)).mid().man_exp()
    shift = 120 + int(exponent)
    scaled = int(mantissa) << shift if shift >= 0 else int(mantissa) >> -shift
    return low + (high - low) * Fraction(min(max(scaled, 1), 2**120 - 1), 2**120)
