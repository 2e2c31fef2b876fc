"""Paths of the gap from correlation 1: where they begin and end, and how fine their nodes have to be."""

import math

import numpy as np
from numba import njit

from theory.arithmetic.simd import CENTRE, upper, within
from theory.gaussian.lanes import Float

# exp(-x^2 v^2/2) from here on counts no more, x the innermost kink
FAR = 8.6


@njit(nogil=True, error_model="numpy")
def places(table: Float) -> tuple[float, float, float]:
    """Return the least distance between kinks at +-a, the least a, and the greatest."""
    nearest = inner = np.inf
    outer = 0.0
    for one in table:
        inner, outer = min(inner, one[1]), max(outer, one[1])
        for other in table:
            for distance in (abs(one[1] - other[1]), one[1] + other[1]):
                if distance > 0.0:
                    nearest = min(nearest, distance)
    return nearest, inner, outer


@njit(nogil=True, error_model="numpy")
def asinh(x: float) -> float:
    """Return asinh(x) for x >= 0."""
    return math.log1p(x + x * x / (1.0 + math.sqrt(1.0 + x * x)))


@njit(nogil=True, error_model="numpy")
def nearest(p: float, less: float, table: Float, at: tuple[float, float, float]) -> float:
    """Return the least |x - y| of kinks, in standard deviations; ``less`` is 1/sqrt(p) - 1/sqrt(q)."""
    rp = 1.0 / math.sqrt(p)
    if less == 0.0:
        return at[0] * rp
    nearest = np.inf
    for one in table:
        for other in table:
            difference = abs((one[1] - other[1]) * rp + other[1] * less)
            if difference > 0.0:
                nearest = min(nearest, difference)
    return nearest


@njit(nogil=True, error_model="numpy")
def path(
    p: float, q: float, excess: float, delta: float, e2: float, d2: float,
    table: Float, at: tuple[float, float, float],
) -> tuple[float, float, float, float, float]:  # fmt: skip
    """Return V, kappa, the start and length of the path in tau, and 1/sqrt(P) - 1/sqrt(Q).

    P and Q are the variances with noise, e2 and d2, added.
    """
    P, Q = p + e2, q + d2
    one, other = math.sqrt(P), math.sqrt(Q)
    S, m = one * other, math.sqrt(p) * math.sqrt(q)
    less = (d2 - e2 - excess) / (S * (one + other))
    below = (p * d2 + q * e2 + e2 * d2) / (S + m)
    above = below + m * delta
    V, V0 = math.sqrt(above / (2.0 * S - above)), math.sqrt(below / (S + m))
    # V^2 - V0^2 = 2 S m delta/((S + c)(S + m))
    squares = 2.0 * S * m * delta / ((2.0 * S - above) * (S + m))
    end, inner = V, at[1] / max(one, other)
    if inner * V > FAR:
        end = max(FAR / inner, V0)
        squares = (end - V0) * (end + V0)
    kappa = min(end, 0.05 * nearest(P, less, table, at))
    if inner > 0.0:
        kappa = min(kappa, 2.0 * min(one, other) / at[1])
    # A layer so thin takes no part in a sum of fourteen digits.
    kappa = max(kappa, 1e-15 * end)
    z, z0 = end / kappa, V0 / kappa
    squares /= kappa * kappa
    length = asinh(squares / (z * math.sqrt(1.0 + z0 * z0) + z0 * math.sqrt(1.0 + z * z)))
    return V, kappa, asinh(z0), length, less


@njit(nogil=True, error_model="numpy")
def between(low: float, high: float) -> float:
    """Return P(low < |Z| < high), 0 where there is nothing between."""
    if low >= high:
        return 0.0
    if high < CENTRE:
        return within(high) - within(low)
    beyond = 0.0 if high == np.inf else 2.0 * upper(high)
    return ((1.0 - within(low)) if low < CENTRE else 2.0 * upper(low)) - beyond
