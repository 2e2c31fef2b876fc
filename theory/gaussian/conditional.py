r"""E[f(u) g(v)] by conditioning: an adaptive integral over u of f(u) E[g(v) | u], point by point.

The slow and general float64 method, for what Price's theorem in ``price`` leaves open: kinks of other
orders, |rho| close to 1, sums that cancel. Given u, v is Gaussian with mean (c/p) u and variance
w^2 = (pq - c^2)/p, and the mean of g is closed: pieces of polynomials against truncated moments, smoothed
atoms by variance inflation. Dirac masses of f evaluate that mean at a point; those of g exchange the roles.
The outer integral starts from panels that end at every kink, jump and scale that the integrand has, and
halves the panels until Gauss and Kronrod agree. Errors are relative to A = E|f(u) E[g(v)|u]|, which
comes back beside the value.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from theory.arithmetic.simd import fma
from theory.gaussian.given import FAR, gauss, mean_given, normal, value_at

Float = NDArray[np.float64]

_MOST_PANELS = 4000
_TARGET = 2e-15


@njit(nogil=True, cache=True, error_model="numpy")
def _masses(
    p: float, c: float, det: float, ends: Float,
    masses: Float, breaks: Float, pieces: Float, others: Float, smooth: Float,
) -> tuple[float, float]:  # fmt: skip
    """Return the part of the Dirac masses of f against all of g, and the size of its terms."""
    total = size = 0.0
    w = math.sqrt(det / p)
    for k in range(masses.shape[0]):
        a, a_low, weight = masses[k]
        front = weight * gauss(a, a_low, p)
        for j in range(breaks.size):
            ends[j] = _apart(breaks[j], 0.0, a, a_low, p, c) / (p * w)
        mean, terms = mean_given(c / p * a, w, ends[: breaks.size], breaks, pieces, smooth)
        for j in range(others.shape[0]):
            z = _apart(others[j, 0], others[j, 1], a, a_low, p, c) / (p * w)
            mass = others[j, 2] * normal(z) / w
            mean += mass
            terms += abs(mass)
        total += front * mean
        size += abs(front) * terms
    return total, size


@njit(nogil=True, cache=True, error_model="numpy")
def _apart(b: float, b_low: float, a: float, a_low: float, p: float, c: float) -> float:
    """Return b p - a c, of which near |rho| = 1 all leading digits cancel."""
    one, other = b * p, a * c
    low = fma(b, p, -one) - fma(a, c, -other) + b_low * p - a_low * c
    return (one - other) + low


@njit(nogil=True, cache=True, error_model="numpy")
def _mesh(
    points: Float, p: float, k: float, w: float,
    breaks: Float, smooth: Float, g_breaks: Float, g_smooth: Float,
) -> int:  # fmt: skip
    """Fill the ends of the first panels; return their number."""
    root, n = math.sqrt(p), 0
    for x in (0.0, 1.0, 2.0, 3.5, 5.5, 8.5, 13.0, 20.0, FAR):
        points[n], points[n + 1] = x * root, -x * root
        n += 2
    for a in breaks:
        points[n] = a
        n += 1
        if abs(a) > root:
            for x in (1.0, 4.0, 12.0, 36.0):
                points[n], points[n + 1] = a + x * p / a, a - x * p / a
                n += 2
    for i in range(smooth.shape[0]):
        n = _around(points, n, smooth[i, 2], smooth[i, 3], root)
    if k != 0.0:
        for b in g_breaks:
            n = _around(points, n, b / k, w / abs(k), root)
        for i in range(g_smooth.shape[0]):
            n = _around(points, n, g_smooth[i, 2] / k, math.hypot(w, g_smooth[i, 3]) / abs(k), root)
    limit = FAR * root
    for i in range(n):
        points[i] = min(max(points[i], -limit), limit)
    points[:n].sort()
    return n


@njit(nogil=True, cache=True, error_model="numpy")
def _around(points: Float, n: int, at: float, width: float, root: float) -> int:
    points[n] = at
    n += 1
    if width < 4.0 * root:
        for x in (1.5, 4.0, 8.0):
            points[n], points[n + 1] = at + x * width, at - x * width
            n += 2
    return n


# Kronrod's 15 nodes and the 7 of Gauss among them (QUADPACK, qk15)
_XK = np.array([
    0.991455371120812639206854697526329, 0.949107912342758524526189684047851,
    0.864864423359769072789712788640926, 0.741531185599394439863864773280788,
    0.586087235467691130294144691693452, 0.405845151377397166906606412076961,
    0.207784955007898467600689403773245, 0.0,
])  # fmt: skip
_WK = np.array([
    0.022935322010529224963732008058970, 0.063092092629978553290700663189204,
    0.104790010322250183839876322541518, 0.140653259715525918745189590510238,
    0.169004726639267902826583426598550, 0.190350578064785409913256402421014,
    0.204432940075298892414161999234649, 0.209482141084727828012999174891714,
])  # fmt: skip
_WG = np.array([
    0.129484966168869693270611432679082, 0.279705391489276667901467771423780,
    0.381830050505118944950369775488975, 0.417959183673469387755102040816327,
])  # fmt: skip


@njit(nogil=True, cache=True, error_model="numpy")
def _integrand(
    u: float, piece: int, p: float, k: float, w: float, ends: Float,
    pieces: Float, smooth: Float, g_breaks: Float, g_pieces: Float, g_smooth: Float,
) -> tuple[float, float]:  # fmt: skip
    front = value_at(u, pieces, piece, smooth) * gauss(u, 0.0, p)
    if front == 0.0:
        return 0.0, 0.0
    if w == 0.0:
        other = value_at(k * u, g_pieces, int(np.searchsorted(g_breaks, k * u)), g_smooth)
        return front * other, abs(front * other)
    for j in range(g_breaks.size):
        ends[j] = (g_breaks[j] - k * u) / w
    mean, terms = mean_given(k * u, w, ends[: g_breaks.size], g_breaks, g_pieces, g_smooth)
    return front * mean, abs(front) * terms


@njit(nogil=True, cache=True, error_model="numpy")
def _kronrod(
    low: float, high: float, p: float, k: float, w: float, ends: Float, breaks: Float,
    pieces: Float, smooth: Float, g_breaks: Float, g_pieces: Float, g_smooth: Float,
) -> tuple[float, float, float]:  # fmt: skip
    """Return a panel's integral, the size of its terms, and an error estimate."""
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    piece = int(np.searchsorted(breaks, middle))
    if smooth.shape[0] == 0 and np.all(pieces[piece] == 0.0):
        return 0.0, 0.0, 0.0
    values = np.empty(15)
    total = gauss = size = 0.0
    for i in range(8):
        for sign in (-1.0, 1.0):
            if i == 7 and sign > 0.0:
                continue
            y, terms = _integrand(
                middle + sign * half * _XK[i], piece, p, k, w, ends,
                pieces, smooth, g_breaks, g_pieces, g_smooth,
            )  # fmt: skip
            values[2 * i + (sign > 0.0)] = y
            total += _WK[i] * y
            size += _WK[i] * terms
            if i % 2 == 1:
                gauss += _WG[i // 2] * y
    spread = 0.0
    for i in range(15):
        spread += _WK[i // 2] * abs(values[i] - 0.5 * total)
    error = abs(total - gauss)
    if spread > 0.0 and error > 0.0:
        error = spread * min(1.0, (200.0 * error / spread) ** 1.5)
    return half * total, half * size, half * error


@njit(nogil=True, cache=True, error_model="numpy")
def _continuous(
    p: float, c: float, det: float, ends: Float, breaks: Float, pieces: Float, smooth: Float,
    g_breaks: Float, g_pieces: Float, g_smooth: Float,
) -> tuple[float, float, float]:  # fmt: skip
    """Return the part without masses: value, size and error."""
    k, w = c / p, math.sqrt(det / p)
    room = 32 + 9 * (breaks.size + g_breaks.size) + 7 * (smooth.shape[0] + g_smooth.shape[0])
    points = np.empty(room)
    n = _mesh(points, p, k, w, breaks, smooth, g_breaks, g_smooth)
    lows, highs = np.empty(_MOST_PANELS), np.empty(_MOST_PANELS)
    parts = np.empty((_MOST_PANELS, 3))
    count, size = 0, 0.0
    for i in range(n - 1):
        low, high = points[i], points[i + 1]
        if low < high:
            lows[count], highs[count] = low, high
            parts[count] = _kronrod(
                low, high, p, k, w, ends, breaks,
                pieces, smooth, g_breaks, g_pieces, g_smooth,
            )  # fmt: skip
            size += parts[count, 1]
            count += 1
    i = 0
    while i < count:
        middle = 0.5 * (lows[i] + highs[i])
        if parts[i, 2] > _TARGET * size and count < _MOST_PANELS and lows[i] < middle < highs[i]:
            lows[count], highs[count], highs[i] = middle, highs[i], middle
            for j in (i, count):
                parts[j] = _kronrod(
                    lows[j], highs[j], p, k, w, ends, breaks,
                    pieces, smooth, g_breaks, g_pieces, g_smooth,
                )  # fmt: skip
            count += 1
        else:
            i += 1
    total = error = size = 0.0
    for i in range(count):
        total += parts[i, 0]
        size += parts[i, 1]
        error += parts[i, 2]
    return total, size, error


@njit(nogil=True, cache=True, error_model="numpy")
def conditional_moments(
    p: Float, q: Float, c: Float, det: Float, out: Float, size: Float, error: Float,
    breaks: Float, pieces: Float, masses: Float, smooth: Float,
    g_breaks: Float, g_pieces: Float, g_masses: Float, g_smooth: Float,
) -> None:  # fmt: skip
    """Evaluate E[f(u) g(v)], the size of its terms and an error estimate.

    ``det`` is pq - c^2, to full relative accuracy; it may be 0 if neither f nor g has masses.
    """
    ends = np.empty(max(breaks.size, g_breaks.size) + 1)
    nothing = np.empty((0, 3))
    f_zero = smooth.shape[0] == 0 and np.all(pieces == 0.0)
    g_zero = g_smooth.shape[0] == 0 and np.all(g_pieces == 0.0)
    for i in range(p.size):
        one, one_size = _masses(
            p[i], c[i], det[i], ends, masses, g_breaks, g_pieces, g_masses, g_smooth
        )
        two, two_size = _masses(q[i], c[i], det[i], ends, g_masses, breaks, pieces, nothing, smooth)
        three = three_size = three_error = 0.0
        if not (f_zero or g_zero):
            three, three_size, three_error = _continuous(
                p[i], c[i], det[i], ends, breaks, pieces, smooth, g_breaks, g_pieces, g_smooth
            )
        out[i] = one + two + three
        size[i] = one_size + two_size + three_size
        error[i] = three_error
