"""Products of thin panels, k rows by a chunk of neurons, in registers: the inner loops of the exact sampler.

A chunk buffer has rows of the same length, zero beyond what it holds, and as many rows as ``padded`` says. Each
product runs over tiles of 4 x 4 rows, in vectors spelled out in LLVM with fused multiply-adds: a compiler may neither
reorder a sum nor fuse by itself, so this order is the definition of the result, on every machine.
"""

# ruff: noqa: ARG001  (Numba reads an intrinsic's arguments from its signature)
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from theory.networks.compiled import compiled, emitted

TILE = 4
BYTES = 64
"""Of one vector: 8 numbers in float64, 16 in float32."""
GRAIN = 32
"""Chunks hold a multiple of this many columns."""


class _Emitter:
    """Vectors over rows of two-dimensional arrays."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.context, self.builder = context, builder
        self.signature, self.arguments = signature, arguments
        self.element = context.get_value_type(signature.args[0].dtype)
        self.lanes = BYTES // (signature.args[0].dtype.bitwidth // 8)
        self.vector = ir.VectorType(self.element, self.lanes)
        kind = "f64" if isinstance(self.element, ir.DoubleType) else "f32"
        shape: Any = ir.FunctionType(self.vector, [self.vector] * 3)
        name = f"llvm.fma.v{self.lanes}{kind}"
        declare: Any = cgutils.get_or_insert_function
        self.fused = declare(builder.module, shape, name)

    def row(self, argument: int, index: Any) -> Any:
        """Pointer to the first entry of a row of array ``argument``."""
        kind = self.signature.args[argument]
        array = self.context.make_array(kind)(self.context, self.builder, self.arguments[argument])
        unpack: Any = cgutils.unpack_tuple
        width = unpack(self.builder, array.shape)[1]
        return self.builder.gep(array.data, [self.builder.mul(index, width)])

    def shifted(self, index: Any, step: int) -> Any:
        return self.builder.add(index, ir.Constant(index.type, step))

    def load(self, row: Any, place: Any) -> Any:
        pointer = self.builder.bitcast(self.builder.gep(row, [place]), self.vector.as_pointer())
        return self.builder.load(pointer, align=4)

    def store(self, value: Any, row: Any, place: Any) -> None:
        pointer = self.builder.bitcast(self.builder.gep(row, [place]), self.vector.as_pointer())
        self.builder.store(value, pointer, align=4)

    def spread(self, value: Any) -> Any:
        integer = ir.IntType(32)
        single = self.builder.insert_element(
            ir.Constant(self.vector, ir.Undefined), value, ir.Constant(integer, 0)
        )
        zeros = ir.Constant(ir.VectorType(integer, self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(single, single, zeros)

    def slots(self, count: int) -> list[Any]:
        """``count`` vectors of zeros that a loop may change."""
        zero = ir.Constant(self.vector, [0.0] * self.lanes)
        allocate: Any = cgutils.alloca_once_value
        return [allocate(self.builder, zero) for _ in range(count)]

    def add_product(self, slot: Any, one: Any, two: Any) -> None:
        load, store = self.builder.load, self.builder.store
        store(self.builder.call(self.fused, [one, two, load(slot)]), slot)

    def total(self, value: Any) -> Any:
        """Sum of the lanes, halves onto halves."""
        lanes = self.lanes
        while lanes > 1:
            lanes //= 2
            low, high = (
                ir.Constant(ir.VectorType(ir.IntType(32), lanes), list(range(start, start + lanes)))
                for start in (0, lanes)
            )
            shuffle = self.builder.shuffle_vector
            value = self.builder.fadd(shuffle(value, value, low), shuffle(value, value, high))
        return self.builder.extract_element(value, ir.Constant(ir.IntType(32), 0))


@emitted
def _gram_tile(typing_context: Any, x: Any, i: Any, y: Any, j: Any, count: Any, out: Any) -> Any:
    """Add sum_t x[i + a, t] y[j + b, t] over t < ``count`` to float64 out[i + a, j + b], a and b below ``TILE``."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        emit = _Emitter(context, builder, signature, arguments)
        _, first, _, second, size, _ = arguments
        left = [emit.row(0, emit.shifted(first, a)) for a in range(TILE)]
        right = [emit.row(2, emit.shifted(second, b)) for b in range(TILE)]
        sums = emit.slots(TILE * TILE)
        step = ir.Constant(size.type, emit.lanes)
        with cgutils.for_range(builder, builder.udiv(size, step)) as loop:
            place = builder.mul(loop.index, step)
            ones = [emit.load(row, place) for row in left]
            for b, row in enumerate(right):
                two = emit.load(row, place)
                for a, one in enumerate(ones):
                    emit.add_product(sums[TILE * a + b], one, two)
        for a in range(TILE):
            row = emit.row(5, emit.shifted(first, a))
            for b in range(TILE):
                total = emit.total(builder.load(sums[TILE * a + b]))
                if not isinstance(emit.element, ir.DoubleType):
                    total = builder.fpext(total, ir.DoubleType())
                pointer = builder.gep(row, [emit.shifted(second, b)])
                builder.store(builder.fadd(builder.load(pointer), total), pointer)
        return context.get_dummy_value()

    return types.void(x, types.int64, y, types.int64, types.int64, out), build


@emitted
def _mix_tile(typing_context: Any, m: Any, i: Any, z: Any, terms: Any, count: Any, out: Any) -> Any:
    """Add sum_c m[i + a, c] z[c, t] over c < ``terms`` to out[i + a, t], t < ``count`` and a < ``TILE``."""
    wide = 2

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        emit = _Emitter(context, builder, signature, arguments)
        _, first, _, length, size, _ = arguments
        targets = [emit.row(5, emit.shifted(first, a)) for a in range(TILE)]
        factors = [emit.row(0, emit.shifted(first, a)) for a in range(TILE)]
        step = ir.Constant(size.type, wide * emit.lanes)
        sums = emit.slots(wide * TILE)
        with cgutils.for_range(builder, builder.udiv(size, step)) as loop:
            start = builder.mul(loop.index, step)
            places = [emit.shifted(start, emit.lanes * w) for w in range(wide)]
            for a, row in enumerate(targets):
                for w, place in enumerate(places):
                    builder.store(emit.load(row, place), sums[wide * a + w])
            with cgutils.for_range(builder, length) as inner:
                source = emit.row(2, inner.index)
                values = [emit.load(source, place) for place in places]
                for a, row in enumerate(factors):
                    factor = emit.spread(builder.load(builder.gep(row, [inner.index])))
                    for w, value in enumerate(values):
                        emit.add_product(sums[wide * a + w], factor, value)
            for a, row in enumerate(targets):
                for w, place in enumerate(places):
                    emit.store(builder.load(sums[wide * a + w]), row, place)
        return context.get_dummy_value()

    return types.void(m, types.int64, z, types.int64, types.int64, out), build


@compiled
def padded(rows):  # type: ignore[no-untyped-def]
    """Rows of the buffer that holds ``rows`` rows: whole tiles."""
    return (rows + TILE - 1) // TILE * TILE


@compiled
def columns(count):  # type: ignore[no-untyped-def]
    """Columns to work on for ``count`` neurons: whole grains."""
    return (count + GRAIN - 1) // GRAIN * GRAIN


@compiled
def add_tiles(x, i, first, stop, count, out):  # type: ignore[no-untyped-def]
    """Add x x^T over ``count`` columns to the tiles of ``out`` at row ``i`` and columns ``first``, ... < ``stop``."""
    for j in range(first, stop, TILE):
        _gram_tile(x, i, x, j, count, out)


@compiled
def add_gram(x, rows, y, others, count, out):  # type: ignore[no-untyped-def]
    """Add x y^T over ``count`` columns to ``out``."""
    for i in range(0, rows, TILE):
        for j in range(0, others, TILE):
            _gram_tile(x, i, y, j, count, out)


@compiled
def add_lower_gram(x, rows, count, out):  # type: ignore[no-untyped-def]
    """Add x x^T over ``count`` columns to ``out``, on and below the diagonal."""
    for i in range(0, rows, TILE):
        add_tiles(x, i, 0, i + 1, count, out)


@compiled
def add_mixture(matrix, rows, z, terms, count, out):  # type: ignore[no-untyped-def]
    """Add ``matrix`` times the first ``terms`` rows of ``z``, over ``count`` columns, to ``out``."""
    for i in range(0, rows, TILE):
        _mix_tile(matrix, i, z, terms, count, out)
