# ruff: noqa: ARG001  (Numba names the arguments of an intrinsic)
# mypy: disable-error-code="call-arg, no-untyped-call, var-annotated"
"""Vector code for products of packed signs: exclusive or, count, add, eight words at a time.

Written as vectors because the loop vectoriser leaves broadcasts of the left factor in the inner loop. Processors that
count bits of vectors (AVX-512 VPOPCNTDQ) take three instructions for eight words of +-1; on others LLVM writes the
count out in what they have. Sums of integers: the same on every machine. ``fill``, which is cached, stands here too: a
cache is renewed by edits of its own file alone.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

Words = NDArray[np.uint64]

LANES, ROWS = 8, 4
"""Columns of a vector, and rows of the left factor that a tile holds in registers."""

SIGN_COLUMNS, GATED_COLUMNS = 32, 16
"""Columns of a tile: its counters, 16 vectors, stay in registers beside what they count."""

_LONG, _INT = ir.IntType(64), ir.IntType(32)
_VECTOR = ir.VectorType(_LONG, LANES)


def _at(builder: Any, data: Any, row: Any, stride: Any, column: Any) -> Any:
    """Pointer to data[row, column] of a matrix in rows of ``stride``."""
    return builder.gep(data, [builder.add(builder.mul(row, stride), column)])


def _constant(value: int) -> Any:
    return ir.Constant(_LONG, value)


def _splat(builder: Any, value: Any) -> Any:
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.Constant(_INT, 0))
    order = ir.Constant(ir.VectorType(_INT, LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), order)


def _tile(gated: bool) -> Callable[..., Any]:
    """Instructions for out[place: ...] = <left rows, panel columns>, ``ROWS`` rows at once."""
    vectors = (GATED_COLUMNS if gated else SIGN_COLUMNS) // LANES
    per_word = 2 if gated else 1

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        left, panel, out = (
            context.make_array(signature.args[i])(context, builder, args[i]).data for i in (0, 2, 3)
        )
        row, place, stride, words, width = args[1], args[4], args[5], args[6], args[7]
        zero = ir.Constant(_VECTOR, [0] * LANES)
        allocate: Any = cgutils.alloca_once_value
        differ = [[allocate(builder, zero) for _ in range(vectors)] for _ in range(ROWS)]
        both = [[allocate(builder, zero) for _ in range(vectors)] for _ in range(ROWS)]

        population = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), f"llvm.ctpop.v{LANES}i64"
        )

        def count(total: Any, bits: Any) -> None:
            ones = builder.call(population, [bits])
            builder.store(builder.add(builder.load(total), ones), total)

        with cgutils.for_range(builder, words) as loop:
            first = builder.mul(loop.index, _constant(per_word * vectors * LANES))
            columns = []
            for v in range(per_word * vectors):
                pointer = builder.gep(panel, [builder.add(first, _constant(v * LANES))])
                columns.append(
                    builder.load(builder.bitcast(pointer, _VECTOR.as_pointer()), align=8)
                )
            for r in range(ROWS):
                here = builder.add(row, _constant(r))
                word = builder.mul(loop.index, _constant(per_word))
                length = builder.mul(words, _constant(per_word))
                bits = [
                    _splat(
                        builder,
                        builder.load(
                            _at(builder, left, here, length, builder.add(word, _constant(k)))
                        ),
                    )
                    for k in range(per_word)
                ]
                for v in range(vectors):
                    odd = builder.xor(bits[0], columns[v])
                    if gated:
                        gate = builder.and_(bits[1], columns[vectors + v])
                        count(both[r][v], gate)
                        odd = builder.and_(odd, gate)
                    count(differ[r][v], odd)
        short = ir.VectorType(_INT, LANES)
        for r in range(ROWS):
            for v in range(vectors):
                total = builder.load(both[r][v]) if gated else _splat(builder, width)
                twice = builder.shl(builder.load(differ[r][v]), ir.Constant(_VECTOR, [1] * LANES))
                value = builder.trunc(builder.sub(total, twice), short)
                pointer = _at(
                    builder, out, _constant(r), stride,
                    builder.add(place, _constant(v * LANES)),
                )  # fmt: skip
                builder.store(value, builder.bitcast(pointer, short.as_pointer()), align=4)
        return context.get_dummy_value()

    return build


_ARGUMENTS = (
    types.Array(types.uint64, 2, "C"), types.int64, types.Array(types.uint64, 1, "C"),
    types.Array(types.int32, 1, "C"), types.int64, types.int64, types.int64, types.int64,
)  # fmt: skip


@intrinsic
def _signs(
    typing_context: Any, left: Any, row: Any, panel: Any, out: Any, place: Any, stride: Any, words: Any, width: Any
) -> Any:  # fmt: skip
    return types.void(*_ARGUMENTS), _tile(gated=False)


@intrinsic
def _gated(
    typing_context: Any, left: Any, row: Any, panel: Any, out: Any, place: Any, stride: Any, words: Any, width: Any
) -> Any:  # fmt: skip
    return types.void(*_ARGUMENTS), _tile(gated=True)


# (left, row, panel, out, place, stride, words, width): writes out[place + r stride + j], r < ROWS,
# j < SIGN_COLUMNS, the products of rows row + r of ``left`` with the columns of ``panel``, word by word.
sign_tile: Callable[..., None] = cast(Any, _signs)

# The same for GATED_COLUMNS; each word of ``left`` is a sign word and a gate word in turn, and each word of the
# panel is the sign words of all columns, then their gate words.
gated_tile: Callable[..., None] = cast(Any, _gated)


@njit(nogil=True, cache=True, error_model="numpy")
def fill(
    gated: bool, left: Words, right: Words, width: int, out: NDArray[np.int32], first: int, last: int
) -> None:  # fmt: skip
    """Fill columns ``first`` to ``last`` - 1 of the product, in panels that stay in the first-level cache."""
    planes = 2 if gated else 1
    block = GATED_COLUMNS if gated else SIGN_COLUMNS
    words = left.shape[1] // planes
    rows, stride = left.shape[0], right.shape[0]
    panel = np.zeros(words * planes * block, np.uint64)
    tail = np.zeros((ROWS, left.shape[1]), np.uint64)
    whole = rows - rows % ROWS
    tail[: rows - whole] = left[whole:]
    edge = np.empty(ROWS * block, np.int32)
    for begin in range(first, last, block):
        count = min(block, last - begin)
        for j in range(count):
            for w in range(words):
                for k in range(planes):
                    panel[(w * planes + k) * block + j] = right[begin + j, w * planes + k]
        for i in range(0, rows, ROWS):
            inside = i < whole and count == block
            source, row = (left, i) if i < whole else (tail, 0)
            target, place, step = (out, i * stride + begin, stride) if inside else (edge, 0, block)
            if gated:
                gated_tile(source, row, panel, target, place, step, words, width)
            else:
                sign_tile(source, row, panel, target, place, step, words, width)
            if not inside:
                for r in range(min(ROWS, rows - i)):
                    for j in range(count):
                        out[(i + r) * stride + begin + j] = edge[r * block + j]
