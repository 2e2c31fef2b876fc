"""Exact numbers: what may enter a symbolic or certified computation."""

from fractions import Fraction
from numbers import Integral, Rational
from typing import Any

import numpy as np
import sympy as sp

from theory.errors import InexactInputError, InputError

# 10**999999999 written out would fill the memory before anything could be said about it.
_LARGEST_EXPONENT = 4096


def exact(value: Any, name: str) -> sp.Expr:
    """Return ``value`` as an exact real SymPy number.

    Parameters
    ----------
    value
        An int, a ``Fraction``, a string such as ``"0.3"`` or ``"3/10"`` (taken literally), or a
        SymPy number without floating-point parts, such as ``sqrt(2)/3``.
    name
        Used in messages.

    Raises
    ------
    InexactInputError
        For a float: its rounding error would pass as exact.
    InputError
        For anything that is not a finite real number.
    """
    if isinstance(value, bool | np.bool_):
        raise InputError(f"{name} must be a number, got {value!r}")
    if isinstance(value, Integral):
        return sp.Integer(int(value))
    if isinstance(value, Rational):
        return sp.Rational(int(value.numerator), int(value.denominator))
    if isinstance(value, str):
        return _from_text(value, name)
    if isinstance(value, sp.Expr):
        if value.has(sp.Float):
            raise InexactInputError(
                f"{name} holds a floating-point number, {value}; write it as a Rational or a string"
            )
        if value.is_number and value.is_real and value.is_finite:
            return value
        raise InputError(f"{name} must be a finite real number, got the SymPy expression {value}")
    if hasattr(value, "__float__"):
        raise InexactInputError(
            f"{name} got the inexact number {value!r}; pass an int, a Fraction, a decimal string "
            f'such as "{value}", or a SymPy number'
        )
    raise InputError(f"{name} must be an exact real number, got {value!r}")


def exact_or_dyadic(value: Any, name: str) -> sp.Expr:
    """Return ``value`` exactly, where a float (or mpmath number) means the dyadic rational it stores."""
    try:
        return exact(value, name)
    except InexactInputError:
        if isinstance(value, sp.Expr):
            raise
        return _dyadic(value, name)


def _dyadic(value: Any, name: str) -> sp.Expr:
    if hasattr(value, "_mpf_"):
        sign, mantissa, exponent, _ = value._mpf_
        if not mantissa and exponent:
            raise InputError(f"{name} must be finite, got {value}")
        return sp.Integer((-1) ** sign * int(mantissa)) * sp.Integer(2) ** int(exponent)
    try:
        fraction = Fraction(float(value))
    except TypeError as error:
        raise InputError(f"{name} must be a single real number, got {value!r}") from error
    except (OverflowError, ValueError) as error:
        raise InputError(f"{name} must be finite, got {value!r}") from error
    return sp.Rational(fraction.numerator, fraction.denominator)


def _from_text(text: str, name: str) -> sp.Expr:
    compact = text.replace(" ", "")
    try:
        size = abs(int(compact.lower().partition("e")[2] or "0"))
        fraction = Fraction(compact) if size <= _LARGEST_EXPONENT else None
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(
            f'{name} got the text {text!r}; write an exact number such as "0.3", "3/10" or "2"'
        ) from error
    if fraction is None:
        raise InputError(
            f"{name} got {text!r}; a power of ten must stay within {_LARGEST_EXPONENT}, so rescale the problem"
        )
    return sp.Rational(fraction.numerator, fraction.denominator)
