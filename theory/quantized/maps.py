"""Piecewise affine maps of the line as data: values, monotony, regulariser; in float64 or in ``Fraction``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory.activations import Activation, x
from theory.activations.pieces import from_piecewise
from theory.errors import InputError

Array = NDArray[Any]
Number = Any


@dataclass(frozen=True)
class Map:
    """A piecewise affine map: ``slopes[k] * u + shifts[k]`` between consecutive ``breaks``.

    At a jump it takes the one-sided limit nearer 0, the right one of two equally near: sign(0) = 1. As a set-valued
    map it holds both limits there, so its graph is closed.

    Parameters
    ----------
    breaks
        Increasing numbers.
    slopes, shifts
        One more of each.

    Raises
    ------
    InputError
        If the numbers do not fit together.
    """

    breaks: tuple[Number, ...]
    slopes: tuple[Number, ...]
    shifts: tuple[Number, ...]

    def __post_init__(self) -> None:
        if not len(self.slopes) == len(self.shifts) == len(self.breaks) + 1:
            raise InputError(
                f"{len(self.breaks)} breaks need {len(self.breaks) + 1} slopes and shifts, "
                f"got {len(self.slopes)} and {len(self.shifts)}"
            )
        if any(not low < high for low, high in pairwise(self.breaks)):
            raise InputError(f"breaks must increase, got {self.breaks}")

    @classmethod
    def through(cls, pieces: Sequence[tuple[Number, Number]], breaks: Sequence[Number]) -> "Map":
        """Return the map of (slope, shift) pieces, with breaks that hold nothing between them left out."""
        kept = [pieces[0]]
        places: list[Number] = []
        for place, piece in zip(breaks, pieces[1:], strict=True):
            if places and places[-1] == place:
                kept[-1] = piece
                if kept[-2] == piece:
                    kept.pop()
                    places.pop()
            elif piece != kept[-1]:
                kept.append(piece)
                places.append(place)
        return cls(tuple(places), tuple(s for s, _ in kept), tuple(c for _, c in kept))

    def __call__(self, values: Array) -> Array:
        """Evaluate elementwise; object arrays of ``Fraction`` exactly, where the map's numbers are exact."""
        kind = object if np.asarray(values).dtype == object else np.float64
        breaks, slopes, shifts = (
            np.array(row, dtype=kind) for row in (self.breaks, self.slopes, self.shifts)
        )
        right = np.searchsorted(breaks, values, side="right")
        after = slopes[right] * values + shifts[right]
        left = np.searchsorted(breaks, values, side="left")
        if np.array_equal(left, right):
            return np.asarray(after)
        before = slopes[left] * values + shifts[left]
        return np.where(abs(before) < abs(after), before, after)

    @property
    def ends(self) -> Iterator[tuple[Number, Number, Number]]:
        """(place, left limit, right limit) at every break."""
        for k, place in enumerate(self.breaks):
            yield (
                place,
                self.slopes[k] * place + self.shifts[k],
                self.slopes[k + 1] * place + self.shifts[k + 1],
            )

    @property
    def descent(self) -> str | None:
        """Where the map falls, in words; None for a nondecreasing map, which is a proximal map (S1)."""
        for place, before, after in self.ends:
            if after < before:
                return f"it falls from {before} to {after} at {place}"
        for k, slope in enumerate(self.slopes):
            if slope < 0:
                return f"its slope is {slope} {self._interval(k)}"
        return None

    @property
    def expansion(self) -> str | None:
        """Where the map is steeper than 1, in words; None for a 1-Lipschitz one, whose regulariser is convex (S2)."""
        for place, before, after in self.ends:
            if after != before:
                return f"it jumps by {after - before} at {place}"
        for k, slope in enumerate(self.slopes):
            if slope > 1:
                return f"its slope is {slope} {self._interval(k)}"
        return None

    @property
    def weak_convexity(self) -> Number:
        """Least c >= 0 for which r + c z^2/2 is convex, gaps of r filled: 1 - 1/max(1, Lipschitz) (S2)."""
        if any(after != before for _, before, after in self.ends):
            return 1
        steepest = max(*self.slopes, 1)
        return (
            1 - Fraction(1) / steepest if isinstance(steepest, Fraction | int) else 1 - 1 / steepest
        )

    @property
    def activation(self) -> Activation:
        """The same map for kernels and symbolic work; its numbers must be exact."""
        ends = [-sp.oo, *map(sp.Rational, self.breaks), sp.oo]
        lines = zip(self.slopes, self.shifts, strict=True)
        exprs = [sp.Rational(slope) * x + sp.Rational(shift) for slope, shift in lines]
        return from_piecewise(list(zip(exprs, pairwise(ends), strict=True)), "quantizer")

    def _interval(self, k: int) -> str:
        low = self.breaks[k - 1] if k else "-oo"
        high = self.breaks[k] if k < len(self.breaks) else "oo"
        return f"on ({low}, {high})"


@dataclass(frozen=True)
class Regulariser:
    """A function r with P(u) = argmin_z (z - u)^2/2 + r(z), for a nondecreasing piecewise affine P (S1).

    On the range of P it is piecewise quadratic, with r'(z) = P^{-1}(z) - z; elsewhere it is infinite. Across a gap of
    the range, where P jumps at p, it rises by the integral of p - z, so that both ends are minimisers at p.

    Parameters
    ----------
    segments
        (low, high, a, b, c): r = a z^2 + b z + c on [low, high]; an isolated value has low = high.
    """

    segments: tuple[tuple[Number, Number, Number, Number, Number], ...]

    @classmethod
    def of(cls, quantizer: Map) -> "Regulariser":
        """Integrate the inverse of a map; r is 0 at the value nearest 0.

        Raises
        ------
        InputError
            For a map that falls somewhere: it is no proximal map.
        """
        if (where := quantizer.descent) is not None:
            raise InputError(
                f"the map is no proximal map: {where}; only nondecreasing maps have a regulariser"
            )
        half = Fraction(1, 2)
        segments: list[tuple[Number, Number, Number, Number, Number]] = []
        value: Number = Fraction(0)
        ends = [(-np.inf, None, None), *quantizer.ends, (np.inf, None, None)]
        for k, (slope, shift) in enumerate(zip(quantizer.slopes, quantizer.shifts, strict=True)):
            (start, before, after), (_, stop, _) = ends[k], ends[k + 1]
            if before is not None and after != before:
                # r'(z) = p - z across the gap (before, after).
                value += start * (after - before) - half * (after**2 - before**2)
            if slope == 0:
                segments.append((shift, shift, Fraction(0), Fraction(0), value))
                continue
            low = -np.inf if after is None else after
            high = np.inf if stop is None else stop
            a, b = half * (Fraction(1) / slope - 1), -shift / Fraction(slope)
            anchor = low if np.isfinite(float(low)) else (high if np.isfinite(float(high)) else 0)
            c = value - a * anchor**2 - b * anchor
            segments.append((low, high, a, b, c))
            value = a * high**2 + b * high + c if np.isfinite(float(high)) else value
        return cls._levelled(segments)

    @classmethod
    def _levelled(
        cls, segments: list[tuple[Number, Number, Number, Number, Number]]
    ) -> "Regulariser":
        """Shift r so that it is 0 at the point of its domain nearest 0."""
        raw = cls(tuple(segments))
        candidates = [min(max(0, low), high) for low, high, *_ in segments]
        base = raw(min(candidates, key=abs))
        return cls(tuple((low, high, a, b, c - base) for low, high, a, b, c in segments))

    def __call__(self, z: Number) -> Number:
        """Return r at one point; ``inf`` outside the range of the map."""
        for low, high, a, b, c in self.segments:
            if low <= z <= high:
                return a * z * z + b * z + c
        return np.inf

    @property
    def expr(self) -> sp.Expr:
        """The function as SymPy in ``theory.activations.x``, infinite off the range."""
        branches = []
        for low, high, a, b, c in self.segments:
            value = sp.Add(*(sp.Rational(k) * x**p for p, k in enumerate((c, b, a))))
            ends = [end for end in (low, high) if np.isfinite(float(end))]
            inside = [
                x >= sp.Rational(end) if end == low else x <= sp.Rational(end) for end in ends
            ]
            branches.append((value, sp.Eq(x, sp.Rational(low)) if low == high else sp.And(*inside)))
        return sp.Piecewise(*branches, (sp.oo, True))

    def minimisers(self, u: Number, weight: Number = 1) -> list[Number]:
        """Return all z that minimise (z - u)^2/2 + weight * r(z), exactly, from critical points and ends."""
        half = Fraction(1, 2)
        best: list[tuple[Number, Number]] = []
        for low, high, a, b, _ in self.segments:
            curvature = 1 + 2 * weight * a
            points = [end for end in (low, high) if np.isfinite(float(end))]
            if curvature > 0:
                critical = (u - weight * b) / curvature
                points += [critical] if low < critical < high else []
            best += [(half * (z - u) ** 2 + weight * self(z), z) for z in points]
        least = min(value for value, _ in best)
        return sorted({z for value, z in best if value == least})
