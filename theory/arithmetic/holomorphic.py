"""Expressions as functions of complex balls, for rigorous contour bounds inside ``acb.integral``.

Where an argument may touch a branch cut the value is not finite, which tells the integrator to look closer.
"""

from collections.abc import Callable, Mapping

import sympy as sp
from flint import acb, arb

from theory.arithmetic.balls import Balls
from theory.arithmetic.lowering import lower
from theory.errors import InputError

Function = Callable[[acb], acb]

_NOWHERE = acb(arb("nan"), arb("nan"))


def holomorphic(
    expr: sp.Expr, x: sp.Symbol, values: Mapping[sp.Symbol, arb] | None = None
) -> Function:
    """Compile ``expr`` in the variable ``x``, with its constants at the working precision of this moment.

    ``values`` are real balls for further symbols.

    Raises
    ------
    InputError
        For a function without rule.
    """
    if expr == x:
        return lambda z: z
    if not expr.has(x):
        constant = acb(lower(expr, values or {}, Balls()))
        return lambda _: constant
    if expr.is_Pow and expr.exp.is_Integer:
        return _power(holomorphic(expr.base, x, values), int(expr.exp))
    inner = [holomorphic(argument, x, values) for argument in expr.args]
    if expr.is_Add:
        return lambda z: sum((term(z) for term in inner), acb(0))
    if expr.is_Mul:
        return lambda z: _product(inner, z)
    rule = _RULES.get(type(expr).__name__)
    if rule is None:
        raise InputError(
            f"no rule for {type(expr).__name__} at complex balls; add it to theory/arithmetic/holomorphic.py"
        )
    return lambda z: rule(*(argument(z) for argument in inner))


def _product(factors: list[Function], z: acb) -> acb:
    result = factors[0](z)
    for factor in factors[1:]:
        result = result * factor(z)
    return result


def _power(base: Function, exponent: int) -> Function:
    def value(z: acb) -> acb:
        b = base(z)
        result = b
        for _ in range(abs(exponent) - 1):
            result = result * b
        return result if exponent > 0 else 1 / result

    return value


def _log(z: acb) -> acb:
    return z.log() if z.real > 0 else _NOWHERE


def _atan(z: acb) -> acb:
    return z.atan() if abs(z.imag) < 1 else _NOWHERE


def _tanh(z: acb) -> acb:
    if z.real > 1:
        small = (-2 * z).exp()
        return (1 - small) / (1 + small)
    return -_tanh(-z) if z.real < -1 else z.tanh()


def _faddeeva(z: acb) -> acb:
    w = acb(0, -1) * z
    if w.real > 0 and w.abs_lower() > 4:
        # exp(w^2) erfc(w) as one function: the factors leave any exponent range on wide balls.
        half = arb("0.5")
        return (w * w).hypgeom_u(half, half) / arb.pi().sqrt()
    return (w * w).exp() * w.erfc()


def _voigt(x: acb, y: acb) -> acb:
    shift = acb(0, 1) * y
    return (_faddeeva(x + shift) + _faddeeva(shift - x)) / 2


_RULES: dict[str, Callable[..., acb]] = {
    "Phi": lambda z: (-z / arb(2).sqrt()).erfc() / 2,
    "phi": lambda z: (-(z * z) / 2).exp() / (2 * arb.pi()).sqrt(),
    "exp": lambda z: z.exp(),
    "erf": lambda z: z.erf(),
    "sin": lambda z: z.sin(),
    "cos": lambda z: z.cos(),
    "tanh": _tanh,
    "cosh": lambda z: z.cosh(),
    "log": _log,
    "atan": _atan,
    "Voigt": _voigt,
}
