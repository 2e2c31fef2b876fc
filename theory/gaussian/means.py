"""Means of kinks and of their derivatives, in lanes: what Price's theorem starts from at c = 0."""

import math

from numba import njit

from theory.arithmetic.simd import CENTRE, INV_SQRT_2PI, gauss, upper, wide, within
from theory.gaussian.lanes import (
    A0,
    A1,
    ALL_C,
    ALL_P,
    ALL_Q,
    ALL_SIZE,
    ALL_VALUE,
    C_,
    LANES,
    NODES,
    P_,
    Q_,
    Float,
)

F0, F1, F2, G0, G1, G2 = (NODES + LANES * i for i in (0, 3, 6, 8, 11, 14))


@njit(nogil=True, error_model="numpy")
def means(
    s: Float, lanes: int, V: int, poly: Float, table: Float, scales: Float, M0: int, M1: int, M2: int
) -> None:  # fmt: skip
    """Fill rows: E f and its size (M0), E f' without its masses and its size (M1), the masses of f' (M2)."""
    wide()
    up = LANES
    for i in range(lanes):
        s[M0 + i], s[M0 + up + i] = poly[0], 0.0
        s[M1 + i], s[M1 + up + i] = poly[1], 0.0
        s[M0 + 2 * up + i] = s[M1 + 2 * up + i] = 0.0
        s[M2 + i] = s[M2 + up + i] = 0.0
    for j in range(scales.shape[0]):
        e2 = scales[j, 0]
        for row in range(int(scales[j, 1]), int(scales[j, 2])):
            k, a, right, left = table[row, 0], table[row, 1], table[row, 4], table[row, 5]
            even, odd = right + left, right - left
            target = M0 if k == 0.0 else M1
            weight = even if k == 0.0 else odd
            if weight != 0.0:
                for i in range(lanes):
                    x = a / math.sqrt(s[V + i] + e2)
                    near = x < CENTRE
                    inner, outer = -0.5 * weight * within(min(x, CENTRE)), weight * upper(x)
                    # P(Z > x) = 1/2 - P(|Z| < x)/2: the halves meet the constant, exactly.
                    s[target + i] += 0.5 * weight if near else 0.0
                    s[target + up + i] += inner if near else outer
                    s[target + 2 * up + i] += abs(inner) if near else abs(outer)
            if k == 0.0 and odd != 0.0:
                for i in range(lanes):
                    root = 1.0 / math.sqrt(s[V + i] + e2)
                    mass = odd * INV_SQRT_2PI * gauss(a * root) * root
                    s[M2 + i] += mass
                    s[M2 + up + i] += abs(mass)
            if k == 1.0 and even != 0.0:
                for i in range(lanes):
                    root = math.sqrt(s[V + i] + e2)
                    x = a / root
                    top = even * root * INV_SQRT_2PI * gauss(x)
                    s[M0 + up + i] += top - even * a * upper(x)
                    s[M0 + 2 * up + i] += abs(top)
    for row in (M0, M1):
        for i in range(lanes):
            size = abs(s[row + i]) + s[row + 2 * up + i]
            s[row + i] += s[row + up + i]
            s[row + up + i] = size


@njit(nogil=True, error_model="numpy")
def bases(
    s: Float, n: int,
    f_poly: Float, f_table: Float, f_scales: Float, g_poly: Float, g_table: Float, g_scales: Float,
) -> None:  # fmt: skip
    """Fill E f E g + c E f' E g', what the path starts from, and the size of its terms."""
    wide()
    for first in range(0, n, LANES):
        lanes = min(LANES, n - first)
        for i in range(lanes):
            s[P_ + i], s[Q_ + i] = s[ALL_P + first + i], s[ALL_Q + first + i]
            s[C_ + i] = s[ALL_C + first + i]
        means(s, lanes, P_, f_poly, f_table, f_scales, F0, F1, F2)
        means(s, lanes, Q_, g_poly, g_table, g_scales, G0, G1, G2)
        for i in range(lanes):
            c = s[C_ + i]
            one = s[F0 + i] * s[G0 + i]
            two = c * (s[F1 + i] * (s[G1 + i] + s[G2 + i]) + s[F2 + i] * s[G1 + i])
            s[A0 + i] = one + two
            masses = s[F1 + LANES + i] * (s[G1 + LANES + i] + s[G2 + LANES + i])
            masses += s[F2 + LANES + i] * s[G1 + LANES + i]
            s[A1 + i] = s[F0 + LANES + i] * s[G0 + LANES + i] + abs(c) * masses
        for i in range(lanes):
            s[ALL_VALUE + first + i] = s[A0 + i]
            s[ALL_SIZE + first + i] = s[A1 + i]
