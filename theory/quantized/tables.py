"""One-sided values of activations at their jumps, in float64 and, for piecewise polynomials, in ``Fraction``."""

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory.activations import Activation, x
from theory.activations.evaluation import evaluator, intervals
from theory.activations.table import intervals as polynomials
from theory.errors import InputError

Array = NDArray[Any]


class Side(Enum):
    """Which one-sided limit stands at a jump; of two equally far from 0 it is the right one."""

    NEARER = "nearer 0"
    FARTHER = "farther from 0"


@dataclass(frozen=True)
class Values:
    """A function on arrays, with one-sided limits at its jumps.

    Parameters
    ----------
    function
        As declared; midpoints at jumps.
    jumps
        Places and the values there.
    pieces
        Rational breakpoints, and coefficients between them with the constant first; None where the function is no
        piecewise polynomial with rational numbers.
    """

    function: Activation
    jumps: tuple[tuple[sp.Expr, sp.Expr], ...]
    pieces: tuple[tuple[Fraction, ...], tuple[tuple[Fraction, ...], ...]] | None

    @classmethod
    def of(cls, function: Activation, side: Side) -> "Values":
        """Find the jumps and the pieces."""
        steps = [atom for atom in function.atoms if atom.is_sharp]
        places, between = intervals(steps)
        jumps = []
        for place, left, right in zip(places, between, between[1:], strict=False):
            rest = _rest_at(function, place)
            low, high = (_at(terms, place) + rest for terms in (left, right))
            if sp.expand(low - high) != 0:
                nearer = abs(low) < abs(high)
                farther = abs(low) > abs(high)
                left_stands = nearer if side is Side.NEARER else farther
                jumps.append((place, low if left_stands else high))
        return cls(function, tuple(jumps), _pieces(function))

    def __call__(self, values: Array) -> Array:
        """Evaluate elementwise; exactly on object arrays."""
        if values.dtype == object:
            return self._exact(values)
        plain = evaluator(self.function.atoms) if self.pieces is None else self.function.table
        result = plain(values)
        for place, value in self.jumps:
            result = np.where(values == float(place), float(value), result)
        return result

    def _exact(self, values: Array) -> Array:
        if self.pieces is None:
            raise InputError(
                f"{self.function} is no piecewise polynomial with rational numbers, so it has no exact values; "
                f"use float64 arrays, or an activation such as th.sign(), th.hardtanh(1), th.ternary('1/2')"
            )
        places, rows = self.pieces
        jumps = {_rational(place): _rational(value) for place, value in self.jumps}
        result = np.empty(values.shape, dtype=object)
        for where, value in np.ndenumerate(values):
            if value in jumps:
                result[where] = jumps[value]
                continue
            row = rows[sum(value > place for place in places)]
            total = Fraction(0)
            for coefficient in reversed(row):
                total = total * value + coefficient
            result[where] = total
        return result


def _at(terms: Any, place: sp.Expr) -> sp.Expr:
    return sp.Add(*(atom.monomial for atom in terms)).subs(x, place)


def _rest_at(function: Activation, place: sp.Expr) -> sp.Expr:
    """Value at a jump of everything that does not jump there."""
    smooth = [atom for atom in function.atoms if not atom.is_sharp]
    return sp.Add(*(atom.expr.subs(x, place) for atom in smooth))


def _pieces(
    function: Activation,
) -> tuple[tuple[Fraction, ...], tuple[tuple[Fraction, ...], ...]] | None:
    if not function.is_sharp:
        return None
    places, between = polynomials(list(function.atoms))
    rows = [polynomial.all_coeffs()[::-1] for polynomial in between]
    if not all(entry.is_Rational for entry in [*places, *(c for row in rows for c in row)]):
        return None
    return (
        tuple(_rational(place) for place in places),
        tuple(tuple(_rational(c) for c in row) for row in rows),
    )


def _rational(value: sp.Expr) -> Fraction:
    number = sp.Rational(value)
    return Fraction(int(number.p), int(number.q))
