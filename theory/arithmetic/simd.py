# ruff: noqa: ARG001  (Numba names the arguments of an intrinsic)
# mypy: disable-error-code="call-arg, no-untyped-call, var-annotated"
"""Elementary functions without branches: inside a Numba loop LLVM turns them into vector code.

Numba calls the C library for ``exp`` and ``erfc``, one number at a time; these inline, and a loop over
them runs four or eight lanes wide. Coefficients are interpolants at Chebyshev nodes, computed once by
mpmath (``tests/theory/arithmetic/test_simd.py`` recomputes and bounds them).
"""

import math
from collections.abc import Callable
from typing import Any, cast

import mpmath
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray


@intrinsic
def _bits_to_double(typing_context: Any, n: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), generate


@intrinsic
def _double_to_bits(typing_context: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return types.float64(types.float64, types.float64, types.float64), generate


# a*b + c with one rounding
fma: Callable[[float, float, float], float] = cast(Any, _fma)


@intrinsic
def _wide(typing_context: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # llvmlite lists the attributes it knows; the set below it takes any.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate


# Called in a function: its loops may run eight lanes wide, where LLVM stops at four by itself (on
# processors that once slowed down for it). No number depends on it.
wide: Callable[[], None] = cast(Any, _wide)


# Adding 1.5 * 2**52 rounds to the nearest integer and leaves it in the low bits of the mantissa.
_ROUND = 6755399441055744.0
_LOG2E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_C2, _C3, _C4, _C5, _C6, _C7, _C8, _C9, _C10, _C11, _C12 = (
    1.0 / math.factorial(i) for i in range(2, 13)
)


@njit(inline="always")
def _reduced(x: float) -> tuple[float, float]:
    """Return 2**n and expm1(x - n ln 2), |x - n ln 2| <= ln(2)/2."""
    x = max(x, -708.0)
    shifted = x * _LOG2E + _ROUND
    n = shifted - _ROUND
    r = fma(n, -_LN2_HIGH, x)
    r = fma(n, -_LN2_LOW, r)
    r2 = r * r
    r4 = r2 * r2
    low = fma(fma(_C5, r, _C4), r2, fma(_C3, r, _C2))
    high = fma(fma(_C9, r, _C8), r2, fma(_C7, r, _C6))
    top = fma(_C12, r2, fma(_C11, r, _C10))
    tail = fma(fma(top, r4, high), r4, low)
    return _bits_to_double((_double_to_bits(shifted) + 1023) << 52), fma(tail, r2, r)


@njit(inline="always")
def exp(x: float) -> float:
    """Return exp(x) to 1 ulp for -708 <= x <= 709, and 0 below."""
    power, rest = _reduced(x)
    return fma(power, rest, power) if x >= -708.0 else 0.0


@njit(inline="always")
def expm1(x: float) -> float:
    """Return exp(x) - 1 to 2 ulp for x <= 709."""
    power, rest = _reduced(x)
    return fma(power, rest, power - 1.0)


def _interpolant(f: Callable[[Any], Any], low: Any, high: Any, degree: int) -> tuple[float, ...]:
    """Return coefficients, highest first, in powers of t in [-1, 1] mapped on [low, high]."""
    with mpmath.workdps(50):
        n = degree + 1
        nodes = [mpmath.cos((mpmath.mpf(2 * k + 1) * mpmath.pi) / (2 * n)) for k in range(n)]
        values = [f(low + (high - low) * (1 + t) / 2) for t in nodes]
        total = [mpmath.mpf(0)] * n
        older, newer = [mpmath.mpf(1)], [mpmath.mpf(0), mpmath.mpf(1)]
        for j in range(n):
            weight = sum(
                v * mpmath.cos(j * (mpmath.mpf(2 * k + 1) * mpmath.pi) / (2 * n))
                for k, v in enumerate(values)
            ) * (mpmath.mpf(1 if j == 0 else 2) / n)
            for power, coefficient in enumerate(older):
                total[power] += weight * coefficient
            step = [mpmath.mpf(0)] + [2 * x for x in newer]
            for power, coefficient in enumerate(older):
                step[power] -= coefficient
            older, newer = newer, step
        return tuple(float(x) for x in reversed(total))


def _tail_shape(t: Any) -> Any:
    """Return (1 + x) Phi(-x) exp(x**2/2) at x = 4 (1 + t)/(1 - t)."""
    x = 4 * (1 + t) / (1 - t)
    return (1 + x) * mpmath.exp(x**2 / 2) * mpmath.erfc(x / mpmath.sqrt(2)) / 2


def _central_shape(square: Any) -> Any:
    """Return erf(x/sqrt 2)/x at x = sqrt(square)."""
    x = mpmath.sqrt(square)
    return mpmath.erf(x / mpmath.sqrt(2)) / x


_TAIL = _interpolant(_tail_shape, mpmath.mpf(-1), mpmath.mpf(1), 23)
CENTRE = 1.0
_CENTRAL = _interpolant(_central_shape, mpmath.mpf(0), mpmath.mpf(CENTRE**2), 9)
INV_SQRT_2PI = 1.0 / math.sqrt(2.0 * math.pi)


def _horner(coefficients: tuple[float, ...]) -> Any:
    """Return a compiled polynomial with the coefficients written out."""
    body = repr(coefficients[0])
    for c in coefficients[1:]:
        body = f"fma({body}, t, {c!r})"
    scope: dict[str, Any] = {"fma": fma}
    exec(f"def polynomial(t):\n    return {body}", scope)
    return njit(inline="always")(scope["polynomial"])


def _lag_shape(square: Any) -> Any:
    """Return (x - atan(x))/x**3 at x = sqrt(square)."""
    x = mpmath.sqrt(square)
    return (x - mpmath.atan(x)) / x**3


_LAG = _interpolant(_lag_shape, mpmath.mpf(0), mpmath.mpf(1), 21)
_tail_polynomial = _horner(_TAIL)
_central_polynomial = _horner(_CENTRAL)
_lag_polynomial = _horner(_LAG)


@njit(inline="always")
def gauss(x: float) -> float:
    """Return exp(-x**2/2) to 2 ulp."""
    half = 0.5 * x * x
    lost = fma(0.5 * x, x, -half)
    value = exp(-half)
    return value - value * lost


@njit(inline="always")
def upper(x: float) -> float:
    """Return P(Z > x) for x >= 0, to about 4 ulp (0 from x = 38 on)."""
    both = 1.0 / ((x + 4.0) * (1.0 + x))
    t = (x - 4.0) * ((1.0 + x) * both)
    return gauss(x) * _tail_polynomial(t) * ((x + 4.0) * both)


@njit(inline="always")
def within(x: float) -> float:
    """Return P(|Z| < x) for 0 <= x <= ``CENTRE``, to 2 ulp."""
    return x * _central_polynomial(2.0 * x * x / (CENTRE * CENTRE) - 1.0)


@njit(inline="always")
def lag(x: float) -> float:
    """Return x - atan(x) for 0 <= x <= 1, to 3 ulp."""
    square = x * x
    return (x * square) * _lag_polynomial(2.0 * square - 1.0)


@njit(inline="always")
def arctan(x: float) -> float:
    """Return atan(x) for 0 <= x <= 1, to 2 ulp."""
    return x - lag(x)


@intrinsic
def _pointer(typing_context: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, args[0]).data

    return types.CPointer(types.float64)(array), generate


# The data pointer of a contiguous float64 array. It is indexed without wraparound: a comparison of
# each index with 0 would keep loops from being vectorised. It does not keep the array alive.
pointer: Callable[[NDArray[np.float64]], Any] = cast(Any, _pointer)
