"""Weights of one layer as an address and a law, and their rows as numbers.

Latent entries are signs or normals under a mask: none, independent bits, or permuted blocks.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.kernels.weights import Latent, WeightLaw
from theory.networks.bits import ALL, WORD, row_mask, row_signs, shuffled_blocks, words_of
from theory.networks.compiled import compiled
from theory.networks.normals import fill_normals, scratch
from theory.networks.streams import Role, address, check_seed

_WEIGHT, _MASK, _PERMUTATION = int(Role.WEIGHT), int(Role.MASK), int(Role.PERMUTATION)
_SIGN = int(Latent.SIGN)
_U = np.uint64
_ONE = _U(1)


class Entries(NamedTuple):
    """How the weights of one layer of one network are drawn, before scaling."""

    values: Any  # address of the sign bits, or of the normals
    masks: Any  # address of the mask bits
    threshold: Any  # 2^53 P(kept)
    blocks: Any  # permuted blocks, 0 for none
    rows: Any  # block of each row
    table: Any  # (blocks, words): columns of each block


@compiled
def entries_of(values, zero_probability, blocks, fan_out, fan_in, room):  # type: ignore[no-untyped-def]
    """Entries of a layer whose weights have the address ``values``; draws the permutations, if there are any."""
    k0, k1, c2, c3 = values
    masks = k0, k1, c2, c3 ^ (_U(_MASK ^ _WEIGHT) << _U(8))
    permutation = k0, k1, c2, c3 ^ (_U(_PERMUTATION ^ _WEIGHT) << _U(8))
    threshold = np.int64(np.rint((1.0 - zero_probability) * float(ALL)))
    rows = np.empty(fan_out if blocks else 0, np.int64)
    columns = np.empty(fan_in if blocks else 0, np.int64)
    table = np.zeros((blocks, words_of(columns.shape[0])), np.uint64)
    if blocks:
        shuffled_blocks(rows, fan_out, blocks, permutation, 0, room)
        shuffled_blocks(columns, fan_in, blocks, permutation, 1, room)
        for j in range(fan_in):
            table[columns[j], j // WORD] |= _ONE << _U(j % WORD)
    return Entries(values, masks, threshold, blocks, rows, table)


@compiled
def is_masked(entries):  # type: ignore[no-untyped-def]
    """Whether some entries may be zero."""
    return entries.threshold < ALL or entries.blocks > 0


@compiled
def row_of_masks(out, count, entries, row, room):  # type: ignore[no-untyped-def]
    """Write the mask words of one row, if there is a mask."""
    if entries.threshold < ALL:
        row_mask(out, count, entries.threshold, entries.masks, row, room)
    elif entries.blocks > 0:
        for w in range(words_of(count)):
            out[w] = entries.table[entries.rows[row], w]


@compiled
def fill_row(out, count, latent, entries, row, room):  # type: ignore[no-untyped-def]
    """Write the first ``count`` latent weights of a row as numbers; ``out`` holds them rounded up to even.

    A masked row of normals draws those that are kept, in order.
    """
    masked = is_masked(entries)
    if latent != _SIGN and not masked:
        fill_normals(out, count, entries.values, row)
        return
    size = words_of(count)
    words, masks = np.empty(size if latent == _SIGN else 0, np.uint64), np.empty(size, np.uint64)
    row_of_masks(masks, count, entries, row, room)
    if latent == _SIGN:
        row_signs(words, count, entries.values, row, room)
        for j in range(count):
            bit = _U(j % WORD)
            kept = float((masks[j // WORD] >> bit) & _ONE) if masked else 1.0
            out[j] = kept * (1.0 - 2.0 * float((words[j // WORD] >> bit) & _ONE))
        return
    drawn = np.int64(0)
    for j in range(count):
        drawn += np.int64((masks[j // WORD] >> _U(j % WORD)) & _ONE)
    fill_normals(out, drawn, entries.values, row)
    for j in range(count - 1, -1, -1):
        kept = (masks[j // WORD] >> _U(j % WORD)) & _ONE
        drawn -= np.int64(kept)
        out[j] = out[drawn] if kept else 0.0


@compiled
def _matrix(seed, network, layer, latent, zero_probability, blocks, out):  # type: ignore[no-untyped-def]
    (fan_out, fan_in), room = out.shape, scratch()
    row = np.empty(fan_in + 1)
    stream = address(seed, network, layer, _WEIGHT)
    entries = entries_of(stream, zero_probability, blocks, fan_out, fan_in, room)
    for i in range(fan_out):
        fill_row(row, fan_in, latent, entries, i, room)
        for j in range(fan_in):
            out[i, j] = row[j]


def latent_weights(
    law: WeightLaw, seed: int, network: int, layer: int, fan_out: int, fan_in: int
) -> NDArray[np.float64]:
    """Return the latent weight matrix (fan-out, fan-in) that the literal sampler uses; layers count from 0."""
    matrix = np.empty((fan_out, fan_in))
    kind, zero = int(law.latent), law.zero_probability
    _matrix(check_seed(seed), network, layer, kind, zero, law.blocks, matrix)
    return law.scale(fan_out, fan_in) * matrix
