"""Mean tangent kernels given the forward pass: readout and fresh parts of the backward pass integrated out (E2, E6).

In the notation of ``adjoints``, let G = V^T V and M = N^T V of a hidden layer, with N its normals, s its slopes and
f = s_w/sqrt(n) of the weights above it. Given the forward pass,

    W^T V  =  q M + (1 - q q^T) U,   U of independent rows with covariance G,

with q and M of the layer above, so that with D_ab = E[M_a M_b^T] - E[G_ab] 1, one layer further down,

    E[G_ab]      <-  f^2 (sum_j s_ja s_jb q_j^T D_ab q_j  +  E[G_ab] sum_j s_ja s_jb)
    E[M_a M_b^T] <-  f^2 (P_a D_ab P_b^T  +  E[G_ab] sum_j s_ja s_jb N_j N_j^T),   P_a = sum_j s_ja N_j q_j^T.

It starts at the readout with E[G_ab] = its variance and no q: its entries need only be centred and uncorrelated.
"""

from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from theory.networks.chunks import CHUNK, clear, features, place_of, workspace
from theory.networks.compiled import compiled_bare, compiled_inline, wide
from theory.networks.exact import (
    Array,
    draw_chunk,
    forward,
    is_gaussian,
    no_sums,
    plain_inputs,
    slots_of,
)
from theory.networks.plan import Plan, evaluate
from theory.networks.tiles import add_gram, block, flat, mix, padded


class Panels(NamedTuple):
    """Chunks of products, one product a row, flat."""

    slopes: Any  # (sides, rows) s
    basis: Any  # q
    both: Any  # s_a s_b
    mixed: Any  # s_a N_c
    along: Any  # q_e q_g, g <= e
    normal: Any  # N_c N_d, d <= c


class Totals(NamedTuple):
    """Float64 sums over the neurons of one layer."""

    slopes: Any  # (pairs, padded k, padded k) s_a s_b
    along: Any  # (pairs, padded k^2, padded triangle) s_a s_b q_e q_g
    normal: Any  # (pairs, padded k^2, padded triangle) s_a s_b N_c N_d
    through: Any  # (sides, padded k^2, padded k) s_a N_c q_e


def _panels(k: int, like: Array) -> Panels:
    short, square, triangle = (CHUNK * int(padded(rows)) for rows in _sizes(k))
    return Panels(
        np.zeros((2, short), like.dtype),
        np.zeros(short, like.dtype),
        np.zeros(square, like.dtype),
        np.zeros(square, like.dtype),
        np.zeros(triangle, like.dtype),
        np.zeros(triangle, like.dtype),
    )


def _totals(k: int, pairs: int) -> Totals:
    short, square, triangle = (int(padded(rows)) for rows in _sizes(k))
    return Totals(
        np.zeros((pairs, short, short)),
        np.zeros((pairs, square, triangle)),
        np.zeros((pairs, square, triangle)),
        np.zeros((2, square, short)),
    )


def _sizes(k: int) -> tuple[int, int, int]:
    """Rows of inputs, of products of two inputs, and of each such pair once."""
    return k, k * k, k * (k + 1) // 2


@compiled_bare
def _multiply(one, rows, two, others, out):  # type: ignore[no-untyped-def]
    """Products of the rows of ``one`` and of ``two``."""
    wide()
    for a in range(rows):
        for b in range(others):
            for j in range(one.shape[1]):
                out[a * others + b, j] = one[a, j] * two[b, j]


@compiled_bare
def _square(one, rows, out):  # type: ignore[no-untyped-def]
    """Products of two rows of ``one``, each pair once."""
    wide()
    place = 0
    for a in range(rows):
        for b in range(a + 1):
            for j in range(one.shape[1]):
                out[place, j] = one[a, j] * one[b, j]
            place += 1


@compiled_inline
def _add_chunk(  # type: ignore[no-untyped-def]
    plan, layer, k, used, pairs, h, size, normals, rank, basis, breadth, panels, totals
):
    """Add a chunk of hidden layer ``layer`` (from 1): ``rank`` normals and ``breadth`` basis vectors."""
    rows, count = h.shape
    for side in range(2):
        if used[side]:
            slopes = block(panels.slopes[side], 0, rows, count)
            function = plan.slopes[side, layer - 1]
            evaluate(plan.functions, function, flat(h), panels.slopes[side], k * count)
            clear(slopes, k, size)
            mixed = block(panels.mixed, 0, padded(k * rank), count)
            _multiply(slopes, k, normals, rank, mixed)
            add_gram(mixed, k * rank, basis, breadth, count, totals.through[side])
    along = block(panels.along, 0, padded(breadth * (breadth + 1) // 2), count)
    normal = block(panels.normal, 0, padded(rank * (rank + 1) // 2), count)
    both = block(panels.both, 0, padded(k * k), count)
    _square(basis, breadth, along)
    _square(normals, rank, normal)
    for p in range(pairs.shape[0]):
        one = block(panels.slopes[pairs[p, 0]], 0, rows, count)
        two = block(panels.slopes[pairs[p, 1]], 0, rows, count)
        _multiply(one, k, two, k, both)
        add_gram(one, k, two, k, count, totals.slopes[p])
        add_gram(both, k * k, along, breadth * (breadth + 1) // 2, count, totals.along[p])
        add_gram(both, k * k, normal, rank * (rank + 1) // 2, count, totals.normal[p])


@compiled_bare
def _clear_totals(totals):  # type: ignore[no-untyped-def]
    for sums in totals:
        for p in range(sums.shape[0]):
            for i in range(sums.shape[1]):
                for j in range(sums.shape[2]):
                    sums[p, i, j] = 0.0


@compiled_inline
def _add_layer(  # type: ignore[no-untyped-def]
    plan, inputs, work, seed, number, layer, used, pairs, rank, breadth, panels, totals
):
    """Sums over hidden layer ``layer``, chunk by chunk."""
    k, n, last = inputs.shape[0], plan.widths[layer], layer == plan.widths.shape[0] - 2
    rows, factor, mixing = work.roots.shape[1], plan.weight_stds[layer] / sqrt(n), work.mixing
    for e in range(rows):
        for a in range(k):
            mixing[e, a] = factor * work.inverses[layer, a, e] if e < breadth else 0.0
    _clear_totals(totals)
    for start in range(0, n, CHUNK):
        size = min(CHUNK, n - start)
        if last:
            normals, h = draw_chunk(plan, work, seed, number, layer, start, size)
            basis = h
        else:
            h, x = features(plan, inputs, work, layer, start, size)
            normals = block(work.layers, place_of(plan, layer, start), rows, h.shape[1])
            basis = block(panels.basis, 0, rows, h.shape[1])
            mix(mixing, breadth, x, k, basis)
        _add_chunk(
            plan, layer, k, used, pairs, h, size, normals, rank, basis, breadth, panels, totals
        )


@compiled_bare
def _contract(triangle, matrix, breadth):  # type: ignore[no-untyped-def]
    """Sum of the products of a symmetric matrix, its lower triangle row by row, and ``matrix``."""
    total, place = 0.0, 0
    for e in range(breadth):
        for g in range(e + 1):
            value = matrix[e, g] if e == g else matrix[e, g] + matrix[g, e]
            total += triangle[place] * value
            place += 1
    return total


@compiled_bare
def _sandwich(left, matrix, breadth, right, rank, factor, triangle, square, half, out):  # type: ignore[no-untyped-def]
    """Write ``square`` (left matrix right^T + factor triangle) to the first ``rank`` rows and columns of ``out``."""
    for c in range(rank):
        for g in range(breadth):
            half[c, g] = 0.0
        for e in range(breadth):
            for g in range(breadth):
                half[c, g] += left[c, e] * matrix[e, g]
    for c in range(rank):
        for d in range(rank):
            high, low = max(c, d), min(c, d)
            total = factor * triangle[high * (high + 1) // 2 + low]
            for g in range(breadth):
                total += half[c, g] * right[d, g]
            out[c, d] = square * total


@compiled_bare
def _descend(square, k, pairs, rank, breadth, totals, mean, outer, rest, half):  # type: ignore[no-untyped-def]
    """Turn the means of G and of M M^T for the layer above into those for the layer of ``totals``."""
    for p in range(pairs.shape[0]):
        one, two = totals.through[pairs[p, 0]], totals.through[pairs[p, 1]]
        for a in range(k):
            for b in range(k):
                row, above, here = a * k + b, mean[p, a, b], outer[p, a, b]
                for e in range(breadth):
                    for g in range(breadth):
                        rest[e, g] = here[e, g] - (above if e == g else 0.0)
                along = _contract(totals.along[p, row], rest, breadth)
                mean[p, a, b] = square * (along + above * totals.slopes[p, a, b])
                left, right = one[a * rank : (a + 1) * rank], two[b * rank : (b + 1) * rank]
                _sandwich(
                    left,
                    rest,
                    breadth,
                    right,
                    rank,
                    above,
                    totals.normal[p, row],
                    square,
                    half,
                    here,
                )


def mean_kernels(
    plan: Plan, inputs: Array, seed: Any, first: int, pairs: Array, used: Array, kernels: Array
) -> None:
    """Fill ``kernels`` (m, pairs, k, k) with means given the hidden layers of networks ``first``, ``first + 1``, ...

    The hidden layers are those of ``exact.sample``. O(n k^4) operations and O(k^4) memory for each pair.
    """
    k, count = len(inputs), len(pairs)
    work = workspace(plan, inputs, 0, False, len(plan.widths) > 2 and not is_gaussian(plan, 0))
    plain, sums = plain_inputs(plan, inputs, False), no_sums(k, int(plan.widths[-1]), 0)
    panels, totals = _panels(k, inputs), _totals(k, count)
    mean, outer = np.empty((count, k, k)), np.empty((count, k, k, k, k))
    _mean_kernels(
        plan, inputs, plain, np.uint64(seed), first, pairs, used, slots_of(used), work, sums,
        panels, totals, mean, outer, np.empty((0, 0, k, k)), kernels,
    )  # fmt: skip


@compiled_bare
def _mean_kernels(  # type: ignore[no-untyped-def]
    plan, inputs, plain, seed, first, pairs, used, slots, work, sums, panels, totals, mean, outer, chains, kernels
):  # fmt: skip
    k, depth = inputs.shape[0], plan.widths.shape[0] - 2
    for m in range(kernels.shape[0]):
        number, again = first + m, m > 0 and depth > 0
        forward(
            plan, inputs, plain, work, seed, number, again, False, slots, pairs, sums, 0, m, chains
        )
        for p in range(pairs.shape[0]):
            for a in range(k):
                for b in range(k):
                    mean[p, a, b] = plan.variances[depth]
        for layer in range(depth, -1, -1):
            for p in range(pairs.shape[0]):
                for a in range(k):
                    for b in range(k):
                        inner = work.grams[layer, a, b] + plan.bias_stds[layer] ** 2
                        if layer == depth:
                            kernels[m, p, a, b] = inner
                        else:
                            kernels[m, p, a, b] += mean[p, a, b] * inner
            if layer > 0:
                rank = work.ranks[layer - 1] if layer > 1 else 0
                breadth = work.ranks[layer] if layer < depth else 0
                _add_layer(
                    plan, inputs, work, seed, number, layer, used, pairs, rank, breadth, panels,
                    totals,
                )  # fmt: skip
                square = plan.weight_stds[layer] ** 2 / plan.widths[layer]
                _descend(
                    square, k, pairs, rank, breadth, totals, mean, outer, work.spare[0],
                    work.spare[1],
                )  # fmt: skip
