"""Where the exact sampler keeps one network: chunks of neurons small enough for the first caches.

A chunk is a block of k rows by at most ``CHUNK`` neurons, contiguous; stored layers are sequences of such blocks, so
that every pass reads and writes memory once, in order. Rows are padded to whole tiles, columns to whole grains. Chunks
make stretches, short enough for the second cache: the backward pass sweeps each twice.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.networks.compiled import compiled_inline
from theory.networks.normals import scratch
from theory.networks.plan import Plan, evaluate
from theory.networks.tiles import block, columns, flat, mix, padded

CHUNK = 256
"""Neurons worked on together; part of the definition of the results, because sums run chunk by chunk."""

STRETCH = 8
"""Chunks of the longest stretch; part of the definition of the results, see ``adjoints``."""


class Work(NamedTuple):
    """Scratch of one thread: chunks, stored layers, and k x k matrices. Nothing else is allocated for any network."""

    room: Any  # words of the generator, for signs and masks
    rows: Any  # (3, longest): rows of weights and biases
    readout: Any  # (outputs, last width), if its weights are not Gaussian
    literal: Any  # (k, first width), if the first layer is not Gaussian
    z: Any  # chunk of normals
    h: Any  # chunk of pre-activations
    x: Any  # chunk of features
    v: Any  # chunk of adjoints, (sides, inputs, outputs) in rows
    w: Any  # chunk of readout weights
    layers: Any  # hidden layers 1, ..., L - 1: pre-activations of the first, normals of the others
    back: Any  # a stretch of what the layer above sends back, before its activation
    roots: (
        Any  # (L, padded k, k): hidden layer l has pre-activations roots[l - 1] times its normals
    )
    inverses: Any  # (L, k, k): roots' inverses, see ``roots.invert``
    ranks: Any  # (L,)
    looked: Any  # (L,): whether a basis was completed from the features themselves
    grams: Any  # (L + 1, k, k): (s_w^2/n) x x^T of every layer's features
    shares: Any  # (L + 1, stretches, k, k): x x^T over each stretch
    room_of_roots: Any  # see ``roots.square_root``
    pivots: Any  # columns taken there
    covariance: Any  # (k, k)
    basis: Any  # (3, padded k, padded k): a root, its inverse, and what makes residuals
    spare: Any  # (5, padded k, padded k)
    mixing: Any  # (padded k, k), in the type of the chunks
    root: Any  # (2, rows, rows) of adjoints: a root and its transpose
    turn: Any  # the same, in the type of the chunks
    correction: Any  # (rows, k), in the type of the chunks
    panels: Any  # (4, padded k, rows): see ``adjoints``
    fresh: Any  # (2, rows): normals of the bias neuron, and what it sends back


def stretches_of(width: int) -> int:
    """Number of stretches of a layer."""
    return -(-width // (CHUNK * STRETCH))


def workspace(
    plan: Plan, inputs: NDArray[Any], height: int, drawn_readout: bool, drawn_first: bool
) -> Work:
    """Room for networks of ``plan`` at ``inputs`` (k, d); ``height`` rows of adjoints are kept, 0 without kernels.

    NumPy asks the system for large pages, Numba does not: the first touch of small ones costs as much as the sampler.
    """
    widths = [int(width) for width in plan.widths]
    k, depth, like, many = len(inputs), len(widths) - 2, inputs.dtype, widths[-1]
    rows, tall = int(padded(k)), max(int(padded(k)), height)
    kept = sum(int(columns(width)) for width in widths[1:depth])
    stretches = max(map(stretches_of, widths))
    return Work(
        room=scratch(),
        rows=np.zeros((3, max(widths) + 2)),
        readout=np.zeros((many, widths[depth] if drawn_readout else 0)),
        literal=np.zeros((k, widths[1] if drawn_first else 0)),
        z=np.zeros(tall * CHUNK, like),
        h=np.zeros(rows * CHUNK, like),
        x=np.zeros(rows * CHUNK, like),
        v=np.zeros(height * CHUNK, like),
        w=np.zeros(int(padded(many)) * CHUNK, like),
        layers=np.zeros(rows * kept, like),
        back=np.zeros(height * CHUNK * STRETCH, like),
        roots=np.zeros((max(depth, 1), rows, k), like),
        inverses=np.zeros((max(depth, 1), k, k)),
        ranks=np.zeros(max(depth, 1), np.int64),
        looked=np.zeros(max(depth, 1), np.bool_),
        grams=np.zeros((depth + 1, k, k)),
        shares=np.zeros((depth + 1, stretches, k, k)),
        room_of_roots=np.zeros((tall + 2, tall)),
        pivots=np.zeros(tall, np.int64),
        covariance=np.zeros((k, k)),
        basis=np.zeros((3, rows, rows)),
        spare=np.zeros((5, rows, rows)),
        mixing=np.zeros((rows, k), like),
        root=np.zeros((2, height, height)),
        turn=np.zeros((height, height), like),
        correction=np.zeros((height, k), like),
        panels=np.zeros((4, rows, height)),
        fresh=np.zeros((2, height)),
    )


@compiled_inline
def stretches(width):  # type: ignore[no-untyped-def]
    """Number of stretches of a layer."""
    return (width + CHUNK * STRETCH - 1) // (CHUNK * STRETCH)


@compiled_inline
def bounds(width, stretch, count):  # type: ignore[no-untyped-def]
    """First neuron of one of ``count`` stretches, and of the next: whole chunks, about equally many."""
    chunks = (width + CHUNK - 1) // CHUNK
    first, last = stretch * chunks // count, (stretch + 1) * chunks // count
    return first * CHUNK, min(last * CHUNK, width)


@compiled_inline
def clear(panel, rows, start):  # type: ignore[no-untyped-def]
    """Zero the first ``rows`` rows of a panel from column ``start`` on."""
    for a in range(rows):
        for j in range(start, panel.shape[1]):
            panel[a, j] = 0.0


@compiled_inline
def place_of(plan, layer, start):  # type: ignore[no-untyped-def]
    """Where the chunk of hidden layer ``layer`` (from 1, below the last) at neuron ``start`` begins in the store."""
    place = start
    for below in range(1, layer):
        place += columns(plan.widths[below])
    return place


@compiled_inline
def activate(plan, work, layer, h, x, size):  # type: ignore[no-untyped-def]
    """Fill ``x`` with the features of layer ``layer`` (from 1) at a chunk of pre-activations, zero beyond ``size``."""
    k = work.grams.shape[1]
    evaluate(plan.functions, plan.activations[layer - 1], flat(h), flat(x), k * h.shape[1])
    clear(x, k, size)


@compiled_inline
def features(plan, inputs, work, layer, start, size):  # type: ignore[no-untyped-def]
    """Pre-activations and features of a chunk of layer ``layer``: 0 is the input, hidden layers are stored ones."""
    k, count, rows = inputs.shape[0], columns(size), work.roots.shape[1]
    h, x = block(work.h, 0, rows, count), block(work.x, 0, rows, count)
    if layer == 0:
        for a in range(k):
            for j in range(size):
                x[a, j] = inputs[a, start + j]
        clear(x, k, size)
        return x, x
    kept = block(work.layers, place_of(plan, layer, start), rows, count)
    if layer > 1:
        mix(work.roots[layer - 1], k, kept, work.ranks[layer - 1], h)
    else:
        h = kept
    activate(plan, work, layer, h, x, size)
    return h, x
