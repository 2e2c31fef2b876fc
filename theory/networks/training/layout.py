"""Where the parameters of one network lie in one vector, and how they are drawn from their addresses.

Layer by layer from the input: the latent weights row by row, then the biases (none where s_b = 0).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.networks.entries import entries_of, fill_row
from theory.networks.normals import fill_normals, scratch
from theory.networks.plan import NONE, Plan, evaluate
from theory.networks.streams import Role, address
from theory.networks.training.compiling import compiled

_WEIGHT, _BIAS = int(Role.WEIGHT), int(Role.BIAS)


def places(plan: Plan) -> list[tuple[slice, slice]]:
    """Return where the weights and the biases of every layer lie."""
    result, start = [], 0
    sizes = plan.widths.tolist()
    for n, m, bias_std in zip(sizes, sizes[1:], plan.bias_stds, strict=False):
        middle = start + n * m
        stop = middle + (m if bias_std > 0 else 0)
        result.append((slice(start, middle), slice(middle, stop)))
        start = stop
    return result


HUGE = 2**21
"""Bytes of a large page of memory."""


def filled(count: int, dtype: str) -> NDArray[Any]:
    """Return zeros from the start of a large page on, where they fill some: NumPy asks for such pages itself."""
    size, spare = np.dtype(dtype).itemsize, HUGE // np.dtype(dtype).itemsize
    if count < 2 * spare:
        return np.zeros(count, dtype)
    room = np.zeros(count + spare, dtype)
    start = -room.ctypes.data % HUGE // size
    return room[start : start + count]


@compiled
def place(plan, layer):  # type: ignore[no-untyped-def]
    """First parameter of ``layer``."""
    total = 0
    for below in range(layer):
        total += plan.widths[below + 1] * plan.widths[below]
        if plan.bias_stds[below] > 0.0:
            total += plan.widths[below + 1]
    return total


@compiled
def weights(parameters, plan, layer):  # type: ignore[no-untyped-def]
    """The (fan-out, fan-in) weights of a layer in a vector of parameters."""
    start, rows, columns = place(plan, layer), plan.widths[layer + 1], plan.widths[layer]
    return parameters[start : start + rows * columns].reshape(rows, columns)


@compiled
def first_bias(plan, layer):  # type: ignore[no-untyped-def]
    """Place of the first bias of a layer, where it has any."""
    return place(plan, layer) + plan.widths[layer + 1] * plan.widths[layer]


@compiled
def draw_parameters(plan, seed, network, parameters):  # type: ignore[no-untyped-def]
    """Write the parameters with which the literal sampler's network ``network`` is made."""
    room = scratch()
    for layer in range(plan.widths.shape[0] - 1):
        matrix = weights(parameters, plan, layer)
        fan_out, fan_in = matrix.shape
        row, line = np.empty(fan_in + 2), np.empty(fan_out + 2)
        stream = address(seed, network, layer, _WEIGHT)
        zero, blocks = plan.zero_probabilities[layer], plan.blocks[layer]
        entries = entries_of(stream, zero, blocks, fan_out, fan_in, room)
        for i in range(fan_out):
            fill_row(row, fan_in, plan.latents[layer], entries, i, room)
            for j in range(fan_in):
                matrix[i, j] = plan.scales[layer] * row[j]
        if plan.bias_stds[layer] > 0.0:
            fill_normals(line, fan_out, address(seed, network, layer, _BIAS), 0)
            start = first_bias(plan, layer)
            for i in range(fan_out):
                parameters[start + i] = line[i]


@compiled
def panel(flat, plan, layer, first, groups, group):  # type: ignore[no-untyped-def]
    """The (groups, width, group) panel of ``layer`` in a flat buffer whose panels start with layer ``first``."""
    start, width, count = 0, plan.widths[layer], groups * group
    for below in range(first, layer):
        start += count * plan.widths[below]
    return flat[start : start + count * width].reshape(groups, width, group)


@compiled
def fill_panel(rows, order, target):  # type: ignore[no-untyped-def]
    """Fill a panel with the rows of a matrix in an order; what is left of its last group repeats the last one."""
    groups, width, group = target.shape
    last = order.shape[0] - 1
    for g in range(groups):
        for a in range(group):
            row = rows[order[min(g * group + a, last)]]
            for j in range(width):
                target[g, j, a] = row[j]


@compiled
def rows_of(panel, k):  # type: ignore[no-untyped-def]
    """The matrix (k, width) of the first ``k`` samples of a panel, a new one."""
    _, width, group = panel.shape
    out = np.empty((k, width), panel.dtype)
    for a in range(k):
        for j in range(width):
            out[a, j] = panel[a // group, j, a % group]
    return out


@compiled
def fill_rows(out, seed, network, layer, role, first):  # type: ignore[no-untyped-def]
    """Fill a matrix with standard normals: rows ``first``, ``first + 1``, ... of a stream."""
    stream = address(seed, network, layer, role)
    for i in range(out.shape[0]):
        fill_normals(out[i], out.shape[1], stream, first + i)


@compiled
def binarize(plan, parameters):  # type: ignore[no-untyped-def]
    """Vector whose weights are the effective ones: that of the parameters itself where no layer is binarized."""
    if (plan.weight_maps == NONE).all():
        return parameters
    effective = parameters.copy()
    for layer in range(plan.widths.shape[0] - 1):
        if plan.weight_maps[layer] != NONE:
            latent = weights(parameters, plan, layer)
            target = weights(effective, plan, layer)
            count = latent.size
            evaluate(
                plan.functions,
                plan.weight_maps[layer],
                latent.reshape(count),
                target.reshape(count),
                count,
            )
    return effective
