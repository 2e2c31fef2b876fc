"""The literal sampler: every weight is drawn, whatever its law (claim E5).

Signs, with zeros or without, stay packed bits (``packed``); all others are numbers for as long as a product needs
them (``dense``). The backward pass draws weights again from their addresses, unless they are few. O(k sum n_l) memory a
thread, never a weight matrix of a wide network.
"""

from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from theory.kernels.weights import Latent
from theory.networks.compiled import compiled
from theory.networks.dense import (
    KEPT,
    add_transposed,
    dense_forward,
    dense_room,
    is_kept,
    kept_before,
    rows_again,
    stride,
)
from theory.networks.entries import entries_of
from theory.networks.normals import fill_normals, scratch
from theory.networks.packed import packed_backward, packed_forward, packed_room
from theory.networks.passes import activate, copy, dot, panel, second_moment
from theory.networks.plan import NONE, evaluate
from theory.networks.streams import Role, address
from theory.networks.vectors import GROUP

_WEIGHT, _BIAS, _SIGN = int(Role.WEIGHT), int(Role.BIAS), int(Latent.SIGN)


class Space(NamedTuple):
    """Everything that one thread writes to, allocated once."""

    room: Any
    packed: Any
    dense: Any
    features: Any  # flat: one contiguous (k, width) panel a layer
    preactivations: Any
    adjoints: Any  # (2, 2 k o, stride): now and next; side, input, output
    line: Any
    others: Any  # (2, width)


@compiled
def _is_packed(plan, layer):  # type: ignore[no-untyped-def]
    return plan.latents[layer] == _SIGN and plan.weight_maps[layer] == NONE


@compiled
def _space(plan, inputs, pairs, kept):  # type: ignore[no-untyped-def]
    k, layers = inputs.shape[0], plan.widths.shape[0] - 1
    widest, packed = 0, 0
    for layer in range(layers):
        wide = max(plan.widths[layer], plan.widths[layer + 1])
        widest = max(widest, wide)
        if _is_packed(plan, layer):
            packed = max(packed, wide)
    lines = 2 * k * plan.widths[layers] if pairs.shape[0] else 0
    length = stride(widest)
    return Space(
        room=scratch(),
        packed=packed_room(packed, k, max(lines, k), inputs),
        dense=dense_room(widest, kept, k, lines, inputs),
        features=np.empty(k * plan.widths[:layers].sum(), inputs.dtype),
        preactivations=np.empty(k * plan.widths[1:].sum(), inputs.dtype),
        adjoints=np.zeros((2, lines, length), inputs.dtype),
        line=np.empty(length, inputs.dtype),
        others=np.empty((2, length), inputs.dtype),
    )


@compiled
def _entries(plan, layer, seed, network, space):  # type: ignore[no-untyped-def]
    stream = address(seed, network, layer, _WEIGHT)
    zero, blocks = plan.zero_probabilities[layer], plan.blocks[layer]
    fan_in, fan_out = plan.widths[layer], plan.widths[layer + 1]
    return entries_of(stream, zero, blocks, fan_out, fan_in, space.room)


@compiled
def _forward(plan, layer, seed, network, inputs, out, space):  # type: ignore[no-untyped-def]
    """Pre-activations (s_w/sqrt n) W x + s_b b of one layer, from a (k, fan-in) to a (k, fan-out) panel."""
    factor = plan.weight_stds[layer] * plan.scales[layer] / sqrt(inputs.shape[1])
    entries = _entries(plan, layer, seed, network, space)
    if _is_packed(plan, layer):
        packed_forward(entries, inputs, out, factor, space.room, space.packed)
    else:
        keep = is_kept(plan, layer, space.dense.kept)
        dense_forward(plan, layer, entries, inputs, out, factor, keep, space.room, space.dense)
    bias_std = plan.bias_stds[layer]
    if bias_std > 0.0:
        stream = address(seed, network, layer, _BIAS)
        fill_normals(space.line, out.shape[1], stream, 0)
        for a in range(out.shape[0]):
            for i in range(out.shape[1]):
                out[a, i] += bias_std * space.line[i]


@compiled
def _weight_block(plan, layer, latent, inputs, now, i, pairs, space, theta):  # type: ignore[no-untyped-def]
    """Add the kernel of row ``i`` of a binarized layer, with its two latent derivatives, to every pair."""
    (k, n), lines = inputs.shape, now.shape[0] // 2
    scale, many = plan.weight_stds[layer] ** 2 / n, lines // k
    product, other = space.others[0], space.others[1]
    for p in range(pairs.shape[0]):
        one, two = pairs[p, 0], pairs[p, 1]
        evaluate(plan.functions, plan.weight_slopes[one, layer], latent, product, n)
        evaluate(plan.functions, plan.weight_slopes[two, layer], latent, other, n)
        for j in range(n):
            product[j] *= other[j]
        for a in range(k):
            for j in range(n):
                other[j] = product[j] * inputs[a, j]
            for b in range(k):
                weighted = scale * dot(other, inputs[b], n)
                for s in range(a * many, (a + 1) * many):
                    for t in range(b * many, (b + 1) * many):
                        theta[p, s, t] += (
                            now[one * lines + s, i] * now[two * lines + t, i] * weighted
                        )


@compiled
def _add_layer(plan, layer, inputs, now, pairs, theta):  # type: ignore[no-untyped-def]
    """Add the bias block of a layer, and its weight block where the weights are not binarized, to every pair."""
    k, fan_in, fan_out = inputs.shape[0], inputs.shape[1], plan.widths[layer + 1]
    lines = now.shape[0] // 2
    many = lines // k
    weight_std, bias_std = plan.weight_stds[layer], plan.bias_stds[layer]
    for a in range(k):
        for b in range(k):
            block = bias_std**2
            if plan.weight_maps[layer] == NONE:
                block += weight_std**2 / fan_in * dot(inputs[a], inputs[b], fan_in)
            for p in range(pairs.shape[0]):
                for s in range(a * many, (a + 1) * many):
                    for t in range(b * many, (b + 1) * many):
                        rows, columns = now[pairs[p, 0] * lines + s], now[pairs[p, 1] * lines + t]
                        theta[p, s, t] += block * dot(rows, columns, fan_out)


@compiled
def _transposed(plan, layer, seed, network, inputs, pairs, first, last, now, back, space, theta):  # type: ignore[no-untyped-def]
    """Write W^T v to the lines ``first``, ..., ``last`` - 1 of ``back``, and add the kernels of binarized weights."""
    fan_in, fan_out = plan.widths[layer], plan.widths[layer + 1]
    entries = _entries(plan, layer, seed, network, space)
    if _is_packed(plan, layer):
        lines, targets = now[first:last], back[first:last]
        packed_backward(entries, lines, targets, fan_out, fan_in, space.room, space.packed)
        return
    keep = is_kept(plan, layer, space.dense.kept)
    binarized = plan.weight_maps[layer] != NONE
    back[:, :] = 0.0
    for start in range(0, fan_out, GROUP):
        stop = min(start + GROUP, fan_out)
        rows, place = rows_again(plan, layer, entries, start, stop, keep, space.room, space.dense)
        if binarized:
            for i in range(start, stop):
                latent = space.dense.latent[i - start]
                _weight_block(plan, layer, latent, inputs, now, i, pairs, space, theta)
        if layer > 0:
            lines, targets = now[first:last], back[first:last]
            add_transposed(rows, place, fan_in, start, stop, lines, targets, space.dense.coefs)


@compiled
def _through_activation(plan, layer, used, preactivations, back, now, slope):  # type: ignore[no-untyped-def]
    """Adjoints of hidden layer ``layer`` (from 0), from those of its features."""
    (k, n), lines = preactivations.shape, now.shape[0] // 2
    factor = plan.weight_stds[layer + 1] * plan.scales[layer + 1] / sqrt(n)
    many = lines // k
    for side in range(2):
        for a in range(k if used[side] else 0):
            evaluate(plan.functions, plan.slopes[side, layer], preactivations[a], slope, n)
            for s in range(side * lines + a * many, side * lines + (a + 1) * many):
                for j in range(n):
                    now[s, j] = factor * back[s, j] * slope[j]


@compiled
def _tangent_kernels(plan, seed, network, k, pairs, used, space, theta):  # type: ignore[no-untyped-def]
    """Empirical kernels of one network for every Jacobian pair, by one backward pass from the readout."""
    now, back = space.adjoints[0], space.adjoints[1]
    lines = now.shape[0] // 2
    first, last = 0 if used[0] else lines, 2 * lines if used[1] else lines
    many = lines // k
    theta[:] = 0.0
    now[:, :many] = 0.0
    for s in range(2 * lines):
        now[s, s % many] = 1.0
    for layer in range(plan.widths.shape[0] - 2, -1, -1):
        inputs = panel(space.features, plan, layer, 0, k)
        _add_layer(plan, layer, inputs, now, pairs, theta)
        if layer > 0 or plan.weight_maps[layer] != NONE:
            _transposed(
                plan, layer, seed, network, inputs, pairs, first, last, now, back, space, theta
            )
        if layer > 0:
            before = panel(space.preactivations, plan, layer, 1, k)
            _through_activation(plan, layer - 1, used, before, back, now, space.line)


def sample(plan, inputs, seed, first, pairs, used, outputs, chains, kernels):  # type: ignore[no-untyped-def]
    """Fill the results of networks ``first``, ``first + 1``, ...

    ``outputs`` (m, k o), or empty to skip the readout; ``chains`` (m, last, k, k) takes the last ones of the
    covariances S^1, ..., S^{L+1}; ``kernels`` (m, pairs, k o, k o), o outputs a network.
    """
    whole = kept_before(plan, len(plan.widths) - 1) if len(pairs) else 0
    # NumPy asks for large pages, Numba does not: the first touch of small ones costs as much as drawing again.
    kept = np.zeros(whole if whole <= KEPT else 0, inputs.dtype)
    _sample(plan, inputs, seed, first, pairs, used, outputs, chains, kernels, kept)


@compiled
def _sample(plan, inputs, seed, first, pairs, used, outputs, chains, kernels, kept):  # type: ignore[no-untyped-def]
    k, depth, last = inputs.shape[0], plan.widths.shape[0] - 2, chains.shape[1]
    space, covariance = _space(plan, inputs, pairs, kept), np.empty((k, k))
    copy(inputs, panel(space.features, plan, 0, 0, k))
    for m in range(chains.shape[0]):
        network = first + m
        for layer in range(depth + 1):
            below = panel(space.features, plan, layer, 0, k)
            second_moment(plan, layer, below, covariance)
            if layer > depth - last:
                copy(covariance, chains[m, layer - depth - 1 + last])
            if layer == depth and outputs.shape[0] == 0 and pairs.shape[0] == 0:
                break
            before = panel(space.preactivations, plan, layer + 1, 1, k)
            _forward(plan, layer, seed, network, below, before, space)
            if layer < depth:
                activate(plan, layer, before, panel(space.features, plan, layer + 1, 0, k))
            elif outputs.shape[0]:
                copy(before, outputs[m].reshape(k, plan.widths[depth + 1]))
        if pairs.shape[0]:
            _tangent_kernels(plan, seed, network, k, pairs, used, space, kernels[m])
