"""Products spelled out in 64-byte LLVM vectors, for what the loop vectoriser cannot reorder or does not see.

A compiler may not reorder a floating-point sum by itself, so these orders are the definition of the results, on every
machine; fused products round once wherever they run. Arrays are contiguous and of one type, float64 or float32.
"""

# ruff: noqa: ARG001  (Numba reads an intrinsic's arguments from its signature)
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from theory.networks.compiled import LANES, compiled, emitted

BYTES = 64
"""Length of a vector: 8 float64 or 16 float32."""

TILE = 4
"""Rows, and inputs, whose inner products are formed together."""

GROUP = 8
"""Rows that the backward pass adds before it touches memory, and columns of a byte."""

_INDEX = ir.IntType(64)


class _Vectors:
    """Loads and stores of vectors of the elements of one array type."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.context, self.builder = context, builder
        self.signature, self.arguments = signature, arguments
        element = signature.args[0].dtype
        self.lanes = lanes_of(element)
        self.type = ir.VectorType(context.get_value_type(element), self.lanes)
        self.size = element.bitwidth // 8

    def data(self, argument: int) -> Any:
        array = self.context.make_array(self.signature.args[argument])
        return array(self.context, self.builder, self.arguments[argument]).data

    def at(self, argument: int, place: Any) -> Any:
        """Pointer to the vector whose first element is the ``place``-th of an array argument."""
        pointer = self.builder.gep(self.data(argument), [place])
        return self.builder.bitcast(pointer, self.type.as_pointer())

    def load(self, pointer: Any) -> Any:
        value = self.builder.load(pointer)
        value.align = self.size
        return value

    def store(self, value: Any, pointer: Any) -> None:
        self.builder.store(value, pointer).align = self.size

    def spread(self, argument: int, place: Any) -> Any:
        """Vector of copies of one element."""
        value = self.builder.load(self.builder.gep(self.data(argument), [place]))
        zero = ir.Constant(ir.IntType(32), 0)
        single = self.builder.insert_element(ir.Constant(self.type, ir.Undefined), value, zero)
        lane = ir.VectorType(ir.IntType(32), self.lanes)
        return self.builder.shuffle_vector(single, single, ir.Constant(lane, [0] * self.lanes))

    def fused(self, one: Any, two: Any, total: Any) -> Any:
        """``one`` times ``two`` plus ``total``, rounded once."""
        name = f"llvm.fma.v{self.lanes}f{8 * self.size}"
        kind = ir.FunctionType(self.type, [self.type] * 3)
        insert: Any = cgutils.get_or_insert_function
        function = insert(self.builder.module, kind, name)
        return self.builder.call(function, [one, two, total])


def lanes_of(element: Any) -> int:
    """Elements of a Numba floating type in one vector."""
    return int(8 * BYTES // element.bitwidth)


def _constant(value: int) -> Any:
    return ir.Constant(_INDEX, value)


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
        kind, word = ir.VectorType(_INDEX, LANES), _INDEX.width // 8

        def at(argument: int, place: Any) -> Any:
            array = context.make_array(signature.args[argument])
            data = array(context, builder, arguments[argument]).data
            return builder.bitcast(builder.gep(data, [place]), kind.as_pointer())

        def load(pointer: Any) -> Any:
            value = builder.load(pointer)
            value.align = word
            return value

        mask = builder.neg(arguments[4])
        single = builder.insert_element(
            ir.Constant(kind, ir.Undefined), mask, ir.Constant(ir.IntType(32), 0)
        )
        lanes = ir.VectorType(ir.IntType(32), LANES)
        bits = builder.shuffle_vector(single, single, ir.Constant(lanes, [0] * LANES))
        target, rest = at(0, arguments[1]), at(2, _constant(0))
        drawn, still = load(at(3, _constant(0))), load(rest)
        smaller = builder.and_(builder.and_(still, builder.not_(drawn)), bits)
        builder.store(builder.or_(load(target), smaller), target).align = word
        equal = builder.and_(still, builder.not_(builder.xor(drawn, bits)))
        builder.store(equal, rest).align = word
        some = builder.icmp_unsigned("!=", equal, ir.Constant(kind, [0] * LANES))
        return builder.zext(builder.bitcast(some, ir.IntType(LANES)), _INDEX)

    unsigned = types.uint64
    return unsigned(below, types.int64, undecided, plane, unsigned), build


def _lookup(words: int) -> Any:
    """Instructions that add, byte by byte of a 64-bit word, the table rows that the bytes name.

    With two words, the rows that the second one names are subtracted.
    """

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vectors = _Vectors(context, builder, signature, arguments)
        target = vectors.at(0, arguments[1])
        table = vectors.at(2, _constant(0))
        total = vectors.load(target)
        for byte in range(8):
            rows = []
            for word in arguments[3 : 3 + words]:
                shifted = builder.lshr(word, _constant(8 * byte))
                row = builder.add(builder.and_(shifted, _constant(255)), _constant(256 * byte))
                rows.append(vectors.load(builder.gep(table, [row])))
            term = rows[0] if words == 1 else builder.fsub(*rows)
            total = builder.fadd(total, term)
        vectors.store(total, target)
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
        vectors = _Vectors(context, builder, signature, arguments)
        entry: Any = cgutils.gep_inbounds
        upper = builder.alloca(ir.ArrayType(vectors.type, 16))
        zero = ir.Constant(vectors.type, [0.0] * vectors.lanes)
        with cgutils.for_range(builder, _constant(8)) as outer:
            first = builder.mul(outer.index, _constant(8 * vectors.lanes))
            halves = []
            for half in range(2):
                sums = [zero]
                for b in range(4):
                    place = builder.add(first, _constant((4 * half + b) * vectors.lanes))
                    value = vectors.load(vectors.at(1, place))
                    added = [builder.fadd(total, value) for total in sums]
                    less = [builder.fsub(total, value) for total in sums]
                    sums = added + less if signed else sums + added
                halves.append(sums)
            for index, total in enumerate(halves[1]):
                builder.store(total, entry(builder, upper, 0, index))
            with cgutils.for_range(builder, _constant(16)) as inner:
                high = builder.load(entry(builder, upper, 0, inner.index))
                group = builder.add(builder.mul(outer.index, _constant(16)), inner.index)
                start = builder.mul(group, _constant(16 * vectors.lanes))
                for index, low in enumerate(halves[0]):
                    place = builder.add(start, _constant(index * vectors.lanes))
                    vectors.store(builder.fadd(low, high), vectors.at(0, place))
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
        vectors = _Vectors(context, builder, signature, arguments)
        row_stride, input_stride, steps = arguments[2], arguments[5], arguments[6]
        zero = ir.Constant(vectors.type, [0.0] * vectors.lanes)
        allocate: Any = cgutils.alloca_once_value
        totals = [[allocate(builder, zero) for _ in range(inputs)] for _ in range(TILE)]
        with cgutils.for_range(builder, steps) as loop:
            column = builder.mul(loop.index, _constant(vectors.lanes))

            def line(argument: int, start: Any, stride: Any, index: int) -> Any:
                offset = builder.add(start, builder.mul(stride, _constant(index)))
                return vectors.load(vectors.at(argument, builder.add(offset, column)))

            left = [line(0, arguments[1], row_stride, r) for r in range(TILE)]
            right = [line(3, arguments[4], input_stride, a) for a in range(inputs)]
            for r in range(TILE):
                for a in range(inputs):
                    total = builder.load(totals[r][a])
                    builder.store(vectors.fused(left[r], right[a], total), totals[r][a])
        for r in range(TILE):
            for a in range(inputs):
                place = _constant((r * inputs + a) * vectors.lanes)
                vectors.store(builder.load(totals[r][a]), vectors.at(7, place))
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
        vectors = _Vectors(context, builder, signature, arguments)
        _, start, stride, _, count, _, out_stride, steps = arguments
        with cgutils.for_range(builder, steps) as outer:
            column = builder.mul(outer.index, _constant(vectors.lanes))
            lines = []
            for r in range(GROUP):
                offset = builder.add(start, builder.mul(stride, _constant(r)))
                lines.append(vectors.load(vectors.at(0, builder.add(offset, column))))
            with cgutils.for_range(builder, count) as inner:
                first = builder.mul(inner.index, _constant(GROUP))
                total = builder.fmul(lines[0], vectors.spread(3, first))
                for r in range(1, GROUP):
                    coef = vectors.spread(3, builder.add(first, _constant(r)))
                    total = vectors.fused(lines[r], coef, total)
                place = builder.add(builder.mul(inner.index, out_stride), column)
                target = vectors.at(5, place)
                vectors.store(builder.fadd(vectors.load(target), total), target)
        return context.get_dummy_value()

    whole = types.int64
    return types.void(rows, whole, whole, coefs, whole, out, whole, whole), build
