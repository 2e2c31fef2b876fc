"""Products with packed weights in {-1, 1} or {-1, 0, 1}: never a float a weight.

*Real inputs*: for each byte of columns a table of the 256 signed sums of its inputs, one vector lane an input (the
method of four Russians: Arlazarov, Dinic, Kronrod and Faradzev 1970); every row then adds one table row a byte, eight
weights at a time. With zeros, subset sums: a row for the +1 less a row for the -1. Backwards the same on
transposed bits. Each sum runs over the bytes in order, so it depends on nothing but its own row and input.
*Inputs in {-1, 0, 1}*: exclusive or and population count, in exact integers; the tables would give the same number.
Weights are drawn where they are used, 128 columns of all rows or 64 rows at a time: O(n) words, no matrix.
"""

from typing import Any, NamedTuple

import numpy as np

from theory.networks.bits import (
    ALL,
    STRIP,
    WORD,
    block_mask,
    block_signs,
    row_signs,
    transpose,
    words_of,
)
from theory.networks.compiled import compiled
from theory.networks.emitter import BYTES
from theory.networks.entries import is_masked, row_of_masks
from theory.networks.vectors import (
    add_row_differences,
    add_rows,
    popcount,
    signed_sums,
    subset_sums,
)

_U = np.uint64
_ZERO, _ONE = _U(0), _U(1)


class PackedRoom(NamedTuple):
    """Buffers of the packed products; one a thread."""

    columns: Any  # (4, rows): words of one block of every row, and of its mask
    strip: Any  # (2, 64, words): words of 64 rows, and of their mask
    features: Any  # (2, k, words): signs and non-zero places of features in {-1, 0, 1}
    counts: Any  # (k, rows)
    values: Any  # (64, lanes)
    table: Any  # (8, 256, lanes)
    sums: Any  # (chunks, rows, lanes)


@compiled
def aligned(count, like):  # type: ignore[no-untyped-def]
    """Zeros of the type of ``like``, from a multiple of the vector length on."""
    room = np.zeros(count + BYTES // like.itemsize, like.dtype)
    start = (-room.ctypes.data % BYTES) // like.itemsize
    return room[start : start + count]


@compiled
def packed_room(widest, k, lines, like):  # type: ignore[no-untyped-def]
    """Buffers for layers of at most ``widest`` neurons (0 for none), k inputs and ``lines`` adjoints."""
    lanes = BYTES // like.itemsize
    rows, words = (widest + WORD - 1) // WORD * WORD, words_of(widest)
    whole = 1 if widest > 0 else 0
    return PackedRoom(
        columns=np.empty((4, rows), np.uint64),
        strip=np.empty((2, STRIP * whole, words), np.uint64),
        features=np.empty((2, k, words), np.uint64),
        counts=np.empty((k, rows), np.int64),
        values=aligned(WORD * lanes * whole, like),
        table=aligned(8 * 256 * lanes * whole, like),
        sums=aligned((lines + lanes - 1) // lanes * rows * lanes, like),
    )


@compiled
def _gather(lines, first, count, start, stop, values, lanes):  # type: ignore[no-untyped-def]
    """Copy columns ``start``, ..., ``stop`` - 1 of ``count`` lines to rows of ``values`` (64, lanes); 0 elsewhere."""
    values[:] = 0.0
    for t in range(count):
        source = lines[first + t]
        for c in range(start, stop):
            values[(c - start) * lanes + t] = source[c]


@compiled
def _split(signs, masks, count):  # type: ignore[no-untyped-def]
    """Turn sign and mask words into the words of the +1 and of the -1."""
    for i in range(count):
        minus = signs[i] & masks[i]
        signs[i] = masks[i] & ~signs[i]
        masks[i] = minus


@compiled
def _draw_block(entries, fan_out, block, columns, room):  # type: ignore[no-untyped-def]
    """Words of one block of every row, and of the mask."""
    block_signs(columns[0], columns[1], fan_out, block, entries.values)
    if entries.threshold < ALL:
        threshold = entries.threshold
        block_mask(columns[2], columns[3], fan_out, block, threshold, entries.masks, room)
    elif entries.blocks > 0:
        for i in range(fan_out):
            columns[2, i] = entries.table[entries.rows[i], 2 * block]
            columns[3, i] = entries.table[entries.rows[i], 2 * block + 1]


@compiled
def _pack(features, packed):  # type: ignore[no-untyped-def]
    """Pack features if all lie in {-1, 0, 1}; else return False."""
    for a in range(features.shape[0]):
        for j in range(features.shape[1]):
            size = abs(features[a, j])
            if size != 1.0 and size != 0.0:
                return False
    packed[:] = _ZERO
    for a in range(features.shape[0]):
        for j in range(features.shape[1]):
            bit = _ONE << _U(j % WORD)
            if features[a, j] < 0.0:
                packed[0, a, j // WORD] |= bit
            if features[a, j] != 0.0:
                packed[1, a, j // WORD] |= bit
    return True


@compiled
def _count(words, masks, masked, sign, kept, fan_out, counts):  # type: ignore[no-untyped-def]
    """Add to ``counts`` the products of every row's word with one word of features."""
    if masked:
        for i in range(fan_out):
            both = masks[i] & kept
            odd = popcount((words[i] ^ sign) & both)
            counts[i] += np.int64(popcount(both)) - 2 * np.int64(odd)
    else:
        size = np.int64(popcount(kept))
        for i in range(fan_out):
            counts[i] += size - 2 * np.int64(popcount((words[i] ^ sign) & kept))


@compiled
def packed_forward(entries, inputs, out, factor, room, space):  # type: ignore[no-untyped-def]
    """Write ``factor`` W x, from a (k, fan-in) to a (k, fan-out) panel."""
    (k, fan_in), fan_out = inputs.shape, out.shape[1]
    lanes = BYTES // inputs.itemsize
    masked = is_masked(entries)
    counted = _pack(inputs, space.features)
    space.counts[:] = 0
    space.sums[:] = 0.0
    words, masks = space.columns[:2], space.columns[2:]
    for block in range(words_of(fan_in) // 2):
        _draw_block(entries, fan_out, block, space.columns, room)
        for half in range(2):
            start = WORD * (2 * block + half)
            if start >= fan_in:
                continue
            if counted:
                for a in range(k):
                    sign, kept = (
                        space.features[0, a, 2 * block + half],
                        space.features[1, a, 2 * block + half],
                    )
                    _count(words[half], masks[half], masked, sign, kept, fan_out, space.counts[a])
            else:
                if masked:
                    _split(words[half], masks[half], fan_out)
                _add_products(
                    inputs,
                    k,
                    start,
                    min(start + WORD, fan_in),
                    words[half],
                    masks[half],
                    masked,
                    fan_out,
                    space,
                )
    for a in range(k):
        for i in range(fan_out):
            place = (a // lanes * fan_out + i) * lanes + a % lanes
            total = space.counts[a, i] if counted else space.sums[place]
            out[a, i] = factor * total


@compiled
def _add_products(lines, count, start, stop, plus, minus, masked, targets, space):  # type: ignore[no-untyped-def]
    """Add the products of one word a target with the columns ``start``, ..., ``stop`` - 1 of ``count`` lines."""
    lanes = BYTES // lines.itemsize
    for chunk in range((count + lanes - 1) // lanes):
        first = chunk * lanes
        _gather(lines, first, min(lanes, count - first), start, stop, space.values, lanes)
        base = chunk * targets * lanes
        if masked:
            subset_sums(space.table, space.values)
            for i in range(targets):
                add_row_differences(space.sums, base + i * lanes, space.table, plus[i], minus[i])
        else:
            signed_sums(space.table, space.values)
            for i in range(targets):
                add_rows(space.sums, base + i * lanes, space.table, plus[i])


@compiled
def _draw_strip(entries, start, stop, fan_in, room, space):  # type: ignore[no-untyped-def]
    """Words of the rows ``start``, ..., ``stop`` - 1, transposed; with a mask, of their +1 and of their -1."""
    signs, masks = space.strip[0], space.strip[1]
    masked, words = is_masked(entries), (fan_in + WORD - 1) // WORD
    for r in range(STRIP):
        if start + r >= stop:
            signs[r], masks[r] = _ZERO, _ZERO
            continue
        row_signs(signs[r], fan_in, entries.values, start + r, room)
        row_of_masks(masks[r], fan_in, entries, start + r, room)
        if masked:
            _split(signs[r], masks[r], words)
    transpose(signs, words)
    if masked:
        transpose(masks, words)


@compiled
def packed_backward(entries, adjoints, back, fan_out, fan_in, room, space):  # type: ignore[no-untyped-def]
    """Write W^T v for every line v of ``adjoints`` to the same line of ``back``."""
    lanes, count = BYTES // adjoints.itemsize, adjoints.shape[0]
    masked, words = is_masked(entries), (fan_in + WORD - 1) // WORD
    space.sums[:] = 0.0
    for start in range(0, fan_out, STRIP):
        stop = min(start + STRIP, fan_out)
        _draw_strip(entries, start, stop, fan_in, room, space)
        for chunk in range((count + lanes - 1) // lanes):
            line = chunk * lanes
            _gather(adjoints, line, min(lanes, count - line), start, stop, space.values, lanes)
            if masked:
                subset_sums(space.table, space.values)
            else:
                signed_sums(space.table, space.values)
            for w in range(words):
                for s in range(min(WORD, fan_in - WORD * w)):
                    place = (chunk * fan_in + WORD * w + s) * lanes
                    plus = space.strip[0, s, w]
                    if masked:
                        minus = space.strip[1, s, w]
                        add_row_differences(space.sums, place, space.table, plus, minus)
                    else:
                        add_rows(space.sums, place, space.table, plus)
    for t in range(count):
        target = back[t]
        for j in range(fan_in):
            target[j] = space.sums[(t // lanes * fan_in + j) * lanes + t % lanes]
