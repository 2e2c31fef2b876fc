"""Vectors spelled out in LLVM, for loops that the vectoriser cannot reorder or does not see.

A compiler may not reorder a floating-point sum by itself, so the orders that are spelled out define the results, on
every machine; LLVM legalises the vectors on any machine, and fused products round once wherever they run.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils

BYTES = 64
"""Length of a vector: 8 float64 or 16 float32."""

INDEX = ir.IntType(64)
_PLACE = ir.IntType(32)


def constant(value: int) -> Any:
    """An index."""
    return ir.Constant(INDEX, value)


def lanes_of(element: Any) -> int:
    """Elements of a Numba floating type in one vector."""
    return int(8 * BYTES // element.bitwidth)


def shuffled(builder: Any, one: Any, two: Any, places: list[int]) -> Any:
    """Vector of the elements at ``places`` of the concatenation of two vectors."""
    mask = ir.Constant(ir.VectorType(_PLACE, len(places)), places)
    return builder.shuffle_vector(one, two, mask)


def spread(builder: Any, value: Any, lanes: int) -> Any:
    """Vector of ``lanes`` copies of a number."""
    kind = ir.VectorType(value.type, lanes)
    single = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(_PLACE, 0))
    return shuffled(builder, single, single, [0] * lanes)


def called(builder: Any, name: str, *values: Any) -> Any:
    """Call the LLVM intrinsic ``name`` of vectors or numbers of one floating type."""
    kind = values[0].type
    element = kind.element if isinstance(kind, ir.VectorType) else kind
    bits = 64 if isinstance(element, ir.DoubleType) else 32
    lanes = f"v{kind.count}" if isinstance(kind, ir.VectorType) else ""
    insert: Any = cgutils.get_or_insert_function
    shape = ir.FunctionType(kind, [kind] * len(values))
    function = insert(builder.module, shape, f"llvm.{name}.{lanes}f{bits}")
    return builder.call(function, values)


class Emitter:
    """Vectors of the elements of the first array of a signature, in arrays of that element."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.context, self.builder = context, builder
        self.signature, self.arguments = signature, arguments
        kind = signature.args[0].dtype
        self.element = context.get_value_type(kind)
        self.lanes = lanes_of(kind)
        self.type = ir.VectorType(self.element, self.lanes)
        self.size = kind.bitwidth // 8

    def array(self, argument: int) -> Any:
        """The struct of an array argument."""
        kind = self.signature.args[argument]
        return self.context.make_array(kind)(self.context, self.builder, self.arguments[argument])

    def data(self, argument: int) -> Any:
        """Pointer to the first element of an array argument."""
        return self.array(argument).data

    def row(self, argument: int, index: Any) -> Any:
        """Pointer to the first element of a row of a two-dimensional array argument."""
        array = self.array(argument)
        unpack: Any = cgutils.unpack_tuple
        width = unpack(self.builder, array.shape)[1]
        return self.builder.gep(array.data, [self.builder.mul(index, width)])

    def shifted(self, index: Any, step: int) -> Any:
        """An index plus ``step``."""
        return self.builder.add(index, ir.Constant(index.type, step))

    def at(self, pointer: Any, place: Any) -> Any:
        """Pointer to the vector whose first element is the ``place``-th after ``pointer``."""
        return self.builder.bitcast(self.builder.gep(pointer, [place]), self.type.as_pointer())

    def load(self, pointer: Any, place: Any) -> Any:
        """The vector whose first element is the ``place``-th after ``pointer``."""
        return self.builder.load(self.at(pointer, place), align=self.size)

    def store(self, value: Any, pointer: Any, place: Any) -> None:
        """Write the vector that ``load`` reads."""
        self.builder.store(value, self.at(pointer, place), align=self.size)

    def spread(self, pointer: Any, place: Any) -> Any:
        """Vector of copies of one element."""
        return spread(
            self.builder, self.builder.load(self.builder.gep(pointer, [place])), self.lanes
        )

    def fused(self, one: Any, two: Any, total: Any) -> Any:
        """``one`` times ``two`` plus ``total``, rounded once."""
        return called(self.builder, "fma", one, two, total)

    def zero(self) -> Any:
        """Vector of zeros."""
        return ir.Constant(self.type, [0.0] * self.lanes)

    def slots(self, count: int) -> list[Any]:
        """``count`` vectors of zeros that a loop may change."""
        allocate: Any = cgutils.alloca_once_value
        return [allocate(self.builder, self.zero()) for _ in range(count)]

    def add_product(self, slot: Any, one: Any, two: Any) -> None:
        """Add ``one`` times ``two`` to a slot, rounded once."""
        self.builder.store(self.fused(one, two, self.builder.load(slot)), slot)

    def totals(self, values: list[Any]) -> list[Any]:
        """Sums of the lanes of each of the ``values``, halves onto halves, in as few vectors as hold them."""
        builder, length = self.builder, self.lanes
        while length > 1:
            half, merged = length // 2, []
            for one, two in zip(values[::2], values[1::2], strict=True):
                low, high = (
                    [
                        start + i
                        for start in range(first, 2 * self.lanes, length)
                        for i in range(half)
                    ]
                    for first in (0, half)
                )
                merged.append(
                    builder.fadd(
                        shuffled(builder, one, two, low), shuffled(builder, one, two, high)
                    )
                )
            values, length = merged, half
        return values
