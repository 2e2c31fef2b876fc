"""Forward and backward passes of one network, compiled; weights are drawn from their addresses, never stored.

Arrays: ``features`` and ``preactivations`` are flat buffers of one contiguous (k, width) panel a layer; the
adjoints have shape (2, k, width), true Jacobian first. Layers of weights count from 0 (input) to L (readout).
All sums run in a fixed order (``compiled.dot_lanes``), in strict IEEE arithmetic.
"""

from math import sqrt

import numpy as np

from theory.networks.compiled import LANES, compiled, dot_lanes
from theory.networks.normals import fill_normals
from theory.networks.plan import NONE, evaluate
from theory.networks.streams import Role, address, fill_latent

_WEIGHT, _BIAS = int(Role.WEIGHT), int(Role.BIAS)


@compiled
def dot(x, y, count):  # type: ignore[no-untyped-def]
    """Inner product of the first ``count`` entries."""
    whole = count - count % (2 * LANES)
    total = dot_lanes(x, y, whole)
    for j in range(whole, count):
        total += x[j] * y[j]
    return total


@compiled
def copy(source, target):  # type: ignore[no-untyped-def]
    """Copy a matrix entry by entry: an array assignment would compile Numba's formatting of shape errors."""
    for a in range(source.shape[0]):
        for b in range(source.shape[1]):
            target[a, b] = source[a, b]


@compiled
def panel(flat, plan, layer, first, k):  # type: ignore[no-untyped-def]
    """The (k, width) panel of ``layer`` in a flat buffer whose panels start with layer ``first``."""
    start, width = 0, plan.widths[layer]
    for below in range(first, layer):
        start += k * plan.widths[below]
    return flat[start : start + k * width].reshape(k, width)


@compiled
def second_moment(plan, layer, features, out):  # type: ignore[no-untyped-def]
    """Covariance of the next pre-activations given these (k, n) features: s_b^2 + (s_w^2 v / n) x x^T."""
    k, n = features.shape
    scale = plan.weight_stds[layer] ** 2 * plan.variances[layer] / n
    for a in range(k):
        for b in range(a + 1):
            out[a, b] = scale * dot(features[a], features[b], n) + plan.bias_stds[layer] ** 2
            out[b, a] = out[a, b]


@compiled
def draw_row(plan, layer, stream, row, latent, effective, room):  # type: ignore[no-untyped-def]
    """Draw one row of latent weights and their effective values (the same array where nothing is binarized)."""
    fan_in, mapping = plan.widths[layer], plan.weight_maps[layer]
    law, zero = plan.latents[layer], plan.zero_probabilities[layer]
    fill_latent(latent, fan_in, law, zero, stream, row, room)
    if mapping == NONE:
        return latent
    evaluate(plan.functions, mapping, latent, effective, fan_in)
    return effective


@compiled
def apply_layer(plan, layer, seed, network, inputs, out, rows, room):  # type: ignore[no-untyped-def]
    """Pre-activations (s_w/sqrt n) W x + s_b b of one layer, from a (k, fan-in) to a (k, fan-out) panel."""
    fan_in, fan_out = plan.widths[layer], plan.widths[layer + 1]
    factor = plan.weight_stds[layer] / sqrt(fan_in)
    bias_std, bias = plan.bias_stds[layer], rows[2]
    if bias_std > 0.0:
        fill_normals(bias, fan_out, address(seed, network, layer, _BIAS), 0, room)
    stream = address(seed, network, layer, _WEIGHT)
    for i in range(fan_out):
        row = draw_row(plan, layer, stream, i, rows[0], rows[1], room)
        for a in range(inputs.shape[0]):
            out[a, i] = factor * dot(row, inputs[a], fan_in)
    if bias_std > 0.0:
        for a in range(inputs.shape[0]):
            for i in range(fan_out):
                out[a, i] += bias_std * bias[i]


@compiled
def activate(plan, layer, preactivations, features):  # type: ignore[no-untyped-def]
    """Features of hidden layer ``layer`` (from 0), panel to panel."""
    for a in range(preactivations.shape[0]):
        evaluate(
            plan.functions,
            plan.activations[layer],
            preactivations[a],
            features[a],
            preactivations.shape[1],
        )


@compiled
def _weight_block(plan, layer, latent, inputs, adjoints, i, pairs, rows, theta):  # type: ignore[no-untyped-def]
    """Add the kernel of row ``i`` of a binarized layer, with its two latent derivatives, to every pair."""
    k, n = inputs.shape
    scale = plan.weight_stds[layer] ** 2 / n
    for p in range(pairs.shape[0]):
        one, two = pairs[p, 0], pairs[p, 1]
        product, other = rows[3], rows[4]
        evaluate(plan.functions, plan.weight_slopes[one, layer], latent, product, n)
        evaluate(plan.functions, plan.weight_slopes[two, layer], latent, other, n)
        for j in range(n):
            product[j] *= other[j]
        for a in range(k):
            for j in range(n):
                other[j] = product[j] * inputs[a, j]
            for b in range(a + 1):
                weighted = scale * dot(other, inputs[b], n)
                theta[p, a, b] += adjoints[one, a, i] * adjoints[two, b, i] * weighted
                if b < a:
                    theta[p, b, a] += adjoints[one, b, i] * adjoints[two, a, i] * weighted


@compiled
def _add_layer(plan, layer, inputs, adjoints, pairs, theta):  # type: ignore[no-untyped-def]
    """Add the bias block of a layer, and its weight block where the weights are not binarized, to every pair."""
    k, fan_in, fan_out = inputs.shape[0], inputs.shape[1], plan.widths[layer + 1]
    weight_std, bias_std = plan.weight_stds[layer], plan.bias_stds[layer]
    for a in range(k):
        for b in range(k):
            block = bias_std**2
            if plan.weight_maps[layer] == NONE:
                block += weight_std**2 / fan_in * dot(inputs[a], inputs[b], fan_in)
            for p in range(pairs.shape[0]):
                rows, columns = adjoints[pairs[p, 0], a], adjoints[pairs[p, 1], b]
                theta[p, a, b] += block * dot(rows, columns, fan_out)


@compiled
def _propagate(used, adjoints, i, row, back):  # type: ignore[no-untyped-def]
    """Add row ``i`` of W^T times the adjoints to ``back``."""
    for side in range(2):
        for a in range(adjoints.shape[1] if used[side] else 0):
            weight, target = adjoints[side, a, i], back[side, a]
            for j in range(row.shape[0]):
                target[j] += weight * row[j]


@compiled
def _through_activation(plan, layer, used, preactivations, back, adjoints, slope):  # type: ignore[no-untyped-def]
    """Adjoints of hidden layer ``layer`` (from 0), from those of its features."""
    k, n = preactivations.shape
    factor = plan.weight_stds[layer + 1] / sqrt(n)
    for side in range(2):
        for a in range(k if used[side] else 0):
            evaluate(plan.functions, plan.slopes[side, layer], preactivations[a], slope, n)
            for j in range(n):
                adjoints[side, a, j] = factor * back[side, a, j] * slope[j]


@compiled
def tangent_kernels(  # type: ignore[no-untyped-def]
    plan, seed, network, features, preactivations, k, pairs, used, adjoints, rows, room, theta
):
    """Empirical kernels of one network for every Jacobian pair, by one backward pass from the readout.

    ``adjoints`` holds two (2, k, width) panels, now and next; ``used`` says which of the two Jacobians occur.
    """
    now, back = adjoints[0], adjoints[1]
    theta[:] = 0.0
    now[:, :, 0] = 1.0
    for layer in range(plan.widths.shape[0] - 2, -1, -1):
        fan_in = plan.widths[layer]
        inputs = panel(features, plan, layer, 0, k)
        _add_layer(plan, layer, inputs, now, pairs, theta)
        binarized = plan.weight_maps[layer] != NONE
        if layer > 0 or binarized:
            stream = address(seed, network, layer, _WEIGHT)
            back[:, :, :fan_in] = 0.0
            for i in range(plan.widths[layer + 1]):
                row = draw_row(plan, layer, stream, i, rows[0], rows[1], room)
                if binarized:
                    _weight_block(plan, layer, rows[0], inputs, now, i, pairs, rows, theta)
                if layer > 0:
                    _propagate(used, now, i, row[:fan_in], back)
        if layer > 0:
            before = panel(preactivations, plan, layer, 1, k)
            _through_activation(plan, layer - 1, used, before, back, now, rows[3])


@compiled
def row_buffers(plan):  # type: ignore[no-untyped-def]
    """Five rows, padded to whole blocks, as long as the widest layer."""
    longest = 0
    for width in plan.widths:
        longest = max(longest, width)
    return np.empty((5, longest + 2))
