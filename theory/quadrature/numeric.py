"""Expressions in numbers: functions of balls at a fixed precision.

Balls carry the rounding error of every operation; what is left to check is the quadrature alone.
"""

from collections.abc import Callable
from typing import TypeAlias

import sympy as sp
from flint import arb, fmpq

from theory.errors import ActivationError

Real: TypeAlias = Callable[[arb], arb]

_FUNCTIONS: dict[type[sp.Basic], Real] = {
    sp.erf: lambda value: value.erf(),
    sp.erfc: lambda value: value.erfc(),
    sp.exp: lambda value: value.exp(),
    sp.sin: lambda value: value.sin(),
    sp.cos: lambda value: value.cos(),
    sp.tanh: lambda value: value.tanh(),
    sp.cosh: lambda value: value.cosh(),
    sp.log: lambda value: value.log(),
    sp.atan: lambda value: value.atan(),
    sp.Abs: abs,
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


def function(expr: sp.Expr, x: sp.Symbol) -> Real:
    """Turn a smooth expression into a function of balls, at the current precision."""
    if not expr.is_polynomial(x):
        return _lower(expr, x)
    coefficients = [number(coefficient) for coefficient in sp.Poly(expr, x).all_coeffs()]
    if len(coefficients) == 1:
        return lambda _, constant=coefficients[0]: constant  # type: ignore[misc]
    if len(coefficients) == 2:
        slope, shift = coefficients
        return lambda value: slope * value + shift

    def horner(value: arb) -> arb:
        total = coefficients[0]
        for coefficient in coefficients[1:]:
            total = total * value + coefficient
        return total

    return horner


def _lower(expr: sp.Expr, x: sp.Symbol | None) -> Real:
    if expr == x:
        return lambda value: value
    if expr in _CONSTANTS:
        return _constant(_CONSTANTS[expr]())
    if expr.is_Rational:
        return _constant(arb(fmpq(int(expr.p), int(expr.q))))
    if isinstance(expr, sp.Pow):
        return _power(expr, x)
    arguments = [_lower(argument, x) for argument in expr.args]
    if isinstance(expr, sp.Add):
        return lambda value: sum((term(value) for term in arguments), arb(0))
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


def _constant(ball: arb) -> Real:
    return lambda _: ball


def _product(factors: list[Real]) -> Real:
    def product(value: arb) -> arb:
        total = factors[0](value)
        for factor in factors[1:]:
            total = total * factor(value)
        return total

    return product


def _power(expr: sp.Pow, x: sp.Symbol | None) -> Real:
    base, exponent = _lower(expr.base, x), expr.exp
    if exponent.is_Integer:
        # arb's own integer power is nan on a ball that contains 0.
        repeated = _product([base] * abs(int(exponent)))
        return repeated if exponent.is_positive else lambda value: 1 / repeated(value)
    if exponent == sp.Rational(1, 2):
        return lambda value: base(value).sqrt()
    if exponent == -sp.Rational(1, 2):
        return lambda value: base(value).rsqrt()
    raised = _lower(exponent, x)
    return lambda value: base(value) ** raised(value)
