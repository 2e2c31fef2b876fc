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
) -> int:  # fmt: skip
    """Evaluate E[f(u) g(v)] of a mass f at the origin (variance e2) against kinks g; return how many points are left.

    Given that the noisy u vanishes, v is centred Gaussian of variance (pq - c^2 + q e2)/(p + e2).
    """
    wide()
    memory = np.empty(SCRATCH)
    s = pointer(memory)
    left = 0
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
                left += state[first + i] != DONE
    memory[0] = 0.0  # keeps the array alive behind its pointer
    return left


@njit(inline="always")
def _inside(p: float, q: float, det: float) -> bool:
    """Whether closed forms hold: variances in range, and |c| <= sqrt(pq), the ends included."""
    return (p >= 1e-75) & (q >= 1e-75) & (p <= 1e75) & (q <= 1e75) & (det >= 0.0)


@njit(inline="always")
def _turn(det: float, c: float) -> tuple[float, float, float, float, bool]:
    """Return sqrt(det), its inverse, |c|, the tan of the lesser of arcsin|rho| and arccos|rho|, whether the latter."""
    rest, size = math.sqrt(max(det, 0.0)), abs(c)
    flat = size > rest
    small, large = (rest, size) if flat else (size, rest)
    # One division for both quotients, on the line too, where the root is 0.
    safe = max(rest, 1e-150)
    inverse = 1.0 / (safe * large)
    return rest, large * inverse, size, small * (safe * inverse), flat


@njit(inline="always")
def _arc(
    turn: tuple[float, float, float, float, bool], late: float, c: float, constant: float, weight: float
) -> tuple[float, bool]:  # fmt: skip
    """Return constant + weight 2/pi arcsin(rho), and whether digits are lost; ``late`` is lag of the tan."""
    _, _, _, x, flat = turn
    signed = weight if c >= 0.0 else -weight
    # From its limit, or from its value at 0: whatever is nearer.
    start = constant + signed if flat else constant
    move = (x - late) * ((-signed if flat else signed) * (2.0 / math.pi))
    value = start + move
    return value, (abs(start) + abs(move)) * TERM_ERROR > 1e-13 * abs(value)


@njit(inline="always")
def _ramp(
    turn: tuple[float, float, float, float, bool], late: float, c: float, one: float, other: float
) -> tuple[float, bool]:  # fmt: skip
    """Return one J(pi - t) + other J(t) times sqrt(pq), t = arccos(rho), J(t) = sin t - t cos t; and as ``_arc``."""
    rest, _, size, x, flat = turn
    # x - arctan(x) = J(arctan x)/cos(arctan x): one polynomial is the angle and the small J.
    angle = x - late if flat else (0.5 * math.pi - x) + late
    small = size * late if flat else rest - angle * size
    large = rest + (math.pi - angle) * size
    positive = c >= 0.0
    near, far = (large, small) if positive else (small, large)
    value = one * near + other * far
    return value, (abs(one) * near + abs(other) * far) * TERM_ERROR > 1e-13 * abs(value)


@njit(nogil=True, cache=True, error_model="numpy")
def mass_products(
    p: Float, q: Float, c: Float, det: Float, out: Float, status: Status,
    weight: float, e2: float, d2: float,
) -> int:  # fmt: skip
    """Evaluate E[f(u) g(v)] of two masses at the origin, of variances e2 and d2; return how many points are left."""
    wide()
    left = 0
    for i in range(p.size):
        noisy = det[i] + (p[i] * d2 + q[i] * e2) + e2 * d2
        _, inverse, _, _, _ = _turn(noisy, c[i])
        out[i] = weight / TWO_PI * inverse
        good = _inside(p[i], q[i], det[i]) & (noisy > 0.0)
        status[i] = DONE if good else NOT_INSIDE
        left += not good
    return left


@njit(nogil=True, cache=True, error_model="numpy")
def step_products(
    p: Float, q: Float, c: Float, det: Float, out: Float, status: Status,
    constant: float, weight: float, e2: float, d2: float,
) -> int:  # fmt: skip
    """Evaluate ``constant`` + ``weight`` E[f(u) g(v)], f and g signs smoothed by noise (claims T13, T15).

    ``e2`` and ``d2`` are the variances of the noise. Returns how many points are left.
    """
    wide()
    left = 0
    for i in range(p.size):
        turn = _turn(det[i] + (p[i] * d2 + q[i] * e2) + e2 * d2, c[i])
        out[i], lost = _arc(turn, lag(turn[3]), c[i], constant, weight)
        inside = _inside(p[i], q[i], det[i])
        status[i] = NOT_INSIDE if not inside else OTHER_WAY * lost
        left += lost | (not inside)
    return left


@njit(nogil=True, cache=True, error_model="numpy")
def slope_products(
    p: Float, q: Float, c: Float, det: Float, out: Float, status: Status,
    same: float, opposite: float,
) -> int:  # fmt: skip
    """Evaluate E[f(u) g(v)], f(x) = f_+ max(x, 0) + f_- max(-x, 0) and g alike (claim T18).

    ``same`` is f_+ g_+ + f_- g_-, ``opposite`` f_+ g_- + f_- g_+. The value is
    sqrt(pq)/(2 pi) (same J(pi - arccos rho) + opposite J(arccos rho)): no term is lost at either end.
    Returns how many points are left.
    """
    wide()
    one, other = same / TWO_PI, opposite / TWO_PI
    left = 0
    for i in range(p.size):
        turn = _turn(det[i], c[i])
        out[i], lost = _ramp(turn, lag(turn[3]), c[i], one, other)
        inside = _inside(p[i], q[i], det[i])
        status[i] = NOT_INSIDE if not inside else OTHER_WAY * lost
        left += lost | (not inside)
    return left


@njit(nogil=True, cache=True, error_model="numpy")
def step_and_mass_products(
    p: Float, q: Float, c: Float, det: Float, out: Float, slopes: Float,
    constant: float, weight: float, mass: float, e2: float, d2: float,
) -> int:  # fmt: skip
    """Evaluate ``step_products``, and ``mass_products`` of the derivatives as ``slopes``: they share a root.

    Returns how many points one of these would have left; the values are theirs to the last bit.
    """
    wide()
    left = 0
    for i in range(p.size):
        noisy = det[i] + (p[i] * d2 + q[i] * e2) + e2 * d2
        turn = _turn(noisy, c[i])
        out[i], lost = _arc(turn, lag(turn[3]), c[i], constant, weight)
        slopes[i] = mass / TWO_PI * turn[1]
        left += lost | (not (_inside(p[i], q[i], det[i]) & (noisy > 0.0)))
    return left


@njit(nogil=True, cache=True, error_model="numpy")
def slope_and_step_products(
    p: Float, q: Float, c: Float, det: Float, out: Float, slopes: Float,
    same: float, opposite: float, constant: float, weight: float,
) -> int:  # fmt: skip
    """Evaluate ``slope_products``, and ``step_products`` of the derivatives as ``slopes``: they share an angle.

    Returns how many points one of these would have left; the values are theirs to the last bit.
    """
    wide()
    one, other = same / TWO_PI, opposite / TWO_PI
    left = 0
    for i in range(p.size):
        turn = _turn(det[i], c[i])
        late = lag(turn[3])
        out[i], lost = _ramp(turn, late, c[i], one, other)
        slopes[i], gone = _arc(turn, late, c[i], constant, weight)
        left += lost | gone | (not _inside(p[i], q[i], det[i]))
    return left


@njit(nogil=True, cache=True, error_model="numpy")
def angle_gaps(delta: Float, by_delta: float, by_angle: float, by_lag: float, out: Float) -> None:
    """Fill by_delta delta + by_angle t + by_lag J(t), t = arccos(1 - delta) up to pi/4, J(t) = sin t - t cos t."""
    wide()
    for i in range(delta.size):
        rho = 1.0 - delta[i]
        x = math.sqrt(delta[i] * (1.0 + rho)) / rho
        late = lag(x)
        out[i] = by_delta * delta[i] + by_angle * (x - late) + by_lag * (rho * late)
