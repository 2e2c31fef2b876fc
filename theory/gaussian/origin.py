"""Pairs that Price's theorem settles at once: masses at the origin, and functions with one kink there."""

import math

import numpy as np
from numba import njit

from theory.arithmetic.simd import INV_SQRT_2PI, arctan, pointer, wide
from theory.gaussian.lanes import (
    A0,
    A1,
    ALL_DET,
    ALL_P,
    ALL_Q,
    CHUNK,
    DONE,
    LANES,
    NOT_INSIDE,
    OTHER_WAY,
    P_,
    Q_,
    SCRATCH,
    TERM_ERROR,
    TWO_PI,
    Float,
    Status,
    check,
)
from theory.gaussian.means import F0, F1, F2, means

# sin t - t cos t = t^3 sum_k (-1)^k t^(2k) (2k+2)/(2k+3)!, highest first
_J = np.array([(-1) ** k * (2 * k + 2) / math.factorial(2 * k + 3) for k in range(10, -1, -1)])


@njit(nogil=True, cache=True, error_model="numpy")
def mass_moments(
    p: Float, q: Float, c: Float, det: Float, out: Float, status: Status,  # noqa: ARG001
    weight: float, e2: float, g_poly: Float, g_table: Float, g_scales: Float,
) -> None:  # fmt: skip
    """Evaluate E[f(u) g(v)] of a mass f at the origin (variance e2) against kinks g.

    Given that the noisy u vanishes, v is centred Gaussian of variance (pq - c^2 + q e2)/(p + e2).
    """
    wide()
    memory = np.empty(SCRATCH)
    s = pointer(memory)
    for begin in range(0, p.size, CHUNK):
        n = min(CHUNK, p.size - begin)
        state = status[begin : begin + n]
        for i in range(n):
            s[ALL_P + i] = p[begin + i]
            s[ALL_Q + i] = q[begin + i]
            s[ALL_DET + i] = det[begin + i]
        check(s, n, state)
        for first in range(0, n, LANES):
            lanes = min(LANES, n - first)
            for i in range(lanes):
                P = s[ALL_P + first + i] + e2
                rest = s[ALL_DET + first + i] + s[ALL_Q + first + i] * e2
                s[P_ + i] = max(rest, 0.0) / P
                s[Q_ + i] = weight * INV_SQRT_2PI / math.sqrt(P)
            means(s, lanes, P_, g_poly, g_table, g_scales, F0, F1, F2)
            for i in range(lanes):
                s[A0 + i] = s[Q_ + i] * s[F0 + i]
                s[A1 + i] = abs(s[Q_ + i]) * s[F0 + LANES + i]
            for i in range(lanes):
                total = s[A0 + i]
                out[begin + first + i] = total
                lost = s[A1 + i] * TERM_ERROR > 1e-13 * abs(total)
                state[first + i] = max(state[first + i], OTHER_WAY * lost)
    memory[0] = 0.0  # keeps the array alive behind its pointer


@njit(nogil=True, cache=True, error_model="numpy")
def mass_products(
    p: Float, q: Float, c: Float, det: Float, out: Float, status: Status,  # noqa: ARG001
    weight: float, e2: float, d2: float,
) -> None:  # fmt: skip
    """Evaluate E[f(u) g(v)] of two masses at the origin, of variances e2 and d2."""
    wide()
    for i in range(p.size):
        inside = (p[i] >= 1e-75) & (q[i] >= 1e-75) & (p[i] <= 1e75) & (q[i] <= 1e75)
        inside &= det[i] > 0.0
        noisy = det[i] + (p[i] * d2 + q[i] * e2) + e2 * d2
        out[i] = weight / (TWO_PI * math.sqrt(max(noisy, 1e-300)))
        status[i] = DONE if inside else NOT_INSIDE


@njit(nogil=True, cache=True, error_model="numpy")
def sign_products(
    p: Float, q: Float, c: Float, det: Float, out: Float, status: Status,
    weight: float, e2: float, d2: float,
) -> None:  # fmt: skip
    """Evaluate E[f(u) g(v)] of two signs, smoothed by noise of variances e2 and d2 (claims T13, T15)."""
    wide()
    for i in range(p.size):
        inside = (p[i] >= 1e-75) & (q[i] >= 1e-75) & (p[i] <= 1e75) & (q[i] <= 1e75)
        inside &= det[i] > 0.0
        noisy = det[i] + (p[i] * d2 + q[i] * e2) + e2 * d2
        rest, size = math.sqrt(max(noisy, 0.0)), abs(c[i])
        angle = arctan(min(rest, size) / max(rest, size))
        angle = 0.5 * math.pi - angle if size > rest else angle
        out[i] = weight * angle * math.copysign(2.0 / math.pi, c[i])
        status[i] = DONE if inside else NOT_INSIDE


@njit(nogil=True, cache=True, error_model="numpy")
def slope_products(
    p: Float, q: Float, c: Float, det: Float, out: Float, status: Status,
    same: float, opposite: float,
) -> None:  # fmt: skip
    """Evaluate E[f(u) g(v)], f(x) = f_+ max(x, 0) + f_- max(-x, 0) and g alike (claim T18).

    ``same`` is f_+ g_+ + f_- g_-, ``opposite`` f_+ g_- + f_- g_+. With J(t) = sin t - t cos t the value is
    sqrt(pq)/(2 pi) (same J(pi - arccos rho) + opposite J(arccos rho)): no term is lost at either end.
    """
    wide()
    for i in range(p.size):
        inside = (p[i] >= 1e-75) & (q[i] >= 1e-75) & (p[i] <= 1e75) & (q[i] <= 1e75)
        inside &= det[i] > 0.0
        root, rest = math.sqrt(p[i] * q[i]), math.sqrt(max(det[i], 0.0))
        size = abs(c[i])
        # angles of |rho|: sharp = arccos, blunt = pi - arccos, and tan of half the sharp one
        half = rest / (root + size)
        sharp = 2.0 * arctan(min(half, 1.0))
        square = sharp * sharp
        series = _J[0]
        for k in range(1, _J.size):
            series = series * square + _J[k]
        direct = rest - sharp * size
        small = root * sharp * square * series if sharp < 1.0 else direct
        large = rest + (math.pi - sharp) * size
        positive = c[i] >= 0.0
        near, far = (large, small) if positive else (small, large)
        out[i] = (same * near + opposite * far) / TWO_PI
        terms = (abs(same) * near + abs(opposite) * far) / TWO_PI
        lost = terms * TERM_ERROR > 1e-13 * abs(out[i])
        status[i] = NOT_INSIDE if not inside else OTHER_WAY * lost
