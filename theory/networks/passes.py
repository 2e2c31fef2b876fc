"""What every sampler does with one layer, compiled; weights are drawn from their addresses, never stored.

Features and pre-activations are flat buffers of one contiguous (k, width) panel a layer. Layers of weights count from 0
(input) to L (readout).
All sums run in a fixed order (``compiled.dot_lanes``), in strict IEEE arithmetic.
"""

from math import sqrt

import numpy as np

from theory.networks.compiled import LANES, compiled, dot_lanes
from theory.networks.entries import entries_of, fill_row
from theory.networks.normals import fill_normals
from theory.networks.plan import NONE, evaluate
from theory.networks.streams import Role, address

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
    fan_in, fan_out = plan.widths[layer], plan.widths[layer + 1]
    zero, blocks = plan.zero_probabilities[layer], plan.blocks[layer]
    entries = entries_of(stream, zero, blocks, fan_out, fan_in, room)
    return _row(plan, layer, entries, row, latent, effective, room)


@compiled
def _row(plan, layer, entries, row, latent, effective, room):  # type: ignore[no-untyped-def]
    fan_in, mapping, scale = plan.widths[layer], plan.weight_maps[layer], plan.scales[layer]
    fill_row(latent, fan_in, plan.latents[layer], entries, row, room)
    if mapping == NONE:
        for j in range(fan_in if scale != 1.0 else 0):
            latent[j] *= scale
        return latent
    evaluate(plan.functions, mapping, latent, effective, fan_in)
    return effective


@compiled
def apply_layer(plan, layer, seed, network, inputs, out, rows, room):  # type: ignore[no-untyped-def]
    """Pre-activations (s_w/sqrt n) W x + s_b b of one layer, from a (k, fan-in) to a (k, fan-out) panel, row by row."""
    fan_in, fan_out = plan.widths[layer], plan.widths[layer + 1]
    factor = plan.weight_stds[layer] / sqrt(fan_in)
    bias_std, bias = plan.bias_stds[layer], rows[2]
    if bias_std > 0.0:
        fill_normals(bias, fan_out, address(seed, network, layer, _BIAS), 0)
    stream = address(seed, network, layer, _WEIGHT)
    zero, blocks = plan.zero_probabilities[layer], plan.blocks[layer]
    entries = entries_of(stream, zero, blocks, fan_out, fan_in, room)
    for i in range(fan_out):
        row = _row(plan, layer, entries, i, rows[0], rows[1], room)
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
def row_buffers(plan):  # type: ignore[no-untyped-def]
    """Three rows, padded to whole blocks, as long as the widest layer."""
    longest = 0
    for width in plan.widths:
        longest = max(longest, width)
    return np.empty((3, longest + 2))
