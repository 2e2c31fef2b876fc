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

from theory.networks.adjoints import slots_of
from theory.networks.chunks import CHUNK, block, features, mix, stored, workspace
from theory.networks.compiled import compiled
from theory.networks.exact import Sums, draw_chunk, forward, is_gaussian
from theory.networks.passes import row_buffers
from theory.networks.plan import evaluate
from theory.networks.tiles import add_gram, padded


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


@compiled
def _panels(k, like):  # type: ignore[no-untyped-def]
    short, square, triangle = padded(k), padded(k * k), padded(k * (k + 1) // 2)
    return Panels(
        np.zeros((2, short * CHUNK), like.dtype),
        np.zeros(short * CHUNK, like.dtype),
        np.zeros(square * CHUNK, like.dtype),
        np.zeros(square * CHUNK, like.dtype),
        np.zeros(triangle * CHUNK, like.dtype),
        np.zeros(triangle * CHUNK, like.dtype),
    )


@compiled
def _totals(k, pairs):  # type: ignore[no-untyped-def]
    short, square, triangle = padded(k), padded(k * k), padded(k * (k + 1) // 2)
    return Totals(
        np.zeros((pairs, short, short)),
        np.zeros((pairs, square, triangle)),
        np.zeros((pairs, square, triangle)),
        np.zeros((2, square, short)),
    )


@compiled
def _multiply(one, rows, two, others, flat):  # type: ignore[no-untyped-def]
    """Products of the rows of ``one`` and of ``two``, a panel of ``flat``."""
    count = one.shape[1]
    out = block(flat, 0, padded(rows * others), count)
    for a in range(rows):
        for b in range(others):
            for j in range(count):
                out[a * others + b, j] = one[a, j] * two[b, j]
    return out


@compiled
def _square(one, rows, flat):  # type: ignore[no-untyped-def]
    """Products of two rows of ``one``, each pair once."""
    count, place = one.shape[1], 0
    out = block(flat, 0, padded(rows * (rows + 1) // 2), count)
    for a in range(rows):
        for b in range(a + 1):
            for j in range(count):
                out[place, j] = one[a, j] * one[b, j]
            place += 1
    return out


@compiled
def _add_chunk(  # type: ignore[no-untyped-def]
    plan, layer, k, used, pairs, h, size, normals, rank, basis, breadth, panels, totals
):
    """Add a chunk of hidden layer ``layer`` (from 1): ``rank`` normals and ``breadth`` basis vectors."""
    rows, count = h.shape
    for side in range(2):
        if used[side]:
            slopes = block(panels.slopes[side], 0, rows, count)
            function = plan.slopes[side, layer - 1]
            evaluate(plan.functions, function, h.reshape(h.size), panels.slopes[side], k * count)
            slopes[:, size:] = 0.0
            mixed = _multiply(slopes, k, normals, rank, panels.mixed)
            add_gram(mixed, k * rank, basis, breadth, count, totals.through[side])
    along, normal = _square(basis, breadth, panels.along), _square(normals, rank, panels.normal)
    for p in range(pairs.shape[0]):
        one = block(panels.slopes[pairs[p, 0]], 0, rows, count)
        two = block(panels.slopes[pairs[p, 1]], 0, rows, count)
        both = _multiply(one, k, two, k, panels.both)
        add_gram(one, k, two, k, count, totals.slopes[p])
        add_gram(both, k * k, along, breadth * (breadth + 1) // 2, count, totals.along[p])
        add_gram(both, k * k, normal, rank * (rank + 1) // 2, count, totals.normal[p])


@compiled
def _add_layer(  # type: ignore[no-untyped-def]
    plan, inputs, work, seed, number, layer, literal, used, pairs, rank, breadth, panels, totals
):
    """Sums over hidden layer ``layer``, chunk by chunk."""
    k, n, last = inputs.shape[0], plan.widths[layer], layer == plan.widths.shape[0] - 2
    factor, mixing = plan.weight_stds[layer] / sqrt(n), np.zeros((padded(k), k), inputs.dtype)
    for e in range(breadth):
        for a in range(k):
            mixing[e, a] = factor * work.inverses[layer, a, e]
    totals.slopes[:], totals.along[:], totals.normal[:], totals.through[:] = 0.0, 0.0, 0.0, 0.0
    for start in range(0, n, CHUNK):
        size = min(CHUNK, n - start)
        if last:
            normals, h = draw_chunk(plan, work, seed, number, layer, literal, start, size)
            basis = h
        else:
            h, x = features(plan, inputs, work, layer, start, size)
            normals = stored(plan, work, layer, start, h.shape[1])
            basis = block(panels.basis, 0, padded(k), h.shape[1])
            mix(mixing, breadth, x, k, basis)
        _add_chunk(
            plan, layer, k, used, pairs, h, size, normals, rank, basis, breadth, panels, totals
        )


@compiled
def _contract(triangle, matrix):  # type: ignore[no-untyped-def]
    """Sum of the products of a symmetric matrix, its lower triangle row by row, and ``matrix``."""
    total, place = 0.0, 0
    for e in range(matrix.shape[0]):
        for g in range(e + 1):
            value = matrix[e, g] if e == g else matrix[e, g] + matrix[g, e]
            total += triangle[place] * value
            place += 1
    return total


@compiled
def _sandwich(left, matrix, right, rank, factor, triangle, square, out):  # type: ignore[no-untyped-def]
    """Write ``square`` (left matrix right^T + factor triangle) to the first ``rank`` rows and columns of ``out``."""
    half = np.zeros((rank, matrix.shape[0]))
    for c in range(rank):
        for e in range(matrix.shape[0]):
            for g in range(matrix.shape[0]):
                half[c, g] += left[c, e] * matrix[e, g]
    for c in range(rank):
        for d in range(rank):
            high, low = max(c, d), min(c, d)
            total = factor * triangle[high * (high + 1) // 2 + low]
            for g in range(matrix.shape[0]):
                total += half[c, g] * right[d, g]
            out[c, d] = square * total


@compiled
def _descend(square, k, pairs, rank, breadth, totals, mean, outer):  # type: ignore[no-untyped-def]
    """Turn the means of G and of M M^T for the layer above into those for the layer of ``totals``."""
    rest = np.empty((breadth, breadth))
    for p in range(pairs.shape[0]):
        one, two = totals.through[pairs[p, 0]], totals.through[pairs[p, 1]]
        for a in range(k):
            for b in range(k):
                row, above, here = a * k + b, mean[p, a, b], outer[p, a, b]
                for e in range(breadth):
                    for g in range(breadth):
                        rest[e, g] = here[e, g] - (above if e == g else 0.0)
                along = _contract(totals.along[p, row], rest)
                mean[p, a, b] = square * (along + above * totals.slopes[p, a, b])
                left, right = one[a * rank : (a + 1) * rank], two[b * rank : (b + 1) * rank]
                _sandwich(left, rest, right, rank, above, totals.normal[p, row], square, here)


@compiled
def mean_kernels(plan, inputs, seed, first, pairs, used, kernels):  # type: ignore[no-untyped-def]
    """Fill ``kernels`` (m, pairs, k, k) with means given the hidden layers of networks ``first``, ``first + 1``, ...

    The hidden layers are those of ``exact.sample``. O(n k^4) operations and O(k^4) memory for each pair.
    """
    k, depth, many = inputs.shape[0], plan.widths.shape[0] - 2, plan.widths[-1]
    work, rows, slots = workspace(plan, inputs, 0, many), row_buffers(plan), slots_of(used)
    literal = np.empty((k, plan.widths[1] if depth > 0 and not is_gaussian(plan) else 0))
    readout, chain = np.empty((many, 0)), np.empty((0, k, k))
    sums = Sums(
        np.zeros((padded(k), padded(k))),
        np.zeros((0, 0)),
        np.zeros((0, 0)),
        np.zeros((0, 0)),
    )
    panels, totals = _panels(k, inputs), _totals(k, pairs.shape[0])
    mean, outer = np.empty((pairs.shape[0], k, k)), np.empty((pairs.shape[0], k, k, k, k))
    for m in range(kernels.shape[0]):
        number, again = first + m, m > 0 and depth > 0
        forward(
            plan, inputs, work, seed, number, again, literal, rows, readout, slots, pairs, sums,
            chain,
        )  # fmt: skip
        mean[:] = plan.variances[depth]
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
                    plan, inputs, work, seed, number, layer, literal, used, pairs, rank, breadth,
                    panels, totals,
                )  # fmt: skip
                square = plan.weight_stds[layer] ** 2 / plan.widths[layer]
                _descend(square, k, pairs, rank, breadth, totals, mean, outer)
