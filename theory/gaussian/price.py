r"""E[f(u) g(v)] by Price's theorem, many points at once in vector code (claims G2, G3, G5).

For kinks of order k of f at a and l of g at b, N = max(k, l) + 1 derivatives in c leave densities only:

    E[f g](c) = sum_{n < N} c^n/n! E f^(n) E g^(n) + int_0^c (c - t)^(N-1)/(N-1)! E[f^(N) g^(N)](t) dt,

with E[f^(N) g^(N)] a sum over pairs of kinks of phi_2(a, b; P, Q, t) times a polynomial in t over
D = PQ - t^2. With t = sqrt(PQ) sin(theta) and z = tan(theta/2) the density loses its singularity and
everything but one exponential is rational in z; Gauss-Legendre nodes in z do the rest. Opposite kinks
are taken together: with x = a/sqrt(P), y = b/sqrt(Q), r = sin(theta),

    E = exp(-(x^2 - 2 x y r + y^2)/(2 (1 - r^2))),   D = E (1 - exp(-2 x y r/(1 - r^2)))

are the density at (a, b) and what it exceeds the one at (a, -b) by. For hardtanh, erf, sign and their
derivatives every term is then positive, and no digit is lost at any variance. Elsewhere the sum of
the sizes of all terms comes back beside the value: where terms cancel, the caller knows.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from theory.arithmetic.simd import arctan, exp, fma, pointer, wide
from theory.gaussian.lanes import (
    A0,
    A1,
    A2,
    A3,
    ALL_C,
    ALL_DET,
    ALL_P,
    ALL_Q,
    ALL_SIZE,
    ALL_VALUE,
    CHUNK,
    DONE,
    DTH,
    DX2,
    LANES,
    NODES,
    NOT_INSIDE,
    OTHER_WAY,
    P_,
    Q_,
    RP,
    RQ,
    S_,
    SCRATCH,
    SIGN,
    SIZE,
    TERM_ERROR,
    TWO_PI,
    VALUE,
    WK,
    X_,
    XY2,
    Y_,
    Float,
    Status,
    check,
)
from theory.gaussian.means import bases
from theory.gaussian.nodes import MASKED, STEEP, gather, nodes_in_w, nodes_in_z
from theory.gaussian.sums import sum_both, sum_d, sum_e, sum_mixed, sum_mixed_e

Int = NDArray[np.int64]


_TINY = 1e-20


@njit(nogil=True, cache=True, error_model="numpy")
def kink_moments(
    p: Float, q: Float, c: Float, det: Float, out: Float, status: Status,
    f_poly: Float, f_table: Float, f_scales: Float, g_poly: Float, g_table: Float, g_scales: Float,
    limits: Float, starts: Int, hyperbolic: Int, nodes: Float, weights: Float,
) -> int:  # fmt: skip
    """Evaluate E[f(u) g(v)] at every point of a chunk; return how many points are left.

    ``status`` says of each point whether its value is good (DONE), needs another method (OTHER_WAY), or is
    no covariance strictly inside |c| < sqrt(pq) of variances in range (NOT_INSIDE).
    """
    wide()
    left_over = 0
    memory = np.empty(SCRATCH)
    scratch = pointer(memory)
    rule = np.empty(CHUNK, np.int64)
    members = np.empty(CHUNK, np.int64)
    ends = np.empty(limits.size + 2, np.int64)
    f_size, g_size = _sizes(f_poly, f_table), _sizes(g_poly, g_table)
    for begin in range(0, p.size, CHUNK):
        n = min(CHUNK, p.size - begin)
        state = status[begin : begin + n]
        for i in range(n):
            scratch[ALL_P + i] = p[begin + i]
            scratch[ALL_Q + i] = q[begin + i]
            scratch[ALL_C + i] = c[begin + i]
            scratch[ALL_DET + i] = det[begin + i]
        check(scratch, n, state)
        bases(scratch, n, f_poly, f_table, f_scales, g_poly, g_table, g_scales)
        for i in range(f_scales.shape[0]):
            for j in range(g_scales.shape[0]):
                e2, d2 = f_scales[i, 0], g_scales[j, 0]
                left = f_table[int(f_scales[i, 1]) : int(f_scales[i, 2])]
                right = g_table[int(g_scales[j, 1]) : int(g_scales[j, 2])]
                _origin(scratch, n, left, right, e2, d2)
                if left.shape[0] * right.shape[0] != _at_origin(left) * _at_origin(right):
                    at = _innermost(left), _innermost(right)
                    jumps = _jumps(left), _jumps(right)
                    _classify(scratch, n, e2, d2, at, jumps, limits, rule, ends, members, state)
                    for k in range(limits.size):
                        z = nodes[starts[k] : starts[k + 1]]
                        w = weights[starts[k] : starts[k + 1]]
                        who = members[ends[k] : ends[k + 1]]
                        _paths(scratch, who, e2, d2, z, w, hyperbolic[k], left, right)
        for i in range(n):
            total = scratch[ALL_VALUE + i]
            out[begin + i] = total
            # Rules of fixed length see what is not small beside the functions themselves.
            natural = (f_size[0] + f_size[1] * math.sqrt(scratch[ALL_P + i])) * (
                g_size[0] + g_size[1] * math.sqrt(scratch[ALL_Q + i])
            )
            size = scratch[ALL_SIZE + i]
            lost = (size * TERM_ERROR > 1e-13 * abs(total)) | (0.0 < size < _TINY * natural)
            state[i] = max(state[i], OTHER_WAY * lost)
            left_over += state[i] != DONE
    memory[0] = 0.0  # keeps the array alive behind its pointer
    return left_over


@njit(nogil=True, error_model="numpy")
def _paths(
    s: Float, members: Int, e2: float, d2: float, z: Float, w: Float, in_w: int, left: Float, right: Float
) -> None:  # fmt: skip
    """Add the path integrals of all pairs of kinks at the points that share a rule."""
    wide()
    for first in range(0, members.size, LANES):
        who = members[first : min(first + LANES, members.size)]
        lanes = gather(s, who, e2, d2)
        if in_w:
            nodes_in_w(s, lanes, z, w)
        else:
            nodes_in_z(s, lanes, z, w)
        for f in left:
            for g in right:
                if f[1] != 0.0 or g[1] != 0.0:
                    _pair(s, lanes, z.size, f, g, e2, d2)
        for lane in range(who.size):
            s[ALL_VALUE + who[lane]] += s[VALUE + lane]
            s[ALL_SIZE + who[lane]] += s[SIZE + lane]


@njit(nogil=True, error_model="numpy")
def _sizes(poly: Float, table: Float) -> tuple[float, float]:
    """Return the size of the jumps and of the slopes."""
    jumps, slopes = abs(poly[0]), abs(poly[1])
    for row in table:
        if row[0] == 0.0:
            jumps += abs(row[4]) + abs(row[5])
        else:
            slopes += abs(row[4]) + abs(row[5])
    return jumps, slopes


@njit(nogil=True, error_model="numpy")
def _at_origin(table: Float) -> int:
    count = 0
    for row in table:
        count += row[1] == 0.0
    return count


@njit(nogil=True, error_model="numpy")
def _innermost(table: Float) -> float:
    least = table[0, 1]
    for row in table:
        least = min(least, row[1])
    return least


@njit(nogil=True, error_model="numpy")
def _jumps(table: Float) -> tuple[float, float]:
    """Return the sums of all jumps, and of all changes of slope."""
    steps = slopes = 0.0
    for row in table:
        if row[0] == 0.0:
            steps += abs(row[4]) + abs(row[5])
        else:
            slopes += abs(row[4]) + abs(row[5])
    return steps, slopes


@njit(nogil=True, error_model="numpy")
def _origin(s: Float, n: int, left: Float, right: Float, e2: float, d2: float) -> None:
    """Add the pairs of kinks that both sit at the origin, whose path integrals are elementary."""
    wide()
    by_order = [0.0, 0.0]
    for f in left:
        for g in right:
            if f[1] == g[1] == 0.0 and f[0] == g[0]:
                sign = 1.0 if f[0] == 1.0 else -1.0
                by_order[int(f[0])] += (f[4] + sign * f[5]) * (g[4] + sign * g[5]) / TWO_PI
    steps, slopes = by_order
    if steps == slopes == 0.0:
        return
    for i in range(n):
        p, q, c = s[ALL_P + i], s[ALL_Q + i], s[ALL_C + i]
        noisy = s[ALL_DET + i] + p * d2 + q * e2 + e2 * d2
        root = math.sqrt((p + e2) * (q + d2))
        Z = abs(c) / (root + math.sqrt(max(noisy, 0.0)))
        theta = 2.0 * arctan(min(Z, 1.0))
        # int (rho - sin) = rho theta - (1 - cos theta), and tan(theta/2) = Z
        lift = (2.0 * Z * theta - 2.0 * Z * Z) / (1.0 + Z * Z) * root
        one = steps * (theta if c > 0.0 else -theta)
        two = slopes * lift
        s[ALL_VALUE + i] += one + two
        s[ALL_SIZE + i] += abs(one) + 3.0 * abs(two)


@njit(nogil=True, error_model="numpy")
def _classify(
    s: Float, n: int, e2: float, d2: float,
    at: tuple[float, float], jumps: tuple[tuple[float, float], tuple[float, float]],
    limits: Float, rule: Int, ends: Int, members: Int, status: Status,
) -> None:  # fmt: skip
    """Sort the lanes by the rule that they need; ``at`` is where the innermost kinks are.

    The density grows by up to exp(x y r) along the path, and by exp(x**2/2) around it: above 4 the next
    rule is needed, above 20 the one after it, unless all of it, at most the jumps times exp(-x**2/2) and
    exp(-x y/(1 + r)), is small beside what is there.
    """
    wide()
    a, b = at
    f_jumps, g_jumps = jumps
    most = limits.size
    for i in range(n):
        rule[i] = 0
        # the nodes come later: their rows are free
        c = s[ALL_C + i]
        p, q = s[ALL_P + i] + e2, s[ALL_Q + i] + d2
        inverse = 1.0 / (p * q)
        square = c * c * inverse
        xy = a * b * math.sqrt(inverse)
        apart = 0.5 * max(a * a * (q * inverse), b * b * (p * inverse))
        # 1/(1 + r) is at least 1/2 + (1 - r**2)/8
        path = (f_jumps[0] + f_jumps[1] * math.sqrt(p)) * (g_jumps[0] + g_jumps[1] * math.sqrt(q))
        path *= exp(-max(apart, xy * (0.625 - 0.125 * square)))
        s[NODES + i] = square
        s[NODES + CHUNK + i] = max(xy, apart) if path > MASKED * abs(s[ALL_VALUE + i]) else 0.0
    for limit in limits:
        square = limit * limit
        for i in range(n):
            rule[i] += s[NODES + i] > square
    for bend in STEEP:
        for i in range(n):
            rule[i] += (s[NODES + CHUNK + i] > bend) & (rule[i] < most - 1)
    ends[:] = 0
    for i in range(n):
        rule[i] = most if status[i] == NOT_INSIDE else rule[i]
        status[i] = max(status[i], OTHER_WAY * (rule[i] == most))
        ends[rule[i] + 1] += 1
    for k in range(most + 1):
        ends[k + 1] += ends[k]
    for i in range(n):
        k = rule[i]
        members[ends[k]] = i
        ends[k] += 1
    for k in range(most, -1, -1):
        ends[k + 1] = ends[k]
    ends[0] = 0


@njit(nogil=True, error_model="numpy")
def _pair(s: Float, lanes: int, count: int, f: Float, g: Float, e2: float, d2: float) -> None:
    """Add the path integrals of the kinks of f at +-a against those of g at +-b."""
    wide()
    a, b = f[1], g[1]
    for i in range(lanes):
        x, y = a * s[RP + i], b * s[RQ + i]
        # PQ (x**2 - y**2) = a**2 Q - b**2 P, each product split: near |rho| = 1 it is all that counts.
        p, q = s[P_ + i], s[Q_ + i]
        one, other = f[2] * (q - d2), g[2] * (p - e2)
        low = fma(f[2], q - d2, -one) - fma(g[2], p - e2, -other) + f[3] * q - g[3] * p
        gap = (one - other) + low + (f[2] * d2 - g[2] * e2)
        away = (x + y) * (p * q)
        dx = gap / away if away > 0.0 else 0.0
        s[X_ + i], s[Y_ + i] = x, y
        s[DX2 + i] = dx * dx
        s[XY2 + i] = 2.0 * x * y
        s[A0 + i] = s[A1 + i] = s[A2 + i] = s[A3 + i] = 0.0
    # Dirac masses that the kinks leave after k + 1 derivatives: at a, and at -a.
    fr, fl = f[4], f[5] if f[0] == 1.0 else -f[5]
    gr, gl = g[4], g[5] if g[0] == 1.0 else -g[5]
    single = a * b == 0.0
    if f[0] == g[0]:
        _equal_orders(s, lanes, count, f[0], single, fr * gr + fl * gl, fr * gl + fl * gr)
    elif f[0] == 0.0:
        _unequal_orders(s, lanes, count, single, RQ, X_, Y_, fr * gr - fl * gl, fr * gl - fl * gr)
    else:
        _unequal_orders(s, lanes, count, single, RP, Y_, X_, fr * gr - fl * gl, fl * gr - fr * gl)


@njit(nogil=True, error_model="numpy")
def _equal_orders(
    s: Float, lanes: int, count: int, order: float, single: bool, same: float, crossed: float
) -> None:  # fmt: skip
    """(a, b) and (-a, -b) see E, the other two E - D (the other way round where c < 0)."""
    wide()
    weight = WK if order == 1.0 else DTH
    if single:
        sum_e(s, lanes, count, weight)
    elif same + crossed == 0.0:
        sum_d(s, lanes, count, weight)
    else:
        sum_both(s, lanes, count, weight)
    for i in range(lanes):
        positive = s[SIGN + i] > 0.0
        factor = s[S_ + i] if order == 1.0 else s[SIGN + i]
        one = factor * (same + crossed) * s[A0 + i] / TWO_PI
        two = -factor * (crossed if positive else same) * s[A1 + i] / TWO_PI
        s[VALUE + i] += one + two
        s[SIZE + i] += abs(one) + abs(two)


@njit(nogil=True, error_model="numpy")
def _unequal_orders(
    s: Float, lanes: int, count: int, single: bool, inverse: int, X: int, Y: int,
    same: float, crossed: float,
) -> None:  # fmt: skip
    """A jump at +-x against a change of slope at +-y: the density has the factor (x - y r)/(1 - r^2)."""
    wide()
    if single:
        sum_mixed_e(s, lanes, count)
    else:
        sum_mixed(s, lanes, count)
    for i in range(lanes):
        positive = s[SIGN + i] > 0.0
        root, x, y = 1.0 / (s[inverse + i] * TWO_PI), s[X + i], s[Y + i]
        difference = same - crossed if positive else crossed - same
        other = crossed if positive else same
        one = root * (same + crossed) * x * s[A0 + i]
        two = -root * difference * y * s[A2 + i]
        three = -root * other * x * s[A1 + i]
        four = -root * other * y * s[A3 + i]
        s[VALUE + i] += (one + two) + (three + four)
        s[SIZE + i] += abs(one) + abs(two) + abs(three) + abs(four)
