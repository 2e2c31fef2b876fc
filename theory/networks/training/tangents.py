"""What a network with given parameters does at given inputs: outputs, pre-activations, empirical kernels."""

import numpy as np

from theory.networks.plan import NONE, evaluate
from theory.networks.training.compiling import compiled
from theory.networks.training.layout import binarize, fill_panel, panel, rows_of, weights
from theory.networks.training.products import add_back, block_of, group_of
from theory.networks.training.steps import forward, groups_for, space_for, through, used_weights


@compiled
def _weighted(plan, layer, pair, parameters, below, rows, columns, theta, scale):  # type: ignore[no-untyped-def]
    """Add the kernel of the weights of a binarized layer, with its two latent derivatives, to one pair."""
    latent, (k, fan_in) = weights(parameters, plan, layer), below.shape
    count, fan_out, outputs = latent.size, latent.shape[0], plan.widths[-1]
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
        for row in range(a * outputs, (a + 1) * outputs):
            for column in range(k * outputs):
                total = 0.0
                for i in range(fan_out):
                    total += rows[row, i] * columns[column, i] * sums[i, column // outputs]
                theta[row, column] += scale * total


@compiled
def _hand_down(plan, layer, side, matrix, groups, above, below, space):  # type: ignore[no-untyped-def]
    """Write adjoints of the pre-activations below ``layer`` > 0 from those above it, at the heads of two buffers."""
    (fan_out, fan_in), group = matrix.shape, group_of(matrix)
    adjoints = above[: groups * fan_out * group].reshape(groups, fan_out, group)
    target = below[: groups * fan_in * group].reshape(groups, fan_in, group)
    target[:] = 0.0
    size = block_of(fan_in)
    for top in range(0, fan_out, size):
        add_back(matrix[top : top + size], adjoints, top, target)
    through(plan, layer, side, groups, space.preactivations, below, space.slope)


@compiled
def _rows(buffers, groups, k, width):  # type: ignore[no-untyped-def]
    """The panels at the heads of buffers (sides, outputs, :), as matrices (sides, k outputs, width)."""
    sides, outputs, _ = buffers.shape
    group = group_of(buffers)
    rows = np.empty((sides, k * outputs, width))
    for side in range(sides):
        for o in range(outputs):
            flat = buffers[side, o, : groups * width * group]
            rows[side, o::outputs] = rows_of(flat.reshape(groups, width, group), k)
    return rows


@compiled
def _kernels(plan, lesson, parameters, effective, pairs, used, k, space, theta):  # type: ignore[no-untyped-def]
    """Empirical kernels of every pair, by one backward pass a side and output from the readout."""
    depth, outputs, group = plan.widths.shape[0] - 2, plan.widths[-1], group_of(parameters)
    groups = groups_for(k, parameters)
    now = np.zeros((2, outputs, space.now.shape[0]))
    back, products = np.zeros_like(now), np.empty((k * outputs, k * outputs))
    theta[:] = 0.0
    for o in range(outputs):
        for side in range(2):
            now[side, o, : groups * outputs * group].reshape(groups, outputs, group)[:, o] = 1.0
    for layer in range(depth, -1, -1):
        fan_out = plan.widths[layer + 1]
        below = rows_of(panel(space.features, plan, layer, 0, groups, group), k)
        gram = np.dot(below, below.T)
        adjoints = _rows(now, groups, k, fan_out)
        scale = (plan.weight_stds[layer] * lesson.weight_gains[layer]) ** 2 / plan.widths[layer]
        shift = (plan.bias_stds[layer] * lesson.bias_gains[layer]) ** 2
        binarized = plan.weight_maps[layer] != NONE
        for p in range(pairs.shape[0]):
            rows, columns = adjoints[pairs[p, 0]], adjoints[pairs[p, 1]]
            np.dot(rows, columns.T, products)
            for row in range(k * outputs):
                for column in range(k * outputs):
                    inner = gram[row // outputs, column // outputs]
                    block = shift + (0.0 if binarized else scale * inner)
                    theta[p, row, column] += block * products[row, column]
            if binarized:
                kernel = theta[p]
                _weighted(plan, layer, pairs[p], parameters, below, rows, columns, kernel, scale)
        if layer > 0:
            matrix = used_weights(plan, parameters, effective, layer)
            for side in range(2):
                for o in range(outputs if used[side] else 0):
                    _hand_down(
                        plan, layer, side, matrix, groups, now[side, o], back[side, o], space
                    )
            now, back = back, now


@compiled
def observe(plan, lesson, parameters, inputs, pairs, used, outputs, before, theta):  # type: ignore[no-untyped-def]
    """Fill the outputs (k, o), the pre-activations of the hidden layers (flat panels) and the kernels.

    These are (pairs, k o, k o), an input's outputs one after another.
    """
    k, group, layers = inputs.shape[0], group_of(parameters), plan.widths.shape[0] - 1
    groups = groups_for(k, parameters)
    space, effective = space_for(plan, groups, parameters), binarize(plan, parameters)
    fill_panel(inputs, np.arange(k), panel(space.features, plan, 0, 0, groups, group))
    forward(plan, parameters, effective, groups, space)
    start = 0
    for layer in range(1, layers):
        seen = rows_of(panel(space.preactivations, plan, layer, 1, groups, group), k)
        before[start : start + seen.size] = seen.reshape(seen.size)
        start += seen.size
    outputs[:] = rows_of(panel(space.preactivations, plan, layers, 1, groups, group), k)
    if pairs.shape[0]:
        _kernels(plan, lesson, parameters, effective, pairs, used, k, space, theta)
