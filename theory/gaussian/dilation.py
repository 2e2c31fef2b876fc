r"""f at two variances of one variable, without cancellation: E f(u)^2 - E f(v)^2 and what E[f(u) f(v)] lacks.

For u = sqrt(p) z and v = sqrt(q) z, p > q, both come from D(z) = f(u) - f(v), which is formed from p - q and not from
f(u) and f(v): at kinks that u has passed and v has not as an integral over just that range of z, elsewhere by the
difference of the arguments. Then

    E f(u)^2 - E f(v)^2 = E[D (2 f(v) + D)],
    sqrt(P Q) - E[f(u) f(v)] = sqrt(P Q)/2 E[n^2],  n = (D - f(v) (sqrt(P) - sqrt(Q))/sqrt(Q))/sqrt(P),

P = E f(u)^2 and Q = E f(v)^2: nothing for a homogeneous function, second order in p - q for any other.
"""

import math

import numpy as np
from numba import njit

from theory.arithmetic.simd import INV_SQRT_2PI
from theory.gaussian.lanes import Float

_NODES, _WEIGHTS = (np.ascontiguousarray(a) for a in np.polynomial.legendre.leggauss(16))
_FEW, _FEW_WEIGHTS = (np.ascontiguousarray(a) for a in np.polynomial.legendre.leggauss(7))
_SCALES = np.array([0.0, 1.0, 2.0, 3.5, 5.5, 8.5, 13.0, 20.0, 38.0])
_AROUND = np.array([1.5, 4.0, 8.0])
_TAIL = np.array([1.0, 4.0, 12.0, 36.0])
# Below this p/q - 1 the range between a/sqrt(p) and a/sqrt(q) is a panel of its own, of known width.
_NARROW = 1e-4


@njit(nogil=True, cache=True, error_model="numpy")
def dilations(
    p: Float, q: Float, excess: Float, P: Float, Q: Float,
    poly: Float, table: Float, scales: Float, difference: Float, lack: Float,
) -> None:  # fmt: skip
    """Fill E f(u)^2 - E f(v)^2 and sqrt(P Q) - E[f(u) f(v)] at p >= q with p - q = ``excess`` > 0.

    The tables are those of ``Kinks``; P and Q are E f(u)^2 and E f(v)^2, to rounding. Relative error about 1e-14.
    """
    room = _SCALES.size + table.shape[0] * (2 + 4 * _AROUND.size + 2 * _TAIL.size)
    at, width = np.empty(room), np.empty(room)
    most = 4 * room * _NODES.size
    weight, change, value = np.empty(most), np.empty(most), np.empty(most)
    for k in range(p.size):
        above, below = math.sqrt(p[k]), math.sqrt(q[k])
        step = excess[k] / (above + below)
        n = _mesh(above, below, step, table, scales, at, width)
        count = 0
        for i in range(n - 1):
            left = at[i]
            if width[i] > 0.0:
                count = _panel(
                    left, width[i], True, above, below, step, poly, table, scales,
                    weight, change, value, count,
                )  # fmt: skip
                left += width[i]
            if at[i + 1] > left:
                count = _panel(
                    left, at[i + 1] - left, False, above, below, step, poly, table, scales,
                    weight, change, value, count,
                )  # fmt: skip
        total = 0.0
        for i in range(count):
            total += weight[i] * change[i] * (2.0 * value[i] + change[i])
        difference[k] = total
        lack[k] = 0.0
        if P[k] > 0.0 and Q[k] > 0.0:
            one, other = math.sqrt(P[k]), math.sqrt(Q[k])
            ratio = total / ((one + other) * other)
            square = 0.0
            for i in range(count):
                n_i = (change[i] - value[i] * ratio) / one
                square += weight[i] * n_i * n_i
            lack[k] = 0.5 * one * other * square


@njit(nogil=True, error_model="numpy")
def _mesh(
    above: float, below: float, step: float, table: Float, scales: Float, at: Float, width: Float
) -> int:
    """Fill the ends of panels in z >= 0, in order, and the widths of narrow ones that begin there."""
    n = 0
    for x in _SCALES:
        at[n], width[n] = x, 0.0
        n += 1
    for j in range(scales.shape[0]):
        e = math.sqrt(scales[j, 0])
        for row in range(int(scales[j, 1]), int(scales[j, 2])):
            a = table[row, 1]
            one, other = a / above, a / below
            at[n], width[n] = one, 0.0
            if e == 0.0 and step < _NARROW * below:
                width[n] = one * (step / below)
            else:
                n += 1
                at[n], width[n] = other, 0.0
            n += 1
            for center, root in ((one, above), (other, below)):
                if 0.0 < e < 4.0 * root:
                    for x in _AROUND:
                        at[n], at[n + 1] = center + x * e / root, center - x * e / root
                        width[n] = width[n + 1] = 0.0
                        n += 2
            if one > 1.0:
                for x in _TAIL:
                    at[n], at[n + 1] = one + x / one, one - x / one
                    width[n] = width[n + 1] = 0.0
                    n += 2
    _sort(at, width, n)
    return n


@njit(nogil=True, error_model="numpy")
def _sort(at: Float, width: Float, n: int) -> None:
    """Put the ends of panels in order, those outside of the scales at their ends."""
    for i in range(n):
        at[i] = min(max(at[i], 0.0), _SCALES[-1])
    for i in range(1, n):
        x, w, j = at[i], width[i], i
        while j > 0 and at[j - 1] > x:
            at[j], width[j] = at[j - 1], width[j - 1]
            j -= 1
        at[j], width[j] = x, w


@njit(nogil=True, error_model="numpy")
def _panel(
    left: float, width: float, narrow: bool, above: float, below: float, step: float,
    poly: Float, table: Float, scales: Float,
    weight: Float, change: Float, value: Float, count: int,
) -> int:  # fmt: skip
    """Add the nodes of a panel, at z and at -z; return how many nodes there are now."""
    for i in range(_NODES.size):
        off = 0.5 * width * (1.0 + _NODES[i])
        z = left + off
        density = 0.5 * width * _WEIGHTS[i] * INV_SQRT_2PI * math.exp(-0.5 * z * z)
        for sign in (1.0, -1.0):
            weight[count] = density
            change[count], value[count] = _change(
                sign, z, off, left if narrow else -1.0, above, below, step, poly, table, scales
            )
            count += 1
    return count


@njit(nogil=True, error_model="numpy")
def _change(
    sign: float, z: float, off: float, passing: float, above: float, below: float, step: float,
    poly: Float, table: Float, scales: Float,
) -> tuple[float, float]:  # fmt: skip
    """Return f(u) - f(v) and f(v) at u = sign * above * z, v = sign * below * z.

    ``passing`` is where the kink lies that u has passed by ``off`` and v has not, if there is one.
    """
    x, y, h = above * z, below * z, step * z
    change, value = sign * poly[1] * h, poly[0] + sign * poly[1] * y
    for j in range(scales.shape[0]):
        e2 = scales[j, 0]
        for row in range(int(scales[j, 1]), int(scales[j, 2])):
            order, a = table[row, 0], table[row, 1]
            # the kink on this side of the origin, and the one on the other
            here, there = table[row, 4], table[row, 5]
            if sign < 0.0:
                here, there = there, here
            if e2 > 0.0:
                e = math.sqrt(e2)
                one, two = _step(y, h, a, e), _step(-y, -h, a, e)
                change += here * one[0] + there * two[0]
                if a == 0.0:
                    odd = 0.5 * (here - there) * math.erf(y / (e * math.sqrt(2.0)))
                    value += 0.5 * (here + there) + odd
                else:
                    value += here * one[1] + there * two[1]
            elif a > 0.0 and a / above == passing:
                change += here * (above * off if order == 1.0 else 1.0)
            elif x > a or a == 0.0:
                passed = y >= a
                if order == 1.0:
                    change += here * (h if passed else x - a)
                    value += here * (y - a) if passed else 0.0
                elif a == 0.0:
                    value += here
                else:
                    change += 0.0 if passed else here
                    value += here if passed else 0.0
    return change, value


@njit(nogil=True, error_model="numpy")
def _step(y: float, h: float, a: float, e: float) -> tuple[float, float]:
    """Return Phi((y + h - a)/e) - Phi((y - a)/e), and what is subtracted."""
    t, d = (y - a) / e, h / e
    base = 0.5 * math.erfc(-t / math.sqrt(2.0))
    if abs(d) > 0.5:
        return 0.5 * math.erfc(-(t + d) / math.sqrt(2.0)) - base, base
    total = 0.0
    for i in range(_FEW.size):
        s = t + 0.5 * d * (1.0 + _FEW[i])
        total += _FEW_WEIGHTS[i] * math.exp(-0.5 * s * s)
    return 0.5 * d * INV_SQRT_2PI * total, base
