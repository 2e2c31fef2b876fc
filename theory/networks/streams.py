"""Addressed randomness: value = function(seed, network, layer, role, row, index), by Philox4x32-10.

Nothing is ever seeded or advanced, so a stream costs nothing to create, and any value can be drawn again from its
address. Key: the 64-bit seed. Counter: (block, row, network mod 2^32, layer 2^16 + role 2^8 + network div 2^32).
Philox is that of Salmon, Moraes, Dror and Shaw (SC 2011), and passes the known answers of Random123.
Normals are made of the words in ``normals``, packed signs and masks in ``bits``.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from theory import checks
from theory.errors import InputError
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
    MASK = 5
    PERMUTATION = 6


_U = np.uint64
_32, _LOW = _U(32), _U(0xFFFFFFFF)


@compiled
def address(seed, network, layer, role):  # type: ignore[no-untyped-def]
    """Key and upper counter words (k0, k1, c2, c3) of one stream."""
    key, number = _U(seed), _U(network)
    place = (_U(layer) << _U(16)) | (_U(role) << _U(8)) | (number >> _32)
    return key & _LOW, key >> _32, number & _LOW, place


@compiled
def _normals(seed, network, layer, role, count):  # type: ignore[no-untyped-def]
    out = np.empty(count)
    fill_normals(out, count, address(seed, network, layer, role), 0)
    return out


@compiled
def _blocks(seed, network, layer, role, row, count):  # type: ignore[no-untyped-def]
    first, second = scratch()
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


def biases(seed: int, network: int, layer: int, fan_out: int) -> NDArray[np.float64]:
    """Return the standard normal biases (fan-out,) of a layer."""
    return np.asarray(_normals(check_seed(seed), network, layer, int(Role.BIAS), fan_out))


def blocks(
    seed: int, network: int, layer: int, role: Role, row: int, count: int
) -> NDArray[np.uint64]:
    """Return the raw 128-bit blocks 0, ..., ``count - 1`` of one row, shape (count, 2)."""
    return np.asarray(_blocks(check_seed(seed), network, layer, int(role), row, count))
