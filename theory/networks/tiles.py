"""Products of thin panels, k rows by a chunk of neurons, in registers: the inner loops of the exact sampler.

A chunk buffer has rows of the same length, zero beyond what it holds, and as many rows as ``padded`` says. Each
product runs over tiles of 4 x 4 rows with fused multiply-adds, in an order that defines the result (``emitter``).
"""

# ruff: noqa: ARG001  (Numba reads an intrinsic's arguments from its signature)
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from theory.networks.compiled import compiled_bare, emitted
from theory.networks.emitter import Emitter, constant, shuffled

TILE = 4
GRAIN = 64
"""Chunks hold a multiple of this many columns."""


@emitted
def _gram_tile(typing_context: Any, x: Any, i: Any, y: Any, j: Any, count: Any, out: Any) -> Any:
    """Add sum_t x[i + a, t] y[j + b, t] over t < ``count`` to float64 out[i + a, j + b], a and b below ``TILE``."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        emit = Emitter(context, builder, signature, arguments)
        _, first, _, second, size, _ = arguments
        left = [emit.row(0, emit.shifted(first, a)) for a in range(TILE)]
        right = [emit.row(2, emit.shifted(second, b)) for b in range(TILE)]
        sums = emit.slots(TILE * TILE)
        with cgutils.for_range(builder, builder.udiv(size, constant(emit.lanes))) as loop:
            place = builder.mul(loop.index, constant(emit.lanes))
            ones = [emit.load(row, place) for row in left]
            for b, row in enumerate(right):
                two = emit.load(row, place)
                for a, one in enumerate(ones):
                    emit.add_product(sums[TILE * a + b], one, two)
        totals, four = emit.totals([builder.load(slot) for slot in sums]), ir.DoubleType()
        kind = ir.VectorType(four, TILE)
        for a in range(TILE):
            vector, start = totals[TILE * a // emit.lanes], TILE * a % emit.lanes
            total = shuffled(builder, vector, vector, list(range(start, start + TILE)))
            if total.type != kind:
                total = builder.fpext(total, kind)
            place = builder.gep(emit.row(5, emit.shifted(first, a)), [second])
            pointer = builder.bitcast(place, kind.as_pointer())
            before = builder.load(pointer, align=8)
            builder.store(builder.fadd(before, total), pointer, align=8)
        return context.get_dummy_value()

    return types.void(x, types.int64, y, types.int64, types.int64, out), build


def _mixing(onto: bool) -> Any:
    """Instructions that write a mixture of rows, or add it ``onto`` what is there."""
    wide = 4

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        emit = Emitter(context, builder, signature, arguments)
        _, first, _, length, size, _ = arguments
        targets = [emit.row(5, emit.shifted(first, a)) for a in range(TILE)]
        factors = [emit.row(0, emit.shifted(first, a)) for a in range(TILE)]
        step = constant(wide * emit.lanes)
        sums = emit.slots(wide * TILE)
        with cgutils.for_range(builder, builder.udiv(size, step)) as loop:
            start = builder.mul(loop.index, step)
            places = [emit.shifted(start, emit.lanes * w) for w in range(wide)]
            for a, row in enumerate(targets):
                for w, place in enumerate(places):
                    before = emit.load(row, place) if onto else emit.zero()
                    builder.store(before, sums[wide * a + w])
            with cgutils.for_range(builder, length) as inner:
                source = emit.row(2, inner.index)
                values = [emit.load(source, place) for place in places]
                for a, row in enumerate(factors):
                    factor = emit.spread(row, inner.index)
                    for w, value in enumerate(values):
                        emit.add_product(sums[wide * a + w], factor, value)
            for a, row in enumerate(targets):
                for w, place in enumerate(places):
                    emit.store(builder.load(sums[wide * a + w]), row, place)
        return context.get_dummy_value()

    return build


@emitted
def _mix_tile(typing_context: Any, m: Any, i: Any, z: Any, terms: Any, count: Any, out: Any) -> Any:
    """Write sum_c m[i + a, c] z[c, t] over c < ``terms`` to out[i + a, t], t < ``count`` and a < ``TILE``."""
    return types.void(m, types.int64, z, types.int64, types.int64, out), _mixing(False)


@emitted
def _add_mix_tile(
    typing_context: Any, m: Any, i: Any, z: Any, terms: Any, count: Any, out: Any
) -> Any:
    """As ``_mix_tile``, added to ``out``."""
    return types.void(m, types.int64, z, types.int64, types.int64, out), _mixing(True)


@emitted
def block(typing_context: Any, flat: Any, start: Any, rows: Any, count: Any) -> Any:
    """The chunk (rows, count) that begins at neuron ``start`` of a sequence of such chunks: a view of ``flat``."""
    kind = types.Array(flat.dtype, 2, "C")

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        emit = Emitter(context, builder, signature, arguments)
        _, start, rows, count = arguments
        source, view = emit.array(0), context.make_array(kind)(context, builder)
        pack: Any = cgutils.pack_array
        size = constant(emit.size)
        view.data = builder.gep(source.data, [builder.mul(start, rows)])
        view.shape = pack(builder, [rows, count])
        view.strides = pack(builder, [builder.mul(count, size), size])
        view.nitems, view.itemsize = builder.mul(rows, count), size
        return view._getvalue()

    return kind(flat, types.int64, types.int64, types.int64), build


@emitted
def flat(typing_context: Any, panel: Any) -> Any:
    """All entries of a panel in one row: a view."""
    kind = types.Array(panel.dtype, 1, "C")

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        emit = Emitter(context, builder, signature, arguments)
        source, view = emit.array(0), context.make_array(kind)(context, builder)
        pack: Any = cgutils.pack_array
        view.data, view.nitems, view.itemsize = source.data, source.nitems, constant(emit.size)
        view.shape, view.strides = (
            pack(builder, [source.nitems]),
            pack(builder, [constant(emit.size)]),
        )
        return view._getvalue()

    return kind(panel), build


@compiled_bare
def padded(rows):  # type: ignore[no-untyped-def]
    """Rows of the buffer that holds ``rows`` rows: whole tiles."""
    return (rows + TILE - 1) // TILE * TILE


@compiled_bare
def columns(count):  # type: ignore[no-untyped-def]
    """Columns to work on for ``count`` neurons: whole grains."""
    return (count + GRAIN - 1) // GRAIN * GRAIN


@compiled_bare
def add_tiles(x, i, first, stop, count, out):  # type: ignore[no-untyped-def]
    """Add x x^T over ``count`` columns to the tiles of ``out`` at row ``i`` and columns ``first``, ... < ``stop``."""
    for j in range(first, stop, TILE):
        _gram_tile(x, i, x, j, count, out)


@compiled_bare
def add_gram(x, rows, y, others, count, out):  # type: ignore[no-untyped-def]
    """Add x y^T over ``count`` columns to ``out``."""
    for i in range(0, rows, TILE):
        for j in range(0, others, TILE):
            _gram_tile(x, i, y, j, count, out)


@compiled_bare
def add_lower_gram(x, rows, count, out):  # type: ignore[no-untyped-def]
    """Add x x^T over ``count`` columns to ``out``, on and below the diagonal."""
    for i in range(0, rows, TILE):
        for j in range(0, i + 1, TILE):
            _gram_tile(x, i, x, j, count, out)


@compiled_bare
def mix(matrix, rows, z, terms, out):  # type: ignore[no-untyped-def]
    """Write ``matrix`` times the first ``terms`` rows of ``z`` to ``out``."""
    for i in range(0, rows, TILE):
        _mix_tile(matrix, i, z, terms, out.shape[1], out)


@compiled_bare
def add_mixture(matrix, rows, z, terms, out):  # type: ignore[no-untyped-def]
    """Add ``matrix`` times the first ``terms`` rows of ``z`` to ``out``."""
    for i in range(0, rows, TILE):
        _add_mix_tile(matrix, i, z, terms, out.shape[1], out)
