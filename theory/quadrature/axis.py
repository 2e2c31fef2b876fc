"""Several functions of one variable on common cells, so that one node serves all of them.

The line is cut where any of the functions changes its branch. On a cell, functions that differ by a
constant factor share one ``Factor``.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import sympy as sp
from flint import arb, ctx

from theory.quadrature.definition import Definition, Shape
from theory.quadrature.numeric import Real, function, number


@dataclass(frozen=True)
class Factor:
    """A smooth function on a cell.

    Parameters
    ----------
    at
        The function.
    definite
        Whether it is known to keep its sign on the cell.
    coefficients
        Of the powers 1, x, x^2, ...; none unless the function is a polynomial.
    """

    at: Real
    definite: bool
    coefficients: tuple[arb, ...]

    @property
    def by_moments(self) -> bool:
        """Whether value and mass are a combination of moments."""
        return self.definite and bool(self.coefficients)

    def around(self, place: arb, stretch: arb) -> list[arb]:
        """Return the coefficients in the powers of d of a polynomial at place + stretch d."""
        shifted = list(self.coefficients)
        for low in range(len(shifted)):
            for k in range(len(shifted) - 2, low - 1, -1):
                shifted[k] += place * shifted[k + 1]
        power = arb(1)
        for k in range(1, len(shifted)):
            power *= stretch
            shifted[k] *= power
        return shifted


@dataclass(frozen=True)
class Bend:
    """A ``Feature`` in numbers."""

    centre: arb
    width: arb
    shape: Shape


@dataclass(frozen=True)
class Cell:
    """An open interval, the factors on it, and uses (function, factor, coefficient)."""

    lo: arb
    hi: arb
    factors: tuple[Factor, ...]
    uses: tuple[tuple[int, int, arb], ...]


@dataclass(frozen=True)
class Axis:
    """Cells from left to right, deltas (place, ((function, weight), ...)), features, functions."""

    cells: tuple[Cell, ...]
    diracs: tuple[tuple[arb, tuple[tuple[int, arb], ...]], ...]
    features: tuple[Bend, ...]
    count: int


@lru_cache(maxsize=64)
def axis(definitions: tuple[Definition, ...], bits: int) -> Axis:
    """Put functions on common cells, with every number a ball of ``bits`` bits."""
    with ctx.workprec(bits):
        return Axis(
            tuple(
                Cell(
                    number(lo),
                    number(hi),
                    tuple(
                        Factor(function(f, x), _definite(f, x, lo, hi), _coefficients(f, x))
                        for f, x in factors
                    ),
                    tuple((index, factor, number(coef)) for index, factor, coef in uses),
                )
                for lo, hi, factors, uses in _cells(definitions)
            ),
            tuple(
                (number(place), tuple((index, number(weight)) for index, weight in weights))
                for place, weights in _diracs(definitions).items()
            ),
            tuple(
                Bend(number(f.centre), number(f.width), f.shape)
                for f in dict.fromkeys(f for d in definitions for f in d.features)
            ),
            len(definitions),
        )


_Uses = list[tuple[int, int, sp.Expr]]


@lru_cache(maxsize=64)
def _cells(
    definitions: tuple[Definition, ...],
) -> list[tuple[sp.Expr, sp.Expr, list[tuple[sp.Expr, sp.Symbol]], _Uses]]:
    ends = {end for d in definitions for piece in d.pieces for end in (piece.lo, piece.hi)}
    cuts = sorted(ends, key=lambda end: sp.N(end, 50))
    cells = []
    for lo, hi in pairwise(cuts):
        factors: list[tuple[sp.Expr, sp.Symbol]] = []
        uses: _Uses = []
        for index, d in enumerate(definitions):
            for piece in d.pieces:
                if piece.lo <= lo and hi <= piece.hi:
                    coefficient, monic = _split(piece.expr, d.x)
                    if (monic, d.x) not in factors:
                        factors.append((monic, d.x))
                    uses.append((index, factors.index((monic, d.x)), coefficient))
        if uses:
            cells.append((lo, hi, factors, uses))
    return cells


def _split(expr: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, sp.Expr]:
    """Take the constant factor out."""
    if expr.is_polynomial(x):
        leading = sp.Poly(expr, x).LC()
        return leading, sp.expand(expr / leading)
    coefficient, rest = expr.as_independent(x, as_Add=False)
    return coefficient, rest


def _coefficients(expr: sp.Expr, x: sp.Symbol) -> tuple[arb, ...]:
    if not expr.is_polynomial(x):
        return ()
    return tuple(number(coefficient) for coefficient in reversed(sp.Poly(expr, x).all_coeffs()))


def _definite(expr: sp.Expr, x: sp.Symbol, lo: sp.Expr, hi: sp.Expr) -> bool:
    if not expr.is_polynomial(x):
        return False
    if not expr.has(x):
        return True
    roots = sp.Poly(expr, x).real_roots()
    return not any(bool(lo < root) and bool(root < hi) for root in roots)


def _diracs(
    definitions: tuple[Definition, ...],
) -> dict[sp.Expr, list[tuple[int, sp.Expr]]]:
    places: dict[sp.Expr, list[tuple[int, sp.Expr]]] = {}
    for index, d in enumerate(definitions):
        for place, weight in d.diracs:
            places.setdefault(place, []).append((index, weight))
    return places
