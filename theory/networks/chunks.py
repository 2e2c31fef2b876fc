"""Where the exact sampler keeps one network: chunks of neurons small enough for the first caches.

A chunk is a block of k rows by at most ``CHUNK`` neurons, contiguous; stored layers are sequences of such blocks, so
that every pass reads and writes memory once, in order. Rows are padded to whole tiles, columns to whole grains.
"""

from typing import Any, NamedTuple

import numpy as np

from theory.networks.compiled import compiled
from theory.networks.normals import scratch
from theory.networks.plan import evaluate
from theory.networks.tiles import add_mixture, columns, padded

CHUNK = 256
"""Neurons worked on together; part of the definition of the results, because sums run chunk by chunk."""


class Work(NamedTuple):
    """Scratch of one thread: chunks, stored layers, and k x k matrices."""

    room: Any  # words and numbers of the generator
    z: Any  # chunk of normals
    h: Any  # chunk of pre-activations
    x: Any  # chunk of features
    v: Any  # chunk of adjoints, (sides, inputs, outputs) in rows
    w: Any  # chunk of readout weights and of what multiplies them
    layers: Any  # hidden layers 1, ..., L - 1: pre-activations of the first, normals of the others
    back: Any  # what the layer above sends back, before its activation
    roots: (
        Any  # (L, padded k, k): hidden layer l has pre-activations roots[l - 1] times its normals
    )
    inverses: Any  # (L, k, k): roots' inverses, see ``roots.invert``
    ranks: Any  # (L,)
    grams: Any  # (L + 1, k, k): (s_w^2/n) x x^T of every layer's features


@compiled
def workspace(plan, inputs, rows, outputs):  # type: ignore[no-untyped-def]
    """Room for networks of ``plan`` at ``inputs`` (k, d); ``rows`` of adjoints are kept, 0 without kernels."""
    k, depth = inputs.shape[0], plan.widths.shape[0] - 2
    kp, like = padded(k), inputs
    stored, longest = 0, 0
    for layer in range(1, depth):
        stored += kp * columns(plan.widths[layer])
        longest = max(longest, columns(plan.widths[layer]))
    tall = max(kp, rows)
    return Work(
        scratch(),
        np.zeros(tall * CHUNK, like.dtype),
        np.zeros(kp * CHUNK, like.dtype),
        np.zeros(kp * CHUNK, like.dtype),
        np.zeros(max(rows, kp) * CHUNK, like.dtype),
        np.zeros(max(padded(outputs), kp) * CHUNK, like.dtype),
        np.zeros(stored, like.dtype),
        np.zeros(rows * longest, like.dtype),
        np.zeros((max(depth, 1), kp, k), like.dtype),
        np.zeros((max(depth, 1), k, k)),
        np.zeros(max(depth, 1), np.int64),
        np.zeros((depth + 1, k, k)),
    )


@compiled
def block(flat, start, rows, count):  # type: ignore[no-untyped-def]
    """The block of the chunk that begins at neuron ``start`` of a sequence of (rows, count) blocks."""
    return flat[start * rows : start * rows + rows * count].reshape(rows, count)


@compiled
def stored(plan, work, layer, start, count):  # type: ignore[no-untyped-def]
    """The block of hidden layer ``layer`` (from 1, below the last)."""
    rows = work.roots.shape[1]
    offset = 0
    for below in range(1, layer):
        offset += columns(plan.widths[below])
    return block(work.layers, offset + start, rows, count)


@compiled
def mix(matrix, rows, z, terms, out):  # type: ignore[no-untyped-def]
    """Write ``matrix`` times the first ``terms`` rows of ``z`` to ``out``."""
    out[:] = 0.0
    add_mixture(matrix, rows, z, terms, out.shape[1], out)


@compiled
def activate(plan, work, layer, h, size):  # type: ignore[no-untyped-def]
    """Features of hidden layer ``layer`` (from 1) at a chunk of pre-activations, zero beyond ``size``."""
    k, count = work.grams.shape[1], h.shape[1]
    x = block(work.x, 0, h.shape[0], count)
    flat = h.reshape(h.size)
    evaluate(plan.functions, plan.activations[layer - 1], flat, work.x, k * count)
    x[:, size:] = 0.0
    return x


@compiled
def features(plan, inputs, work, layer, start, size):  # type: ignore[no-untyped-def]
    """Pre-activations and features of a chunk of layer ``layer``: 0 is the input, hidden layers are stored ones."""
    k, count, rows = inputs.shape[0], columns(size), work.roots.shape[1]
    if layer == 0:
        x = block(work.x, 0, rows, count)
        for a in range(k):
            for j in range(count):
                x[a, j] = inputs[a, start + j] if j < size else 0.0
        return x, x
    h = stored(plan, work, layer, start, count)
    if layer > 1:
        normals, h = h, block(work.h, 0, rows, count)
        mix(work.roots[layer - 1], k, normals, work.ranks[layer - 1], h)
    return h, activate(plan, work, layer, h, size)
