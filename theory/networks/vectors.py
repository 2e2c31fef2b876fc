"""Products of the literal sampler spelled out in vectors, in an order that defines the results (``emitter``).

Arrays are contiguous and of one type, float64 or float32.
"""

# ruff: noqa: ARG001  (Numba reads an intrinsic's arguments from its signature)
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from theory.networks.compiled import LANES, compiled, emitted
from theory.networks.emitter import BYTES, INDEX, Emitter, constant, spread

TILE = 4
"""Rows, and inputs, whose inner products are formed together."""

GROUP = 8
"""Rows that the backward pass adds before it touches memory, and columns of a byte."""


@emitted
def popcount(typing_context: Any, word: Any) -> Any:
    """Number of set bits of a uint64."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), build


@emitted
def compare_plane(
    typing_context: Any, below: Any, place: Any, undecided: Any, plane: Any, bit: Any
) -> Any:
    """Compare one more bit of each of ``LANES`` words' uniforms (``plane``) with that of a threshold, 0 or 1.

    Sets the bits of ``below[place:]`` where the uniform turns out smaller, keeps in ``undecided`` those that are equal
    so far, and returns 0 where none is.
    """

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind, word = ir.VectorType(INDEX, LANES), INDEX.width // 8

        def at(argument: int, place: Any) -> Any:
            array = context.make_array(signature.args[argument])
            data = array(context, builder, arguments[argument]).data
            return builder.bitcast(builder.gep(data, [place]), kind.as_pointer())

        def load(pointer: Any) -> Any:
            value = builder.load(pointer)
            value.align = word
            return value

        bits = spread(builder, builder.neg(arguments[4]), LANES)
        target, rest = at(0, arguments[1]), at(2, constant(0))
        drawn, still = load(at(3, constant(0))), load(rest)
        smaller = builder.and_(builder.and_(still, builder.not_(drawn)), bits)
        builder.store(builder.or_(load(target), smaller), target).align = word
        equal = builder.and_(still, builder.not_(builder.xor(drawn, bits)))
        builder.store(equal, rest).align = word
        some = builder.icmp_unsigned("!=", equal, ir.Constant(kind, [0] * LANES))
        return builder.zext(builder.bitcast(some, ir.IntType(LANES)), INDEX)

    unsigned = types.uint64
    return unsigned(below, types.int64, undecided, plane, unsigned), build


def _lookup(words: int) -> Any:
    """Instructions that add, byte by byte of a 64-bit word, the table rows that the bytes name.

    With two words, the rows that the second one names are subtracted.
    """

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vectors = Emitter(context, builder, signature, arguments)
        target, table = vectors.data(0), vectors.data(2)
        total = vectors.load(target, arguments[1])
        for byte in range(8):
            rows = []
            for word in arguments[3 : 3 + words]:
                shifted = builder.lshr(word, constant(8 * byte))
                row = builder.add(builder.and_(shifted, constant(255)), constant(256 * byte))
                rows.append(vectors.load(table, builder.mul(row, constant(vectors.lanes))))
            term = rows[0] if words == 1 else builder.fsub(*rows)
            total = builder.fadd(total, term)
        vectors.store(total, target, arguments[1])
        return context.get_dummy_value()

    return build


@emitted
def add_rows(typing_context: Any, out: Any, place: Any, table: Any, word: Any) -> Any:
    """Add to the vector at ``out[place]`` the rows of ``table`` (8, 256, lanes) that the bytes of ``word`` name."""
    return types.void(out, types.int64, table, types.uint64), _lookup(1)


@emitted
def add_row_differences(
    typing_context: Any, out: Any, place: Any, table: Any, plus: Any, minus: Any
) -> Any:
    """As ``add_rows`` for ``plus``, less the rows that the bytes of ``minus`` name."""
    return types.void(out, types.int64, table, types.uint64, types.uint64), _lookup(2)


def _sums(signed: bool) -> Any:
    """Instructions that fill a table with sums of 8 vectors at a time, 4 and 4 of them first."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vectors = Emitter(context, builder, signature, arguments)
        entry: Any = cgutils.gep_inbounds
        upper = builder.alloca(ir.ArrayType(vectors.type, 16))
        zero = vectors.zero()
        with cgutils.for_range(builder, constant(8)) as outer:
            first = builder.mul(outer.index, constant(8 * vectors.lanes))
            halves = []
            for half in range(2):
                sums = [zero]
                for b in range(4):
                    place = builder.add(first, constant((4 * half + b) * vectors.lanes))
                    value = vectors.load(vectors.data(1), place)
                    added = [builder.fadd(total, value) for total in sums]
                    less = [builder.fsub(total, value) for total in sums]
                    sums = added + less if signed else sums + added
                halves.append(sums)
            for index, total in enumerate(halves[1]):
                builder.store(total, entry(builder, upper, 0, index))
            with cgutils.for_range(builder, constant(16)) as inner:
                high = builder.load(entry(builder, upper, 0, inner.index))
                group = builder.add(builder.mul(outer.index, constant(16)), inner.index)
                start = builder.mul(group, constant(16 * vectors.lanes))
                for index, low in enumerate(halves[0]):
                    place = builder.add(start, constant(index * vectors.lanes))
                    vectors.store(builder.fadd(low, high), vectors.data(0), place)
        return context.get_dummy_value()

    return build


@emitted
def signed_sums(typing_context: Any, table: Any, values: Any) -> Any:
    """Fill ``table`` (8, 256, lanes): row m of byte g sums ``values[8 g + b]``, negated where bit b is set."""
    return types.void(table, values), _sums(True)


@emitted
def subset_sums(typing_context: Any, table: Any, values: Any) -> Any:
    """Fill ``table`` (8, 256, lanes): row m of byte g is the sum of ``values[8 g + b]`` over the set bits b of m."""
    return types.void(table, values), _sums(False)


def _products(inputs: int) -> Any:
    """Instructions for the inner products of ``TILE`` rows with ``inputs`` inputs over whole vectors."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vectors = Emitter(context, builder, signature, arguments)
        row_stride, input_stride, steps = arguments[2], arguments[5], arguments[6]
        totals = [vectors.slots(inputs) for _ in range(TILE)]
        with cgutils.for_range(builder, steps) as loop:
            column = builder.mul(loop.index, constant(vectors.lanes))

            def line(argument: int, start: Any, stride: Any, index: int) -> Any:
                offset = builder.add(start, builder.mul(stride, constant(index)))
                return vectors.load(vectors.data(argument), builder.add(offset, column))

            left = [line(0, arguments[1], row_stride, r) for r in range(TILE)]
            right = [line(3, arguments[4], input_stride, a) for a in range(inputs)]
            for r in range(TILE):
                for a in range(inputs):
                    vectors.add_product(totals[r][a], left[r], right[a])
        for r in range(TILE):
            for a in range(inputs):
                place = constant((r * inputs + a) * vectors.lanes)
                vectors.store(builder.load(totals[r][a]), vectors.data(7), place)
        return context.get_dummy_value()

    return build


@emitted
def tile_products(
    typing_context: Any, rows: Any, row: Any, row_stride: Any, inputs: Any, place: Any, input_stride: Any,
    steps: Any, out: Any
) -> Any:  # fmt: skip
    """Write the inner products of ``TILE`` rows with ``TILE`` inputs to ``out`` (TILE, TILE, lanes).

    Over the first ``steps`` vectors, each product as a vector of partial sums: ``lane_sum``. ``row`` and ``place`` are
    the offsets of the first row and the first input in their flat arrays.
    """
    whole = types.int64
    return types.void(rows, whole, whole, inputs, whole, whole, whole, out), _products(TILE)


@emitted
def column_products(
    typing_context: Any, rows: Any, row: Any, row_stride: Any, inputs: Any, place: Any, input_stride: Any,
    steps: Any, out: Any
) -> Any:  # fmt: skip
    """As ``tile_products`` with one input: ``out`` (TILE, lanes), the same sums in the same order."""
    whole = types.int64
    return types.void(rows, whole, whole, inputs, whole, whole, whole, out), _products(1)


@compiled
def lane_sum(values, index):  # type: ignore[no-untyped-def]
    """Sum of the ``index``-th vector of a flat array, neighbours first; overwrites it."""
    lanes = BYTES // values.itemsize
    first, count = index * lanes, lanes
    while count > 1:
        count //= 2
        for i in range(count):
            values[first + i] = values[first + 2 * i] + values[first + 2 * i + 1]
    return values[first]


@emitted
def add_combinations(
    typing_context: Any, rows: Any, row: Any, row_stride: Any, coefs: Any, count: Any, out: Any, out_stride: Any,
    steps: Any
) -> Any:  # fmt: skip
    """Add to line s of ``out`` the sum of ``coefs[s, r]`` times row r, over ``GROUP`` rows, for s < ``count``."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vectors = Emitter(context, builder, signature, arguments)
        _, start, stride, _, count, _, out_stride, steps = arguments
        with cgutils.for_range(builder, steps) as outer:
            column = builder.mul(outer.index, constant(vectors.lanes))
            lines = []
            for r in range(GROUP):
                offset = builder.add(start, builder.mul(stride, constant(r)))
                lines.append(vectors.load(vectors.data(0), builder.add(offset, column)))
            with cgutils.for_range(builder, count) as inner:
                first = builder.mul(inner.index, constant(GROUP))
                total = builder.fmul(lines[0], vectors.spread(vectors.data(3), first))
                for r in range(1, GROUP):
                    coef = vectors.spread(vectors.data(3), builder.add(first, constant(r)))
                    total = vectors.fused(lines[r], coef, total)
                place = builder.add(builder.mul(inner.index, out_stride), column)
                target = vectors.data(5)
                vectors.store(builder.fadd(vectors.load(target, place), total), target, place)
        return context.get_dummy_value()

    whole = types.int64
    return types.void(rows, whole, whole, coefs, whole, out, whole, whole), build
