"""The literal sampler: every weight is drawn, whatever its law, and every kernel is computed from them.

Cost per network: n_l n_{l+1} random weights a layer, twice with kernels (the backward pass draws them again from their
addresses), and 2k, or 2k more for each of the two adjoints in use, operations a weight. Workspace per thread:
O(k sum n_l), never a weight matrix.
"""

import numpy as np

from theory.networks.compiled import compiled
from theory.networks.passes import (
    activate,
    apply_layer,
    panel,
    row_buffers,
    second_moment,
    tangent_kernels,
)
from theory.networks.streams import scratch


@compiled
def sample(plan, inputs, seed, first, pairs, used, outputs, covariances, kernels):  # type: ignore[no-untyped-def]
    """Fill ``outputs`` (m, k), ``covariances`` (m, k, k) and ``kernels`` (m, pairs, k, k) with networks first, ..."""
    k, depth = inputs.shape[0], plan.widths.shape[0] - 2
    room, rows = scratch(), row_buffers(plan)
    features = np.empty(k * plan.widths[: depth + 1].sum())
    preactivations = np.empty(k * plan.widths[1 : depth + 1].sum())
    adjoints = np.empty((2, 2, k, rows.shape[1] if pairs.shape[0] else 0))
    panel(features, plan, 0, 0, k)[:] = inputs
    for m in range(outputs.shape[0]):
        network = first + m
        for layer in range(depth):
            before = panel(preactivations, plan, layer + 1, 1, k)
            below = panel(features, plan, layer, 0, k)
            apply_layer(plan, layer, seed, network, below, before, rows, room)
            activate(plan, layer, before, panel(features, plan, layer + 1, 0, k))
        last = panel(features, plan, depth, 0, k)
        apply_layer(plan, depth, seed, network, last, outputs[m].reshape(k, 1), rows, room)
        second_moment(
            last,
            plan.weight_stds[depth],
            plan.bias_stds[depth],
            plan.variances[depth],
            covariances[m],
        )
        if pairs.shape[0]:
            tangent_kernels(
                plan,
                seed,
                network,
                features,
                preactivations,
                k,
                pairs,
                used,
                adjoints,
                rows,
                room,
                kernels[m],
            )
