"""Standard normals by address: Philox words turned into normals by Box-Muller, in vectors.

Every number comes from a radius sqrt(-2 log u) and an angle, with u and the angle at the midpoints of equal cells, and
fixed polynomials in fused arithmetic rather than the machine's library: the bits are the same everywhere. A block of
four 32-bit words makes

* two float64 normals, from 2^52 cells of u and 2^54 of the circle, errors below 4 ulp. The largest normal is
  sqrt(106 log 2) = 8.57, where the law has mass 1e-17.
* four float32 normals, from 2^32 cells of both, errors below 3 ulp of float32. The largest normal is
  sqrt(66 log 2) = 6.76, where the law has mass 1.4e-11; the distribution function of each number before its rounding
  is within 2^-32 of the normal one.
"""

# ruff: noqa: ARG001  (Numba reads an intrinsic's arguments from its signature)
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types

from theory.networks.compiled import LANES, compiled, compiled_bare, emitted, philox, philox_lanes
from theory.networks.emitter import Emitter, called, constant, shuffled

CHUNK = 128
"""Blocks drawn at a time: their words stay in the first-level cache."""

_U = np.uint64
_QUARTER = 1.5707963267948966

# Minimax polynomials in ascending order of use (highest power first): fdlibm for float64, Cephes for float32.
_LOG_64 = (
    1.479819860511658591e-01,
    1.531383769920937332e-01,
    1.818357216161805012e-01,
    2.222219843214978396e-01,
    2.857142874366239149e-01,
    3.999999999940941908e-01,
    6.666666666666735130e-01,
)
_SINE_64 = (
    1.58969099521155010221e-10,
    -2.50507602534068634195e-08,
    2.75573137070700676789e-06,
    -1.98412698298579493134e-04,
    8.33333333332248946124e-03,
    -1.66666666666666324348e-01,
)
_COSINE_64 = (
    -1.13596475577881948265e-11,
    2.08757232129817482790e-09,
    -2.75573143513906633035e-07,
    2.48015872894767294178e-05,
    -1.38888888888741095749e-03,
    4.16666666666666019037e-02,
    -0.5,
)
_LOG_32 = (
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
    -0.5,
)
_SINE_32 = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COSINE_32 = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2, -0.5)


@compiled
def scratch():  # type: ignore[no-untyped-def]
    """Room for the words of one chunk; whoever draws signs or masks needs one, and threads need one each."""
    words = np.empty((2, CHUNK), np.uint64)
    return words[0], words[1]


@compiled
def draw_words(first, second, start, count, stream, row):  # type: ignore[no-untyped-def]
    """Blocks ``start`` ... ``start + count - 1`` of a row, each as two 64-bit words."""
    k0, k1, c2, c3 = stream
    for place in range(0, count, LANES):
        philox_lanes(first, second, place, _U(start + place), _U(row), c2, c3, k0, k1)


class _Polar:
    """Radii and points of the circle from words, one a lane; ``whole`` is the integer vector of the lanes."""

    def __init__(self, emit: Emitter) -> None:
        self.emit, self.builder = emit, emit.builder
        self.whole = ir.VectorType(ir.IntType(8 * emit.size), emit.lanes)

    def number(self, value: float) -> Any:
        kind = np.float64 if self.emit.size == 8 else np.float32
        return ir.Constant(self.emit.type, [float(kind(value))] * self.emit.lanes)

    def integer(self, value: int) -> Any:
        return ir.Constant(self.whole, [value] * self.emit.lanes)

    def polynomial(self, z: Any, coefficients: tuple[float, ...]) -> Any:
        value = self.number(coefficients[0])
        for c in coefficients[1:]:
            value = self.emit.fused(value, z, self.number(c))
        return value

    def split(self, x: Any, half: int, mantissa: int) -> tuple[Any, Any]:
        """Integer e and f in [sqrt(1/2) - 1, sqrt(2) - 1) with x = 2^e (1 + f); ``half`` encodes sqrt(1/2)."""
        builder = self.builder
        bits = builder.bitcast(x, self.whole)
        e = builder.ashr(builder.sub(bits, self.integer(half)), self.integer(mantissa))
        bits = builder.sub(bits, builder.shl(e, self.integer(mantissa)))
        return e, builder.fsub(builder.bitcast(bits, self.emit.type), self.number(1.0))

    def turned(self, sine: Any, cosine: Any, flips: Any, swaps: Any) -> tuple[Any, Any]:
        """The arc [-pi/4, pi/4] moved to one of the four quarters of the circle."""
        builder, sign = self.builder, 1 << (8 * self.emit.size - 1)
        bits = builder.xor(
            builder.bitcast(cosine, self.whole), builder.and_(flips, self.integer(sign))
        )
        cosine = builder.bitcast(bits, self.emit.type)
        upright = builder.icmp_signed("==", swaps, self.integer(0))
        select = builder.select
        return select(upright, cosine, sine), select(upright, sine, cosine)

    def radius_64(self, word: Any) -> Any:
        """sqrt(-2 log u), u = (w + 1/2) 2^-52 with w the top 52 bits: bits of 1 + w 2^-52, less 1 - 2^-53."""
        emit, builder = self.emit, self.builder
        bits = builder.or_(builder.lshr(word, self.integer(12)), self.integer(0x3FF << 52))
        u = builder.fsub(builder.bitcast(bits, emit.type), self.number(1.0 - 2.0**-53))
        e, f = self.split(u, 0x3FE6A09E667F3BCD, 52)
        e = builder.sitofp(e, emit.type)
        s = builder.fdiv(f, builder.fadd(self.number(2.0), f))
        z = builder.fmul(s, s)
        r = builder.fmul(z, self.polynomial(z, _LOG_64))
        half = builder.fmul(builder.fmul(self.number(0.5), f), f)
        low = emit.fused(
            e, self.number(1.90821492927058770002e-10), builder.fmul(s, builder.fadd(half, r))
        )
        small = builder.fsub(builder.fsub(half, low), f)
        log = emit.fused(e, self.number(6.93147180369123816490e-01), builder.fneg(small))
        return called(builder, "sqrt", builder.fmul(self.number(-2.0), log))

    def point_64(self, word: Any) -> tuple[Any, Any]:
        """The top two bits choose a quarter of the circle, the next 52 an angle inside it."""
        emit, builder = self.emit, self.builder
        bits = builder.and_(builder.lshr(word, self.integer(10)), self.integer(2**52 - 1))
        bits = builder.or_(bits, self.integer(0x3FF << 52))
        t = builder.fsub(builder.bitcast(bits, emit.type), self.number(1.5))
        y = builder.fmul(builder.fadd(t, self.number(2.0**-53)), self.number(_QUARTER))
        z = builder.fmul(y, y)
        sine = emit.fused(builder.fmul(y, z), self.polynomial(z, _SINE_64), y)
        cosine = emit.fused(z, self.polynomial(z, _COSINE_64), self.number(1.0))
        return self.turned(sine, cosine, word, builder.and_(word, self.integer(1 << 62)))

    def radius_32(self, word: Any) -> Any:
        """sqrt(-2 log u), u = (w + 1/2) 2^-32; where u is near 1, from 1 - u, which has all its digits."""
        emit, builder = self.emit, self.builder

        def middle(word: Any) -> Any:
            return builder.fadd(builder.uitofp(word, emit.type), self.number(0.5))

        e, f = self.split(middle(word), 0x3F3504F3, 23)
        rest = builder.fmul(middle(builder.not_(word)), self.number(-(2.0**-32)))
        f = builder.select(builder.icmp_signed("==", e, self.integer(32)), rest, f)
        e = builder.sitofp(builder.sub(e, self.integer(32)), emit.type)
        log = emit.fused(self.polynomial(f, _LOG_32), builder.fmul(f, f), f)
        log = emit.fused(e, self.number(-2.12194440e-4), log)
        log = emit.fused(e, self.number(0.693359375), log)
        return called(builder, "sqrt", builder.fmul(self.number(-2.0), log))

    def point_32(self, word: Any) -> tuple[Any, Any]:
        """The top two bits choose a quarter of the circle, the other 30 an angle inside it."""
        emit, builder = self.emit, self.builder
        angle = builder.or_(builder.shl(word, self.integer(2)), self.integer(2))
        y = builder.fmul(builder.sitofp(angle, emit.type), self.number(_QUARTER * 2.0**-32))
        z = builder.fmul(y, y)
        sine = emit.fused(builder.fmul(y, z), self.polynomial(z, _SINE_32), y)
        cosine = emit.fused(z, self.polynomial(z, _COSINE_32), self.number(1.0))
        return self.turned(sine, cosine, word, builder.and_(word, self.integer(1 << 30)))


def _double(emit: Emitter, counter: list[Any]) -> list[Any]:
    """16 float64 normals of 8 blocks: numbers 2 b and 2 b + 1 are of block b."""
    builder, polar = emit.builder, _Polar(emit)
    w0, w1, w2, w3 = philox(builder, (1, 0), *counter)
    up = polar.integer(32)
    low = polar.integer(0xFFFFFFFF)
    first, second = (
        builder.or_(builder.shl(upper, up), builder.and_(lower, low))
        for upper, lower in ((w0, w1), (w2, w3))
    )
    radius = polar.radius_64(first)
    one, two = (builder.fmul(radius, value) for value in polar.point_64(second))
    order = [lane + 8 * side for lane in range(8) for side in range(2)]
    return [shuffled(builder, one, two, order[:8]), shuffled(builder, one, two, order[8:])]


def _single(emit: Emitter, counter: list[Any]) -> list[Any]:
    """64 float32 normals of 16 blocks: numbers b, b + 16, b + 32 and b + 48 are of block b."""
    builder, polar = emit.builder, _Polar(emit)
    halves = []
    for half in range(2):
        drawn = philox(builder, (1, 0), emit.shifted(counter[0], 8 * half), *counter[1:])
        narrow = ir.VectorType(ir.IntType(32), 8)
        halves.append([builder.trunc(word, narrow) for word in drawn])
    words = [shuffled(builder, one, two, list(range(16))) for one, two in zip(*halves, strict=True)]
    normals = []
    for u, angle in (words[:2], words[2:]):
        radius = polar.radius_32(u)
        normals += [builder.fmul(radius, value) for value in polar.point_32(angle)]
    return normals


@emitted
def _draw(
    typing_context: Any, out: Any, begin: Any, count: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any
) -> Any:  # fmt: skip
    """Write ``count`` normals of a row from ``begin`` on, a multiple of the group drawn at a time."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        emit = Emitter(context, builder, signature, arguments)
        numbers = 16 // emit.size  # of one block
        group = (8 if emit.size == 8 else 16) * numbers
        allocate: Any = cgutils.alloca_once
        spare = allocate(builder, emit.element, size=group)
        data, (begin, count) = emit.data(0), arguments[1:3]
        groups = builder.sdiv(emit.shifted(count, group - 1), constant(group))
        with cgutils.for_range(builder, groups) as loop:
            start = builder.mul(loop.index, constant(group))
            block = builder.sdiv(builder.add(begin, start), constant(numbers))
            fits = builder.icmp_signed("<=", emit.shifted(start, group), count)
            target = builder.select(fits, builder.gep(data, [start]), spare)
            drawn = (_double if emit.size == 8 else _single)(emit, [block, *arguments[3:]])
            for i, vector in enumerate(drawn):
                emit.store(vector, target, constant(i * emit.lanes))
        whole = builder.mul(builder.sdiv(count, constant(group)), constant(group))
        with cgutils.for_range(builder, builder.sub(count, whole)) as loop:
            value = builder.load(builder.gep(spare, [loop.index]))
            builder.store(value, builder.gep(data, [builder.add(whole, loop.index)]))
        return context.get_dummy_value()

    whole, word = types.int64, types.uint64
    return types.void(out, whole, whole, word, word, word, word, word), build


@compiled_bare
def normals_from(out, begin, count, stream, row):  # type: ignore[no-untyped-def]
    """Write ``count`` standard normals of a row from number ``begin``, a multiple of 64, on; float64 or float32."""
    k0, k1, c2, c3 = stream
    _draw(out, begin, count, _U(row), c2, c3, k0, k1)


@compiled_bare
def fill_normals(out, count, stream, row):  # type: ignore[no-untyped-def]
    """Write the first ``count`` standard normals of a row."""
    normals_from(out, 0, count, stream, row)
