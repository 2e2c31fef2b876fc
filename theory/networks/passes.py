"""Forward and backward passes of one network, compiled; weights are drawn from their addresses, never stored.

Arrays: ``features`` and ``preactivations`` are flat buffers of one contiguous (k, width) panel a layer; the
adjoints have shape (2, k, width), true Jacobian first. Layers of weights count from 0 (input) to L (readout).
All sums run in a fixed order with eight interleaved accumulators, in strict IEEE arithmetic.
"""

from math import sqrt

import numpy as np

from theory.networks.compiled import compiled
from theory.networks.plan import NONE, evaluate
from theory.networks.streams import Role, address, fill_latent, fill_normals

_WEIGHT, _BIAS = int(Role.WEIGHT), int(Role.BIAS)


@compiled
def dot(x, y, count):  # type: ignore[no-untyped-def]
    """Inner product of the first ``count`` entries."""
    a = b = c = d = e = f = g = h = 0.0
    whole = count - count % 8
    for j in range(0, whole, 8):
        a += x[j] * y[j]
        b += x[j + 1] * y[j + 1]
        c += x[j + 2] * y[j + 2]
        d += x[j + 3] * y[j + 3]
        e += x[j + 4] * y[j + 4]
        f += x[j + 5] * y[j + 5]
        g += x[j + 6] * y[j + 6]
        h += x[j + 7] * y[j + 7]
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for j in range(whole, count):
        total += x[j] * y[j]
    return total


@compiled
def panel(flat, plan, layer, first, k):  # type: ignore[no-untyped-def]
    """The (k, width) panel of ``layer`` in a flat buffer whose panels start with layer ``first``."""
    start = k * plan.widths[first:layer].sum()
    width = plan.widths[layer]
    return flat[start : start + k * width].reshape(k, width)


@compiled
def second_moment(panel, weight_std, bias_std, variance, out):  # type: ignore[no-untyped-def]
    """Covariance given these features: s_b^2 + (s_w^2 v / n) x x^T, for a (k, n) panel."""
    k, n = panel.shape
    for a in range(k):
        for b in range(a + 1):
            gram = dot(panel[a], panel[b], n)
            out[a, b] = out[b, a] = weight_std**2 * variance / n * gram + bias_std**2


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
            for b in range(k):
                weighted = scale * dot(other, inputs[b], n)
                theta[p, a, b] += adjoints[one, a, i] * adjoints[two, b, i] * weighted


@compiled
def tangent_kernels(plan, seed, network, features, preactivations, k, pairs, used, adjoints, rows, room, theta):  # type: ignore[no-untyped-def]  # noqa: E501
    """Empirical kernels of one network for every Jacobian pair, by one backward pass from the readout.

    ``adjoints`` holds two (2, k, width) panels, now and next; ``used`` says which of the two Jacobians occur.
    """
    now, back = adjoints[0], adjoints[1]
    theta[:] = 0.0
    now[:, :, 0] = 1.0
    for layer in range(plan.widths.shape[0] - 2, -1, -1):
        fan_in, fan_out = plan.widths[layer], plan.widths[layer + 1]
        inputs = panel(features, plan, layer, 0, k)
        binarized = plan.weight_maps[layer] != NONE
        weight_std, bias_std = plan.weight_stds[layer], plan.bias_stds[layer]
        for p in range(pairs.shape[0]):
            for a in range(k):
                for b in range(k):
                    both = dot(now[pairs[p, 0], a], now[pairs[p, 1], b], fan_out)
                    gram = 0.0 if binarized else dot(inputs[a], inputs[b], fan_in) / fan_in
                    theta[p, a, b] += both * (weight_std**2 * gram + bias_std**2)
        if layer == 0 and not binarized:
            break
        stream = address(seed, network, layer, _WEIGHT)
        back[:, :, :fan_in] = 0.0
        for i in range(fan_out):
            row = draw_row(plan, layer, stream, i, rows[0], rows[1], room)
            if binarized:
                _weight_block(plan, layer, rows[0], inputs, now, i, pairs, rows, theta)
            if layer > 0:
                for side in range(2):
                    for a in range(k if used[side] else 0):
                        weight, target = now[side, a, i], back[side, a]
                        for j in range(fan_in):
                            target[j] += weight * row[j]
        if layer == 0:
            break
        factor = weight_std / sqrt(fan_in)
        before = panel(preactivations, plan, layer, 1, k)
        for side in range(2):
            for a in range(k if used[side] else 0):
                slope = rows[3]
                evaluate(plan.functions, plan.slopes[side, layer - 1], before[a], slope, fan_in)
                for j in range(fan_in):
                    now[side, a, j] = factor * back[side, a, j] * slope[j]


@compiled
def row_buffers(plan):  # type: ignore[no-untyped-def]
    """Five rows, padded to whole blocks, as long as the widest layer."""
    longest = 0
    for width in plan.widths:
        longest = max(longest, width)
    return np.empty((5, longest + 2))
