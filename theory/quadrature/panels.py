"""Gauss-Legendre panels that follow the scales of an integrand.

An integrand here is a Gaussian times a function that bends only near known places (``Feature``: a
centre and a width). Places are floats relative to a reference point, which is kept exactly elsewhere:
far out in a tail the distance to that point still has all its digits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import ceil, inf, log, pi, sqrt

from flint import arb, ctx

from theory.quadrature.definition import Shape
from theory.quadrature.errors import QuadratureError

Feature = tuple[float, float, Shape]

# Sums of semi-axes of the ellipses on which the integrand is bounded, close enough for the best one.
_ELLIPSES = tuple(1.1 * 1.25**k for k in range(60))


# A pole beside a graded panel leaves at least this sum of semi-axes (4.6 next to the pole).
_GRADED = 4.5
# More widths of a wave than this in one direction are not worth the hours they would take.
_MOST_WAVES = 120


@dataclass(frozen=True)
class Resolution:
    """How finely to integrate.

    Parameters
    ----------
    digits
        Digits to which each panel is to be integrated, relative to the largest integrand on it.
    reach
        Exponent below the peak at which the range is cut: points of density less than exp(-reach)
        of the largest on the support are dropped.
    step
        Longest panel, in units of the local width.
    fall
        Largest fall of the exponent within a panel.
    grade
        First cut beside a feature that goes on, in its widths.
    """

    digits: int
    reach: float
    step: float
    fall: float
    grade: float = 1.0


@dataclass(frozen=True)
class Panel:
    """An interval between offsets from the reference point, and how many nodes it needs."""

    left: arb
    right: arb
    nodes: int


@lru_cache(maxsize=1024)
def rule(nodes: int, bits: int) -> tuple[tuple[arb, arb], ...]:
    """Gauss-Legendre nodes and weights on [-1, 1] as balls of ``bits`` bits."""
    with ctx.workprec(bits):
        return tuple(arb.legendre_p_root(nodes, k, weight=True) for k in range(nodes))


@lru_cache(maxsize=1024)
def trapezoids(eighths: int, far: int, digits: int, bits: int) -> tuple[tuple[arb, arb], ...]:
    """Places and weights, exp(-z^2/2) counted in, of equal steps over the whole of a Gaussian.

    Parameters
    ----------
    eighths
        Least width of what multiplies the Gaussian, at least 1, in eighths of its standard deviation.
    far
        Where to stop on both sides.
    digits
        Relative to the integral of the absolute value.
    bits
        Precision of the balls.

    Notes
    -----
    A shift of the path by i y shows the error exp(y^2/2 (1 + w^-2) + y/w - 2 pi y/h) of steps h, least at
    the y where 2 pi/h = 1/w + y (1 + w^-2) (Trefethen and Weideman 2014, theorem 5.1).
    """
    width = eighths / 8
    bend = 1 + width**-2
    step = 2 * pi / (1 / width + sqrt(2 * bend * (digits + 1) * log(10)))
    count = ceil(far / step)
    with ctx.workprec(bits):
        places = [arb(step) * k for k in range(-count, count + 1)]
        return tuple((z, step * (z * z / -2).exp()) for z in places)


@lru_cache(maxsize=16384)
def enough(quarters: int, fall: int, digits: int) -> int:
    """Return how many nodes integrate a Gaussian on a panel.

    Parameters
    ----------
    quarters
        Length of the panel, in quarters of the local width.
    fall
        How far the exponent falls along it.
    digits
        Relative to the largest value on the panel.

    Notes
    -----
    Bound 64 M r^(-2n) / (15 (1 - r^-2)) with M the maximum on the ellipse of sum of semi-axes r
    (Trefethen 2008, theorem 4.5), for exp(b t - (a t)^2 / 2) taken twice: once for the density, once
    for what bends on the local width.
    """
    square, tilt = (quarters / 8) ** 2, fall / 2
    fewest = inf
    for r in _ELLIPSES:
        wide, high = (r + 1 / r) / 2, (r - 1 / r) / 2
        size = tilt * (wide - 1) + square * high * high + log(64 / 15 / (1 - r**-2))
        fewest = min(fewest, (size + digits * log(10)) / (2 * log(r)))
    return max(2, ceil(fewest))


def panels(
    ends: tuple[arb, arb],
    features: Sequence[Feature],
    exponent: Callable[[float], float],
    resolution: Resolution,
    *,
    peak: bool = False,
) -> list[Panel]:
    """Cut the range between two offsets into panels.

    Parameters
    ----------
    ends
        Finite offsets; no panels unless the first is below the second.
    features
        Triples (centre, width, shape) narrower than the Gaussian (width 1).
    exponent
        How far the exponent at an offset is above that of the reference point; convex, lowest at 0.
    peak
        Whether to cut at 0, so that an exponent other than a parabola is monotone on every panel.

    Raises
    ------
    QuadratureError
        If a wave has too many periods in the range.
    """
    lo, hi = float(ends[0].mid()), float(ends[1].mid())
    if not lo < hi:
        return []
    cuts, zones, base = _zones(lo, hi, features, resolution)
    if peak and lo < 0 < hi:
        cuts = sorted({0.0, *cuts})
    edges, nodes = [], []
    for left, right in pairwise(cuts):
        middle = (left + right) / 2
        width, fewest, fading = base, 0, 0.0
        for start, end, narrow, shape in zones:
            if start < middle < end:
                if shape is Shape.BELL:
                    width = min(width, narrow)
                else:
                    fewest = ceil(resolution.digits * log(10) / (2 * log(_GRADED))) + 2
                    fading = max(fading, 1 / narrow)
        bottom, top = exponent(left), exponent(right)
        by_length = (right - left) / (width * resolution.step)
        count = max(1, ceil(by_length), ceil(abs(top - bottom) / resolution.fall))
        length = (right - left) / count
        quarters = ceil(4 * length / width)
        for k in range(count):
            start, end = left + k * length, left + (k + 1) * length
            upper = exponent(end) if k + 1 < count else top
            drop = abs(upper - bottom) + fading * length
            bottom = upper
            edges.append(start)
            nodes.append(max(fewest, enough(quarters, ceil(drop), resolution.digits)))
    balls = [ends[0], *map(arb, edges[1:]), ends[1]]
    return [Panel(left, right, n) for (left, right), n in zip(pairwise(balls), nodes, strict=True)]


_Zone = tuple[float, float, float, Shape]


def _zones(
    lo: float, hi: float, features: Sequence[Feature], resolution: Resolution
) -> tuple[list[float], list[_Zone], float]:
    """Return where to cut, where which feature is felt, and the width of what is felt everywhere."""
    cuts, base = {lo, hi}, 1.0
    zones: list[_Zone] = []
    far = sqrt(2 * resolution.reach)
    for centre, width, shape in features:
        if shape is Shape.WAVE:
            base = min(base, width)
            continue
        extent = {Shape.BELL: far, Shape.FADING: resolution.reach, Shape.ALGEBRAIC: inf}[shape]
        start, end = max(lo, centre - extent * width), min(hi, centre + extent * width)
        if start < end:
            zones.append((start, end, width, shape))
            cuts |= {place for place in (start, centre, end) if lo < place < hi}
            if shape is not Shape.BELL:
                cuts |= _graded(start, end, centre, width * resolution.grade)
    if base < 1 and hi - lo > _MOST_WAVES * base:
        raise QuadratureError(
            f"a wave bends {(hi - lo) / base:.3g} times where the mass is: too often to follow"
        )
    return sorted(cuts), zones, base


def _graded(start: float, end: float, centre: float, width: float) -> set[float]:
    """Return cuts whose distance from the centre doubles."""
    found: set[float] = set()
    for sign, limit in ((-1, centre - start), (1, end - centre)):
        distance = width
        while distance < limit:
            if start < centre + sign * distance < end:
                found.add(centre + sign * distance)
            distance *= 2
    return found
