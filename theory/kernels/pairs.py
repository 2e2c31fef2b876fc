"""Second moments of pairs of inputs, entry by entry in one order of operations: the same bits in any block.

Beside the inner product comes what it cannot tell near |rho| = 1, computed from the inputs: the determinant
|x|^2 |y|^2 - <x, y>^2 as |x|^2 times the squared residual of y against x, the squared distance, and the difference
of the squared norms. Parallel rows are recognised exactly, since sign-like kernels jump there by the square root of
any rounding.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from theory.arithmetic.simd import fma, pointer, wide
from theory.gaussian.lanes import determinant

Float = NDArray[np.float64]
Int = NDArray[np.int64]

# Above this squared cosine the determinant comes from the residual: below, |x|^2 |y|^2 - <x, y>^2 loses two bits.
_NEAR = 0.5
# Entries of inputs that are multiplied at a time, a multiple of four: the order of the sums is the same.
_ENTRIES = 32
# Residuals of parallel rows are rounding errors, 1e-32 of |y|^2; from here on exact products decide.
_PARALLEL = 1e-24


@njit(nogil=True, cache=True, error_model="numpy")
def squared_norms(x: Float, out: Float) -> None:
    """Fill |x|^2 of every row, correctly rounded but for ties: sums in twice the precision."""
    for i in range(x.shape[0]):
        high = low = 0.0
        for k in range(x.shape[1]):
            product = x[i, k] * x[i, k]
            low += fma(x[i, k], x[i, k], -product)
            total = high + product
            back = total - high
            low += (high - (total - back)) + (product - back)
            high = total
        out[i] = high + low


@njit(nogil=True, cache=True, error_model="numpy")
def moments(
    x: Float, y: Float, columns: Float, xx: Float, yy: Float,
    rows: Int, starts: Int, stop: int, inner: Float, det: Float, apart: Float,
) -> None:  # fmt: skip
    """Fill <x, y>, |x|^2 |y|^2 - <x, y>^2 and |x - y|^2 of some pairs.

    Row ``rows[r]`` meets columns ``starts[r]`` to ``stop - 1``; ``columns`` is ``y`` transposed.
    """
    wide()
    if inner.size == 0:
        return
    left = starts.min()
    width = stop - left
    # Some entries at a time of the tile's columns, next to each other: they stay in the first cache.
    part = np.empty((_ENTRIES, width))
    table = pointer(part)
    inner[:] = 0.0
    for first in range(0, x.shape[1], _ENTRIES):
        last = min(first + _ENTRIES, x.shape[1])
        for k in range(first, last):
            part[k - first] = columns[k, left:stop]
        at = 0
        for r in range(rows.size):
            n = stop - starts[r]
            _products(x[rows[r], first:last], table, width, starts[r] - left, inner[at : at + n])
            at += n
    part[0, 0] = 0.0  # keeps the array alive behind its pointer
    at = 0
    for r in range(rows.size):
        i, begin = rows[r], starts[r]
        n = stop - begin
        here = inner[at : at + n]
        if _apart(xx[i], yy[begin:stop], here, det[at : at + n], apart[at : at + n]):
            for j in range(n):
                p, q, c = xx[i], yy[begin + j], here[j]
                if c * c >= _NEAR * (p * q):
                    here[j], det[at + j], apart[at + j] = _near(x[i], y[begin + j], p, q, c)
        at += n


@njit(nogil=True, error_model="numpy")
def _apart(p: float, others: Float, inner: Float, det: Float, apart: Float) -> int:
    """Fill determinants and squared distances of rows that are not close to parallel; return how many are."""
    wide()
    near = 0
    for j in range(inner.size):
        q, c = others[j], inner[j]
        det[j] = determinant(p, q, c)
        apart[j] = p + q - 2.0 * c
        near += c * c >= _NEAR * (p * q)
    return near


@njit(nogil=True, error_model="numpy")
def _products(row: Float, table: Float, total: int, begin: int, out: Float) -> None:
    """Add inner products with consecutive columns: sums of four terms, then sums of those."""
    wide()
    n = out.size
    result = pointer(out)
    k = 0
    while k + 4 <= row.size:
        a, b, c, d = row[k], row[k + 1], row[k + 2], row[k + 3]
        one = k * total + begin
        two, three, four = one + total, one + 2 * total, one + 3 * total
        for j in range(n):
            part = a * table[one + j]
            part = fma(b, table[two + j], part)
            part = fma(c, table[three + j], part)
            result[j] += fma(d, table[four + j], part)
        k += 4
    while k < row.size:
        a, one = row[k], k * total + begin
        for j in range(n):
            result[j] = fma(a, table[one + j], result[j])
        k += 1


@njit(nogil=True, error_model="numpy")
def _near(x: Float, y: Float, p: float, q: float, c: float) -> tuple[float, float, float]:
    """Return inner product, determinant and squared distance of rows that are close to parallel."""
    if p == 0.0 or q == 0.0:
        return 0.0, 0.0, p + q
    # Exchange changes no bit: of two rows, the longer one is taken out of the other.
    det = 0.0
    if p >= q:
        det += _residual(x, y, c / p) * p
    if q >= p:
        det += _residual(y, x, c / q) * q
    if p == q:
        det *= 0.5
    distance = 0.0
    for k in range(x.size):
        step = x[k] - y[k]
        distance = fma(step, step, distance)
    if distance == 0.0:
        return p, 0.0, 0.0
    if det <= _PARALLEL * (p * q) and _parallel(x, y):
        inner = math.copysign(math.sqrt(p) * math.sqrt(q), c)
        return inner, 0.0, distance
    if c > 0.0 and p + q - 2.0 * c < 0.25 * (p + q):
        c = 0.5 * (p + q - distance)
    else:
        distance = p + q - 2.0 * c
    return c, det, distance


@njit(nogil=True, error_model="numpy")
def _residual(x: Float, y: Float, slope: float) -> float:
    """Return |y - slope x|^2, each entry with one rounding; an error of the slope enters squared."""
    one = other = 0.0
    n = x.size // 2
    for k in range(n):
        rest = fma(-slope, x[k], y[k])
        one = fma(rest, rest, one)
    for k in range(n, x.size):
        rest = fma(-slope, x[k], y[k])
        other = fma(rest, rest, other)
    return one + other


@njit(nogil=True, error_model="numpy")
def _parallel(x: Float, y: Float) -> bool:
    """Whether x_k y_m = y_k x_m for every k, exactly, m the place of the largest entry of x."""
    m = 0
    for k in range(x.size):
        if abs(x[k]) > abs(x[m]):
            m = k
    # Powers of two keep the products, and their rounding errors, in range.
    a, b = math.frexp(x[m])[1], math.frexp(y[m])[1]
    for k in range(x.size):
        one, other = math.ldexp(x[k], -a), math.ldexp(y[k], -b)
        first, second = math.ldexp(x[m], -a), math.ldexp(y[m], -b)
        left, right = one * second, other * first
        if left != right or fma(one, second, -left) != fma(other, first, -right):
            return False
    return True


@njit(nogil=True, cache=True, error_model="numpy")
def differences_of_norms(x: Float, y: Float, i: Int, j: Int, out: Float) -> None:
    """Fill |x_i|^2 - |y_j|^2 as <x - y, x + y> in twice the precision: where it cancels, digits stay."""
    for r in range(i.size):
        high = low = 0.0
        for k in range(x.shape[1]):
            a, b = x[i[r], k], -y[j[r], k]
            minus, less = _two_sum(a, b)
            plus, more = _two_sum(a, -b)
            product = minus * plus
            low += fma(minus, plus, -product) + (minus * more + less * plus)
            high, rest = _two_sum(high, product)
            low += rest
        out[r] = high + low


@njit(nogil=True, error_model="numpy")
def _two_sum(a: float, b: float) -> tuple[float, float]:
    """Return the rounded sum and its exact rounding error."""
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)
