"""Training steps of one network, compiled: forward with sigma, backward with tau, products by BLAS.

A step reads and writes the parameters of one network alone, so they stay in the caches for as long as it is trained.
"""

from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from theory.networks.bits import shuffled_blocks
from theory.networks.normals import scratch
from theory.networks.passes import copy, panel
from theory.networks.plan import NONE, evaluate
from theory.networks.streams import address
from theory.networks.training.compiling import compiled
from theory.networks.training.layout import binarize, first_bias, place, weights
from theory.networks.training.products import accumulate
from theory.networks.training.rules import ADAM, PLAIN, update

ORDER = 255
"""Role of the streams that order the samples of an epoch: the last of the 256, away from the samplers'."""

TILE = 2**17
"""Gradients that are formed and used up at a time: 1 MiB, in the second-level cache."""


class Lesson(NamedTuple):
    """What a network is taught: targets, and how much each step takes of them."""

    inputs: Any  # (N, d)
    targets: Any  # (N,)
    size: int  # samples a step
    mean: bool  # whether the loss is divided by them
    weight_gains: Any  # (L + 1,): parameter over the coordinate that is trained
    bias_gains: Any


class Space(NamedTuple):
    """Buffers of one network at up to k inputs."""

    features: Any  # flat: one contiguous (k, width) panel a layer
    preactivations: Any
    now: Any  # adjoints, k times the largest width
    back: Any
    turned: Any  # adjoints of one layer, a row a neuron
    gradient: Any
    slope: Any


@compiled
def space_for(plan, k, parameters):  # type: ignore[no-untyped-def]
    """Buffers for ``k`` inputs, of the type of the parameters."""
    kind = parameters.dtype
    layers, widest, tile = plan.widths.shape[0] - 1, 1, TILE
    for layer in range(layers):
        widest = max(widest, plan.widths[layer], plan.widths[layer + 1])
        tile = max(tile, plan.widths[layer])
    return Space(
        features=np.empty(k * plan.widths[:layers].sum(), kind),
        preactivations=np.empty(k * plan.widths[1:].sum(), kind),
        now=np.empty(k * widest, kind),
        back=np.empty(k * widest, kind),
        turned=np.empty(k * widest, kind),
        gradient=np.empty(tile, kind),
        slope=np.empty(max(tile, k * widest), kind),
    )


@compiled
def used_weights(plan, parameters, effective, layer):  # type: ignore[no-untyped-def]
    """Weights that a layer multiplies by: those of the parameters, but where they are binarized."""
    if plan.weight_maps[layer] == NONE:
        return weights(parameters, plan, layer)
    return weights(effective, plan, layer)


@compiled
def forward(plan, parameters, effective, k, space):  # type: ignore[no-untyped-def]
    """Fill the features and pre-activations of ``k`` inputs, which are the first panel of the features."""
    depth, number = plan.widths.shape[0] - 2, parameters.dtype.type
    for layer in range(depth + 1):
        below = panel(space.features, plan, layer, 0, k)
        before = panel(space.preactivations, plan, layer + 1, 1, k)
        np.dot(below, used_weights(plan, parameters, effective, layer).T, before)
        factor = number(plan.weight_stds[layer] / sqrt(plan.widths[layer]))
        bias_std, start = number(plan.bias_stds[layer]), first_bias(plan, layer)
        for a in range(k):
            line = before[a]
            if bias_std > 0.0:
                for i in range(line.shape[0]):
                    line[i] = factor * line[i] + bias_std * parameters[start + i]
            else:
                for i in range(line.shape[0]):
                    line[i] = factor * line[i]
        if layer < depth:
            after, count = panel(space.features, plan, layer + 1, 0, k), before.size
            flat, target = before.reshape(count), after.reshape(count)
            evaluate(plan.functions, plan.activations[layer], flat, target, count)


@compiled
def below_from(  # type: ignore[no-untyped-def]
    plan, layer, side, k, parameters, effective, adjoints, preactivations, back, slope
):
    """Write adjoints of the pre-activations below ``layer`` > 0 from those above it."""
    factor = back.dtype.type(plan.weight_stds[layer] / sqrt(plan.widths[layer]))
    before = panel(preactivations, plan, layer, 1, k)
    count = before.size
    target = back[:count].reshape(before.shape)
    np.dot(adjoints, used_weights(plan, parameters, effective, layer), target)
    evaluate(plan.functions, plan.slopes[side, layer - 1], before.reshape(count), slope, count)
    for i in range(count):
        back[i] *= factor * slope[i]


@compiled
def _descend(plan, layer, parameters, effective, slots, rule, lesson, step, below, adjoints, space):  # type: ignore[no-untyped-def]
    """Update the weights and biases of one layer."""
    fan_out, k = plan.widths[layer + 1], below.shape[0]
    if rule.kind != ADAM and plan.weight_maps[layer] == NONE:
        _descend_at_once(plan, layer, parameters, slots, rule, lesson, below, adjoints)
    else:
        _descend_by_tiles(
            plan, layer, parameters, effective, slots, rule, lesson, step, below, adjoints, space
        )
    bias_std = plan.bias_stds[layer]
    if bias_std > 0.0:
        sums = space.slope[:fan_out]
        for i in range(fan_out):
            total = 0.0
            for a in range(k):
                total += adjoints[a, i]
            sums[i] = total
        gain, head = lesson.bias_gains[layer], first_bias(plan, layer)
        update(rule, parameters, sums, slots, head, bias_std * gain, gain, np.inf, step)


@compiled
def _descend_at_once(plan, layer, parameters, slots, rule, lesson, below, adjoints):  # type: ignore[no-untyped-def]
    """Update weights, or their velocity, by one product: where the rule is linear in the gradient."""
    number, gain = parameters.dtype.type, lesson.weight_gains[layer]
    factor, rate = plan.weight_stds[layer] / sqrt(below.shape[1]) * gain, rule.rate * gain
    if rule.kind == PLAIN:
        matrix = weights(parameters, plan, layer)
        accumulate(adjoints, below, number(-rate * factor), number(1.0), matrix)
        return
    matrix = weights(slots[0], plan, layer)
    accumulate(adjoints, below, number(factor), number(rule.first), matrix)
    start, size, rate = place(plan, layer), matrix.size, number(rate)
    values, velocity = parameters[start : start + size], slots[0, start : start + size]
    for i in range(size):
        values[i] -= rate * velocity[i]


@compiled
def _descend_by_tiles(  # type: ignore[no-untyped-def]
    plan, layer, parameters, effective, slots, rule, lesson, step, below, adjoints, space
):
    """Update weights from their gradient, a tile of rows at a time."""
    k, fan_in = below.shape
    fan_out, start = plan.widths[layer + 1], place(plan, layer)
    mapping, slope_map = plan.weight_maps[layer], plan.weight_slopes[1, layer]
    turned = space.turned[: k * fan_out].reshape(fan_out, k)
    for i in range(fan_out):
        for a in range(k):
            turned[i, a] = adjoints[a, i]
    gain, bound = lesson.weight_gains[layer], rule.clip if mapping != NONE else np.inf
    factor, rows = plan.weight_stds[layer] / sqrt(fan_in), max(1, TILE // fan_in)
    for first in range(0, fan_out, rows):
        last = min(first + rows, fan_out)
        count, head = (last - first) * fan_in, start + first * fan_in
        gradient, slope = space.gradient[:count], space.slope
        np.dot(turned[first:last], below, gradient.reshape(last - first, fan_in))
        if slope_map != NONE:
            latent = parameters[head : head + count]
            evaluate(plan.functions, slope_map, latent, slope, count)
            for i in range(count):
                gradient[i] *= slope[i]
        update(rule, parameters, gradient, slots, head, factor * gain, gain, bound, step)
        if mapping != NONE:
            latent = parameters[head : head + count]
            evaluate(plan.functions, mapping, latent, effective[head : head + count], count)


@compiled
def _step(plan, parameters, effective, slots, rule, lesson, targets, step, space):  # type: ignore[no-untyped-def]
    """One step on the inputs that are the first panel of the features."""
    k, depth = targets.shape[0], plan.widths.shape[0] - 2
    forward(plan, parameters, effective, k, space)
    outputs = panel(space.preactivations, plan, depth + 1, 1, k)
    now, back = space.now, space.back
    for a in range(k):
        now[a] = (outputs[a, 0] - targets[a]) / (k if lesson.mean else 1)
    for layer in range(depth, -1, -1):
        fan_out = plan.widths[layer + 1]
        adjoints = now[: k * fan_out].reshape(k, fan_out)
        if layer > 0:
            before, slope = space.preactivations, space.slope
            below_from(plan, layer, 1, k, parameters, effective, adjoints, before, back, slope)
        below = panel(space.features, plan, layer, 0, k)
        _descend(
            plan, layer, parameters, effective, slots, rule, lesson, step, below, adjoints, space
        )
        now, back = back, now


@compiled
def fill_order(order, seed, network, epoch, room):  # type: ignore[no-untyped-def]
    """Fill ``order`` with the samples of an epoch of one network, one after another."""
    samples = order.shape[0]
    shuffled_blocks(order, samples, samples, address(seed, network, 0, ORDER), epoch, room)


@compiled
def samples_of(samples, seed, network, epoch):  # type: ignore[no-untyped-def]
    """The order of the samples of an epoch, a new array."""
    order = np.empty(samples, np.int64)
    fill_order(order, seed, network, epoch, scratch())
    return order


@compiled
def applied(plan, index, values):  # type: ignore[no-untyped-def]
    """Function ``index`` of a matrix, a new array."""
    out, count = np.empty_like(values), values.size
    evaluate(plan.functions, index, values.reshape(count), out.reshape(count), count)
    return out


@compiled
def advance(plan, parameters, slots, rule, lesson, seed, network, first, last):  # type: ignore[no-untyped-def]
    """Take steps ``first``, ..., ``last`` - 1 of one network.

    Every epoch goes through the samples in an order of its own, drawn from (seed, network, epoch); its last step takes
    what is left of them.
    """
    samples, size = lesson.inputs.shape[0], lesson.size
    epoch_steps = (samples + size - 1) // size
    space, effective = space_for(plan, size, parameters), binarize(plan, parameters)
    order, targets = np.empty(samples, np.int64), np.empty(size)
    room, drawn = scratch(), -1
    if size == samples:
        copy(lesson.inputs, panel(space.features, plan, 0, 0, size))
    for step in range(first, last):
        if size == samples:
            _step(plan, parameters, effective, slots, rule, lesson, lesson.targets, step, space)
            continue
        epoch, place_in_epoch = step // epoch_steps, step % epoch_steps
        if epoch != drawn:
            fill_order(order, seed, network, epoch, room)
            drawn = epoch
        start = place_in_epoch * size
        count = min(size, samples - start)
        below = panel(space.features, plan, 0, 0, count)
        for a in range(count):
            targets[a] = lesson.targets[order[start + a]]
            for j in range(below.shape[1]):
                below[a, j] = lesson.inputs[order[start + a], j]
        chosen = targets[:count]
        _step(plan, parameters, effective, slots, rule, lesson, chosen, step, space)
