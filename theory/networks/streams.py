"""Addressed randomness: value = function(seed, network, layer, role, row, index), by Philox4x32-10.

Nothing is ever seeded or advanced, so a stream costs nothing to create, and any value can be drawn again from its
address. Key: the 64-bit seed. Counter: (block, row, network mod 2^32, layer 2^16 + role 2^8 + network div 2^32).
Philox is that of Salmon, Moraes, Dror and Shaw (SC 2011), and passes the known answers of Random123.
Normals are made of the words in ``normals``.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from theory import checks
from theory.errors import InputError
from theory.kernels.weights import Latent, WeightLaw
from theory.networks.compiled import compiled
from theory.networks.normals import CHUNK, draw_words, fill_normals, scratch

MAX_NETWORKS = 2**40


class Role(IntEnum):
    """What a stream is for, within one layer of one network."""

    WEIGHT = 0
    BIAS = 1
    PREACTIVATION = 2
    ADJOINT = 3
    OUTPUT = 4


_U = np.uint64
_32, _LOW = _U(32), _U(0xFFFFFFFF)
_ONE, _64, _128 = _U(1), 64, 128


@compiled
def address(seed, network, layer, role):  # type: ignore[no-untyped-def]
    """Key and upper counter words (k0, k1, c2, c3) of one stream."""
    key, number = _U(seed), _U(network)
    place = (_U(layer) << _U(16)) | (_U(role) << _U(8)) | (number >> _32)
    return key & _LOW, key >> _32, number & _LOW, place


@compiled
def fill_signs(out, count, stream, row, room):  # type: ignore[no-untyped-def]
    """Write the first ``count`` fair signs of a row, 128 a block."""
    first, second, _, _ = room
    blocks = (count + _128 - 1) // _128
    for start in range(0, blocks, CHUNK):
        size = min(CHUNK, blocks - start)
        draw_words(first, second, start, size, stream, row)
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
        draw_words(first, second, start, size, stream, row)
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
        draw_words(first, second, start, size, stream, row)
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
