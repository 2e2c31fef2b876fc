"""Exact sums: powers and products of float64 numbers added up as integers, so that no order of adding changes a bit.

A float64 number is m 2^(e - 1074) with integers |m| < 2^53 and 0 <= e < 2046, so its p-th power is an integer multiple
of 2^(-1074 p), and so is any sum of them: Kulisch's long accumulator, one for each power. Digits have 30 bits and sit
in int64, so that 2^25 terms fit before a carry has to move.
"""

from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.networks.compiled import bits_of, compiled

ORDER = 8
"""Highest power: what the standard error of a fourth cumulant needs."""

SMALLEST = -1074
"""Exponent of the smallest positive float64 number."""

Float = NDArray[np.float64]
Int = NDArray[np.int64]

BITS = 30
_MASK = 2**BITS - 1
MIXED = ((1, 1), (2, 1), (2, 2), (1, 2))
"""Powers (a, b) of two variables whose products x^a y^b are summed."""

MANTISSA = 7
"""Leading bits of the significand that choose a bin."""

_SHIFT = 52 - MANTISSA
LARGEST_KEY = 0x7FF << MANTISSA
"""Key of infinity: every finite number is in a bin between its negative and itself."""


@compiled
def _split(value):  # type: ignore[no-untyped-def]
    """Low and high digit of |m|, and e."""
    bits = bits_of(value)
    exponent, mantissa = (bits >> 52) & 0x7FF, bits & 0xFFFFFFFFFFFFF
    if exponent > 0:
        mantissa |= 1 << 52
        exponent -= 1
    return mantissa & _MASK, mantissa >> BITS, exponent


@compiled
def _grow(product, count, low, high, total, shift, sign):  # type: ignore[no-untyped-def]
    """Multiply ``count`` digits by (low, high) and add ``sign`` product 2^shift to ``total``; return the new count."""
    place, left = shift // BITS, shift % BITS
    carry, below, shifted = 0, 0, 0
    for i in range(count):
        digit = product[i]
        part = digit * low + below * high + carry
        carry, below, digit = part >> BITS, digit, part & _MASK
        product[i] = digit
        shifted |= digit << left
        total[place + i] += sign * (shifted & _MASK)
        shifted >>= BITS
    part = below * high + carry
    product[count], product[count + 1] = part & _MASK, part >> BITS
    shifted |= product[count] << left
    total[place + count] += sign * (shifted & _MASK)
    shifted = (shifted >> BITS) | (product[count + 1] << left)
    total[place + count + 1] += sign * (shifted & _MASK)
    total[place + count + 2] += sign * (shifted >> BITS)
    return count + 2 if product[count + 1] != 0 else count + 1


@compiled
def _unload(total, size, data):  # type: ignore[no-untyped-def]
    """Write the first ``size`` digits as one two's complement integer to bytes, lowest first, and set them to 0."""
    held, bits, place = 0, 0, 0
    for i in range(size):
        held += total[i] << bits
        total[i] = 0
        # What is left has below 8 bits, and what a digit has piled up beyond its 30 moves on with it.
        for _ in range(3):
            data[place] = held & 255
            held >>= 8
            place += 1
        bits += BITS - 24
        if bits >= 8:
            data[place] = held & 255
            held >>= 8
            place += 1
            bits -= 8
    for _ in range(8):
        data[place] = held & 255
        held >>= 8
        place += 1
    return place


@compiled
def _powers(values, order, totals, product, counts):  # type: ignore[no-untyped-def]
    """Add the powers 1, ..., ``order`` of ``values`` to ``totals``, and count them by bin."""
    for k in range(values.shape[0]):
        value = values[k]
        key = (bits_of(value) & 0x7FFFFFFFFFFFFFFF) >> _SHIFT
        counts[0 if value >= 0.0 else 1, key] += 1
        low, high, exponent = _split(value)
        product[0], count = 1, 1
        for power in range(1, order + 1):
            sign = -1 if value < 0.0 and power % 2 == 1 else 1
            row = totals[power - 1]
            count = _grow(product, count, low, high, row, power * exponent, sign)


@compiled
def _products(left, right, totals, product):  # type: ignore[no-untyped-def]
    """Add xy, x^2 y, x^2 y^2 and x y^2 over pairs of ``left`` and ``right`` to ``totals``."""
    for k in range(left.shape[0]):
        x, y = left[k], right[k]
        x0, x1, ex = _split(x)
        y0, y1, ey = _split(y)
        sx, sy = -1 if x < 0.0 else 1, -1 if y < 0.0 else 1
        product[0] = 1
        count = _grow(product, 1, x0, x1, totals[0], ex, 0)
        count = _grow(product, count, y0, y1, totals[0], ex + ey, sx * sy)
        count = _grow(product, count, x0, x1, totals[1], 2 * ex + ey, sy)
        _grow(product, count, y0, y1, totals[2], 2 * (ex + ey), 1)
        product[0] = 1
        count = _grow(product, 1, y0, y1, totals[0], ey, 0)
        count = _grow(product, count, y0, y1, totals[0], 2 * ey, 0)
        _grow(product, count, x0, x1, totals[3], ex + 2 * ey, sx)


class Accumulator:
    """Room for exact sums; one a thread."""

    def __init__(self) -> None:
        self._totals = np.zeros((ORDER, _digits(ORDER)), np.int64)
        self._product = np.zeros(ORDER * 53 // BITS + 4, np.int64)
        self._bytes = np.zeros(_digits(ORDER) * 4 + 8, np.uint8)
        self._counts = np.zeros((2, LARGEST_KEY), np.int64)

    def powers(self, values: Float, order: int) -> tuple[tuple[int, ...], Int, Int]:
        """Return sum x^p 2^(1074 p), p = 1, ..., ``order``, and the bins of finite ``values`` with their counts."""
        _powers(values, order, self._totals, self._product, self._counts)
        ends = np.abs(values[values < 0.0]), values[values >= 0.0]
        keys, counts = [], []
        for row, sign in ((1, -1), (0, 1)):
            side = ends[row ^ 1]
            if not len(side):
                continue
            low, high = (int(bound) for bound in keys_of(np.array([side.min(), side.max()])))
            seen = self._counts[row, low : high + 1]
            places = np.flatnonzero(seen)[::sign]
            keys.append(sign * (places + low))
            counts.append(seen[places])
            seen[places] = 0
        sums = tuple(self._integer(p, p + 1) for p in range(order))
        # Subnormal numbers of either sign share bin 0.
        return sums, *counted(np.concatenate(keys), np.concatenate(counts))

    def products(self, left: Float, right: Float) -> tuple[int, ...]:
        """Return sum x^a y^b 2^(1074 (a + b)) for the powers (a, b) of ``MIXED``."""
        _products(left, right, self._totals, self._product)
        return tuple(self._integer(row, a + b) for row, (a, b) in enumerate(MIXED))

    def _integer(self, row: int, degree: int) -> int:
        length = _unload(self._totals[row], _digits(degree), self._bytes)
        return int.from_bytes(self._bytes[:length].tobytes(), "little", signed=True)


def _digits(degree: int) -> int:
    """Digits of a sum of 2^60 products of ``degree`` numbers."""
    return degree * 2098 // BITS + 4


def counted(keys: Int, counts: Int) -> tuple[Int, Int]:
    """Return the different keys in increasing order, and how often each occurs."""
    unique, places = np.unique(keys, return_inverse=True)
    total = np.zeros(len(unique), np.int64)
    np.add.at(total, places, counts)
    return unique, total


def keys_of(values: Float) -> Int:
    """Return the bins of numbers: sign, exponent and leading bits of the significand."""
    sizes = np.abs(values).view(np.int64) >> _SHIFT
    return np.where(values < 0.0, -sizes, sizes)


def edge(keys: Any) -> NDArray[np.float64]:
    """Return the ends of bins that are nearer to 0; 0 for key 0."""
    keys = np.asarray(keys, np.int64)
    return np.copysign((np.abs(keys) << _SHIFT).view(np.float64), keys)


def middle(keys: Any) -> Float:
    """Return the middle of bins, 0 for key 0."""
    keys = np.asarray(keys, np.int64)
    sizes = ((np.abs(keys) << _SHIFT) | (1 << (_SHIFT - 1))).view(np.float64)
    return np.where(keys == 0, 0.0, np.copysign(sizes, keys))


def ratio(numerator: int, denominator: int, exponent: int) -> float:
    """Return numerator / denominator 2^exponent, rounded once; infinite past the largest float64 number."""
    try:
        if exponent < 0:
            return numerator / (denominator << -exponent)
        return (numerator << exponent) / denominator
    except OverflowError:
        return float("inf") if numerator > 0 else float("-inf")


def central(sums: tuple[int, ...], count: int) -> list[int]:
    """Return count^p times the central moments p = 0, 1, ..., from the exact power sums 1, 2, ..."""
    raw, minus = (count, *sums), -sums[0]
    return [
        minus**p + sum(comb(p, k) * count ** (p - k - 1) * raw[p - k] * minus**k for k in range(p))
        for p in range(len(raw))
    ]
