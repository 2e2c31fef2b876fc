r"""What E[f(u) f(v)] lacks at correlation 1 - delta to that at 1, without cancellation (claim G5).

Price's theorem from the other end: the gap is the integral of E[f'f'](t) over t from c = m (1 - delta) to m, where
m^2 = pq. Of an odd or even f, with r = t/m = (1 - v^2)/(1 + v^2), the densities at kinks x = a/sqrt(p),
y = b/sqrt(q) are

    E = exp(-((x - y)^2/v^2 + (x + y)^2 v^2)/8 - (x^2 + y^2)/4),   D = E (1 - exp(-x y (1/v^2 - v^2)/2)),

E at (a, b) and D what it exceeds the one at (a, -b) by; d theta = 2 dv/(1 + v^2), v from 0 to
V = sqrt(delta/(2 - delta)) <= 1. Jumps take E or D as they are. A change of slope has either of

    m delta E[f'f'](m) - int (delta - 1 + r) m (density) d theta                 where V is small beside the kinks,
    m delta E f' E f' + int min(1 - r, delta) m (density) d theta, v from 0 to 1 where it is not:

for hardtanh, sign, erf, relu, staircases every term is positive, or no more than half of them cancels. The
densities rise at v = |x -+ y| and fall at 1/x: nodes in tau, v = kappa sinh(tau), kappa the least of these, see
both. Noise of a smoothed step adds its variance to p, and the path then ends before r = 1. So it does in effect
where p and q differ: the density of a kink with itself then falls below v = |x - y|, however small that is.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from theory.arithmetic.simd import INV_SQRT_2PI, exp, expm1, gauss, pointer, wide
from theory.gaussian.gap_paths import between, path
from theory.gaussian.gap_paths import places as kink_places
from theory.gaussian.lanes import CHUNK, DONE, LANES, OTHER_WAY, STEP, TWO_PI, Float, Status

Int = NDArray[np.int64]

# Up to which length of the path, in tau or in ln v, a number of nodes gives full precision.
# A density that rises in the middle, of kinks far apart, is what takes the most.
_RULES = (
    (1.5, 16), (2.5, 28), (4.0, 44), (6.0, 64), (8.0, 80), (12.0, 112), (18.0, 192), (26.0, 288), (36.0, 400),
)  # fmt: skip
# A value that is smaller has lost digits already.
_LEAST = 1e-290
# A sum loses digits when it is smaller than its terms; these are right to about 10 ulp, as measured.
_TERM_ERROR = 2.0**-48

# rows of lanes: the points, the path, means; then four a node, on two panels; then rows of the chunk
(
    P_, Q_, EXCESS, DELTA, M_, RP, RQ, LESS, V_, START, LENGTH, KAPPA, MEAN, SQUARE, SUM, VALUE, SIZE, NODES,
) = (LANES * i for i in range(18))  # fmt: skip
ISQ, SQ, JUMP, SLOPE = (LANES * i for i in range(4))
_PER_NODE = 4 * LANES
_PER_PANEL = _PER_NODE * max(n for _, n in _RULES)
ALL_P = NODES + 2 * _PER_PANEL
ALL_Q, ALL_EXCESS, ALL_DELTA, ALL_VALUE, ALL_SIZE = (ALL_P + CHUNK * i for i in range(1, 6))
SCRATCH = ALL_P + 6 * CHUNK


def _rules() -> tuple[Float, Int, Float, Float]:
    rules = [np.polynomial.legendre.leggauss(count) for _, count in _RULES]
    return (
        np.array([limit for limit, _ in _RULES]),
        np.cumsum([0, *(count for _, count in _RULES)]),
        np.concatenate([(z + 1) / 2 for z, _ in rules]),
        np.concatenate([w / 2 for _, w in rules]),
    )


RULES = _rules()


@njit(nogil=True, cache=True, error_model="numpy")
def gap_moments(
    p: Float, q: Float, excess: Float, delta: Float, out: Float, status: Status,
    slope: float, table: Float, scales: Float, odd: bool, equal: bool,
    limits: Float, starts: Int, nodes: Float, weights: Float,
) -> None:  # fmt: skip
    """Evaluate the gap of an odd or even function of kinks of one order, at 0 < delta <= 1.

    ``excess`` is p - q, known better than from p and q; ``equal`` says that it is 0 throughout. ``table`` holds rows
    (order, a, weight, slope beyond): half the change at a, of f or of f'. ``status`` says of each point whether its
    value is good (DONE) or needs another method (OTHER_WAY).
    """
    wide()
    memory = np.empty(SCRATCH)
    s = pointer(memory)
    rule, members = np.empty(CHUNK, np.int64), np.empty(CHUNK, np.int64)
    ends = np.empty(2 * limits.size + 2, np.int64)
    places = kink_places(table)
    ramps = table.shape[0] > 0 and table[0, 0] == 1.0
    for begin in range(0, p.size, CHUNK):
        n = min(CHUNK, p.size - begin)
        for i in range(n):
            s[ALL_P + i], s[ALL_Q + i] = p[begin + i], q[begin + i]
            s[ALL_EXCESS + i], s[ALL_DELTA + i] = excess[begin + i], delta[begin + i]
            s[ALL_VALUE + i] = s[ALL_SIZE + i] = 0.0
        _classify(s, n, table, scales, places, ramps, equal, limits, rule, ends, members)
        for k in range(2 * limits.size):
            z, w = (
                nodes[starts[k // 2] : starts[k // 2 + 1]],
                weights[starts[k // 2] : starts[k // 2 + 1]],
            )
            for first in range(ends[k], ends[k + 1], LANES):
                who = members[first : min(first + LANES, ends[k + 1])]
                lanes = _gather(s, who)
                if ramps:
                    _ramps(s, lanes, z, w, slope, table, places, odd, equal, k % 2 == 1)
                else:
                    _jumps(s, lanes, z, w, slope, table, scales, places, odd, equal)
                for lane in range(who.size):
                    s[ALL_VALUE + who[lane]] = s[VALUE + lane]
                    s[ALL_SIZE + who[lane]] = s[SIZE + lane]
        for i in range(n):
            total, size = s[ALL_VALUE + i], s[ALL_SIZE + i]
            out[begin + i] = total
            good = (size * _TERM_ERROR <= 1e-13 * total) & (total > _LEAST)
            status[begin + i] = DONE if good & (rule[i] < 2 * limits.size) else OTHER_WAY
    memory[0] = 0.0  # keeps the array alive behind its pointer


@njit(nogil=True, error_model="numpy")
def _classify(
    s: Float, n: int, table: Float, scales: Float, places: tuple[float, float, float], ramps: bool, equal: bool,
    limits: Float, rule: Int, ends: Int, members: Int,
) -> None:  # fmt: skip
    """Sort the points by rule, and by whether changes of slope need the second panel."""
    most = 2 * limits.size
    ends[:] = 0
    for i in range(n):
        p, q, excess, delta = (
            s[ALL_P + i],
            s[ALL_Q + i],
            s[ALL_EXCESS + i],
            s[ALL_DELTA + i],
        )
        length, second = 0.0, 0
        for j in range(scales.shape[0]):
            for k in range(j if equal else 0, scales.shape[0]):
                e2, d2 = scales[j, 0], scales[k, 0]
                V, _, _, here, _ = path(p, q, excess, delta, e2, d2, table, places)
                length = max(length, here)
        if ramps and 2.0 * V * math.sqrt(min(p, q)) > places[2]:
            length, second = max(length, -math.log(V)), 1
        rule[i] = second
        for limit in limits:
            rule[i] += 2 * (not length <= limit)
        rule[i] = min(rule[i], most)
        ends[rule[i] + 1] += 1
    for k in range(most + 1):
        ends[k + 1] += ends[k]
    for i in range(n):
        members[ends[rule[i]]] = i
        ends[rule[i]] += 1
    for k in range(most, -1, -1):
        ends[k + 1] = ends[k]
    ends[0] = 0


@njit(nogil=True, error_model="numpy")
def _gather(s: Float, who: Int) -> int:
    """Copy points into lanes; return their number, a multiple of ``STEP``, the last point repeated."""
    wide()
    lanes = (who.size + STEP - 1) // STEP * STEP
    for i in range(lanes):
        k = who[min(i, who.size - 1)]
        s[P_ + i], s[Q_ + i] = s[ALL_P + k], s[ALL_Q + k]
        s[EXCESS + i], s[DELTA + i] = s[ALL_EXCESS + k], s[ALL_DELTA + k]
        s[M_ + i] = math.sqrt(s[P_ + i]) * math.sqrt(s[Q_ + i])
        s[VALUE + i] = s[SIZE + i] = 0.0
    return lanes


@njit(nogil=True, error_model="numpy")
def _first_panel(
    s: Float, lanes: int, z: Float, w: Float, e2: float, d2: float,
    table: Float, places: tuple[float, float, float],
) -> None:  # fmt: skip
    """Fill the nodes from the start of the path to V: 1/v**2, v**2 and the weight of d theta."""
    wide()
    for i in range(lanes):
        p, q = s[P_ + i], s[Q_ + i]
        s[V_ + i], s[KAPPA + i], s[START + i], s[LENGTH + i], s[LESS + i] = path(
            p, q, s[EXCESS + i], s[DELTA + i], e2, d2, table, places
        )
        s[RP + i], s[RQ + i] = 1.0 / math.sqrt(p + e2), 1.0 / math.sqrt(q + d2)
    for k in range(z.size):
        t, weight = z[k], w[k]
        at = NODES + k * _PER_NODE
        for i in range(lanes):
            more = expm1(s[START + i] + s[LENGTH + i] * t)
            inverse = 1.0 / (1.0 + more)
            v = 0.5 * s[KAPPA + i] * (more + more * inverse)
            dv = 0.5 * s[KAPPA + i] * (1.0 + more + inverse) * s[LENGTH + i] * weight
            square = v * v
            both = 1.0 / (square * (1.0 + square))
            s[at + ISQ + i] = (1.0 + square) * both
            s[at + SQ + i] = square
            s[at + JUMP + i] = 2.0 * dv * square * both


@njit(nogil=True, error_model="numpy")
def _slopes(s: Float, lanes: int, count: int, second: bool) -> None:
    """Fill the weight of a change of slope on the first panel, in units of m."""
    wide()
    for k in range(count):
        at = NODES + k * _PER_NODE
        for i in range(lanes):
            V, square = s[V_ + i], s[at + SQ + i]
            v = math.sqrt(square)
            rest = 2.0 * square if second else 2.0 * (v - V) * (v + V) / (1.0 + V * V)
            s[at + SLOPE + i] = s[at + JUMP + i] * rest / (1.0 + square)


@njit(nogil=True, error_model="numpy")
def _second_panel(s: Float, lanes: int, z: Float, w: Float) -> None:
    """Fill the nodes in ln v from V to 1, with the weight of a change of slope in units of m."""
    wide()
    for i in range(lanes):
        s[LENGTH + i] = -math.log(s[V_ + i])
    for k in range(z.size):
        t, weight = z[k], 2.0 * w[k]
        at = NODES + _PER_PANEL + k * _PER_NODE
        for i in range(lanes):
            v = exp(-s[LENGTH + i] * (1.0 - t))
            square = v * v
            s[at + ISQ + i] = 1.0 / square
            s[at + SQ + i] = square
            s[at + SLOPE + i] = s[DELTA + i] * weight * s[LENGTH + i] * v / (1.0 + square)


@njit(nogil=True, error_model="numpy")
def _sum(
    s: Float, lanes: int, start: int, count: int, weight: int, a: float, b: float, sharp: bool
) -> None:
    """Add weight * D (``sharp``) or weight * (2 E - D) to SUM."""
    wide()
    for k in range(count):
        at = NODES + start + k * _PER_NODE
        for i in range(lanes):
            x, y = a * s[RP + i], b * s[RQ + i]
            isq, sq = s[at + ISQ + i], s[at + SQ + i]
            apart = (a - b) * s[RP + i] + b * s[LESS + i]
            away, along = apart * apart, (x + y) * (x + y)
            E = exp(-0.125 * (away * isq + along * sq) - 0.25 * (x * x + y * y))
            D = -E * expm1(-0.5 * x * y * (isq - sq))
            s[SUM + i] += s[at + weight + i] * (D if sharp else 2.0 * E - D)


@njit(nogil=True, error_model="numpy")
def _linear(s: Float, lanes: int, slope: float, table: Float, scales: Float) -> None:
    """Set the gap to m delta slope (slope + E f'(u) + E f'(v)), E f' twice the sum of weight * density."""
    wide()
    for i in range(lanes):
        s[MEAN + i] = slope
    for j in range(scales.shape[0]):
        e2 = scales[j, 0]
        for row in range(int(scales[j, 1]), int(scales[j, 2])):
            a, weight = table[row, 1], 2.0 * table[row, 2] * INV_SQRT_2PI
            for i in range(lanes):
                one, other = 1.0 / math.sqrt(s[P_ + i] + e2), 1.0 / math.sqrt(s[Q_ + i] + e2)
                s[MEAN + i] += weight * (gauss(a * one) * one + gauss(a * other) * other)
    for i in range(lanes):
        value = slope * s[MEAN + i] * s[M_ + i] * s[DELTA + i]
        s[VALUE + i] = value
        s[SIZE + i] = abs(value)


@njit(nogil=True, error_model="numpy")
def _jumps(
    s: Float, lanes: int, z: Float, w: Float, slope: float, table: Float, scales: Float,
    places: tuple[float, float, float], odd: bool, equal: bool,
) -> None:  # fmt: skip
    """Set the gap of slope * x and jumps."""
    wide()
    _linear(s, lanes, slope, table, scales)
    for j in range(scales.shape[0]):
        for k in range(j if equal else 0, scales.shape[0]):
            _first_panel(s, lanes, z, w, scales[j, 0], scales[k, 0], table, places)
            for f in range(int(scales[j, 1]), int(scales[j, 2])):
                for g in range(int(scales[k, 1]), int(scales[k, 2])):
                    if j < k or f <= g or not equal:
                        factor = 2.0 * table[f, 2] * table[g, 2] / TWO_PI
                        factor *= 2.0 if equal and f != g else 1.0
                        for i in range(lanes):
                            s[SUM + i] = 0.0
                        _sum(s, lanes, 0, z.size, JUMP, table[f, 1], table[g, 1], not odd)
                        for i in range(lanes):
                            s[VALUE + i] += factor * s[SUM + i]
                            s[SIZE + i] += abs(factor * s[SUM + i])


@njit(nogil=True, error_model="numpy")
def _ramps(
    s: Float, lanes: int, z: Float, w: Float, slope: float, table: Float,
    places: tuple[float, float, float], odd: bool, equal: bool, second: bool,
) -> None:  # fmt: skip
    """Set the gap of slope * x and changes of slope."""
    wide()
    _first_panel(s, lanes, z, w, 0.0, 0.0, table, places)
    _slopes(s, lanes, z.size, second)
    if second:
        _second_panel(s, lanes, z, w)
    _start(s, lanes, slope, table, MEAN, SQUARE)
    for i in range(lanes):
        mean = s[MEAN + i] if odd else 0.0
        value = s[M_ + i] * s[DELTA + i] * (mean if second else s[SQUARE + i])
        s[VALUE + i] = value
        s[SIZE + i] = abs(value)
    for f in range(table.shape[0]):
        for g in range(f if equal else 0, table.shape[0]):
            factor = 2.0 * table[f, 2] * table[g, 2] / TWO_PI
            factor *= 2.0 if equal and f != g else 1.0
            for i in range(lanes):
                s[SUM + i] = 0.0
            _sum(s, lanes, 0, z.size, SLOPE, table[f, 1], table[g, 1], odd)
            if second:
                _sum(s, lanes, _PER_PANEL, z.size, SLOPE, table[f, 1], table[g, 1], odd)
            for i in range(lanes):
                term = s[M_ + i] * factor * s[SUM + i]
                s[VALUE + i] += term
                s[SIZE + i] += abs(term)


@njit(nogil=True, error_model="numpy")
def _start(s: Float, lanes: int, slope: float, table: Float, mean: int, square: int) -> None:
    """Fill E f'(u) E f'(v) of f' with the signs of x, and E f'(u) f'(v) at correlation 1, piece by piece."""
    for i in range(lanes):
        rp, rq = 1.0 / math.sqrt(s[P_ + i]), 1.0 / math.sqrt(s[Q_ + i])
        one = other = both = 0.0
        f = slope
        for j in range(table.shape[0] + 1):
            low = table[j - 1, 1] if j else 0.0
            high = table[j, 1] if j < table.shape[0] else np.inf
            one += f * between(low * rp, high * rp)
            other += f * between(low * rq, high * rq)
            g = slope
            for k in range(table.shape[0] + 1):
                left = table[k - 1, 1] if k else 0.0
                right = table[k, 1] if k < table.shape[0] else np.inf
                both += f * g * between(max(low * rp, left * rq), min(high * rp, right * rq))
                g = table[min(k, table.shape[0] - 1), 3]
            f = table[min(j, table.shape[0] - 1), 3]
        s[mean + i], s[square + i] = one * other, both
