"""Compatible pairs to order: F = T(P), B = T'(P) from a proximal P and a smooth T; each from the other (S7)."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory.activations import x
from theory.errors import DomainError
from theory.quantized.maps import Map
from theory.quantized.quantizers import Levels, Quantizer

Array = NDArray[Any]


class Pair(NamedTuple):
    """A forward and a backward quantizer as SymPy in ``theory.activations.x``."""

    forward: sp.Expr
    backward: sp.Expr


def synthesise(proximal: Map, transform: sp.Expr) -> Pair:
    """Return F = T(P) and B = T'(P), piece by piece; ``transform`` is T in ``theory.activations.x``.

    Raises
    ------
    DomainError
        If the map is not nondecreasing: it is no proximal map.
    """
    _require_proximal(proximal)
    slope = sp.diff(transform, x)
    return Pair(_composed(proximal, transform), _composed(proximal, slope))


def backward_of(proximal: Map, forward: sp.Expr) -> sp.Expr:
    """Return T'(P) = dF/dP as a function of x, from F given on every sloped piece of P.

    On a flat piece B is the limit from the sloped pieces beside it, T' being continuous.

    Parameters
    ----------
    proximal
        P.
    forward
        F as SymPy in ``theory.activations.x``, smooth on the sloped pieces and constant on the flat ones.

    Raises
    ------
    DomainError
        Where the values do not determine B: F moves where P does not, no sloped piece is beside a flat one, or the
        sloped pieces on both sides disagree.
    """
    _require_proximal(proximal)
    raw: list[sp.Expr | None] = []
    for low, high, slope, _ in _lines(proximal):
        piece = _branch(forward, low, high)
        rate = sp.simplify(sp.diff(piece, x))
        if slope == 0 and rate != 0:
            raise DomainError(
                f"F moves on ({low}, {high}), where P is constant: it is no function of P"
            )
        raw.append(rate / slope if slope != 0 else None)
    joined = {sp.Rational(place) for place, before, after in proximal.ends if before == after}
    filled: list[sp.Expr] = []
    for k, (low, high, _, _) in enumerate(_lines(proximal)):
        known = raw[k]
        if known is None:
            left = raw[k - 1] if k and low in joined else None
            right = raw[k + 1] if k + 1 < len(raw) and high in joined else None
            limits = {
                sp.simplify(value.subs(x, place))
                for value, place in ((left, low), (right, high))
                if value is not None
            }
            if len(limits) != 1:
                raise DomainError(
                    f"B on the flat piece ({low}, {high}) is not determined by F: the sloped pieces beside it give "
                    f"{sorted(map(str, limits)) or 'nothing'}"
                )
            known = limits.pop()
        filled.append(known)
    return _piecewise(proximal, filled)


def forward_of(proximal: Map, backward: sp.Expr) -> sp.Expr:
    """Return F = int B dP, 0 at the first break (or at 0, if there is none), from B given piece by piece.

    Where P jumps, F rises by B times the jump: B must be continuous there.

    Raises
    ------
    DomainError
        If B has two limits at a jump of P, or SymPy knows no primitive.
    """
    _require_proximal(proximal)
    lines, total, parts = list(_lines(proximal)), sp.S.Zero, []
    jumps = [sp.Rational(after) - sp.Rational(before) for _, before, after in proximal.ends]
    for k, (low, high, slope, _) in enumerate(lines):
        primitive = sp.integrate(slope * _branch(backward, low, high), x)
        if primitive.has(sp.Integral):
            raise DomainError(f"no primitive of {slope * _branch(backward, low, high)} is known")
        anchor = low if low.is_finite else (high if high.is_finite else sp.S.Zero)
        parts.append(sp.simplify(primitive - primitive.subs(x, anchor) + total))
        if k + 1 < len(lines):
            total = parts[-1].subs(x, high)
            sides = [
                _branch(backward, *line[:2]).subs(x, high) for line in (lines[k], lines[k + 1])
            ]
            if jumps[k] != 0 and sp.simplify(sides[0] - sides[1]) != 0:
                raise DomainError(f"B goes from {sides[0]} to {sides[1]} at {high}, where P jumps")
            total += jumps[k] * sides[0]
    return _piecewise(proximal, parts)


@dataclass(frozen=True)
class Transformed(Quantizer):
    """F = T(P) with its backward quantizer T'(P): any compatible pair, ready for ``ProxConnect``.

    Parameters
    ----------
    proximal
        A quantizer with levels.
    transform
        T as SymPy in ``theory.activations.x``; polynomials are exact on object arrays.
    """

    proximal: Levels
    transform: sp.Expr

    def __call__(self, latent: Array, mu: Any) -> Array:
        """Return T(P(u))."""
        return _evaluate(self.transform, self.proximal(latent, mu))

    def backward(self, latent: Array, mu: Any) -> Array:
        """Return T'(P(u)): pass it as ``ProxConnect(F, F.backward)``."""
        return _evaluate(sp.diff(self.transform, x), self.proximal(latent, mu))

    def final(self, latent: Array) -> Array:
        """Return T of the nearest levels."""
        return _evaluate(self.transform, self.proximal.final(latent))

    @property
    def bits(self) -> int:
        """Bits of a code for the levels."""
        return self.proximal.bits


def _evaluate(expr: sp.Expr, values: Array) -> Array:
    if expr.is_polynomial(x):
        exact = values.dtype == object
        total = 0 * values
        for coefficient in sp.Poly(expr, x).all_coeffs():
            total = total * values + (_fraction(coefficient) if exact else float(coefficient))
        return total
    return np.asarray(_compiled(expr)(values) + np.zeros_like(values))


@lru_cache(maxsize=64)
def _compiled(expr: sp.Expr) -> Any:
    return sp.lambdify(x, expr, "numpy")


def _fraction(value: sp.Expr) -> Any:
    number = sp.Rational(value)
    return Fraction(int(number.p), int(number.q))


def _require_proximal(proximal: Map) -> None:
    if (where := proximal.descent) is not None:
        raise DomainError(f"the map is no proximal map: {where}")


def _lines(proximal: Map) -> list[tuple[sp.Expr, sp.Expr, sp.Expr, sp.Expr]]:
    """(low, high, slope, shift) of every piece, exact."""
    ends = [-sp.oo, *map(sp.Rational, proximal.breaks), sp.oo]
    return [
        (low, high, sp.Rational(slope), sp.Rational(shift))
        for (low, high), slope, shift in zip(
            pairwise(ends), proximal.slopes, proximal.shifts, strict=True
        )
    ]


def _composed(proximal: Map, outer: sp.Expr) -> sp.Expr:
    return _piecewise(
        proximal, [outer.subs(x, slope * x + shift) for _, _, slope, shift in _lines(proximal)]
    )


def _piecewise(proximal: Map, parts: list[sp.Expr]) -> sp.Expr:
    places = [sp.Rational(place) for place in proximal.breaks]
    cases = [(part, x < place) for part, place in zip(parts, places, strict=False)]
    return sp.Piecewise(*cases, (parts[-1], True))


def _branch(expr: sp.Expr, low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """Return the expression that a piecewise one is on (low, high)."""
    if not isinstance(expr, sp.Piecewise):
        return expr
    inside = _between(low, high)
    return next(value for value, condition in expr.args if condition.subs(x, inside) == sp.true)


def _between(low: sp.Expr, high: sp.Expr) -> sp.Expr:
    if low.is_finite and high.is_finite:
        return (low + high) / 2
    return low + 1 if low.is_finite else (high - 1 if high.is_finite else sp.S.Zero)
