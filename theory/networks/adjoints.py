"""The backward pass without weights (claim E2), and the tangent kernels that it makes.

Write W = [W, b] and x = [s_w/sqrt(n) x; s_b] (n + 1, k) for the weights and the features with the bias. Given the
forward pass, W between two hidden layers is known through N = W q alone, with q an orthonormal basis of the columns of
x, and N the normals of the layer above. The adjoints V above depend on W through N only. So, with U = Z B^T, Z fresh
normals and B B^T = V^T V,

    W^T V  =  q (N^T V) + (1 - q q^T) U  =  U + q (N^T V - q^T U)

exactly in law, jointly over inputs, outputs and both Jacobians. One sweep draws U and sums q^T U, the next one adds the
correction; nothing is inverted. Adjoints are rows (side, input, output), each side padded to whole tiles.
"""

from math import sqrt

import numpy as np

from theory.networks.chunks import CHUNK, block, features, mix, stored
from theory.networks.compiled import compiled
from theory.networks.normals import fill_normals, normals_from
from theory.networks.plan import evaluate
from theory.networks.roots import square_root
from theory.networks.streams import Role, address
from theory.networks.tiles import TILE, add_gram, add_lower_gram, add_mixture, add_tiles, padded

_ADJOINT = int(Role.ADJOINT)


@compiled
def slots_of(used):  # type: ignore[no-untyped-def]
    """Place of each Jacobian among those that occur, or -1."""
    slots, count = np.full(2, -1), 0
    for side in range(2):
        if used[side]:
            slots[side] = count
            count += 1
    return slots


@compiled
def _through_activation(plan, work, slots, layer, h, back, factor, v):  # type: ignore[no-untyped-def]
    """Adjoints of hidden layer ``layer`` (from 1), ``factor`` times ``back`` times the slope; uses the features chunk.

    ``back`` has the rows of ``v`` or, for the last layer, one row an output for all sides and inputs.
    """
    k, count, many = work.grams.shape[1], h.shape[1], plan.widths[-1]
    tall, shared = padded(k * many), layer == plan.widths.shape[0] - 2
    slope = block(work.x, 0, h.shape[0], count)
    scale = np.full(1, factor, h.dtype)[0]
    for side in range(2):
        if slots[side] >= 0:
            function = plan.slopes[side, layer - 1]
            evaluate(plan.functions, function, h.reshape(h.size), work.x, k * count)
            for a in range(k):
                for o in range(many):
                    row = slots[side] * tall + a * many + o
                    source, target, other = back[o if shared else row], v[row], slope[a]
                    for j in range(count):
                        target[j] = scale * source[j] * other[j]


@compiled
def readout_adjoints(plan, work, slots, w, h, height):  # type: ignore[no-untyped-def]
    """Adjoints of a chunk of the last hidden layer, from its readout weights; uses the features chunk."""
    depth = plan.widths.shape[0] - 2
    v = block(work.v, 0, height, h.shape[1])
    factor = plan.weight_stds[depth] / sqrt(plan.widths[depth])
    _through_activation(plan, work, slots, depth, h, w, factor, v)
    return v


@compiled
def add_products(v, slots, pairs, normals, rank, onward, products, crossed):  # type: ignore[no-untyped-def]
    """Add a chunk's v v^T, lower tiles, and N v^T if the pass goes ``onward``; else only what the pairs need."""
    height, count = v.shape
    if onward:
        add_lower_gram(v, height, count, products)
        add_gram(normals, rank, v, height, count, crossed)
        return
    tall = height // (slots.max() + 1)
    done = np.zeros((2, 2), np.bool_)
    for p in range(pairs.shape[0]):
        one, two = slots[pairs[p, 0]], slots[pairs[p, 1]]
        low, high = max(one, two), min(one, two)
        if not done[low, high]:
            done[low, high] = True
            for i in range(low * tall, (low + 1) * tall, TILE):
                stop = min(i + 1, (high + 1) * tall)
                add_tiles(v, i, high * tall, stop, count, products)


@compiled
def _add_layer(plan, layer, gram, slots, pairs, products, theta):  # type: ignore[no-untyped-def]
    """Add the weights and biases below a layer of adjoints, whose products are given, to every pair."""
    k, many = gram.shape[0], plan.widths[-1]
    tall, bias = padded(k * many), plan.bias_stds[layer] ** 2
    for p in range(pairs.shape[0]):
        one, two = slots[pairs[p, 0]] * tall, slots[pairs[p, 1]] * tall
        for i in range(k * many):
            for j in range(k * many):
                low, high = max(one + i, two + j), min(one + i, two + j)
                theta[p, i, j] += products[low, high] * (gram[i // many, j // many] + bias)


@compiled
def _add_readout(plan, gram, theta):  # type: ignore[no-untyped-def]
    depth, many = plan.widths.shape[0] - 2, plan.widths[-1]
    for p in range(theta.shape[0]):
        for a in range(gram.shape[0]):
            for b in range(gram.shape[0]):
                for o in range(many):
                    theta[p, a * many + o, b * many + o] += gram[a, b] + plan.bias_stds[depth] ** 2


@compiled
def _correction(factor, bias, inverse, rank, through, onto, crossed, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (rows of adjoints, k) with s_w/sqrt(n) times what x has to be multiplied by: q (N^T V - q^T U)."""
    k, height = inverse.shape[0], through.shape[1]
    for j in range(height):
        for a in range(k):
            out[j, a] = 0.0
        for c in range(rank):
            total = crossed[c, j]
            for a in range(k):
                total -= inverse[a, c] * (factor * through[a, j] + bias * onto[j])
            for a in range(k):
                out[j, a] += factor * inverse[a, c] * total


@compiled
def _descend(plan, inputs, seed, number, work, slots, pairs, below, products, crossed, eps):  # type: ignore[no-untyped-def]
    """Replace the sums over hidden layer ``below`` + 1 by those over layer ``below``."""
    k, n, height = inputs.shape[0], plan.widths[below], products.shape[0]
    factor, bias = plan.weight_stds[below] / sqrt(n), plan.bias_stds[below]
    root, pivots = np.zeros((height, height)), np.empty(height, np.int64)
    for i in range(height):
        for j in range(i):
            products[j, i] = products[i, j]
    rank = square_root(products, height, height * eps, root, pivots)
    stream = address(seed, number, below, _ADJOINT)
    onto, fresh = np.zeros(height), np.zeros(height + 1)
    if bias > 0.0:
        fill_normals(fresh, rank, stream, height, work.room)
        for i in range(height):
            for c in range(rank):
                onto[i] += root[i, c] * fresh[c]
    mixing, correction = (
        np.zeros((height, height), inputs.dtype),
        np.zeros((height, k), inputs.dtype),
    )
    for i in range(height):
        for c in range(rank):
            mixing[i, c] = root[i, c]
    through = np.zeros((padded(k), height))
    for start in range(0, n, CHUNK):
        size = min(CHUNK, n - start)
        _, x = features(plan, inputs, work, below, start, size)
        count = x.shape[1]
        z, u = block(work.z, 0, height, count), block(work.back, start, height, count)
        for c in range(rank):
            normals_from(z[c], start, size, stream, c, work.room)
            z[c, size:] = 0.0
        mix(mixing, height, z, rank, u)
        add_gram(x, k, u, height, count, through)
    _correction(
        factor, bias, work.inverses[below], work.ranks[below], through, onto, crossed, correction
    )
    products[:], crossed[:] = 0.0, 0.0
    rank = work.ranks[below - 1] if below > 1 else 0
    for start in range(0, n, CHUNK):
        size = min(CHUNK, n - start)
        h, x = features(plan, inputs, work, below, start, size)
        count = x.shape[1]
        u, v = block(work.back, start, height, count), block(work.v, 0, height, count)
        add_mixture(correction, height, x, k, count, u)
        _through_activation(plan, work, slots, below, h, u, factor, v)
        normals = stored(plan, work, below, start, count)
        add_products(v, slots, pairs, normals, rank, below > 1, products, crossed)


@compiled
def backward(plan, inputs, seed, number, work, slots, pairs, products, crossed, eps, theta):  # type: ignore[no-untyped-def]
    """Tangent kernels of one network, from the sums over its last hidden layer."""
    depth = plan.widths.shape[0] - 2
    theta[:] = 0.0
    _add_readout(plan, work.grams[depth], theta)
    for layer in range(depth, 0, -1):
        if layer < depth:
            _descend(plan, inputs, seed, number, work, slots, pairs, layer, products, crossed, eps)
        _add_layer(plan, layer - 1, work.grams[layer - 1], slots, pairs, products, theta)
