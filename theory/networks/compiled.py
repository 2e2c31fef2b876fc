"""The one way this package compiles: nogil, strict IEEE arithmetic, cached by the text of all that is compiled.

Numba keys its disk cache on the file of the compiled function alone, so an edited helper in another file would
leave stale callers behind; here the cache folder carries a hash of every source file that compiles anything.
No fast-math flag is ever set: sums run in the written order, on every machine.
"""

# ruff: noqa: ARG001  (Numba reads an intrinsic's arguments from its signature)
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from theory.networks.emitter import BYTES, INDEX, constant, spread

LANES = 8
"""Philox blocks, and terms of an inner product, computed side by side."""

_FOLDER = Path(__file__).parent
_TEXTS = (path.read_bytes() for path in sorted(_FOLDER.glob("*.py")))
_SOURCES = b"".join(text for text in _TEXTS if b"compiled" in text or b"llvmlite" in text)
_CACHE = _FOLDER / "__pycache__" / f"compiled-{hashlib.sha256(_SOURCES).hexdigest()[:16]}"


def _njit(function: Callable[..., Any], **options: bool) -> Any:
    config: Any = numba.config
    compile_it: Any = numba.njit
    before, config.CACHE_DIR = config.CACHE_DIR, str(_CACHE)
    try:
        return compile_it(function, nogil=True, cache=True, error_model="numpy", **options)
    finally:
        config.CACHE_DIR = before


def compiled(function: Callable[..., Any]) -> Any:
    """Compile ``function`` at its first call, or load it from the cache of this version of the package."""
    return _njit(function, _nrt=True, forceinline=False)


def compiled_bare(function: Callable[..., Any]) -> Any:
    """As ``compiled`` without Numba's memory manager: it can allocate no array, and counts no references.

    Counting them, by atomic instructions at every slice and every field, costs more than the work on a small network.
    Arrays that a bare function returns are views of its arguments, and only bare functions may take them.
    """
    return _njit(function, _nrt=False, forceinline=False)


def compiled_inline(function: Callable[..., Any]) -> Any:
    """As ``compiled_bare``, and copied into whatever calls it: tuples of arrays are a hundred arguments to a call."""
    return _njit(
        function, _nrt=False, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )


def emitted(function: Callable[..., Any]) -> Any:
    """Make ``function``, which emits LLVM instructions, callable from compiled code."""
    return intrinsic(function)


@emitted
def wide(typing_context: Any) -> Any:
    """Ask for vectors of full length in the loops of the function that calls it."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        width = f'"prefer-vector-width"="{8 * BYTES}"'
        set.add(builder.function.attributes, width)  # llvmlite itself adds what it knows
        return context.get_dummy_value()

    return types.void(), build


@emitted
def bits_of(typing_context: Any, number: Any) -> Any:
    """The 64 bits of a float64, as int64."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.int64))

    return types.int64(types.float64), build


@emitted
def float_of(typing_context: Any, bits: Any) -> Any:
    """The float64 that int64 ``bits`` encode."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(types.int64), build


def philox(
    builder: Any, steps: tuple[int, int], c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any
) -> tuple[Any, ...]:
    """Four words of ``LANES`` Philox blocks, in 64-bit lanes whose upper halves are rubbish.

    Lane i adds i ``steps`` to the first two counter words. Written as vectors because the loop vectoriser takes 64-bit
    products for expensive and leaves the plain loop scalar (three times slower).
    """
    vector = ir.VectorType(INDEX, LANES)

    def lanes(value: int) -> Any:
        return ir.Constant(vector, [value] * LANES)

    def low(value: Any) -> Any:
        return builder.and_(value, lanes(0xFFFFFFFF))

    def high(value: Any) -> Any:
        return builder.lshr(value, lanes(32))

    def counted(value: Any, step: int) -> Any:
        offsets = ir.Constant(vector, [step * i for i in range(LANES)])
        return builder.add(spread(builder, value, LANES), offsets)

    w0, w1 = (counted(value, step) for value, step in zip((c0, c1), steps, strict=True))
    w2, w3 = (spread(builder, value, LANES) for value in (c2, c3))
    for _ in range(10):
        left = builder.mul(lanes(0xD2511F53), low(w0))
        right = builder.mul(lanes(0xCD9E8D57), low(w2))
        q0, q1 = (low(spread(builder, key, LANES)) for key in (k0, k1))
        w0, w1, w2, w3 = (
            builder.xor(builder.xor(high(right), w1), q0),
            right,
            builder.xor(builder.xor(high(left), w3), q1),
            left,
        )
        k0, k1 = builder.add(k0, constant(0x9E3779B9)), builder.add(k1, constant(0xBB67AE85))
    return w0, w1, w2, w3


def _philox(steps: tuple[int, int]) -> tuple[Any, Any]:
    """Signature and instructions that store ``LANES`` Philox blocks."""
    vector = ir.VectorType(INDEX, LANES)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        w0, w1, w2, w3 = philox(builder, steps, *arguments[3:])
        up, low = (ir.Constant(vector, [value] * LANES) for value in (32, 0xFFFFFFFF))
        for argument, upper, lower in ((0, w0, w1), (1, w2, w3)):
            array = context.make_array(signature.args[argument])(
                context, builder, arguments[argument]
            )
            pointer = builder.gep(array.data, [arguments[2]])
            packed = builder.or_(builder.shl(upper, up), builder.and_(lower, low))
            store = builder.store(packed, builder.bitcast(pointer, vector.as_pointer()))
            store.align = INDEX.width // 8
        return context.get_dummy_value()

    unsigned, array = types.uint64, types.Array(types.uint64, 1, "C")
    return types.void(array, array, types.int64, *[unsigned] * 6), build


@emitted
def philox_lanes(
    typing_context: Any, first: Any, second: Any, place: Any, c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any
) -> Any:  # fmt: skip
    """Philox4x32-10 of the counters (c0 + lane, c1, c2, c3) with key (k0, k1), ``LANES`` at once.

    Lane i writes its four words as two 64-bit ones, to ``first[place + i]`` and ``second[place + i]``.
    """
    return _philox((1, 0))


@emitted
def philox_rows(
    typing_context: Any, first: Any, second: Any, place: Any, c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any
) -> Any:  # fmt: skip
    """As ``philox_lanes``, for the counters (c0, c1 + lane, c2, c3): the same block of ``LANES`` rows."""
    return _philox((0, 1))


@emitted
def dot_lanes(typing_context: Any, x: Any, y: Any, count: Any) -> Any:
    """Sum of x[j] y[j] over j < ``count``, a multiple of 2 ``LANES``, in 2 ``LANES`` interleaved partial sums.

    Vectors spelled out, because a compiler may not reorder a floating-point sum by itself: this order is the
    definition of the result, on every machine.
    """
    element = x.dtype

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(context.get_value_type(element), LANES)
        left, right = (
            context.make_array(signature.args[i])(context, builder, arguments[i]).data
            for i in (0, 1)
        )
        size = arguments[2].type
        zero = ir.Constant(vector, [0.0] * LANES)
        allocate: Any = cgutils.alloca_once_value
        sums = [allocate(builder, zero) for _ in range(2)]
        steps = builder.udiv(arguments[2], ir.Constant(size, 2 * LANES))
        with cgutils.for_range(builder, steps) as loop:
            for half, total in enumerate(sums):
                place = builder.add(
                    builder.mul(loop.index, ir.Constant(size, 2 * LANES)),
                    ir.Constant(size, half * LANES),
                )
                terms = []
                for array in (left, right):
                    pointer = builder.bitcast(builder.gep(array, [place]), vector.as_pointer())
                    terms.append(builder.load(pointer, align=element.bitwidth // 8))
                product = builder.fmul(*terms)
                builder.store(builder.fadd(builder.load(total), product), total)
        joined = builder.fadd(builder.load(sums[0]), builder.load(sums[1]))
        parts = [
            builder.extract_element(joined, ir.Constant(ir.IntType(32), i)) for i in range(LANES)
        ]
        while len(parts) > 1:
            pairs = zip(parts[::2], parts[1::2], strict=True)
            parts = [builder.fadd(one, two) for one, two in pairs]
        return parts[0]

    array = types.Array(element, 1, "C")
    return element(array, array, types.int64), build
