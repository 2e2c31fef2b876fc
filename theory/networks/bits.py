"""Random bits by address, 64 weights a word, and the moves that packed products need.

A matrix of signs holds one word for 64 columns of a row: bit s of word w is column 64 w + s, and a set bit is -1.
Blocks 2w and 2w + 1 of a row are the two words of Philox block w, so that a row, or the same block of many rows, can
be drawn alone.

Masks: each bit is set with probability T 2^-53, by comparing the binary expansion of T with random planes, from
the most significant one on, until every comparison is decided: 11 words for 64 bits on average, in place of 64
uniforms. Plane t of block b has the counter 2^26 t + b. Permuted blocks: rows and columns carry the number of their
block, shuffled by Fisher and Yates with exact uniforms (rejection).
"""

import numpy as np

from theory.networks.compiled import LANES, compiled, philox_lanes, philox_rows
from theory.networks.normals import CHUNK, draw_words
from theory.networks.vectors import compare_plane

WORD = 64
STRIP = 64
"""Rows that are transposed together, and words of each that stay in the first-level cache meanwhile."""

ALL = 2**53
"""Threshold of a mask that keeps everything."""

_U = np.uint64
_ZERO, _ONE, _ONES = _U(0), _U(1), _U(0xFFFFFFFFFFFFFFFF)
_PLANE, _TOP, _53, _6 = _U(26), _U(52), _U(ALL - 1), _U(6)


@compiled
def words_of(count):  # type: ignore[no-untyped-def]
    """Words that hold ``count`` bits, in whole blocks."""
    return 2 * ((count + 2 * WORD - 1) // (2 * WORD))


@compiled
def _mask_lanes(first, second, place, threshold, block, row, along_rows, stream, room):  # type: ignore[no-untyped-def]
    """Draw mask bits of ``LANES`` blocks: consecutive ones of a row, or the same one of consecutive rows."""
    k0, k1, c2, c3 = stream
    open_first, open_second = room[0][LANES : 2 * LANES], room[1][LANES : 2 * LANES]
    one, two = room[0][2 * LANES : 3 * LANES], room[1][2 * LANES : 3 * LANES]
    for i in range(LANES):
        first[place + i], second[place + i] = _ZERO, _ZERO
        open_first[i], open_second[i] = _ONES, _ONES
    rest, plane = _U(threshold), _ZERO
    while rest != _ZERO:
        c0 = (plane << _PLANE) + _U(block)
        if along_rows:
            philox_rows(one, two, 0, c0, _U(row), c2, c3, k0, k1)
        else:
            philox_lanes(one, two, 0, c0, _U(row), c2, c3, k0, k1)
        bit = (rest >> _TOP) & _ONE
        undecided = compare_plane(first, place, open_first, one, bit)
        undecided |= compare_plane(second, place, open_second, two, bit)
        if undecided == _ZERO:
            break
        rest = (rest << _ONE) & _53
        plane += _ONE


@compiled
def row_signs(out, count, stream, row, room):  # type: ignore[no-untyped-def]
    """Write the sign words of one row; ``out`` holds ``words_of(count)``."""
    first, second = room[0], room[1]
    blocks = words_of(count) // 2
    for start in range(0, blocks, CHUNK):
        size = min(CHUNK, blocks - start)
        draw_words(first, second, start, size, stream, row)
        for b in range(size):
            out[2 * (start + b)], out[2 * (start + b) + 1] = first[b], second[b]


@compiled
def row_mask(out, count, threshold, stream, row, room):  # type: ignore[no-untyped-def]
    """Write the mask words of one row; ``out`` holds ``words_of(count)``."""
    first, second = room[0], room[1]
    blocks = words_of(count) // 2
    for start in range(0, blocks, LANES):
        _mask_lanes(first, second, 0, threshold, start, row, False, stream, room)
        for b in range(min(LANES, blocks - start)):
            out[2 * (start + b)], out[2 * (start + b) + 1] = first[b], second[b]


@compiled
def block_signs(first, second, rows, block, stream):  # type: ignore[no-untyped-def]
    """Write the two sign words of one block of every row; the arrays hold ``rows`` rounded up to ``LANES``."""
    k0, k1, c2, c3 = stream
    for row in range(0, rows, LANES):
        philox_rows(first, second, row, _U(block), _U(row), c2, c3, k0, k1)


@compiled
def block_mask(first, second, rows, block, threshold, stream, room):  # type: ignore[no-untyped-def]
    """As ``block_signs``, the mask words."""
    for row in range(0, rows, LANES):
        _mask_lanes(first, second, row, threshold, block, row, True, stream, room)


@compiled
def shuffled_blocks(out, count, blocks, stream, row, room):  # type: ignore[no-untyped-def]
    """Write the block numbers floor(p ``blocks`` / ``count``) in an order drawn uniformly from all of them."""
    first, second = room[0], room[1]
    for p in range(count):
        out[p] = p * blocks // count
    used, chunk = 2 * CHUNK, 0
    for last in range(count - 1, 0, -1):
        span = _U(last)
        for shift in (1, 2, 4, 8, 16, 32):
            span |= span >> _U(shift)
        pick = _U(last) + _ONE
        while pick > _U(last):
            if used == 2 * CHUNK:
                draw_words(first, second, chunk, CHUNK, stream, row)
                used, chunk = 0, chunk + CHUNK
            pick = (second[used // 2] if used % 2 else first[used // 2]) & span
            used += 1
        place = np.int64(pick)
        out[last], out[place] = out[place], out[last]


@compiled
def transpose(strip, words):  # type: ignore[no-untyped-def]
    """Transpose the 64 x 64 bit blocks of ``strip`` (64, stride) in its first ``words`` columns.

    Afterwards bit r of ``strip[s, w]`` is what bit s of ``strip[r, w]`` was. Six rounds of swaps, each elementwise
    along the words, so that the loops vectorise (Warren, Hacker's Delight, section 7-3).
    """
    mask, span = _U(0x00000000FFFFFFFF), 32
    while span > 0:
        shift = _U(span)
        for low in range(STRIP):
            if low & span == 0:
                one, two = strip[low], strip[low + span]
                for w in range(words):
                    swap = ((one[w] >> shift) ^ two[w]) & mask
                    two[w] ^= swap
                    one[w] ^= swap << shift
        span //= 2
        mask ^= mask << _U(span)
