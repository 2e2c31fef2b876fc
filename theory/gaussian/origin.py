"""Pairs that Price's theorem settles at once: masses at the origin, and functions with one kink there."""

import math

import numpy as np
from numba import njit

from theory.arithmetic.simd import INV_SQRT_2PI, lag, pointer, wide
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


@njit(inline="always")
def _turn(det: float, c: float) -> tuple[float, float, float, bool]:
    """Return sqrt(det) and |c|, the tan of the smaller of arcsin|rho| and arccos|rho|, and whether that is arccos."""
    rest, size = math.sqrt(max(det, 0.0)), abs(c)
    flat = size > rest
    return rest, size, (rest if flat else size) / (size if flat else rest), flat


@njit(nogil=True, cache=True, error_model="numpy")
def step_products(
    p: Float, q: Float, c: Float, det: Float, out: Float, status: Status,
    constant: float, weight: float, e2: float, d2: float,
) -> None:  # fmt: skip
    """Evaluate ``constant`` + ``weight`` E[f(u) g(v)], f and g signs smoothed by noise (claims T13, T15).

    ``e2`` and ``d2`` are the variances of the noise.
    """
    wide()
    for i in range(p.size):
        inside = (p[i] >= 1e-75) & (q[i] >= 1e-75) & (p[i] <= 1e75) & (q[i] <= 1e75)
        inside &= det[i] > 0.0
        _, _, x, flat = _turn(det[i] + (p[i] * d2 + q[i] * e2) + e2 * d2, c[i])
        signed = weight if c[i] >= 0.0 else -weight
        # From its limit, or from its value at 0: whatever is nearer.
        start = constant + signed if flat else constant
        move = (x - lag(x)) * ((-signed if flat else signed) * (2.0 / math.pi))
        out[i] = start + move
        lost = (abs(start) + abs(move)) * TERM_ERROR > 1e-13 * abs(out[i])
        status[i] = NOT_INSIDE if not inside else OTHER_WAY * lost


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
    one, other = same / TWO_PI, opposite / TWO_PI
    for i in range(p.size):
        inside = (p[i] >= 1e-75) & (q[i] >= 1e-75) & (p[i] <= 1e75) & (q[i] <= 1e75)
        inside &= det[i] > 0.0
        rest, size, x, flat = _turn(det[i], c[i])
        # x - arctan(x) = J(arctan x)/cos(arctan x): one polynomial is the angle and the small J.
        late = lag(x)
        angle = x - late if flat else (0.5 * math.pi - x) + late
        small = size * late if flat else rest - angle * size
        large = rest + (math.pi - angle) * size
        positive = c[i] >= 0.0
        near, far = (large, small) if positive else (small, large)
        out[i] = one * near + other * far
        terms = abs(one) * near + abs(other) * far
        lost = terms * TERM_ERROR > 1e-13 * abs(out[i])
        status[i] = NOT_INSIDE if not inside else OTHER_WAY * lost
