"""What a network with given parameters does at given inputs: outputs, pre-activations, empirical kernels."""

import numpy as np

from theory.networks.passes import copy, panel
from theory.networks.plan import NONE, evaluate
from theory.networks.training.compiling import compiled
from theory.networks.training.layout import binarize, weights
from theory.networks.training.steps import below_from, forward, space_for


@compiled
def _weighted(plan, layer, pair, parameters, below, rows, columns, theta, scale):  # type: ignore[no-untyped-def]
    """Add the kernel of the weights of a binarized layer, with its two latent derivatives, to one pair."""
    latent, (k, fan_in) = weights(parameters, plan, layer), below.shape
    count, fan_out = latent.size, latent.shape[0]
    flat, product, other = latent.reshape(latent.size), np.empty(count), np.empty(count)
    evaluate(plan.functions, plan.weight_slopes[pair[0], layer], flat, product, count)
    evaluate(plan.functions, plan.weight_slopes[pair[1], layer], flat, other, count)
    product *= other
    slopes, scaled = product.reshape(fan_out, fan_in), other.reshape(fan_out, fan_in)
    sums = np.empty((fan_out, k))
    for a in range(k):
        for i in range(fan_out):
            for j in range(fan_in):
                scaled[i, j] = slopes[i, j] * below[a, j]
        np.dot(scaled, below.T, sums)
        for b in range(k):
            total = 0.0
            for i in range(fan_out):
                total += rows[a, i] * columns[b, i] * sums[i, b]
            theta[a, b] += scale * total


@compiled
def _kernels(plan, lesson, parameters, effective, pairs, used, space, theta):  # type: ignore[no-untyped-def]
    """Empirical kernels of every pair, by one backward pass a side from the readout."""
    k, depth = theta.shape[1], plan.widths.shape[0] - 2
    now, back = np.empty((2, space.now.shape[0])), np.empty((2, space.now.shape[0]))
    gram, products = np.empty((k, k)), np.empty((k, k))
    theta[:] = 0.0
    now[:, :k] = 1.0
    for layer in range(depth, -1, -1):
        below, fan_out = panel(space.features, plan, layer, 0, k), plan.widths[layer + 1]
        np.dot(below, below.T, gram)
        scale = (plan.weight_stds[layer] * lesson.weight_gains[layer]) ** 2 / plan.widths[layer]
        shift = (plan.bias_stds[layer] * lesson.bias_gains[layer]) ** 2
        binarized = plan.weight_maps[layer] != NONE
        for p in range(pairs.shape[0]):
            rows = now[pairs[p, 0], : k * fan_out].reshape(k, fan_out)
            columns = now[pairs[p, 1], : k * fan_out].reshape(k, fan_out)
            np.dot(rows, columns.T, products)
            for a in range(k):
                for b in range(k):
                    block = shift + (0.0 if binarized else scale * gram[a, b])
                    theta[p, a, b] += block * products[a, b]
            if binarized:
                kernel = theta[p]
                _weighted(plan, layer, pairs[p], parameters, below, rows, columns, kernel, scale)
        if layer > 0:
            before = space.preactivations
            for side in range(2):
                if used[side]:
                    adjoints = now[side, : k * fan_out].reshape(k, fan_out)
                    target, slope = back[side], space.slope
                    below_from(
                        plan, layer, side, k, parameters, effective, adjoints, before, target, slope
                    )
            now, back = back, now


@compiled
def observe(plan, lesson, parameters, inputs, pairs, used, outputs, before, theta):  # type: ignore[no-untyped-def]
    """Fill the outputs (k,), the pre-activations of the hidden layers (flat panels) and the kernels (pairs, k, k)."""
    k = inputs.shape[0]
    space, effective = space_for(plan, k, parameters), binarize(plan, parameters)
    copy(inputs, panel(space.features, plan, 0, 0, k))
    forward(plan, parameters, effective, k, space)
    outputs[:] = space.preactivations[before.shape[0] :]
    before[:] = space.preactivations[: before.shape[0]]
    if pairs.shape[0]:
        _kernels(plan, lesson, parameters, effective, pairs, used, space, theta)
