"""The three products of a training step, by one kernel of our own: every sum in one order, on any machine.

Samples go in groups of ``group`` of them, two vectors of the hardware: a panel is (groups, width, group), contiguous,
and whoever fills one fills the last group too. An entry of a product is a sum from its old value on, term by term in
the order of its index, each term by one fused product; blocks and vectors divide the entries, not the sums.
"""

# ruff: noqa: ARG001  (Numba reads an intrinsic's arguments from its signature)
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types

from theory.networks.compiled import emitted, wide
from theory.networks.emitter import BYTES, called, constant, lanes_of, spread
from theory.networks.training.compiling import compiled

VECTORS = 2
"""Vectors in a group of samples: with ``ROWS`` rows, 16 sums in 32 registers and 10 loads for 16 products."""

ROWS = 8
"""Rows of a tile of sums: a line of float64."""

BLOCK, MOST_ROWS = 2**15, 32
"""Elements, and rows, of a block of a matrix: 256 KiB of float64 in the second-level cache, beside two panels of 1024
neurons and 64 samples; factors of so many rows in the first-level cache."""

TERMS = 256
"""Terms that are added to a tile at a time: features of that many neurons, 32 KiB, in the first-level cache."""

_CODE: Any = cgutils


def _tile(rows: int) -> Any:
    """Signature and instructions that add ``count`` terms to a tile of ``rows`` rows and one group of columns."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target, left, right = (
            context.make_array(signature.args[i])(context, builder, arguments[i]).data
            for i in (0, 3, 7)
        )
        at, pitch, start, down, along, first, count = (arguments[i] for i in (1, 2, 4, 5, 6, 8, 9))
        kind = signature.args[0].dtype
        lanes, size = lanes_of(kind), kind.bitwidth // 8
        vector = ir.VectorType(context.get_value_type(kind), lanes)

        def moved(pointer: Any, steps: Any, stride: Any) -> Any:
            return builder.gep(pointer, [builder.mul(steps, stride)])

        def vectors(pointer: Any) -> list[Any]:
            return [
                builder.bitcast(builder.gep(pointer, [constant(v * lanes)]), vector.as_pointer())
                for v in range(VECTORS)
            ]

        corner = builder.gep(target, [at])
        places = [
            place for r in range(rows) for place in vectors(moved(corner, constant(r), pitch))
        ]
        sums = [_CODE.alloca_once(builder, vector) for _ in places]
        for place, total in zip(places, sums, strict=True):
            builder.store(builder.load(place, align=size), total)
        factors, terms = builder.gep(left, [start]), builder.gep(right, [first])
        heads = [moved(factors, constant(r), down) for r in range(rows)]
        with cgutils.for_range(builder, count) as loop:
            group = vectors(moved(terms, loop.index, constant(VECTORS * lanes)))
            values = [builder.load(place, align=size) for place in group]
            for r, head in enumerate(heads):
                factor = spread(builder, builder.load(moved(head, loop.index, along)), lanes)
                for v, value in enumerate(values):
                    total = sums[r * VECTORS + v]
                    builder.store(called(builder, "fma", factor, value, builder.load(total)), total)
        for place, total in zip(places, sums, strict=True):
            builder.store(builder.load(total), place, align=size)
        return context.get_dummy_value()

    return build


def _signature(target: Any, left: Any, right: Any) -> Any:
    index = types.int64
    return types.void(target, index, index, left, index, index, index, right, index, index)


@emitted
def _add_rows(
    typing_context: Any, target: Any, at: Any, pitch: Any, left: Any, start: Any, down: Any, along: Any, right: Any,
    first: Any, count: Any,
) -> Any:  # fmt: skip
    """Add to ``ROWS`` rows of a group of columns, from ``at``, ``pitch`` apart, a product of ``count`` terms.

    Term t of row r is ``left[start + r down + t along]`` times the t-th group from ``right[first]``. All three arrays
    are contiguous, of one type; places count in flat elements.
    """
    return _signature(target, left, right), _tile(ROWS)


@emitted
def _add_row(
    typing_context: Any, target: Any, at: Any, pitch: Any, left: Any, start: Any, down: Any, along: Any, right: Any,
    first: Any, count: Any,
) -> Any:  # fmt: skip
    """As ``_add_rows``, to one row."""
    return _signature(target, left, right), _tile(1)


@compiled
def group_of(values):  # type: ignore[no-untyped-def]
    """Samples in a group, for arrays of the type of ``values``."""
    return VECTORS * BYTES // values.itemsize


@compiled
def block_of(fan_in):  # type: ignore[no-untyped-def]
    """Rows of a matrix that stay in the caches while all samples use them."""
    return min(MOST_ROWS, max(ROWS, BLOCK // fan_in // ROWS * ROWS))


@compiled
def multiply(matrix, below, above):  # type: ignore[no-untyped-def]
    """Fill panel ``above`` with the product of ``matrix`` (fan-out, fan-in) and panel ``below``."""
    wide()
    (fan_out, fan_in), (groups, _, group) = matrix.shape, below.shape
    block = block_of(fan_in)
    above[:] = 0.0
    for top in range(0, fan_out, block):
        bottom = min(top + block, fan_out)
        whole = bottom - (bottom - top) % ROWS
        for g in range(groups):
            for first in range(0, fan_in, TERMS):
                count, terms = min(TERMS, fan_in - first), (g * fan_in + first) * group
                for i in range(top, whole, ROWS):
                    at, start = (g * fan_out + i) * group, i * fan_in + first
                    _add_rows(above, at, group, matrix, start, fan_in, 1, below, terms, count)
                for i in range(whole, bottom):
                    at, start = (g * fan_out + i) * group, i * fan_in + first
                    _add_row(above, at, group, matrix, start, fan_in, 1, below, terms, count)


@compiled
def add_back(matrix, above, top, below):  # type: ignore[no-untyped-def]
    """Add to panel ``below`` what ``matrix``, rows ``top``, ... of a layer, transposed makes of panel ``above``."""
    wide()
    (rows, fan_in), (groups, fan_out, group) = matrix.shape, above.shape
    whole, columns = fan_in - fan_in % ROWS, np.empty((rows, ROWS), matrix.dtype)
    for j in range(0, whole, ROWS):
        for i in range(rows):
            for c in range(ROWS):
                columns[i, c] = matrix[i, j + c]
        for g in range(groups):
            at, terms = (g * fan_in + j) * group, (g * fan_out + top) * group
            _add_rows(below, at, group, columns, 0, 1, ROWS, above, terms, rows)
    for j in range(whole, fan_in):
        for g in range(groups):
            at, terms = (g * fan_in + j) * group, (g * fan_out + top) * group
            _add_row(below, at, group, matrix, j, 1, fan_in, above, terms, rows)


@compiled
def add_outer(matrix, turned, top, strips):  # type: ignore[no-untyped-def]
    """Add to ``matrix``, rows ``top``, ... of a layer, the product of ``turned`` (fan-out, samples) and of ``strips``.

    These are the features as ``cut`` leaves them.
    """
    wide()
    (rows, fan_in), (count, samples, group) = matrix.shape, strips.shape
    whole, edge = rows - rows % ROWS, np.empty((1, group), matrix.dtype)
    for s in range(count):
        left, terms = s * group, s * samples * group
        columns = min(group, fan_in - left)
        if columns == group:
            for i in range(0, whole, ROWS):
                at, start = i * fan_in + left, (top + i) * samples
                _add_rows(matrix, at, fan_in, turned, start, samples, 1, strips, terms, samples)
            for i in range(whole, rows):
                at, start = i * fan_in + left, (top + i) * samples
                _add_row(matrix, at, fan_in, turned, start, samples, 1, strips, terms, samples)
        else:
            for i in range(rows):
                for j in range(columns):
                    edge[0, j] = matrix[i, left + j]
                start = (top + i) * samples
                _add_row(edge, 0, group, turned, start, samples, 1, strips, terms, samples)
                for j in range(columns):
                    matrix[i, left + j] = edge[0, j]


@compiled
def turn(panel, scale, turned):  # type: ignore[no-untyped-def]
    """Fill ``turned`` (width, samples) with ``scale`` times a panel."""
    groups, width, group = panel.shape
    for g in range(groups):
        for i in range(width):
            for a in range(group):
                turned[i, g * group + a] = scale * panel[g, i, a]


@compiled
def cut(panel, strips):  # type: ignore[no-untyped-def]
    """Fill ``strips`` (strips, samples, group), a group of neurons a strip, with a panel; zero beyond its width."""
    groups, width, group = panel.shape
    for s in range(strips.shape[0]):
        columns = min(group, width - s * group)
        for g in range(groups):
            for j in range(columns):
                for a in range(group):
                    strips[s, g * group + a, j] = panel[g, s * group + j, a]
            for j in range(columns, group):
                for a in range(group):
                    strips[s, g * group + a, j] = 0.0
