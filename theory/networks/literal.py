"""The literal sampler: every weight is drawn, whatever its law (claim E5).

n_l n_{l+1} weights a layer (twice with kernels: the backward pass draws them again from their addresses) and 2k
operations a weight for each pass over k inputs and for each adjoint; O(k sum n_l) memory a thread, never a weight
matrix.
"""

import numpy as np

from theory.networks.compiled import compiled
from theory.networks.normals import scratch
from theory.networks.passes import (
    activate,
    apply_layer,
    copy,
    panel,
    row_buffers,
    second_moment,
    tangent_kernels,
)


@compiled
def sample(plan, inputs, seed, first, pairs, used, outputs, chains, kernels):  # type: ignore[no-untyped-def]
    """Fill the results of networks ``first``, ``first + 1``, ...

    ``outputs`` (m, k), or empty to skip the readout; ``chains`` (m, kept, k, k) takes the last ``kept`` of the
    covariances S^1, ..., S^{L+1}; ``kernels`` (m, pairs, k, k).
    """
    k, depth = inputs.shape[0], plan.widths.shape[0] - 2
    kept = chains.shape[1]
    room, rows, covariance = scratch(), row_buffers(plan), np.empty((k, k))
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
            apply_layer(plan, layer, seed, network, below, before, rows, room)
            activate(plan, layer, before, panel(features, plan, layer + 1, 0, k))
        if outputs.shape[0]:
            last = panel(features, plan, depth, 0, k)
            apply_layer(plan, depth, seed, network, last, outputs[m].reshape(k, 1), rows, room)
        if pairs.shape[0]:
            tangent_kernels(
                plan, seed, network, features, preactivations, k,
                pairs, used, adjoints, rows, room, kernels[m],
            )  # fmt: skip
