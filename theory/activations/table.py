"""Piecewise polynomials between breakpoints: exact text for readers, float64 tables for machines."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.optimize import brentq

from theory.activations.atoms import Atom, Kind, combine, x
from theory.activations.curves import y
from theory.activations.evaluation import evaluator

Float = NDArray[np.float64]


@dataclass(frozen=True)
class PiecewiseTable:
    """Float64 polynomials between sorted breakpoints.

    ``breaks`` has shape (m,), ``coefs`` (m+1, degree+1) with the constant term first, and ``middles``
    (m,) the midpoint values at the breakpoints.
    """

    breaks: Float
    coefs: Float
    middles: Float

    @classmethod
    def of(cls, steps: list[Atom]) -> "PiecewiseTable":
        """Collect sharp step atoms; coefficients are summed exactly before rounding."""
        places, polynomials = intervals(steps)
        degree = max((p.degree() for p in polynomials if not p.is_zero), default=0)
        coefs = np.zeros((len(polynomials), degree + 1))
        for row, polynomial in zip(coefs, polynomials, strict=True):
            for (k,), c in polynomial.terms():
                row[k] = float(c)
        middles = [
            float((left.eval(place) + right.eval(place)) / 2)
            for place, left, right in zip(places, polynomials, polynomials[1:], strict=False)
        ]
        return cls(np.array([float(p) for p in places]), coefs, np.array(middles))

    def __call__(self, u: Float) -> Float:
        """Evaluate elementwise."""
        index = np.searchsorted(self.breaks, u, side="right")
        value = np.zeros_like(u)
        for k in range(self.coefs.shape[1] - 1, -1, -1):
            value = value * u + self.coefs[index, k]
        for place, middle in zip(self.breaks, self.middles, strict=True):
            value = np.where(u == place, middle, value)
        return value


def intervals(steps: list[Atom]) -> tuple[list[sp.Expr], list[sp.Poly]]:
    """Return the exact breakpoints and the polynomial on each interval between them."""
    places = sorted({atom.at for atom in steps if not atom.is_polynomial}, key=float)
    polynomials = []
    for left in [-sp.oo, *places]:
        active = [a.coef * x**a.power for a in steps if a.is_polynomial or bool(a.at <= left)]
        polynomials.append(sp.Poly(sp.Add(*active), x))
    return places, polynomials


def piecewise(steps: list[Atom]) -> sp.Expr:
    """Return sharp steps as a SymPy ``Piecewise`` (right-continuous in print; midpoints at jumps)."""
    places, polynomials = intervals(steps)
    if not places:
        return polynomials[0].as_expr()
    branches: list[tuple[sp.Expr, sp.Basic]] = []
    for place, left, right in zip(places, polynomials, polynomials[1:], strict=False):
        branches.append((left.as_expr(), x < place))
        middle = (left.eval(place) + right.eval(place)) / 2
        if middle != right.eval(place):
            branches.append((middle, sp.Eq(x, place)))
    return sp.Piecewise(*branches, (polynomials[-1].as_expr(), True), evaluate=False)


class _Function(Protocol):
    @property
    def is_sharp(self) -> bool: ...
    @property
    def atoms(self) -> tuple[Atom, ...]: ...
    @property
    def expr(self) -> sp.Expr: ...
    @property
    def table(self) -> PiecewiseTable: ...
    @property
    def derivative(self) -> "_Function": ...
    def __call__(self, values: Float) -> Float: ...


def extremum(f: _Function) -> float:
    """Return sup |f| over the real line, ``inf`` where f is unbounded.

    Piecewise polynomials: exact candidates (both sides of every breakpoint, interior critical points).
    Smoothed functions: critical points bracketed on a grid of 1/200 of the smallest scale and
    refined by root finding, with the limits at both ends.
    """
    return _sharp_extremum(f) if f.is_sharp else _smooth_extremum(f)


def _sharp_extremum(f: _Function) -> float:
    places, polynomials = intervals(list(f.atoms))
    ends = [-sp.oo, *places, sp.oo]
    best = 0.0
    for polynomial, low, high in zip(polynomials, ends, ends[1:], strict=False):
        if polynomial.degree() > 0 and (low == -sp.oo or high == sp.oo):
            return float("inf")
        roots = polynomial.diff().real_roots() if polynomial.degree() > 1 else []
        inside = [root for root in roots if bool(low < root) and bool(root < high)]
        candidates = [
            *inside,
            *(end for end in (low, high) if end.is_finite),
            *([sp.S.Zero] if not places else []),
        ]
        best = max([best, *(abs(float(polynomial.eval(point))) for point in candidates)])
    return best


def _smooth_extremum(f: _Function) -> float:
    ends = [_at_infinity(f, end) for end in (-sp.oo, sp.oo)]
    if any(end == float("inf") for end in ends):
        return float("inf")
    scales = [float(w) for a in f.atoms for w in _widths(a)]
    places = [float(a.at) for a in f.atoms if not a.is_smooth] or [0.0]
    low, high = min(places) - 40 * max(scales), max(places) + 40 * max(scales)
    count = min(int(200 * (high - low) / min(scales)), 2_000_000)
    sides = [np.nextafter(place, side) for place in places for side in (-np.inf, np.inf)]
    grid = np.union1d(np.linspace(low, high, count), [*places, *sides])
    rising = evaluator([a for a in f.derivative.atoms if not a.is_dirac])
    signs = np.sign(rising(grid))
    turns = np.flatnonzero(signs[:-1] * signs[1:] < 0)
    roots = [
        brentq(lambda u: float(rising(np.array(u))), grid[i], grid[i + 1], xtol=1e-14)
        for i in turns[:1000]
        if grid[i + 1] - grid[i] > 1e-12
    ]
    return float(max(*ends, np.max(np.abs(f(grid))), *(abs(float(f(np.array(r)))) for r in roots)))


def _widths(atom: Atom) -> list[sp.Expr]:
    """Lengths on which an atom bends."""
    rates = [abs(atom.tilt), atom.omega, *([atom.curve.rate] if atom.curve is not None else [])]
    return [*([atom.scale] if atom.scale != 0 else []), *(1 / rate for rate in rates if rate != 0)]


def _at_infinity(f: _Function, end: sp.Expr) -> float:
    """Return limsup |f| at one end; waves of several frequencies count with the sum of their amplitudes."""
    sign = 1 if end == sp.oo else -1
    steps = [a for a in f.atoms if a.kind is Kind.STEP and (a.is_smooth or sign > 0)]
    left = combine(replace(a, at=-sp.oo, scale=sp.S.Zero) for a in steps)
    settled = sp.Add(*(a.coef for a in left if a.exponent == 0 and a.power == 0))
    for a in (a for a in f.atoms if a.curve is not None):
        side = a.curve.sides(a.order)[(sign + 1) // 2]  # type: ignore[union-attr]
        settled += sp.limit(a.coef * (y + a.at) ** a.power * side, y, end)
    rest = [a for a in left if (a.exponent != 0 or a.power > 0) and not bool(sign * a.tilt < 0)]
    if not settled.is_finite or any(a.power > 0 or a.tilt != 0 for a in rest):
        return float("inf")
    squares: dict[sp.Expr, float] = {}
    for a in rest:
        squares[a.omega] = squares.get(a.omega, 0.0) + float(a.coef) ** 2
    return abs(float(settled)) + sum(np.sqrt(square) for square in squares.values())
