r"""E[f(u) g(v)] as a power series in rho, where that is short: sum_n a_n(p) b_n(q) rho^n (claim G2 at c = 0).

The Hermite coefficients a_n(p) = E[f(sqrt(p) z) He_n(z)]/sqrt(n!) belong to single inputs, so that a pair costs a
product a term. Beyond the first two a kink at a leaves Hermite functions at x = a/sqrt(p): with h_n = He_n/sqrt(n!),

    sqrt(p) phi(x) h_{n-2}(x)/sqrt(n (n - 1))  of a change of slope,      phi(x) h_{n-1}(x)/sqrt(n)  of a jump.

|h_n(x)| <= 1.09 exp(x^2/4) bounds what is left out, Cauchy and Schwarz the size of all terms behind the first:
of every point it is known whether its value is good. Kinks smoothed by one variance e^2 are sharp ones at p + e^2.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from theory.activations import Activation
from theory.arithmetic.simd import INV_SQRT_2PI, fma, gauss, pointer, wide
from theory.gaussian.kinks import Kinks, kinks
from theory.gaussian.lanes import DONE, LANES, OTHER_WAY, P_, SCRATCH, TERM_ERROR, Float, Status
from theory.gaussian.means import F0, F1, F2, means

Int = NDArray[np.int64]

# Numbers of terms, and up to which power of |rho| of the first term left out they serve.
_TERMS = np.array([8, 12, 16, 24, 32, 48])
_MOST = int(_TERMS[-1])
_SMALL = 2.0**-56
_CRAMER = 1.0865 * INV_SQRT_2PI
_TAIL = 2.0**-54
# Below, terms may have lost digits to underflow.
_LEAST = 1e-280

# rows of a table: 1/sqrt(p), the bound of what is left out, sizes of the first term and of the others, coefficients
_ROOT, _BOUND, _HEAD, _REST, _FIRST = range(5)

ROWS = _FIRST + _MOST
"""Numbers of a table, of each input."""

# rows of lanes
_RHO, _STEP, _POWER, _SUM, _NEED, _END = (LANES * i for i in range(6))


class Series:
    """The series of a pair; ``of`` makes one."""

    def __init__(self, forms: tuple[Kinks, Kinks], first: int, step: int) -> None:
        self._forms, self._order = forms, (first, step)
        limits = _SMALL ** (1.0 / (first + step * _TERMS))
        self._given = (first, step, limits)

    @staticmethod
    def of(f: Activation, g: Activation) -> "Series | None":
        """Return the series of E[f(u) g(v)], or None if one has other kinks, of several scales, or it vanishes."""
        forms = kinks(f), kinks(g)
        if forms[0] is None or forms[1] is None or f.parity * g.parity == -1:
            return None
        if any(len(form.scales) != 1 for form in forms if form is not None):
            return None
        if f.parity != g.parity or f.parity == 0:
            return Series((forms[0], forms[1]), 0, 1)
        return Series((forms[0], forms[1]), 0 if f.parity == 1 else 1, 2)

    def table(self, side: int, p: Float) -> Float:
        """Return what belongs to single inputs, of f (side 0) or of g (side 1), at their variances."""
        form = self._forms[side]
        out = np.empty((ROWS, p.size))
        poly, scales = np.array([form.constant, form.slope]), np.array(form.scales).reshape(-1, 3)
        _coefficients(p, out, *self._order, poly, form.table, scales)
        return out

    def __call__(
        self, rows: Int, starts: Int, stop: int, one: Float, other: Float,
        c: Float, out: Float, status: Status,
    ) -> int:  # fmt: skip
        """Fill E[f(u) g(v)] of pairs, row ``rows[r]`` against columns ``starts[r]`` to ``stop - 1``.

        ``one`` and ``other`` are the tables of rows and of columns. Returns how many points are left, whose status
        is not DONE: |rho| beyond 0.67 (0.44 without parity), or terms that cancel.
        """
        return _sum(rows, starts, stop, one, other, c, out, status, *self._given)


@njit(nogil=True, cache=True, error_model="numpy")
def _coefficients(
    p: Float, out: Float, first: int, step: int, poly: Float, table: Float, scales: Float
) -> None:
    """Fill a table of coefficients."""
    memory = np.empty(SCRATCH)
    s = pointer(memory)
    e2 = scales[0, 0]
    for begin in range(0, p.size, LANES):
        lanes = min(LANES, p.size - begin)
        for i in range(lanes):
            s[P_ + i] = p[begin + i]
        means(s, lanes, P_, poly, table, scales, F0, F1, F2)
        for i in range(lanes):
            _column(s, i, p[begin + i], e2, first, step, table, out[:, begin + i])
    memory[0] = 0.0  # keeps the array alive behind its pointer


@njit(nogil=True, error_model="numpy")
def _column(
    s: Float, i: int, p: float, e2: float, first: int, step: int, table: Float, out: Float
) -> None:
    """Fill the column of one input; its means are in the scratch array."""
    root, up = math.sqrt(p + e2), LANES
    sizes = np.zeros(_MOST)
    out[:] = 0.0
    out[_ROOT] = 1.0 / root
    if first == 0:
        out[_FIRST], sizes[0] = s[F0 + i], s[F0 + up + i]
    if first == 1 or step == 1:
        out[_FIRST + 1 - first] = root * (s[F1 + i] + s[F2 + i])
        sizes[1 - first] = root * (s[F1 + up + i] + s[F2 + up + i])
    least = first + 8.0 * step
    for row in table:
        order, x = int(row[0]), row[1] / root
        front = gauss(x) * INV_SQRT_2PI * (root if order == 1 else 1.0)
        even, odd = row[4] + row[5], row[4] - row[5]
        # h_{n-2} of a change of slope, h_{n-1} of a jump
        older, newer = 0.0, 1.0
        for n in range(order + 1, first + step * _MOST):
            if n >= 2 and (n - first) % step == 0:
                scale = front / math.sqrt(n * (n - 1.0) if order == 1 else float(n))
                term = newer * scale * (even if n % 2 == 0 else odd)
                out[_FIRST + (n - first) // step] += term
                sizes[(n - first) // step] += abs(term)
            m = n - order
            older, newer = newer, (x * newer - math.sqrt(m - 1.0) * older) / math.sqrt(float(m))
        wave = _CRAMER * math.exp(-0.25 * x * x) * (abs(row[4]) + abs(row[5]))
        out[_BOUND] += wave * (root / (least - 1.0) if order == 1 else 1.0 / math.sqrt(least))
    out[_HEAD] = sizes[0]
    for size in sizes[1:]:
        out[_REST] += size * size
    out[_REST] = math.sqrt(out[_REST])
    if not 1e-75 <= p <= 1e75:
        out[_BOUND] = np.inf


@njit(nogil=True, cache=True, error_model="numpy")
def _sum(
    rows: Int, starts: Int, stop: int, one: Float, other: Float,
    c: Float, out: Float, status: Status, first: int, step: int, limits: Float,
) -> int:  # fmt: skip
    """Sum the series at every point, to as many terms as its own rho asks for."""
    memory = np.empty(_END)
    s, columns = pointer(memory), pointer(other)
    column, total = np.empty(one.shape[0]), other.shape[1]
    at = left = 0
    for r in range(rows.size):
        column[:] = one[:, rows[r]]
        for begin in range(starts[r], stop, LANES):
            n = min(LANES, stop - begin)
            here = slice(at, at + n)
            _lanes(s, n, column, columns, total, begin, c[here], first, step, limits)
            left += _judge(s, n, column, columns, total, begin, out[here], status[here], first)
            at += n
    memory[0] = 0.0  # keeps the array alive behind its pointer
    return left


@njit(nogil=True, error_model="numpy")
def _lanes(
    s: Float, n: int, row: Float, columns: Float, total: int, begin: int, c: Float,
    first: int, step: int, limits: Float,
) -> None:  # fmt: skip
    """Sum the terms in lanes, four at a time; a lane stops after its own number of them."""
    wide()
    root, last = row[_ROOT], limits[limits.size - 1]
    at = _ROOT * total + begin
    for i in range(n):
        rho = c[i] * (root * columns[at + i])
        size = abs(rho)
        s[_RHO + i] = size if size <= last else np.nan
        s[_NEED + i] = 0.0
        s[_STEP + i] = rho if step == 1 else rho * rho
        s[_POWER + i] = rho if first == 1 else 1.0
        s[_SUM + i] = 0.0
    most = 0
    for limit in limits[:-1]:
        beyond = 0
        for i in range(n):
            s[_NEED + i] += 1.0 if s[_RHO + i] > limit else 0.0
            beyond += s[_RHO + i] > limit
        most += beyond > 0
    done = 0
    for level in range(most + 1):
        while done < _TERMS[level]:
            one, two, three, four = (
                row[_FIRST + done], row[_FIRST + done + 1], row[_FIRST + done + 2], row[_FIRST + done + 3],
            )  # fmt: skip
            at = (_FIRST + done) * total + begin
            for i in range(n):
                x, power = s[_STEP + i], s[_POWER + i]
                part = fma(one * columns[at + i], power, s[_SUM + i])
                power *= x
                part = fma(two * columns[at + total + i], power, part)
                power *= x
                part = fma(three * columns[at + 2 * total + i], power, part)
                power *= x
                part = fma(four * columns[at + 3 * total + i], power, part)
                power *= x
                going = s[_NEED + i] >= level
                s[_SUM + i] = part if going else s[_SUM + i]
                s[_POWER + i] = power if going else s[_POWER + i]
            done += 4


@njit(nogil=True, error_model="numpy")
def _judge(
    s: Float, n: int, row: Float, columns: Float, total: int, begin: int, out: Float, status: Status,
    first: int,
) -> int:  # fmt: skip
    """Write the sums, and which of them are good; return how many are not."""
    wide()
    left = 0
    bound, head, rest = row[_BOUND], row[_HEAD], row[_REST]
    bounds, heads = _BOUND * total + begin, _HEAD * total + begin
    rests = _REST * total + begin
    for i in range(n):
        value, rho = s[_SUM + i], s[_RHO + i]
        out[i] = value
        lead = rho if first == 1 else 1.0
        size = head * columns[heads + i] + rest * columns[rests + i] * abs(s[_STEP + i])
        cut = 2.0 * bound * columns[bounds + i] * abs(s[_POWER + i])
        good = (size * lead * TERM_ERROR <= 1e-13 * abs(value)) & (cut <= _TAIL * abs(value))
        good &= (abs(value) > _LEAST) | ((value == 0.0) & (rho == 0.0))
        status[i] = DONE if good else OTHER_WAY
        left += not good
    return left
