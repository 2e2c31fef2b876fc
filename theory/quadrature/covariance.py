"""Exact reading of variances and covariances, which decides the ends of the domain."""

from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from numbers import Rational
from typing import TypeAlias

import mpmath
import sympy as sp
from flint import fmpq, fmpz

from theory.errors import InputError

Number: TypeAlias = int | float | str | Fraction | sp.Expr | mpmath.mpf | fmpz | fmpq

# A float64 sqrt(p q) is off by a few units of 2^-53: a determinant so little below zero,
# relative to p q, is its rounding.
_ROUNDING = Fraction(1, 2**50)


@dataclass(frozen=True)
class Covariance:
    """Exact second moments of (u, v) with p q - c^2, which is zero exactly at the ends."""

    p: sp.Expr
    q: sp.Expr
    c: sp.Expr
    determinant: sp.Expr


def exact(value: Number, name: str) -> sp.Expr:
    """Read a number exactly.

    A float or an mpf is the dyadic rational that it is; a string is a decimal or a ratio.

    Raises
    ------
    InputError
        If it is not one finite real number.
    """
    if isinstance(value, mpmath.mpf) and mpmath.isfinite(value):
        sign, mantissa, exponent, _ = value._mpf_
        return sp.Rational(int(mantissa) * (-1) ** sign) * sp.Integer(2) ** exponent
    if isinstance(value, float) and isfinite(value):
        return sp.Rational(*value.as_integer_ratio())
    if isinstance(value, fmpz | fmpq):
        return sp.Rational(int(value.numerator), int(value.denominator))
    if isinstance(value, Rational):
        return sp.Rational(int(value.numerator), int(value.denominator))
    if isinstance(value, str):
        try:
            fraction = Fraction(value)
        except (ValueError, ZeroDivisionError) as error:
            raise InputError(
                f"{name} is {value!r}; a string must be a decimal or a ratio like '1/3'"
            ) from error
        return sp.Rational(fraction.numerator, fraction.denominator)
    if isinstance(value, sp.Float):
        return exact(mpmath.mpf(value._mpf_), name)
    if isinstance(value, sp.Expr) and value.is_number and value.is_real and value.is_finite:
        return value
    raise InputError(f"{name} is {value!r}; it must be one finite real number")


def variance(value: Number, name: str) -> sp.Expr:
    """Read a variance exactly, or raise ``InputError`` if it is negative."""
    number = exact(value, name)
    if number.is_negative:
        raise InputError(f"{name} is {value!r}; a variance must be at least 0")
    return number


def covariance(p: Number, q: Number, c: Number) -> Covariance:
    """Read (p, q, c) exactly and check that they form a covariance matrix.

    Raises
    ------
    InputError
        If a variance is negative or c^2 exceeds p q. An excess of at most 2^-50 p q in floats or
        mpf numbers is their rounding: it is read as c = +-sqrt(p q).
    """
    first, second, cross = variance(p, "p"), variance(q, "q"), exact(c, "c")
    determinant = sp.simplify(first * second - cross**2)
    if determinant.is_negative:
        rounded = any(isinstance(value, float | mpmath.mpf | sp.Float) for value in (p, q, c))
        if (
            not rounded
            or determinant
            < -sp.Rational(_ROUNDING.numerator, _ROUNDING.denominator) * first * second
        ):
            raise InputError(
                f"p = {p}, q = {q}, c = {c} is not a covariance: "
                f"c^2 exceeds p q by {sp.N(-determinant, 5)}; "
                f"|c| must be at most sqrt(p q) = {sp.N(sp.sqrt(first * second), 17)}"
            )
        determinant = sp.S.Zero
        cross = sp.sign(cross) * sp.sqrt(first * second)
    return Covariance(first, second, cross, determinant)
