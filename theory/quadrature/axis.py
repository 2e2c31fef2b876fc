"""Several functions of one variable on common cells, so that one node serves all of them.

The line is cut where any of the functions changes its branch, and where a bell or an exponential has
settled. On a cell, functions that differ by a constant factor share one ``Factor``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import ceil, sqrt

import sympy as sp
from flint import arb, ctx

from theory.quadrature.definition import Definition, Shape
from theory.quadrature.growth import Growth, growth
from theory.quadrature.numeric import Holomorphic, function, number


@dataclass(frozen=True)
class Factor:
    """An analytic function that stands for a piece on a cell.

    Parameters
    ----------
    at
        The function, of real or complex balls.
    slack
        Bounds how far the piece is from it over a real ball within the cell.
    """

    at: Holomorphic
    slack: Callable[[arb], arb]


@dataclass(frozen=True)
class Cell:
    """An open interval, the factors on it, and uses (function, factor, coefficient)."""

    lo: arb
    hi: arb
    factors: tuple[Factor, ...]
    uses: tuple[tuple[int, int, arb], ...]


@dataclass(frozen=True)
class Axis:
    """Cells from left to right, deltas (place, ((function, weight), ...)), majorants."""

    cells: tuple[Cell, ...]
    diracs: tuple[tuple[arb, tuple[tuple[int, arb], ...]], ...]
    growths: tuple[Growth, ...]


@lru_cache(maxsize=64)
def axis(definitions: tuple[Definition, ...], bits: int, settled: float) -> Axis:
    """Put functions on common cells, with every number a ball of ``bits`` bits.

    Where erf or tanh are within exp(-settled) of their limits, the limits stand for them.
    """
    with ctx.workprec(bits):
        return Axis(
            tuple(
                Cell(
                    number(lo),
                    number(hi),
                    tuple(_factor(*parts, (number(lo), number(hi))) for parts in factors),
                    tuple((index, factor, number(coef)) for index, factor, coef in uses),
                )
                for lo, hi, factors, uses in _cells(definitions, settled)
            ),
            tuple(
                (number(place), tuple((index, number(weight)) for index, weight in weights))
                for place, weights in _diracs(definitions).items()
            ),
            tuple(growth(d) for d in definitions),
        )


# What the limits leave out: a coefficient times powers of differences, each bounded by exp(-fall), with
# whether the fall rises from left to right.
_Falls = tuple[tuple[sp.Expr, bool, int], ...]
_Rest = tuple[tuple[sp.Expr, _Falls], ...]
_Parts = tuple[sp.Expr, _Rest, sp.Symbol]
_Uses = list[tuple[int, int, sp.Expr]]


def _factor(monic: sp.Expr, rest: _Rest, x: sp.Symbol, cell: tuple[arb, arb]) -> Factor:
    terms = [
        (function(coef, x), [(function(fall, x), rises, power) for fall, rises, power in falls])
        for coef, falls in rest
    ]

    def slack(ball: arb) -> arb:
        total = arb(0)
        for coef, falls in terms:
            part = abs(coef(ball))
            for fall, rises, power in falls:
                # A ball around a triangle reaches out of the cell, where less is settled.
                nearest = max(ball.lower(), cell[0]) if rises else min(ball.upper(), cell[1])
                part *= (-power * fall(nearest)).exp()
            total += part
        return total

    return Factor(function(monic, x), slack)


@lru_cache(maxsize=64)
def _cells(
    definitions: tuple[Definition, ...], settled: float
) -> list[tuple[sp.Expr, sp.Expr, list[_Parts], _Uses]]:
    ends = {end for d in definitions for piece in d.pieces for end in (piece.lo, piece.hi)}
    far = [sp.Min(*ends), sp.Max(*ends)] if ends else []
    ends |= {
        cut
        for d in definitions
        for feature in d.features
        for cut in _settling(feature.centre, feature.width, feature.shape, settled)
        if far and far[0] < cut < far[1]
    }
    cuts = sorted(ends, key=lambda end: sp.N(end, 50))
    cells = []
    for lo, hi in pairwise(cuts):
        factors: list[_Parts] = []
        uses: _Uses = []
        for index, d in enumerate(definitions):
            for piece in d.pieces:
                if piece.lo <= lo and hi <= piece.hi:
                    limit, rest = _at_limit(piece.expr, d.x, lo, hi, settled)
                    coefficient, monic = _split(limit, d.x)
                    parts = monic, tuple((c / coefficient, falls) for c, falls in rest), d.x
                    if parts not in factors:
                        factors.append(parts)
                    uses.append((index, factors.index(parts), coefficient))
        if uses:
            cells.append((lo, hi, factors, uses))
    return cells


def _settling(centre: sp.Expr, width: sp.Expr, shape: Shape, settled: float) -> Iterator[sp.Expr]:
    if shape is Shape.WAVE:
        return
    far = sp.Integer(ceil(sqrt(2 * settled) if shape is Shape.BELL else settled))
    yield centre - far * width
    yield centre + far * width


# Exponent that bounds the distance of f(y) from its limit: erfc(y) <= exp(-y^2), 1 - tanh y <= exp(log 2 - 2 y).
_LIMITS: dict[type[sp.Basic], tuple[int, int, Callable[[sp.Expr], sp.Expr]]] = {
    sp.erf: (-1, 1, lambda y: y**2),
    sp.erfc: (2, 0, lambda y: y**2),
    sp.tanh: (-1, 1, lambda y: 2 * y - sp.log(2)),
}


def _at_limit(
    expr: sp.Expr, x: sp.Symbol, lo: sp.Expr, hi: sp.Expr, settled: float
) -> tuple[sp.Expr, _Rest]:
    """Put limits in the place of what has settled on a cell, and say what that leaves out."""
    falls: dict[sp.Symbol, tuple[sp.Expr, bool]] = {}
    marked = expr
    for call in sorted(expr.atoms(*_LIMITS), key=str):
        argument = call.args[0]
        if not argument.is_polynomial(x) or sp.degree(argument, x) != 1:
            continue
        left, right, fall = _LIMITS[call.func]
        side = sp.sign(argument.subs(x, lo if lo.is_finite else hi - 1))
        if (lo == -sp.oo and hi == sp.oo) or side == 0:
            continue
        nearest = min(sp.N(side * argument.subs(x, end), 30) for end in (lo, hi))
        if nearest <= 0 or sp.N(fall(nearest), 30) < settled * (1 - 1e-9):
            continue
        mark = sp.Dummy(f"rest{len(falls)}", positive=True)
        falls[mark] = fall(side * argument), bool(side * argument.coeff(x) > 0)
        limit, inwards = (right, left - right) if side > 0 else (left, right - left)
        marked = marked.xreplace({call: limit + sp.sign(inwards) * mark})
    if not falls:
        return expr, ()
    try:
        terms = sp.Poly(sp.expand(marked), *falls).terms()
    except sp.PolynomialError:
        return expr, ()
    limit, rest = sp.S.Zero, []
    for powers, coefficient in terms:
        used = tuple((*fall, k) for fall, k in zip(falls.values(), powers, strict=True) if k)
        if used:
            rest.append((coefficient, used))
        else:
            limit = coefficient
    return limit, tuple(rest)


def _split(expr: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, sp.Expr]:
    """Take the constant factor out."""
    if expr == 0:
        return sp.S.One, sp.S.Zero
    if expr.is_polynomial(x):
        leading = sp.Poly(expr, x).LC()
        return leading, sp.expand(expr / leading)
    coefficient, rest = expr.as_independent(x, as_Add=False)
    return coefficient, rest


def _diracs(
    definitions: tuple[Definition, ...],
) -> dict[sp.Expr, list[tuple[int, sp.Expr]]]:
    places: dict[sp.Expr, list[tuple[int, sp.Expr]]] = {}
    for index, d in enumerate(definitions):
        for place, weight in d.diracs:
            places.setdefault(place, []).append((index, weight))
    return places
