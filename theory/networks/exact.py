"""The exact sampler: networks with Gaussian hidden weights, drawn with their law but without those weights.

Forward (claim E1): given the features x of a layer, the neurons of the next are iid N(0, S), S = (s_w^2/n) x x^T +
s_b^2. With S = R R^T, they are R times k standard normals. Backward (claim E2): see ``adjoints``. The readout is drawn,
and so is the first layer where its weights are not Gaussian: both are rows of fixed number. A network costs O(L n k)
normals and O(L n k^2) operations, and a thread O(L n k) memory: the last hidden layer is never stored.
"""

from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from theory.kernels.weights import Latent
from theory.networks.adjoints import add_products, backward, readout_adjoints, slots_of
from theory.networks.chunks import CHUNK, activate, block, features, mix, stored, workspace
from theory.networks.compiled import compiled
from theory.networks.normals import normals_from
from theory.networks.passes import apply_layer, copy, draw_row, row_buffers
from theory.networks.plan import NONE
from theory.networks.roots import extend, invert, residuals, square_root
from theory.networks.streams import Role, address
from theory.networks.tiles import add_gram, add_lower_gram, columns, padded

_WEIGHT, _BIAS = int(Role.WEIGHT), int(Role.BIAS)
_PREACTIVATION, _NORMAL = int(Role.PREACTIVATION), int(Latent.NORMAL)


@compiled
def _finish_gram(plan, layer, sums, gram):  # type: ignore[no-untyped-def]
    """(s_w^2/n) times sums of products over a layer, whose lower triangle is there."""
    scale = plan.weight_stds[layer] ** 2 / plan.widths[layer]
    for a in range(gram.shape[0]):
        for b in range(a + 1):
            gram[a, b] = scale * sums[a, b]
            gram[b, a] = gram[a, b]


@compiled
def _covariance(plan, layer, gram, out):  # type: ignore[no-untyped-def]
    for a in range(gram.shape[0]):
        for b in range(gram.shape[0]):
            out[a, b] = plan.variances[layer] * gram[a, b] + plan.bias_stds[layer] ** 2


@compiled
def _basis(plan, inputs, work, layer, covariance, eps):  # type: ignore[no-untyped-def]
    """Root of the covariance after ``layer``, and its inverse, looking at the features again where it is singular."""
    k = inputs.shape[0]
    root, inverse, combine = np.zeros((k, k)), np.zeros((k, k)), np.zeros((k, k))
    pivots = np.empty(k, np.int64)
    rank = square_root(covariance, k, 64.0 * sqrt(eps), root, pivots)
    invert(root, pivots, rank, inverse)
    if residuals(covariance, k, root, inverse, pivots, rank, combine):
        rows, n = padded(k), plan.widths[layer]
        factor, bias = plan.weight_stds[layer] / sqrt(n), plan.bias_stds[layer]
        left, shared = np.zeros((rows, rows)), np.zeros((rows, rows))
        matrix = np.zeros((rows, k), inputs.dtype)
        for a in range(k):
            for b in range(k):
                matrix[a, b] = factor * combine[a, b]
        rest = np.zeros(rows * CHUNK, inputs.dtype)
        for start in range(0, n, CHUNK):
            size = min(CHUNK, n - start)
            _, x = features(plan, inputs, work, layer, start, size)
            e = block(rest, 0, rows, x.shape[1])
            mix(matrix, k, x, k, e)
            add_gram(e, k, e, k, x.shape[1], left)
            add_gram(x, k, e, k, x.shape[1], shared)
        for a in range(k):
            total = bias * combine[a].sum()
            for b in range(k):
                left[b, a] += total * bias * combine[b].sum()
                shared[b, a] = factor * shared[b, a] + total * bias
        shortest = k * eps ** (2.0 / 3.0)
        rank = extend(
            covariance, k, shortest, eps, combine, left, shared, root, inverse, pivots, rank
        )
    for a in range(k):
        for c in range(k):
            work.roots[layer, a, c] = root[a, c] if c < rank else 0.0
            work.inverses[layer, a, c] = inverse[a, c] if c < rank else 0.0
    work.ranks[layer] = rank


@compiled
def draw_chunk(plan, work, seed, number, layer, literal, start, size):  # type: ignore[no-untyped-def]
    """Draw a chunk of hidden layer ``layer`` (from 1); returns its normals and its pre-activations."""
    k, rows, count = work.grams.shape[1], work.roots.shape[1], columns(size)
    last = layer == plan.widths.shape[0] - 2
    if layer == 1 and literal.shape[1] > 0:
        h = block(work.h, 0, rows, count) if last else stored(plan, work, layer, start, count)
        for a in range(k):
            for j in range(count):
                h[a, j] = literal[a, start + j] if j < size else 0.0
        return h, h
    keep = layer > 1 and not last
    normals = stored(plan, work, layer, start, count) if keep else block(work.z, 0, rows, count)
    stream = address(seed, number, layer - 1, _PREACTIVATION)
    for c in range(work.ranks[layer - 1]):
        normals_from(normals[c], start, size, stream, c, work.room)
        normals[c, size:] = 0.0
    store = layer == 1 and not last
    h = stored(plan, work, layer, start, count) if store else block(work.h, 0, rows, count)
    mix(work.roots[layer - 1], k, normals, work.ranks[layer - 1], h)
    return normals, h


@compiled
def is_gaussian(plan):  # type: ignore[no-untyped-def]
    """Whether the first layer is Gaussian and need not be drawn."""
    masked = plan.zero_probabilities[0] > 0.0 or plan.blocks[0] > 0
    return plan.latents[0] == _NORMAL and plan.weight_maps[0] == NONE and not masked


@compiled
def _draw_readout(plan, seed, number, rows, room, readout):  # type: ignore[no-untyped-def]
    """Rows of readout weights, one an output; the same as the literal sampler's."""
    layer = plan.widths.shape[0] - 2
    stream = address(seed, number, layer, _WEIGHT)
    for o in range(readout.shape[0]):
        row = draw_row(plan, layer, stream, o, rows[0], rows[1], room)
        for j in range(readout.shape[1]):
            readout[o, j] = row[j]


@compiled
def _finish_outputs(plan, seed, number, sums, rows, room, out):  # type: ignore[no-untyped-def]
    """Outputs (inputs, outputs) from sums (outputs, inputs) of products with the readout."""
    layer = plan.widths.shape[0] - 2
    factor, bias = plan.weight_stds[layer] / sqrt(plan.widths[layer]), plan.bias_stds[layer]
    if bias > 0.0:
        stream = address(seed, number, layer, _BIAS)
        normals_from(rows[2], 0, out.shape[1], stream, 0, room)
    for a in range(out.shape[0]):
        for o in range(out.shape[1]):
            out[a, o] = factor * sums[o, a] + (bias * rows[2, o] if bias > 0.0 else 0.0)


class Sums(NamedTuple):
    """Float64 sums over the neurons of the layer at hand, chunk after chunk."""

    features: Any  # (padded k, padded k) x x^T
    outputs: Any  # (padded outputs, padded k) readout times x
    products: Any  # (rows of adjoints, the same) v v^T
    crossed: Any  # (padded k, rows of adjoints) N v^T


@compiled
def _sweep(plan, inputs, work, seed, number, layer, literal, readout, slots, pairs, sums):  # type: ignore[no-untyped-def]
    """Draw one layer (0: read the inputs), chunk by chunk, and add up all that the rest of the network needs."""
    k, n, last = inputs.shape[0], plan.widths[layer], layer == plan.widths.shape[0] - 2
    many, height = readout.shape[0], sums.products.shape[0]
    for start in range(0, n, CHUNK):
        size = min(CHUNK, n - start)
        if layer == 0:
            h, x = features(plan, inputs, work, layer, start, size)
            normals = h
        else:
            normals, h = draw_chunk(plan, work, seed, number, layer, literal, start, size)
            x = activate(plan, work, layer, h, size)
        count = x.shape[1]
        add_lower_gram(x, k, count, sums.features)
        if last and readout.shape[1] > 0:
            w = block(work.w, 0, padded(many), count)
            for o in range(many):
                for j in range(count):
                    w[o, j] = readout[o, start + j] if j < size else 0.0
            add_gram(w, many, x, k, count, sums.outputs)
            if height > 0 and layer > 0:
                v = readout_adjoints(plan, work, slots, w, h, height)
                rank = work.ranks[layer - 1]
                add_products(v, slots, pairs, normals, rank, layer > 1, sums.products, sums.crossed)


@compiled
def forward(  # type: ignore[no-untyped-def]
    plan, inputs, work, seed, number, again, literal, rows, readout, slots, pairs, sums, chain
):
    """Draw the hidden layers of one network; what depends on the inputs alone is kept if ``again``."""
    depth, kept, eps = plan.widths.shape[0] - 2, chain.shape[0], np.finfo(inputs.dtype).eps
    drawn, covariance = literal.shape[1] > 0, np.empty((inputs.shape[0], inputs.shape[0]))
    if drawn:
        apply_layer(plan, 0, seed, number, inputs, literal, rows, work.room)
    for layer in range(depth + 1):
        if layer > 0 or not again:
            sums.features[:] = 0.0
            _sweep(plan, inputs, work, seed, number, layer, literal, readout, slots, pairs, sums)
            _finish_gram(plan, layer, sums.features, work.grams[layer])
        _covariance(plan, layer, work.grams[layer], covariance)
        if layer > depth - kept:
            copy(covariance, chain[layer - depth - 1 + kept])
        if layer < depth and (layer > 0 or not (again or drawn)):
            _basis(plan, inputs, work, layer, covariance, eps)


@compiled
def sample(plan, inputs, seed, first, pairs, used, outputs, chains, kernels):  # type: ignore[no-untyped-def]
    """Fill the results of networks ``first``, ``first + 1``, ...

    ``outputs`` (m, k o), or empty to skip the readout; ``chains`` (m, kept, k, k) takes the last ``kept`` of the
    covariances S^1, ..., S^{L+1}; ``kernels`` (m, pairs, k o, k o), for o outputs a network.
    """
    k, depth, many = inputs.shape[0], plan.widths.shape[0] - 2, plan.widths[-1]
    eps, slots = np.finfo(inputs.dtype).eps, slots_of(used)
    height = padded(k * many) * (slots.max() + 1) if pairs.shape[0] else 0
    work = workspace(plan, inputs, height, many)
    rows = row_buffers(plan)
    readout = np.empty((many, plan.widths[depth] if outputs.shape[0] + pairs.shape[0] else 0))
    drawn = depth > 0 and not is_gaussian(plan)
    literal = np.empty((k, plan.widths[1] if drawn else 0))
    sums = Sums(
        np.zeros((padded(k), padded(k))),
        np.zeros((padded(many), padded(k))),
        np.zeros((height, height)),
        np.zeros((padded(k), height)),
    )
    for m in range(chains.shape[0]):
        number = first + m
        sums.outputs[:], sums.products[:], sums.crossed[:] = 0.0, 0.0, 0.0
        if readout.shape[1] > 0:
            _draw_readout(plan, seed, number, rows, work.room, readout)
        again = m > 0 and depth > 0
        forward(
            plan, inputs, work, seed, number, again, literal, rows, readout, slots, pairs, sums,
            chains[m],
        )  # fmt: skip
        if outputs.shape[0] > 0:
            out = outputs[m].reshape(k, many)
            _finish_outputs(plan, seed, number, sums.outputs, rows, work.room, out)
        if pairs.shape[0]:
            backward(
                plan, inputs, seed, number, work, slots, pairs, sums.products, sums.crossed, eps,
                kernels[m],
            )  # fmt: skip
