"""Activations beyond piecewise polynomials as small stack programs, run on arrays by one compiled interpreter."""

from math import atan, cos, cosh, erfc, exp, fabs, log, log1p, sin, sqrt, tanh
from typing import Any

import numpy as np
import sympy as sp

from theory.activations.atoms import x
from theory.errors import InputError
from theory.networks.compiled import compiled

Step = tuple[int, float]

_X, _CONSTANT, _ADD, _MUL, _BELOW, _AT, _POWER = range(7)
_FUNCTIONS = ("exp", "sin", "cos", "tanh", "cosh", "log", "atan", "Abs", "sign", "Phi", "log_cosh")
_FIRST = 10


def program(expr: sp.Expr) -> list[Step]:
    """Return ``expr`` in ``theory.activations.x`` as steps (code, argument) of a stack machine.

    Raises
    ------
    InputError
        For a function that the machine does not know.
    """
    if not expr.has(x):
        return [(_CONSTANT, float(expr))]
    if expr == x:
        return [(_X, 0.0)]
    if isinstance(expr, sp.Piecewise):
        return _choice(list(expr.args))
    if expr.is_Pow and expr.exp.is_Integer:
        return [*program(expr.base), (_POWER, float(expr.exp))]
    if expr.is_Add or expr.is_Mul:
        code = _ADD if expr.is_Add else _MUL
        first, *rest = (program(argument) for argument in expr.args)
        return [*first, *(step for other in rest for step in (*other, (code, 0.0)))]
    inside, name = expr.args[0], type(expr).__name__
    if isinstance(expr, sp.log) and isinstance(inside, sp.cosh):  # cosh alone would overflow
        inside, name = inside.args[0], "log_cosh"
    if name not in _FUNCTIONS:
        raise InputError(
            f"networks cannot evaluate {name} in {expr}; add it to theory/networks/programs.py"
        )
    return [*program(inside), (_FIRST + _FUNCTIONS.index(name), 0.0)]


def _choice(branches: list[tuple[sp.Expr, sp.Basic]]) -> list[Step]:
    value, condition = branches[0]
    if condition == sp.true:
        return program(value)
    code = _BELOW if isinstance(condition, sp.StrictLessThan) else _AT
    place = float(condition.rhs)
    return [*program(value), *_choice(branches[1:]), (code, place)]


@compiled
def run(codes, arguments, length, values, out, count):  # type: ignore[no-untyped-def]
    """Write the program's value at the first ``count`` values to ``out``, another array."""
    stack = np.empty((length, count))
    top = -1
    for step in range(length):
        code, argument = codes[step], arguments[step]
        if code <= _CONSTANT:
            top += 1
            for i in range(count):
                stack[top, i] = values[i] if code == _X else argument
        elif code <= _AT:
            top -= 1
            for i in range(count):
                stack[top, i] = _joined(code, argument, values[i], stack[top, i], stack[top + 1, i])
        elif code == _POWER:
            for i in range(count):
                stack[top, i] = _power(stack[top, i], int(argument))
        else:
            for i in range(count):
                stack[top, i] = _value(code - _FIRST, stack[top, i])
    out[:count] = stack[0]


@compiled
def _joined(code, place, z, one, other):  # type: ignore[no-untyped-def]
    if code == _ADD:
        return one + other
    if code == _MUL:
        return one * other
    chosen = z < place if code == _BELOW else z == place
    return one if chosen else other


@compiled
def _power(base, exponent):  # type: ignore[no-untyped-def]
    power = 1.0
    for _ in range(abs(exponent)):
        power *= base
    return power if exponent > 0 else 1.0 / power


@compiled
def _value(function, z):  # type: ignore[no-untyped-def]
    if function == 0:  # saturates: what it multiplies may be 0
        return exp(min(z, 709.0))
    if function == 1:
        return sin(z)
    if function == 2:
        return cos(z)
    if function == 3:
        return tanh(z)
    if function == 4:
        return cosh(z)
    if function == 5:
        return log(z)
    if function == 6:
        return atan(z)
    if function == 7:
        return fabs(z)
    if function == 8:
        return 0.0 if z == 0.0 else (1.0 if z > 0.0 else -1.0)
    if function == 9:
        return 0.5 * erfc(-z / sqrt(2.0))
    return fabs(z) + log1p(exp(-2.0 * fabs(z))) - log(2.0)


def traced(steps: list[Step], values: Any, jax: Any) -> Any:
    """Value of a program at an array of JAX."""
    jnp, stack = jax.numpy, []
    functions = {
        "Abs": jnp.abs,
        "atan": jnp.arctan,
        "Phi": jax.scipy.special.ndtr,
        "log_cosh": lambda z: jnp.logaddexp(z, -z) - log(2.0),
    }
    for code, argument in steps:
        if code <= _CONSTANT:
            stack.append(values if code == _X else jnp.full_like(values, argument))
        elif code <= _AT:
            other, one = stack.pop(), stack.pop()
            if code in (_ADD, _MUL):
                stack.append(one + other if code == _ADD else one * other)
            else:
                stack.append(
                    jnp.where(
                        values < argument if code == _BELOW else values == argument, one, other
                    )
                )
        elif code == _POWER:
            stack.append(stack.pop() ** int(argument))
        else:
            name = _FUNCTIONS[code - _FIRST]
            function = functions[name] if name in functions else getattr(jnp, name)
            stack.append(function(stack.pop()))
    return stack.pop()
