"""Products with weights as numbers, drawn eight rows at a time; the bits of a result do not depend on k or on blocking.

Forward, each product of a row with an input is one vector of partial sums; backward, eight rows are combined before
they are added. Networks of up to ``KEPT`` weights keep the rows of the forward pass for the backward pass; others draw
them again from their addresses. Rows too short for vectors of their own, such as those of the first layer, are turned,
so that eight of them lie side by side and their products are sums of vectors.
"""

from typing import Any, NamedTuple

import numpy as np

from theory.kernels.weights import Latent
from theory.networks.compiled import compiled
from theory.networks.emitter import BYTES
from theory.networks.entries import fill_row, is_masked
from theory.networks.normals import fill_normals
from theory.networks.plan import NONE, evaluate
from theory.networks.vectors import (
    GROUP,
    TILE,
    add_combinations,
    column_products,
    lane_sum,
    tile_products,
)

KEPT = 2**22
"""Most weights that are kept by a thread (32 MiB in float64)."""

SHORT = 128
"""Longest rows that are turned."""

_SIGN = int(Latent.SIGN)


class DenseRoom(NamedTuple):
    """Buffers of the dense products; one a thread."""

    rows: Any  # GROUP rows
    latent: Any  # (GROUP, stride): latent weights where they are binarized
    kept: Any  # rows of all layers
    products: Any  # (TILE, TILE, lanes)
    coefs: Any  # (lines, GROUP)
    turned: Any  # (SHORT, lanes): short rows side by side
    inputs: Any  # (SHORT / GROUP, k, GROUP)
    totals: Any  # (k, lanes)


@compiled
def stride(count):  # type: ignore[no-untyped-def]
    """Length of a padded row of ``count`` numbers, and no power of two: those share few places of a cache."""
    return (count + 15) // 16 * 16 + 16


@compiled
def dense_room(widest, kept, k, lines, like):  # type: ignore[no-untyped-def]
    """Buffers for layers of at most ``widest`` neurons, k inputs and ``lines`` adjoints; ``kept`` is the caller's."""
    return DenseRoom(
        rows=np.zeros(GROUP * stride(widest), like.dtype),
        latent=np.zeros((GROUP, stride(widest)), like.dtype),
        kept=kept,
        products=np.empty(TILE * TILE * BYTES // like.itemsize, like.dtype),
        coefs=np.empty(lines * GROUP, like.dtype),
        turned=np.zeros(SHORT * BYTES // like.itemsize, like.dtype),
        inputs=np.empty(SHORT * k, like.dtype),
        totals=np.empty(k * BYTES // like.itemsize, like.dtype),
    )


@compiled
def is_kept(plan, layer, kept):  # type: ignore[no-untyped-def]
    """Whether ``kept`` has the rows of this layer, as numbers that the backward pass needs unchanged."""
    plain = plan.weight_maps[layer] == NONE and plan.latents[layer] != _SIGN
    return layer > 0 and plain and kept.shape[0] > 0


@compiled
def kept_before(plan, layer):  # type: ignore[no-untyped-def]
    """Place of the first row of ``layer`` among all rows that a network may keep."""
    total = 0
    for below in range(1, layer):
        height = (plan.widths[below + 1] + GROUP - 1) // GROUP * GROUP
        if plan.weight_maps[below] == NONE and plan.latents[below] != _SIGN:
            total += height * stride(plan.widths[below])
    return total


@compiled
def _draw_rows(plan, layer, entries, start, stop, rows, place, latent, room):  # type: ignore[no-untyped-def]
    """Draw rows ``start``, ..., ``stop`` - 1 into a flat array from ``place`` on."""
    fan_in, mapping = plan.widths[layer], plan.weight_maps[layer]
    plain = plan.latents[layer] != _SIGN and not is_masked(entries)
    for i in range(start, stop):
        first = place + (i - start) * stride(fan_in)
        row = rows[first : first + stride(fan_in)]
        if mapping == NONE and plain:
            fill_normals(row, fan_in, entries.values, i)
        elif mapping == NONE:
            fill_row(row, fan_in, plan.latents[layer], entries, i, room)
        else:
            fill_row(latent[i - start], fan_in, plan.latents[layer], entries, i, room)
            evaluate(plan.functions, mapping, latent[i - start], row, fan_in)


@compiled
def _turn_inputs(inputs, space):  # type: ignore[no-untyped-def]
    """Write the coefficients of ``_short_products``: ``GROUP`` columns of every input after another."""
    k, fan_in = inputs.shape
    for start in range(0, fan_in, GROUP):
        for a in range(k):
            for c in range(GROUP):
                place, j = (start // GROUP * k + a) * GROUP + c, start + c
                space.inputs[place] = inputs[a, j] if j < fan_in else 0.0


@compiled
def _short_products(rows, place, pitch, inputs, start, stop, factor, space, out):  # type: ignore[no-untyped-def]
    """Write the products of the short rows ``start``, ..., ``stop`` - 1, the first of them at ``place``."""
    (k, fan_in), turned, totals = inputs.shape, space.turned, space.totals
    lanes = BYTES // inputs.itemsize
    for r in range(stop - start):
        for j in range(fan_in):
            turned[j * lanes + r] = rows[place + r * pitch + j]
    totals[:] = 0.0
    for j in range(0, fan_in, GROUP):
        coefs = space.inputs[j * k :]
        add_combinations(turned, j * lanes, lanes, coefs, k, totals, lanes, 1)
    for a in range(k):
        for r in range(stop - start):
            out[a, start + r] = factor * totals[a * lanes + r]


@compiled
def dense_forward(plan, layer, entries, inputs, out, factor, keep, room, space):  # type: ignore[no-untyped-def]
    """Write ``factor`` W x, from a (k, fan-in) to a (k, fan-out) panel; keep the rows if asked to."""
    (k, fan_in), fan_out = inputs.shape, out.shape[1]
    flat, pitch = inputs.reshape(inputs.size), stride(fan_in)
    steps = fan_in * inputs.itemsize // BYTES
    rest, products = steps * (BYTES // inputs.itemsize), space.products
    rows = space.kept if keep else space.rows
    base = kept_before(plan, layer) if keep else 0
    if fan_in <= SHORT:
        _turn_inputs(inputs, space)
    for start in range(0, fan_out, GROUP):
        stop = min(start + GROUP, fan_out)
        first = base + start * pitch if keep else 0
        _draw_rows(plan, layer, entries, start, stop, rows, first, space.latent, room)
        if fan_in <= SHORT:
            _short_products(rows, first, pitch, inputs, start, stop, factor, space, out)
            continue
        for i in range(start, stop, TILE):
            place, a = first + (i - start) * pitch, 0
            while a < k:
                width = TILE if a + TILE <= k else 1
                if width == TILE:
                    tile_products(rows, place, pitch, flat, a * fan_in, fan_in, steps, products)
                else:
                    column_products(rows, place, pitch, flat, a * fan_in, fan_in, steps, products)
                for r in range(min(TILE, stop - i)):
                    for b in range(width):
                        total = lane_sum(products, r * width + b)
                        for j in range(rest, fan_in):
                            total += rows[place + r * pitch + j] * inputs[a + b, j]
                        out[a + b, i + r] = factor * total
                a += width


@compiled
def rows_again(plan, layer, entries, start, stop, keep, room, space):  # type: ignore[no-untyped-def]
    """Flat array and place of rows that the forward pass drew."""
    if keep:
        return space.kept, kept_before(plan, layer) + start * stride(plan.widths[layer])
    _draw_rows(plan, layer, entries, start, stop, space.rows, 0, space.latent, room)
    return space.rows, 0


@compiled
def add_transposed(rows, place, fan_in, start, stop, adjoints, back, coefs):  # type: ignore[no-untyped-def]
    """Add W^T v for up to ``GROUP`` rows of W to every line of ``back``; its rows are padded."""
    count = adjoints.shape[0]
    for s in range(count):
        for r in range(GROUP):
            coefs[s * GROUP + r] = adjoints[s, start + r] if start + r < stop else 0.0
    lanes = BYTES // back.itemsize
    flat, steps = back.reshape(back.size), (fan_in + lanes - 1) // lanes
    add_combinations(rows, place, stride(fan_in), coefs, count, flat, back.shape[1], steps)
