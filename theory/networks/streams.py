"""Addressed randomness: value = function(seed, network, layer, role, row, index), by Philox4x32-10.

Nothing is ever seeded or advanced, so a stream costs nothing to create, and any value can be drawn again from its
address. Key: the 64-bit seed. Counter: (block, row, network mod 2^32, layer 2^16 + role 2^8 + network div 2^32).
Philox is that of Salmon, Moraes, Dror and Shaw (SC 2011), and passes the known answers of Random123.

Normals: Box-Muller, two a block, from uniforms at the midpoints of 2^52 cells (odd multiples of 2^-53), with fixed
polynomials (fdlibm's, below 1 ulp) for logarithm, sine and cosine rather than the machine's library: the bits are the
same everywhere, and the loops vectorise. The largest normal is sqrt(106 log 2) = 8.57, where the law has mass 1e-17.
"""

from enum import IntEnum
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from theory import checks
from theory.errors import InputError
from theory.kernels.weights import Latent, WeightLaw
from theory.networks.compiled import LANES, bits_of, compiled, float_of, philox_lanes

MAX_NETWORKS = 2**40
CHUNK = 128
"""Blocks drawn at a time: their words stay in the first-level cache."""


class Role(IntEnum):
    """What a stream is for, within one layer of one network."""

    WEIGHT = 0
    BIAS = 1
    PREACTIVATION = 2


_U = np.uint64
_32, _CELL = _U(32), 2.0**-52
_LOW, _52 = _U(0xFFFFFFFF), _U(0xFFFFFFFFFFFFF)
_ONE, _64, _128 = _U(1), 64, 128


@compiled
def address(seed, network, layer, role):  # type: ignore[no-untyped-def]
    """Key and upper counter words (k0, k1, c2, c3) of one stream."""
    key, number = _U(seed), _U(network)
    place = (_U(layer) << _U(16)) | (_U(role) << _U(8)) | (number >> _32)
    return key & _LOW, key >> _32, number & _LOW, place


@compiled
def scratch():  # type: ignore[no-untyped-def]
    """Room for the words of one chunk; every ``fill`` needs one, and threads need one each."""
    words = np.empty((2, CHUNK), np.uint64)
    numbers = np.empty((2, CHUNK))
    return words[0], words[1], numbers[0], numbers[1]


@compiled
def _words(first, second, start, count, stream, row):  # type: ignore[no-untyped-def]
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
def fill_normals(out, count, stream, row, room):  # type: ignore[no-untyped-def]
    """Write the first ``count`` standard normals of a row; ``out`` holds ``count`` rounded up to even."""
    first, second, radius, across = room
    blocks = (count + 1) // 2
    for start in range(0, blocks, CHUNK):
        size = min(CHUNK, blocks - start)
        _words(first, second, start, size, stream, row)
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
def fill_signs(out, count, stream, row, room):  # type: ignore[no-untyped-def]
    """Write the first ``count`` fair signs of a row, 128 a block."""
    first, second, _, _ = room
    blocks = (count + _128 - 1) // _128
    for start in range(0, blocks, CHUNK):
        size = min(CHUNK, blocks - start)
        _words(first, second, start, size, stream, row)
        for b in range(size):
            for half in range(2):
                word = second[b] if half else first[b]
                place = _128 * (start + b) + _64 * half
                for bit in range(min(_64, count - place)):
                    out[place + bit] = 1.0 - 2.0 * float((word >> _U(bit)) & _ONE)


@compiled
def fill_ternary(out, count, zero_probability, stream, row, room):  # type: ignore[no-untyped-def]
    """Write the first ``count`` values in {-1, 0, 1} of a row, two a block; P(0) is right to 2^-53."""
    first, second, _, _ = room
    blocks = (count + 1) // 2
    for start in range(0, blocks, CHUNK):
        size = min(CHUNK, blocks - start)
        _words(first, second, start, size, stream, row)
        for place in range(2 * start, min(2 * (start + size), count)):
            word = second[place // 2 - start] if place % 2 else first[place // 2 - start]
            u = float(np.int64(word >> _U(11))) * 2.0**-53
            sign = 1.0 - 2.0 * float(word & _ONE)
            out[place] = 0.0 if u < zero_probability else sign


@compiled
def fill_latent(out, count, latent, zero_probability, stream, row, room):  # type: ignore[no-untyped-def]
    """Write the first ``count`` latent weights of a row; ``latent`` is a ``theory.kernels.weights.Latent``."""
    if latent == 0:
        fill_normals(out, count, stream, row, room)
    elif latent == 1:
        fill_signs(out, count, stream, row, room)
    else:
        fill_ternary(out, count, zero_probability, stream, row, room)


@compiled
def _rows(seed, network, layer, role, latent, zero_probability, rows, count):  # type: ignore[no-untyped-def]
    out = np.empty((rows, count + count % 2))
    room, stream = scratch(), address(seed, network, layer, role)
    for row in range(rows):
        fill_latent(out[row], count, latent, zero_probability, stream, row, room)
    return out[:, :count].copy()


@compiled
def _blocks(seed, network, layer, role, row, count):  # type: ignore[no-untyped-def]
    first, second, _, _ = scratch()
    out = np.empty((count, 2), np.uint64)
    stream = address(seed, network, layer, role)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        _words(first, second, start, size, stream, row)
        for b in range(size):
            out[start + b, 0], out[start + b, 1] = first[b], second[b]
    return out


def check_seed(seed: object) -> np.uint64:
    """Return a seed as a 64-bit key, or raise ``InputError``."""
    number = checks.non_negative_int(seed, "seed")
    if number >= 2**64:
        raise InputError(f"seed must be below 2^64, got {number}")
    return np.uint64(number)


def latent_weights(
    law: WeightLaw, seed: int, network: int, layer: int, fan_out: int, fan_in: int
) -> NDArray[np.float64]:
    """Return the latent weight matrix (fan-out, fan-in) that the literal sampler uses; layers count from 0."""
    kind, zero = int(law.latent), law.zero_probability
    key = check_seed(seed)
    return np.asarray(_rows(key, network, layer, int(Role.WEIGHT), kind, zero, fan_out, fan_in))


def biases(seed: int, network: int, layer: int, fan_out: int) -> NDArray[np.float64]:
    """Return the standard normal biases (fan-out,) of a layer."""
    key, normal = check_seed(seed), int(Latent.NORMAL)
    return np.asarray(_rows(key, network, layer, int(Role.BIAS), normal, 0.0, 1, fan_out)[0])


def blocks(
    seed: int, network: int, layer: int, role: Role, row: int, count: int
) -> NDArray[np.uint64]:
    """Return the raw 128-bit blocks 0, ..., ``count - 1`` of one row, shape (count, 2)."""
    return np.asarray(_blocks(check_seed(seed), network, layer, int(role), row, count))
