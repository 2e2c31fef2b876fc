"""Means of an activation given the other variable, and its values: scalar code for Numba."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from theory.arithmetic.simd import fma

Float = NDArray[np.float64]

# Beyond FAR standard deviations a density is 0 in float64.
FAR = 39.0
# Error of the terms of the means, about 45 ulp; measured against balls, not proved.
TERM_ERROR = 1e-14
_CLOSED = 1.5
_TAIL = 4.0
_GAUSS, _GAUSS_W = np.polynomial.legendre.leggauss(12)


@njit(nogil=True, cache=True, error_model="numpy")
def polynomial(row: Float, x: float) -> float:
    """Return a polynomial, constant term first."""
    value = 0.0
    for k in range(row.size - 1, -1, -1):
        value = value * x + row[k]
    return value


@njit(nogil=True, cache=True, error_model="numpy")
def normal(x: float) -> float:
    """Return the standard normal density."""
    return 0.3989422804014327 * math.exp(-0.5 * x * x)


@njit(nogil=True, cache=True, error_model="numpy")
def gauss(x: float, low: float, p: float) -> float:
    """Return the density of N(0, p) at x + low, the exponent to twice the digits."""
    square = x * x
    exponent = square / (2.0 * p)
    rest = fma(-exponent, 2.0 * p, square) + fma(x, x, -square) + 2.0 * x * low
    return 0.3989422804014327 / math.sqrt(p) * math.exp(-exponent) * (1.0 - rest / (2.0 * p))


@njit(nogil=True, cache=True, error_model="numpy")
def _panel(row: Float, at: float, w: float, z: float, offset: float, width: float) -> float:
    """Return the integral of row(v) phi over z + offset < z' < z + offset + width, v = at + w (z' - z).

    Places are counted from a breakpoint, where v is exact: far from the mean v = mean + w z' is not.
    """
    half, total = 0.5 * width, 0.0
    for k in range(_GAUSS.size):
        step = offset + half * (1.0 + _GAUSS[k])
        total += _GAUSS_W[k] * polynomial(row, at + w * step) * normal(z + step)
    return half * total


@njit(nogil=True, cache=True, error_model="numpy")
def _piece(
    row: Float, mean: float, w: float, low: float, high: float, left: float, right: float
) -> float:
    """Return the integral of row(mean + w z) phi(z) over (low, high), that is over v in (left, right)."""
    if low > FAR or high < -FAR:
        return 0.0
    if (right - left) / w <= _CLOSED:
        # The difference of far and narrow ends z would have lost the width.
        return _panel(row, left, w, low, 0.0, (right - left) / w)
    if low > _TAIL or high < -_TAIL:
        sign, edge, at = (1.0, low, left) if low > _TAIL else (-1.0, -high, right)
        total, start, end = 0.0, 0.0, min((right - left) / w, 2.0 * FAR)
        for reach in (3.0, 9.0, 20.0, 40.0):
            stop = min(reach / edge, end)
            if stop > start:
                offset = start if sign > 0.0 else -stop
                total += _panel(row, at, w, sign * edge, offset, stop - start)
            start = stop
        return total
    low, high = max(low, -FAR), min(high, FAR)
    if low > 0.0:
        mass = 0.5 * (math.erfc(low * math.sqrt(0.5)) - math.erfc(high * math.sqrt(0.5)))
    elif high < 0.0:
        mass = 0.5 * (math.erfc(-high * math.sqrt(0.5)) - math.erfc(-low * math.sqrt(0.5)))
    else:
        mass = 0.5 * (math.erf(high * math.sqrt(0.5)) - math.erf(low * math.sqrt(0.5)))
    # E[(mean + w z)^k] on the piece: Stein again, boundary terms at both ends.
    lower, upper = normal(low), normal(high)
    total = row[0] * mass
    older, newer = 0.0, mass
    at_low, at_high = mean + w * low, mean + w * high
    low_power, high_power = 1.0, 1.0
    for k in range(1, row.size):
        step = mean * newer + w * ((k - 1) * w * older + low_power * lower - high_power * upper)
        older, newer = newer, step
        low_power *= at_low
        high_power *= at_high
        total += row[k] * newer
    return total


@njit(nogil=True, cache=True, error_model="numpy")
def _smooth_mean(atom: Float, mean: float, w: float) -> float:
    """Return E[atom(v)], v ~ N(mean, w^2), a step counted from its half."""
    coefficient, power, a, e, step = atom[0], int(atom[1]), atom[2], atom[3], atom[4]
    total = math.sqrt(w * w + e * e)
    z = (a - mean) / total
    density = normal(z) / total
    center = (mean * e * e + a * w * w) / (total * total)
    spread = (w * e / total) ** 2
    # powers of v where the smoothed step fires exactly at a
    older, given = 0.0, density
    if step == 0.0:
        for k in range(1, power + 1):
            older, given = given, center * given + (k - 1) * spread * older
        return coefficient * given
    before, value = 0.0, -0.5 * math.erf(z * math.sqrt(0.5))
    for k in range(1, power + 1):
        before, value = value, mean * value + w * w * ((k - 1) * before + given)
        older, given = given, center * given + k * spread * older
    return coefficient * value


@njit(nogil=True, cache=True, error_model="numpy")
def value_at(x: float, pieces: Float, piece: int, smooth: Float) -> float:
    """Return the function at x, which lies in the given piece."""
    total = polynomial(pieces[piece], x)
    for k in range(smooth.shape[0]):
        e = smooth[k, 3]
        z = (x - smooth[k, 2]) / e
        shape = 0.5 * math.erf(z * math.sqrt(0.5)) if smooth[k, 4] == 1.0 else normal(z) / e
        total += smooth[k, 0] * x ** int(smooth[k, 1]) * shape
    return total


@njit(nogil=True, cache=True, error_model="numpy")
def mean_given(
    mean: float, w: float, ends: Float, breaks: Float, pieces: Float, smooth: Float
) -> tuple[float, float]:
    """Return E[g(v)], v ~ N(mean, w^2), and the size of its terms; ends = (breaks - mean)/w."""
    total = size = 0.0
    nearest = np.inf
    for j in range(ends.size + 1):
        if np.any(pieces[j] != 0.0):
            nearest = min(nearest, _distance(ends, j))
    for j in range(ends.size + 1):
        # What lies further out than this is below 1e-18 of what does not.
        if _distance(ends, j) ** 2 < nearest**2 + 84.0 and np.any(pieces[j] != 0.0):
            inner_low, inner_high = j > 0, j < ends.size
            low = ends[j - 1] if inner_low else -np.inf
            high = ends[j] if inner_high else np.inf
            left = breaks[j - 1] if inner_low else -np.inf
            right = breaks[j] if inner_high else np.inf
            part = _piece(pieces[j], mean, w, low, high, left, right)
            total += part
            size += abs(part)
    for k in range(smooth.shape[0]):
        part = _smooth_mean(smooth[k], mean, w)
        total += part
        size += abs(part)
    return total, size


@njit(nogil=True, cache=True, error_model="numpy")
def _distance(ends: Float, j: int) -> float:
    """Return how far from 0 piece j begins."""
    low = ends[j - 1] if j > 0 else -np.inf
    high = ends[j] if j < ends.size else np.inf
    return max(low, -high, 0.0)


@njit(nogil=True, cache=True, error_model="numpy")
def means(p: Float, out: Float, size: Float, breaks: Float, pieces: Float, smooth: Float) -> None:
    """Fill E[f(u)], u ~ N(0, p), p > 0, and the size of its terms."""
    ends = np.empty(breaks.size)
    for i in range(p.size):
        w = math.sqrt(p[i])
        for j in range(breaks.size):
            ends[j] = breaks[j] / w
        out[i], size[i] = mean_given(0.0, w, ends, breaks, pieces, smooth)
