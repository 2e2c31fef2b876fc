"""The exact sampler: Gaussian hidden weights integrated out (claim B53).

Given the features x of a layer, the neurons of the next are iid N(0, S), S = s_b^2 + (s_w^2/n) x x^T, so a layer costs
n k normals and 2 n k^2 operations, with the same law of all that depends on the forward pass.
"""

import numpy as np

from theory.networks.compiled import compiled
from theory.networks.normals import fill_normals, scratch
from theory.networks.passes import (
    activate,
    apply_layer,
    copy,
    dot,
    panel,
    row_buffers,
    second_moment,
    tangent_kernels,
)
from theory.networks.streams import Role, address

_PREACTIVATION = int(Role.PREACTIVATION)
_EPS = float(np.finfo(np.float64).eps)


@compiled
def square_root(matrix, root):  # type: ignore[no-untyped-def]
    """Pivoted Cholesky factor of a positive semidefinite matrix, ``root`` root^T = ``matrix``; returns its rank.

    Stops where the largest remaining variance is rounding error of the largest one. Backward stable for singular
    matrices (Higham 2002, section 10.3), and the same bits on every machine, which no eigenvalue library promises.
    """
    k = matrix.shape[0]
    rest, done, largest = np.empty(k), np.zeros(k, np.bool_), 0.0
    root[:] = 0.0
    for a in range(k):
        rest[a] = matrix[a, a]
        largest = max(largest, rest[a])
    floor = k * _EPS * largest
    for step in range(k):
        pivot = -1
        for a in range(k):
            if not done[a] and (pivot < 0 or rest[a] > rest[pivot]):
                pivot = a
        if rest[pivot] <= floor:
            return step
        done[pivot] = True
        diagonal = np.sqrt(rest[pivot])
        root[pivot, step] = diagonal
        for a in range(k):
            if not done[a]:
                shared = dot(root[a], root[pivot], step)
                root[a, step] = (matrix[a, pivot] - shared) / diagonal
                rest[a] -= root[a, step] ** 2
    return k


@compiled
def draw_neurons(covariance, seed, network, layer, out, root, normals, room):  # type: ignore[no-untyped-def]
    """Fill a (k, n) panel with iid columns N(0, ``covariance``)."""
    k, n = out.shape
    rank = square_root(covariance, root)
    stream = address(seed, network, layer, _PREACTIVATION)
    out[:] = 0.0
    for c in range(rank):
        fill_normals(normals, n, stream, c, room)
        for a in range(k):
            weight, target = root[a, c], out[a]
            if weight != 0.0:
                for j in range(n):
                    target[j] += weight * normals[j]


@compiled
def sample(plan, inputs, seed, first, pairs, used, outputs, chains, kernels):  # type: ignore[no-untyped-def]
    """Fill the results of networks ``first``, ``first + 1``, ...

    ``outputs`` (m, k), or empty to skip the readout; ``chains`` (m, kept, k, k) takes the last ``kept`` of the
    covariances S^1, ..., S^{L+1}; ``kernels`` (m, pairs, k, k), which need either the weights or one hidden layer.
    """
    k, depth = inputs.shape[0], plan.widths.shape[0] - 2
    kept = chains.shape[1]
    room, rows, root = scratch(), row_buffers(plan), np.empty((k, k))
    covariance = np.empty((k, k))
    features = np.empty(k * plan.widths[: depth + 1].sum())
    preactivations = np.empty(k * plan.widths[1 : depth + 1].sum())
    adjoints = np.empty((2, 2, k, rows.shape[1] if pairs.shape[0] else 0))
    copy(inputs, panel(features, plan, 0, 0, k))
    for m in range(chains.shape[0]):
        network = first + m
        for layer in range(depth + 1):
            below = panel(features, plan, layer, 0, k)
            second_moment(plan, layer, below, covariance)
            if layer > depth - kept:
                copy(covariance, chains[m, layer - depth - 1 + kept])
            if layer == depth:
                break
            before = panel(preactivations, plan, layer + 1, 1, k)
            draw_neurons(covariance, seed, network, layer, before, root, rows[0], room)
            activate(plan, layer, before, panel(features, plan, layer + 1, 0, k))
        if outputs.shape[0]:
            last = panel(features, plan, depth, 0, k)
            apply_layer(plan, depth, seed, network, last, outputs[m].reshape(k, 1), rows, room)
        if pairs.shape[0]:
            tangent_kernels(
                plan, seed, network, features, preactivations, k,
                pairs, used, adjoints, rows, room, kernels[m],
            )  # fmt: skip
