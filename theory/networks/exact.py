"""The exact sampler: networks with Gaussian hidden weights, drawn with their law but without those weights.

Forward (claim E1): given the features x of a layer, the neurons of the next are iid N(0, S), S = (s_w^2/n) x x^T +
s_b^2. With S = R R^T, they are R times k standard normals. Backward (claim E2): see ``adjoints``. The readout is drawn,
and so is the first layer where its weights are not Gaussian: both are rows of fixed number. A network costs O(L n k)
normals and O(L n k^2) operations, and a thread O(L n k) memory: the last hidden layer is never stored.
"""

from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.kernels.weights import Latent
from theory.networks.adjoints import add_products, backward, readout_adjoints
from theory.networks.chunks import (
    CHUNK,
    activate,
    bounds,
    clear,
    features,
    place_of,
    stretches,
    workspace,
)
from theory.networks.compiled import compiled_bare, compiled_inline
from theory.networks.normals import fill_normals, normals_from
from theory.networks.passes import apply_layer, draw_row
from theory.networks.plan import NONE, Plan
from theory.networks.roots import extend, invert, residuals, square_root, zero
from theory.networks.streams import Role, address
from theory.networks.tiles import add_gram, add_lower_gram, block, columns, mix, padded

Array = NDArray[Any]

_WEIGHT, _BIAS = int(Role.WEIGHT), int(Role.BIAS)
_PREACTIVATION, _NORMAL = int(Role.PREACTIVATION), int(Latent.NORMAL)


class Sums(NamedTuple):
    """Float64 sums over the neurons of the layer at hand, chunk after chunk."""

    features: Any  # (2, padded k, padded k) x x^T: over a stretch, and over the layer
    outputs: Any  # (padded outputs, padded k) readout times x
    products: Any  # (rows of adjoints, the same) v v^T
    crossed: Any  # (padded k, rows of adjoints) N v^T


def no_sums(k: int, many: int, height: int) -> Sums:
    """Sums for ``k`` inputs, ``many`` outputs and ``height`` rows of adjoints."""
    rows = int(padded(k))
    return Sums(
        np.zeros((2, rows, rows)),
        np.zeros((int(padded(many)), rows)),
        np.zeros((height, height)),
        np.zeros((rows, height)),
    )


@compiled_bare
def _finish_gram(scale, sums, gram):  # type: ignore[no-untyped-def]
    """(s_w^2/n) times sums of products over a layer, whose lower triangle is there."""
    for a in range(gram.shape[0]):
        for b in range(a + 1):
            gram[a, b] = scale * sums[a, b]
            gram[b, a] = gram[a, b]


@compiled_bare
def _affine(scale, gram, shift, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` with ``scale`` times ``gram`` plus ``shift``."""
    for a in range(gram.shape[0]):
        for b in range(gram.shape[0]):
            out[a, b] = scale * gram[a, b] + shift


@compiled_inline
def _basis(plan, inputs, work, layer, eps):  # type: ignore[no-untyped-def]
    """Root of the covariance after ``layer``, and its inverse, looking at the features again where it is singular."""
    k, covariance = inputs.shape[0], work.covariance
    root, inverse, combine = work.basis[0], work.basis[1], work.basis[2]
    pivots, room = work.pivots, work.room_of_roots
    rank = square_root(covariance, k, 64.0 * sqrt(eps), root, pivots, room)
    invert(root, pivots, rank, inverse)
    looked = residuals(covariance, k, root, inverse, pivots, rank, combine)
    if looked:
        rows, n = work.roots.shape[1], plan.widths[layer]
        factor, bias = plan.weight_stds[layer] / sqrt(n), plan.bias_stds[layer]
        left, shared = work.spare[0], work.spare[1]
        zero(left)
        zero(shared)
        for a in range(k):
            for b in range(k):
                work.mixing[a, b] = factor * combine[a, b]
        for start in range(0, n, CHUNK):
            size = min(CHUNK, n - start)
            _, x = features(plan, inputs, work, layer, start, size)
            e = block(work.z, 0, rows, x.shape[1])
            mix(work.mixing, k, x, k, e)
            add_gram(e, k, e, k, x.shape[1], left)
            add_gram(x, k, e, k, x.shape[1], shared)
        for a in range(k):
            total = 0.0
            for b in range(k):
                total += combine[a, b]
            total *= bias
            for b in range(k):
                other = 0.0
                for c in range(k):
                    other += combine[b, c]
                left[b, a] += total * bias * other
                shared[b, a] = factor * shared[b, a] + total * bias
        shortest = k * eps ** (2.0 / 3.0)
        rank = extend(
            covariance, k, shortest, eps, combine, left, shared, root, inverse, pivots, rank,
            work.spare[2:], room,
        )  # fmt: skip
    for a in range(k):
        for c in range(k):
            work.roots[layer, a, c] = root[a, c] if c < rank else 0.0
            work.inverses[layer, a, c] = inverse[a, c] if c < rank else 0.0
    work.ranks[layer], work.looked[layer] = rank, looked


@compiled_inline
def draw_chunk(plan, work, seed, number, layer, start, size):  # type: ignore[no-untyped-def]
    """Draw a chunk of hidden layer ``layer`` (from 1); returns its normals and its pre-activations."""
    k, rows, count = work.grams.shape[1], work.roots.shape[1], columns(size)
    last = layer == plan.widths.shape[0] - 2
    h, normals = block(work.h, 0, rows, count), block(work.z, 0, rows, count)
    if not last:
        kept = block(work.layers, place_of(plan, layer, start), rows, count)
        h, normals = (kept, normals) if layer == 1 else (h, kept)
    if layer == 1 and work.literal.shape[1] > 0:
        for a in range(k):
            for j in range(size):
                h[a, j] = work.literal[a, start + j]
        clear(h, k, size)
        return h, h
    stream = address(seed, number, layer - 1, _PREACTIVATION)
    rank = work.ranks[layer - 1]
    for c in range(rank):
        normals_from(normals[c], start, size, stream, c)
    clear(normals, rank, size)
    mix(work.roots[layer - 1], k, normals, rank, h)
    return normals, h


@compiled_inline
def _draw_readout(plan, work, seed, number):  # type: ignore[no-untyped-def]
    """Rows of readout weights that are not Gaussian, one an output; the same as the literal sampler's."""
    layer, readout = plan.widths.shape[0] - 2, work.readout
    stream = address(seed, number, layer, _WEIGHT)
    for o in range(readout.shape[0]):
        row = draw_row(plan, layer, stream, o, work.rows[0], work.rows[1], work.room)
        for j in range(readout.shape[1]):
            readout[o, j] = row[j]


@compiled_inline
def _fill_readout(plan, work, seed, number, start, size, w):  # type: ignore[no-untyped-def]
    """Fill ``w`` with a chunk of the readout weights, in rows of outputs."""
    layer, many = plan.widths.shape[0] - 2, plan.widths[-1]
    if work.readout.shape[1] > 0:
        for o in range(many):
            for j in range(size):
                w[o, j] = work.readout[o, start + j]
    else:
        stream = address(seed, number, layer, _WEIGHT)
        for o in range(many):
            normals_from(w[o], start, size, stream, o)
    clear(w, many, size)


@compiled_inline
def _finish_outputs(plan, seed, number, sums, fresh, m, outputs):  # type: ignore[no-untyped-def]
    """Outputs (inputs, outputs) from sums (outputs, inputs) of products with the readout."""
    layer, many = plan.widths.shape[0] - 2, plan.widths[-1]
    factor, bias = plan.weight_stds[layer] / sqrt(plan.widths[layer]), plan.bias_stds[layer]
    if bias > 0.0:
        fill_normals(fresh, many, address(seed, number, layer, _BIAS), 0)
    for a in range(outputs.shape[1] // many):
        for o in range(many):
            shift = bias * fresh[o] if bias > 0.0 else 0.0
            outputs[m, a * many + o] = factor * sums[o, a] + shift


@compiled_inline
def _sweep(plan, inputs, work, seed, number, layer, read, slots, pairs, sums):  # type: ignore[no-untyped-def]
    """Draw one layer (0: read the inputs), chunk by chunk, and add up all that the rest of the network needs."""
    k, n, depth = inputs.shape[0], plan.widths[layer], plan.widths.shape[0] - 2
    many, height, last = plan.widths[-1], sums.products.shape[0], layer == depth
    part, total, count = sums.features[0], sums.features[1], stretches(n)
    zero(total)
    for s in range(count):
        first, stop = bounds(n, s, count)
        zero(part)
        for start in range(first, stop, CHUNK):
            size = min(CHUNK, stop - start)
            if layer == 0:
                h, x = features(plan, inputs, work, layer, start, size)
                normals = h
            else:
                normals, h = draw_chunk(plan, work, seed, number, layer, start, size)
                x = block(work.x, 0, h.shape[0], h.shape[1])
                activate(plan, work, layer, h, x, size)
            add_lower_gram(x, k, x.shape[1], part)
            if last and read:
                w = block(work.w, 0, padded(many), x.shape[1])
                _fill_readout(plan, work, seed, number, start, size, w)
                add_gram(w, many, x, k, x.shape[1], sums.outputs)
                if height > 0 and layer > 0:
                    v = block(work.v, 0, height, h.shape[1])
                    readout_adjoints(plan, work, slots, w, h, v)
                    rank = work.ranks[layer - 1]
                    add_products(
                        v, slots, pairs, normals, rank, layer > 1, sums.products, sums.crossed
                    )
        for a in range(k):
            for b in range(a + 1):
                total[a, b] += part[a, b]
                work.shares[layer, s, a, b] = part[a, b]


@compiled_inline
def forward(  # type: ignore[no-untyped-def]
    plan, inputs, plain, work, seed, number, again, read, slots, pairs, sums, kept, m, chains
):
    """Draw the hidden layers of one network; what depends on the inputs alone is kept if ``again``."""
    depth, eps = plan.widths.shape[0] - 2, np.finfo(inputs.dtype).eps
    drawn, k = work.literal.shape[1] > 0, inputs.shape[0]
    if plain is not None and drawn:
        apply_layer(plan, 0, seed, number, plain, work.literal, work.rows, work.room)
    for layer in range(depth + 1):
        if layer > 0 or not again:
            _sweep(plan, inputs, work, seed, number, layer, read, slots, pairs, sums)
            scale = plan.weight_stds[layer] ** 2 / plan.widths[layer]
            _finish_gram(scale, sums.features[1], work.grams[layer])
        square = plan.bias_stds[layer] ** 2
        _affine(plan.variances[layer], work.grams[layer], square, work.covariance)
        if layer > depth - kept:
            for a in range(k):
                for b in range(k):
                    chains[m, layer - depth - 1 + kept, a, b] = work.covariance[a, b]
        if layer < depth and (layer > 0 or not (again or drawn)):
            _basis(plan, inputs, work, layer, eps)


def is_gaussian(plan: Plan, layer: int) -> bool:
    """Whether the weights of a layer are Gaussian, of variance 1, and all there."""
    masked = plan.zero_probabilities[layer] > 0 or plan.blocks[layer] > 0
    plain = plan.weight_maps[layer] == NONE and plan.scales[layer] == 1.0
    return bool(plan.latents[layer] == _NORMAL and plain and not masked)


def slots_of(used: Array) -> Array:
    """Place of each Jacobian among those that occur, or -1."""
    return np.where(used, np.cumsum(used) - 1, -1)


def plain_inputs(plan: Plan, inputs: Array, read: bool) -> NDArray[np.float64] | None:
    """Float64 inputs for layers whose weights are drawn; None, which compiles less, if all are Gaussian."""
    depth = len(plan.widths) - 2
    ends = {0: depth > 0, depth: read}
    drawn = any(wanted and not is_gaussian(plan, layer) for layer, wanted in ends.items())
    return inputs.astype(np.float64) if drawn else None


def sample(
    plan: Plan, inputs: Array, seed: Any, first: int, pairs: Array, used: Array, outputs: Array,
    chains: Array, kernels: Array,
) -> None:  # fmt: skip
    """Fill the results of networks ``first``, ``first + 1``, ...; chunks are of the type of the inputs.

    ``outputs`` (m, k o), or empty to skip the readout; ``chains`` (m, kept, k, k) takes the last ``kept`` of the
    covariances S^1, ..., S^{L+1}; ``kernels`` (m, pairs, k o, k o), for o outputs a network.
    """
    k, depth, many = len(inputs), len(plan.widths) - 2, int(plan.widths[-1])
    read, slots = len(outputs) + len(pairs) > 0, slots_of(used)
    height = int(padded(k * many)) * (int(slots.max()) + 1) if len(pairs) else 0
    drawn_readout = read and not is_gaussian(plan, depth)
    work = workspace(plan, inputs, height, drawn_readout, depth > 0 and not is_gaussian(plan, 0))
    draw(
        plan, inputs, plain_inputs(plan, inputs, read), np.uint64(seed), first, pairs, slots, work,
        no_sums(k, many, height), outputs, chains, kernels, read,
    )  # fmt: skip


@compiled_bare
def draw(  # type: ignore[no-untyped-def]
    plan, inputs, plain, seed, first, pairs, slots, work, sums, outputs, chains, kernels, read
):
    """As ``sample`` in given room, with ``plain_inputs`` and ``slots_of`` the Jacobians."""
    depth, eps, kept = plan.widths.shape[0] - 2, np.finfo(inputs.dtype).eps, chains.shape[1]
    for m in range(chains.shape[0]):
        number, again = first + m, m > 0 and depth > 0
        zero(sums.outputs)
        zero(sums.products)
        zero(sums.crossed)
        if plain is not None and work.readout.shape[1] > 0:
            _draw_readout(plan, work, seed, number)
        forward(
            plan, inputs, plain, work, seed, number, again, read, slots, pairs, sums, kept, m,
            chains,
        )  # fmt: skip
        if outputs.shape[0] > 0:
            _finish_outputs(plan, seed, number, sums.outputs, work.rows[2], m, outputs)
        if pairs.shape[0]:
            backward(
                plan, inputs, seed, number, work, slots, pairs, sums.products, sums.crossed, eps,
                kernels[m],
            )  # fmt: skip
