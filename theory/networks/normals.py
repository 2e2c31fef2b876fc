"""Standard normals by address: Philox words turned into normals by Box-Muller.

Two normals a block, from uniforms at the midpoints of 2^52 cells (odd multiples of 2^-53), with fixed polynomials
(fdlibm's, below 1 ulp) for logarithm, sine and cosine rather than the machine's library: the bits are the same
everywhere, and the loops vectorise. The largest normal is sqrt(106 log 2) = 8.57, where the law has mass 1e-17.
"""

from math import sqrt

import numpy as np

from theory.networks.compiled import LANES, bits_of, compiled, float_of, philox_lanes

CHUNK = 128
"""Blocks drawn at a time: their words stay in the first-level cache."""

_U = np.uint64
_CELL, _52, _ONE = 2.0**-52, _U(0xFFFFFFFFFFFFF), _U(1)


@compiled
def scratch():  # type: ignore[no-untyped-def]
    """Room for the words of one chunk; every ``fill`` needs one, and threads need one each."""
    words = np.empty((2, CHUNK), np.uint64)
    numbers = np.empty((2, CHUNK))
    return words[0], words[1], numbers[0], numbers[1]


@compiled
def draw_words(first, second, start, count, stream, row):  # type: ignore[no-untyped-def]
    """Blocks ``start`` ... ``start + count - 1`` of a row, each as two 64-bit words."""
    k0, k1, c2, c3 = stream
    for place in range(0, count, LANES):
        philox_lanes(first, second, place, _U(start + place), _U(row), c2, c3, k0, k1)


@compiled
def _log(u):  # type: ignore[no-untyped-def]
    """Natural logarithm on (0, 1)."""
    bits = bits_of(u)
    exponent = (bits - 0x3FE6A09E667F3BCD) >> 52
    f = float_of(bits - (exponent << 52)) - 1.0
    e = float(exponent)
    s = f / (2.0 + f)
    z = s * s
    r = 1.531383769920937332e-01 + z * 1.479819860511658591e-01
    r = 2.222219843214978396e-01 + z * (1.818357216161805012e-01 + z * r)
    r = 3.999999999940941908e-01 + z * (2.857142874366239149e-01 + z * r)
    r = z * (6.666666666666735130e-01 + z * r)
    half = 0.5 * f * f
    small = half - (s * (half + r) + e * 1.90821492927058770002e-10)
    return e * 6.93147180369123816490e-01 - (small - f)


@compiled
def _sine_cosine(y):  # type: ignore[no-untyped-def]
    """Sine and cosine on [-pi/4, pi/4]."""
    z = y * y
    s = -2.50507602534068634195e-08 + z * 1.58969099521155010221e-10
    s = -1.98412698298579493134e-04 + z * (2.75573137070700676789e-06 + z * s)
    s = -1.66666666666666324348e-01 + z * (8.33333333332248946124e-03 + z * s)
    c = 2.08757232129817482790e-09 + z * -1.13596475577881948265e-11
    c = 2.48015872894767294178e-05 + z * (-2.75573143513906633035e-07 + z * c)
    c = 4.16666666666666019037e-02 + z * (-1.38888888888741095749e-03 + z * c)
    return y + y * z * s, 1.0 - (0.5 * z - z * z * c)


@compiled
def normals_from(out, begin, count, stream, row, room):  # type: ignore[no-untyped-def]
    """Write ``count`` standard normals of a row from number ``begin``, even, on.

    ``out`` holds ``count`` rounded up to even.
    """
    first, second, radius, across = room
    blocks = (count + 1) // 2
    for start in range(0, blocks, CHUNK):
        size = min(CHUNK, blocks - start)
        draw_words(first, second, begin // 2 + start, size, stream, row)
        for b in range(size):
            u = (np.int64(first[b] >> _U(12)) + 0.5) * _CELL
            radius[b] = sqrt(-2.0 * _log(u))
        for b in range(size):
            # The top two bits choose a quarter of the circle, the next 52 an angle inside it.
            w = second[b]
            t = (np.int64((w >> _U(10)) & _52) + 0.5) * _CELL
            sine, cosine = _sine_cosine((t - 0.5) * 1.5707963267948966)
            cosine = cosine if (w >> _U(63)) == _U(0) else -cosine
            upright = (w >> _U(62)) & _ONE == _U(0)
            across[b] = radius[b] * (cosine if upright else sine)
            radius[b] *= sine if upright else cosine
        pairs = out[2 * start : 2 * (start + size)].reshape(size, 2)
        for b in range(size):
            pairs[b, 0], pairs[b, 1] = across[b], radius[b]


@compiled
def fill_normals(out, count, stream, row, room):  # type: ignore[no-untyped-def]
    """Write the first ``count`` standard normals of a row; ``out`` holds ``count`` rounded up to even."""
    normals_from(out, 0, count, stream, row, room)
