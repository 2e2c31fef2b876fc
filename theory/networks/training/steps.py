"""Training steps of one network, compiled: forward with sigma, backward with tau.

A step reads and writes the parameters of one network alone, so they stay in the caches for as long as it is trained.
Each block of rows of a layer's weights hands the adjoints down and is updated before the next one is touched.
"""

from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from theory.networks.bits import shuffled_blocks
from theory.networks.normals import scratch
from theory.networks.plan import NONE, evaluate
from theory.networks.streams import address
from theory.networks.training.compiling import compiled
from theory.networks.training.layout import (
    binarize,
    fill_panel,
    first_bias,
    panel,
    place,
    weights,
)
from theory.networks.training.products import (
    add_back,
    add_outer,
    block_of,
    cut,
    group_of,
    multiply,
    turn,
)
from theory.networks.training.rules import PLAIN, update

ORDER = 255
"""Role of the streams that order the samples of an epoch: the last of the 256, away from the samplers'."""


class Lesson(NamedTuple):
    """What a network is taught: targets, and how much each step takes of them."""

    inputs: Any  # (N, d)
    targets: Any  # (N, outputs)
    size: int  # samples a step
    mean: bool  # whether the loss is divided by them
    weight_gains: Any  # (L + 1,): parameter over the coordinate that is trained
    bias_gains: Any


class Space(NamedTuple):
    """Buffers of one network at some groups of samples."""

    features: Any  # flat: one panel a layer
    preactivations: Any
    now: Any  # adjoints, a panel of the largest width
    back: Any
    turned: Any  # adjoints of one layer, a row a neuron
    strips: Any  # features below it, a group of neurons a strip
    gradient: Any  # of a block of rows
    slope: Any


@compiled
def groups_for(k, values):  # type: ignore[no-untyped-def]
    """Groups of ``k`` samples, for arrays of the type of ``values``."""
    return (k + group_of(values) - 1) // group_of(values)


@compiled
def space_for(plan, groups, parameters):  # type: ignore[no-untyped-def]
    """Buffers for some groups of samples, of the type of the parameters."""
    kind, group = parameters.dtype, group_of(parameters)
    layers, widest, block = plan.widths.shape[0] - 1, 1, 1
    for layer in range(layers):
        fan_in = plan.widths[layer]
        widest = max(widest, fan_in, plan.widths[layer + 1])
        block = max(block, block_of(fan_in) * fan_in)
    samples = groups * group
    return Space(
        features=np.empty(samples * plan.widths[:layers].sum(), kind),
        preactivations=np.empty(samples * plan.widths[1:].sum(), kind),
        now=np.empty(samples * widest, kind),
        back=np.empty(samples * widest, kind),
        turned=np.empty(samples * widest, kind),
        strips=np.empty(samples * (widest + group), kind),
        gradient=np.empty(block, kind),
        slope=np.empty(max(block, samples * widest), kind),
    )


@compiled
def used_weights(plan, parameters, effective, layer):  # type: ignore[no-untyped-def]
    """Weights that a layer multiplies by: those of the parameters, but where they are binarized."""
    if plan.weight_maps[layer] == NONE:
        return weights(parameters, plan, layer)
    return weights(effective, plan, layer)


@compiled
def forward(plan, parameters, effective, groups, space):  # type: ignore[no-untyped-def]
    """Fill the features and pre-activations of the inputs, which are the first panel of the features."""
    depth, number, group = plan.widths.shape[0] - 2, parameters.dtype.type, group_of(parameters)
    for layer in range(depth + 1):
        below = panel(space.features, plan, layer, 0, groups, group)
        before = panel(space.preactivations, plan, layer + 1, 1, groups, group)
        multiply(used_weights(plan, parameters, effective, layer), below, before)
        factor = number(plan.weight_stds[layer] / sqrt(plan.widths[layer]))
        bias_std, start = number(plan.bias_stds[layer]), first_bias(plan, layer)
        for g in range(groups):
            for i in range(before.shape[1]):
                shift = bias_std * parameters[start + i] if bias_std > 0.0 else number(0.0)
                for a in range(group):
                    before[g, i, a] = factor * before[g, i, a] + shift
        if layer < depth:
            after = panel(space.features, plan, layer + 1, 0, groups, group)
            count = before.size
            flat, target = before.reshape(count), after.reshape(count)
            evaluate(plan.functions, plan.activations[layer], flat, target, count)


@compiled
def through(plan, layer, side, groups, preactivations, back, slope):  # type: ignore[no-untyped-def]
    """Turn W^T v of ``layer`` > 0, a panel at the head of ``back``, into adjoints of the pre-activations below."""
    factor = back.dtype.type(plan.weight_stds[layer] / sqrt(plan.widths[layer]))
    before = panel(preactivations, plan, layer, 1, groups, group_of(back))
    count = before.size
    evaluate(plan.functions, plan.slopes[side, layer - 1], before.reshape(count), slope, count)
    for i in range(count):
        back[i] *= factor * slope[i]


@compiled
def _descend(  # type: ignore[no-untyped-def]
    plan, layer, parameters, effective, slots, rule, lesson, step, groups, adjoints, back, space
):
    """Add W^T v of one layer > 0 to ``back``, and update its weights, a block of rows at a time; then its biases."""
    number, group = parameters.dtype.type, group_of(parameters)
    fan_out, fan_in, start = plan.widths[layer + 1], plan.widths[layer], place(plan, layer)
    samples, count = groups * group, (fan_in + group - 1) // group
    below = panel(space.features, plan, layer, 0, groups, group)
    turned = space.turned[: fan_out * samples].reshape(fan_out, samples)
    strips = space.strips[: count * samples * group].reshape(count, samples, group)
    mapping, slope_map = plan.weight_maps[layer], plan.weight_slopes[1, layer]
    gain, factor = lesson.weight_gains[layer], plan.weight_stds[layer] / sqrt(fan_in)
    direct = rule.kind == PLAIN and mapping == NONE
    turn(adjoints, number(-rule.rate * gain * factor * gain if direct else 1.0), turned)
    cut(below, strips)
    latent, used = (
        weights(parameters, plan, layer),
        used_weights(plan, parameters, effective, layer),
    )
    rows = block_of(fan_in)
    for top in range(0, fan_out, rows):
        bottom = min(top + rows, fan_out)
        if layer > 0:
            add_back(used[top:bottom], adjoints, top, back)
        if direct:
            add_outer(latent[top:bottom], turned, top, strips)
            continue
        size, head = (bottom - top) * fan_in, start + top * fan_in
        gradient, slope, values = space.gradient[:size], space.slope, parameters[head : head + size]
        gradient[:] = 0.0
        add_outer(gradient.reshape(bottom - top, fan_in), turned, top, strips)
        if slope_map != NONE:
            evaluate(plan.functions, slope_map, values, slope, size)
            for i in range(size):
                gradient[i] *= slope[i]
        bound = rule.clip if mapping != NONE else np.inf
        update(rule, parameters, gradient, slots, head, factor * gain, gain, bound, step)
        if mapping != NONE:
            evaluate(plan.functions, mapping, values, effective[head : head + size], size)
    bias_std = plan.bias_stds[layer]
    if bias_std > 0.0:
        sums = space.slope[:fan_out]
        for i in range(fan_out):
            total = 0.0
            for g in range(groups):
                for a in range(group):
                    total += adjoints[g, i, a]
            sums[i] = total
        shift_gain, head = lesson.bias_gains[layer], first_bias(plan, layer)
        scale = bias_std * shift_gain
        update(rule, parameters, sums, slots, head, scale, shift_gain, np.inf, step)


@compiled
def _step(plan, parameters, effective, slots, rule, lesson, order, step, space):  # type: ignore[no-untyped-def]
    """One step on samples ``order``, whose inputs are the first panel of the features."""
    k, depth, group = order.shape[0], plan.widths.shape[0] - 2, group_of(parameters)
    groups = groups_for(k, parameters)
    forward(plan, parameters, effective, groups, space)
    outputs = panel(space.preactivations, plan, depth + 1, 1, groups, group)
    now, back = space.now, space.back
    count = outputs.size
    errors = now[:count].reshape(outputs.shape)
    errors[:] = 0.0
    for a in range(k):
        g, lane = a // group, a % group
        for o in range(outputs.shape[1]):
            error = outputs[g, o, lane] - lesson.targets[order[a], o]
            errors[g, o, lane] = error / (k if lesson.mean else 1)
    for layer in range(depth, -1, -1):
        fan_out, fan_in = plan.widths[layer + 1], plan.widths[layer]
        adjoints = now[: groups * fan_out * group].reshape(groups, fan_out, group)
        handed = back[: groups * fan_in * group].reshape(groups, fan_in, group)
        handed[:] = 0.0
        _descend(
            plan, layer, parameters, effective, slots, rule, lesson, step, groups, adjoints, handed,
            space,
        )  # fmt: skip
        if layer > 0:
            through(plan, layer, 1, groups, space.preactivations, back, space.slope)
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
    what is left of them. Steps on all samples take them as they stand.
    """
    samples, size, group = lesson.inputs.shape[0], lesson.size, group_of(parameters)
    epoch_steps = (samples + size - 1) // size
    most = groups_for(size, parameters)
    space, effective = space_for(plan, most, parameters), binarize(plan, parameters)
    order, room, drawn = np.arange(samples), scratch(), -1
    if size == samples:
        fill_panel(lesson.inputs, order, panel(space.features, plan, 0, 0, most, group))
    for step in range(first, last):
        start, count = 0, samples
        if size < samples:
            epoch, start = step // epoch_steps, step % epoch_steps * size
            if epoch != drawn:
                fill_order(order, seed, network, epoch, room)
                drawn = epoch
            count = min(size, samples - start)
            groups = groups_for(count, parameters)
            inputs = panel(space.features, plan, 0, 0, groups, group)
            fill_panel(lesson.inputs, order[start : start + count], inputs)
        chosen = order[start : start + count]
        _step(plan, parameters, effective, slots, rule, lesson, chosen, step, space)
