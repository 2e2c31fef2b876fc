"""Compiled passes over the points of a tile: what a layer does beside its Gaussian expectations."""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from theory.arithmetic.simd import wide
from theory.gaussian.lanes import determinant

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Status = NDArray[np.int8]


@njit(nogil=True, cache=True, error_model="numpy")
def spread(one: Float, other: Float, rows: Int, starts: Int, stop: int, p: Float, q: Float) -> None:
    """Fill the variances of every point: row ``rows[r]`` meets columns ``starts[r]`` to ``stop - 1``."""
    at = 0
    for r in range(starts.size):
        n = stop - starts[r]
        p[at : at + n] = one[rows[r]]
        q[at : at + n] = other[starts[r] : stop]
        at += n


@njit(nogil=True, cache=True, error_model="numpy")
def first(
    inner: Float, det: Float, apart: Float, scale: float, shift: float,
    p: Float, q: Float, c: Float, near: float, noise: float,
) -> tuple[int, int]:  # fmt: skip
    """Turn second moments of the inputs into those of the first layer, scale * moments + shift.

    Returns how many pairs are near, and of how many the determinant is 0. Of it no digit is lost:
    det + scale * shift * E(u - v)^2 is a sum of positive terms.
    """
    wide()
    bad = close = flat = 0
    for k in range(c.size):
        det[k] = scale * (scale * det[k] + shift * apart[k])
        apart[k] = scale * apart[k]
        c[k] = scale * inner[k] + shift
        bad += (determinant(p[k], q[k], c[k]) < 0.0) | (det[k] == 0.0)
        flat += det[k] == 0.0
        close += is_near(p[k], q[k], det[k], near, noise)
    if bad:
        for k in range(c.size):
            if (determinant(p[k], q[k], c[k]) < 0.0) | (det[k] == 0.0):
                c[k] = _bound(p[k], q[k], c[k])
    return close, flat


@njit(nogil=True, error_model="numpy")
def is_near(p: float, q: float, det: float, near: float, noise: float) -> bool:
    """Whether rounding of p, q and c could be seen in the next layers."""
    return (det < near * (p * q)) & (det > 0.0) & (max(p, q) > noise)


@njit(nogil=True, error_model="numpy")
def _near(p: Float, q: Float, det: Float, near: float, noise: float) -> int:
    """Return how many points are near."""
    wide()
    count = 0
    for k in range(p.size):
        count += is_near(p[k], q[k], det[k], near, noise)
    return count


@njit(nogil=True, cache=True, error_model="numpy")
def near_points(p: Float, q: Float, det: Float, near: float, noise: float) -> NDArray[np.intp]:
    """Return which points are near, in ascending order."""
    which = np.empty(p.size, np.intp)
    count = 0
    for begin in range(0, p.size, 256):
        here = slice(begin, begin + 256)
        # They are few: most stretches are passed at once.
        if _near(p[here], q[here], det[here], near, noise):
            for k in range(begin, min(begin + 256, p.size)):
                if is_near(p[k], q[k], det[k], near, noise):
                    which[count] = k
                    count += 1
    return which[:count].copy()


@njit(nogil=True, error_model="numpy")
def _bound(p: float, q: float, c: float) -> float:
    """Return what Cauchy and Schwarz allow: rounding may leave parallel inputs outside."""
    return math.copysign(p if p == q else math.sqrt(p) * math.sqrt(q), c)


@njit(nogil=True, cache=True, error_model="numpy")
def advance(
    values: Float,
    scale: float,
    shift: float,
    p: Float,
    q: Float,
    c: Float,
    det: Float,
    near: float,
    noise: float,
) -> tuple[int, int]:
    """Turn E[sigma(u) sigma(v)] into the covariance of the next layer and its determinant; return as ``first``."""
    wide()
    bad = close = flat = 0
    for k in range(c.size):
        value = scale * values[k] + shift
        product = determinant(p[k], q[k], value)
        c[k] = value
        # What rounding of p, q and c may have made of 0 is 0.
        det[k] = product if product > 2.0**-51 * (p[k] * q[k]) else 0.0
        bad += product < 0.0
        flat += det[k] == 0.0
        close += is_near(p[k], q[k], det[k], near, noise)
    if bad:
        for k in range(c.size):
            if determinant(p[k], q[k], c[k]) < 0.0:
                c[k] = _bound(p[k], q[k], c[k])
    return close, flat


@njit(nogil=True, cache=True, error_model="numpy")
def grow(
    theta: Float, slopes: Float, scale: float, values: Float, weight: float, bias: float
) -> int:
    """Add a layer to a tangent kernel; return the first point where it is not finite, or -1."""
    wide()
    bad = 0
    for k in range(theta.size):
        slope = slopes[k]
        theta[k] = (weight * values[k] + bias) + theta[k] * (scale * slope)
        bad += not abs(slope) < np.inf
    if bad:
        for k in range(theta.size):
            if not abs(slopes[k]) < np.inf:
                return k
    return -1


@njit(nogil=True, cache=True, error_model="numpy")
def store(values: Float, starts: Int, left: int, stop: int, out: NDArray[np.floating[Any]]) -> None:
    """Write points to a tile whose columns begin at ``left``."""
    at = 0
    for r in range(starts.size):
        for j in range(starts[r], stop):
            out[r, j - left] = values[at]
            at += 1


@njit(nogil=True, cache=True, error_model="numpy")
def store_mirrored(
    values: Float, starts: Int, left: int, stop: int, out: NDArray[np.floating[Any]]
) -> None:
    """Write points to the mirrored tile, a few columns at a time: both sides then go through whole cache lines."""
    for begin in range(left, stop, 8):
        end = min(begin + 8, stop)
        at = 0
        for r in range(starts.size):
            for j in range(max(begin, starts[r]), end):
                out[j - left, r] = values[at + j - starts[r]]
            at += stop - starts[r]
