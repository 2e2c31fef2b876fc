"""One expression, several number systems: walk a SymPy tree with a table of operations.

``lambdify`` is unsound for balls (it turns Rational(1, 3) into a float); here every rational reaches
the number system exactly, and a missing rule is an error, not a guess.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import sympy as sp

from theory.arithmetic.functions import JointDensity, Orthant, OwenT, Phi2, phi
from theory.errors import InputError


class System(Protocol):
    """A number system: exact constants in, the four operations, and functions by SymPy name."""

    name: str

    def rational(self, numerator: int, denominator: int) -> Any:
        """Return an exact rational."""

    def pi(self) -> Any:
        """Return pi."""

    def infinity(self) -> Any:
        """Return plus infinity."""

    def add(self, terms: list[Any]) -> Any:
        """Return a sum."""

    def mul(self, factors: list[Any]) -> Any:
        """Return a product."""

    def power(self, base: Any, exponent: sp.Rational) -> Any:
        """Return an integer or half-integer power."""

    def apply(self, function: str, arguments: list[Any]) -> Any:
        """Return a function value; raise ``KeyError`` where there is no rule."""


def lower(expr: sp.Expr, values: Mapping[sp.Symbol, Any], system: System) -> Any:
    """Evaluate ``expr`` in a number system; each distinct subexpression is computed once.

    Parameters
    ----------
    expr
        Sums, products, integer and half-integer powers, and the functions the system knows.
    values
        A number of the system for every free symbol.

    Raises
    ------
    InputError
        For a symbol without value or a function without rule.
    """
    return _Walk(values, system)(expr)


def _signs_known(expr: sp.Expr) -> bool:
    """Whether Owen's formula, which differs from quadrant to quadrant, can be written down."""
    h, k, _ = expr.args
    return all(a.is_positive or a.is_negative or a.is_zero for a in (h, k))


class _Walk:
    def __init__(self, values: Mapping[sp.Symbol, Any], system: System) -> None:
        self.system = system
        self.known: dict[sp.Expr, Any] = dict(values)

    def __call__(self, expr: sp.Expr) -> Any:
        if expr not in self.known:
            self.known[expr] = self._value(expr)
        return self.known[expr]

    def _value(self, expr: sp.Expr) -> Any:
        system = self.system
        if expr.is_Rational:
            return system.rational(int(expr.p), int(expr.q))
        if expr is sp.pi:
            return system.pi()
        if expr is sp.oo:
            return system.infinity()
        if expr.is_Add:
            return system.add([self(arg) for arg in expr.args])
        if expr.is_Mul:
            return system.mul([self(arg) for arg in expr.args])
        if expr.is_Pow and expr.exp.is_Rational and expr.exp.q in (1, 2):
            return system.power(self(expr.base), expr.exp)
        if isinstance(expr, Orthant) or (isinstance(expr, Phi2) and _signs_known(expr)):
            return self(expr.rewrite(OwenT))
        if isinstance(expr, JointDensity):
            return self(expr.rewrite(phi))
        if expr.is_Symbol:
            raise InputError(f"no value was given for the symbol {expr}")
        name = type(expr).__name__
        try:
            rule = system.apply
            return rule(name, [self(arg) for arg in expr.args])
        except KeyError:
            raise InputError(
                f"{system.name} arithmetic has no rule for {name} in {expr}; "
                f"add it to theory/arithmetic/{system.name}.py"
            ) from None
