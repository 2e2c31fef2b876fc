"""Expressions in numbers: analytic functions of real and complex balls at a fixed precision.

Balls carry the rounding error of every operation, and a wide complex ball bounds a function off the
real axis, which is what bounds the error of a quadrature.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import sympy as sp
from flint import acb, arb, fmpq

from theory.errors import ActivationError

# Real balls to real balls, complex ones to complex ones; a constant stays real.
Holomorphic: TypeAlias = Callable[[Any], Any]


def _analytic(name: str) -> Holomorphic:
    """Return a function that is nan on complex balls that meet its branch cut."""

    def function_(value: Any) -> Any:
        method = getattr(value, name)
        return method(analytic=True) if isinstance(value, acb) else method()

    return function_


_FUNCTIONS: dict[type[sp.Basic], Holomorphic] = {
    sp.erf: lambda value: value.erf(),
    sp.erfc: lambda value: value.erfc(),
    sp.exp: lambda value: value.exp(),
    sp.sin: lambda value: value.sin(),
    sp.cos: lambda value: value.cos(),
    sp.tanh: lambda value: value.tanh(),
    sp.cosh: lambda value: value.cosh(),
    sp.log: _analytic("log"),
    # A ball that is symmetric about the real axis meets the cuts only with +-i, where this is nan.
    sp.atan: lambda value: value.atan(),
}
_CONSTANTS: dict[sp.Basic, Callable[[], arb]] = {
    sp.pi: arb.pi,
    sp.E: arb.const_e,
    sp.oo: lambda: arb("inf"),
    -sp.oo: lambda: -arb("inf"),
}


def number(value: sp.Expr) -> arb:
    """Enclose an exact SymPy number at the current precision."""
    return _lower(value, None)(arb(0))


def function(expr: sp.Expr, x: sp.Symbol) -> Holomorphic:
    """Turn a smooth expression into a function of balls, at the current precision."""
    if not expr.is_polynomial(x):
        return _lower(expr, x)
    coefficients = [number(coefficient) for coefficient in sp.Poly(expr, x).all_coeffs()]
    if len(coefficients) == 1:
        return lambda _, constant=coefficients[0]: constant  # type: ignore[misc]
    if len(coefficients) == 2:
        slope, shift = coefficients
        return lambda value: slope * value + shift

    def horner(value: Any) -> Any:
        total = coefficients[0]
        for coefficient in coefficients[1:]:
            total = total * value + coefficient
        return total

    return horner


def _lower(expr: sp.Expr, x: sp.Symbol | None) -> Holomorphic:
    if expr == x:
        return lambda value: value
    if expr in _CONSTANTS:
        return _constant(_CONSTANTS[expr]())
    if expr.is_Rational:
        return _constant(arb(fmpq(int(expr.p), int(expr.q))))
    if isinstance(expr, sp.Pow):
        return _power(expr, x)
    if x is not None:
        constant, rest = expr.as_independent(x, as_Add=False)
        if constant != 1:
            return _scaled(number(constant), rest, x)
        if isinstance(expr, sp.exp) and _is_bell(expr.args[0], x):
            return _bell(expr.args[0], x)
    arguments = [_lower(argument, x) for argument in expr.args]
    if isinstance(expr, sp.Add):
        return _sum(arguments)
    if isinstance(expr, sp.Mul):
        return _product(arguments)
    rule = _FUNCTIONS.get(expr.func)
    if rule is None:
        raise ActivationError(
            f"no rule to evaluate {expr.func.__name__} in {expr}; "
            f"add it to the table of theory/quadrature/numeric.py"
        )
    (argument,) = arguments
    return lambda value: rule(argument(value))


def _scaled(factor: arb, rest: sp.Expr, x: sp.Symbol) -> Holomorphic:
    if rest == 1:
        return _constant(factor)
    if rest == x:
        return lambda value: factor * value
    inner = _lower(rest, x)
    return lambda value: factor * inner(value)


def _is_bell(argument: sp.Expr, x: sp.Symbol) -> bool:
    return bool(argument.is_polynomial(x)) and sp.degree(argument, x) == 2


def _bell(argument: sp.Expr, x: sp.Symbol) -> Holomorphic:
    """Complete the square, so that a wide ball is squared without loss."""
    bend, tilt, _ = sp.Poly(argument, x).all_coeffs()
    centre = -tilt / (2 * bend)
    top, place, scale = map(number, (argument.subs(x, centre), centre, bend))
    return lambda value: (top + scale * _square(value - place)).exp()


def _square(value: Any) -> Any:
    if isinstance(value, acb):
        across = value.real * value.imag
        return acb(_square(value.real) - _square(value.imag), 2 * across)
    if value.rel_accuracy_bits() > 8:
        return value * value
    return (value.abs_lower() * value.abs_lower()).union(value.abs_upper() * value.abs_upper())


def _constant(ball: arb) -> Holomorphic:
    return lambda _: ball


def _sum(terms: list[Holomorphic]) -> Holomorphic:
    def total(value: Any) -> Any:
        found = terms[0](value)
        for term in terms[1:]:
            found = found + term(value)
        return found

    return total


def _product(factors: list[Holomorphic]) -> Holomorphic:
    def product(value: Any) -> Any:
        total = factors[0](value)
        for factor in factors[1:]:
            total = total * factor(value)
        return total

    return product


def _power(expr: sp.Pow, x: sp.Symbol | None) -> Holomorphic:
    exponent = expr.exp
    if exponent.is_Integer:
        parts = sp.Mul.make_args(sp.factor(expr.base)) if exponent.is_negative else ()
        if len(parts) > 1:
            # Factors of a pole are bounded one by one.
            return _lower(sp.Mul(*(part**exponent for part in parts)), x)
        repeated = _repeated(expr.base, abs(int(exponent)), x)
        return repeated if exponent.is_positive else lambda value: 1 / repeated(value)
    if exponent in (sp.Rational(1, 2), -sp.Rational(1, 2)):
        root = _analytic("sqrt" if exponent.is_positive else "rsqrt")
        base = _lower(expr.base, x)
        return lambda value: root(base(value))
    if x is not None and expr.has(x):
        raise ActivationError(f"no rule to evaluate the power {expr} off the real axis")
    base, raised = _lower(expr.base, x), _lower(exponent, x)
    return lambda value: base(value) ** raised(value)


def _repeated(base: sp.Expr, times: int, x: sp.Symbol | None) -> Holomorphic:
    """Multiply repeatedly; wide balls are squared without loss, so that poles stay apart from the axis."""
    if x is not None and base.is_polynomial(x) and sp.degree(base, x) == 2:
        poly = sp.Poly(base, x)
        bend, tilt, _ = poly.all_coeffs()
        centre = -tilt / (2 * bend)
        least, place, scale = map(number, (base.subs(x, centre), centre, bend))

        def parabola(value: Any) -> Any:
            return least + scale * _square(value - place)

        return _product([parabola] * times)
    factor = _lower(base, x)
    if times % 2:
        # arb's own integer power is nan on a ball that contains 0.
        return _product([factor] * times)
    half = _repeated(base, times // 2, x)
    return lambda value: _square(half(value))
