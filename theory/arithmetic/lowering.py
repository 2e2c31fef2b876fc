"""One expression, several number systems: walk a SymPy tree with a table of operations.

``lambdify`` is unsound for balls (it turns Rational(1, 3) into a float); here every rational reaches
the number system exactly, and a missing rule is an error, not a guess.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
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

    Notes
    -----
    The tree is walked once and remembered as a list of steps: SymPy is slow, and most expressions are
    evaluated at many points.
    """
    return program(expr).run(values, system)


_Operation = Callable[[System, list[Any]], Any]


@dataclass(frozen=True)
class Program:
    """Symbols come first; each step works on the results before it, by their indices."""

    symbols: tuple[sp.Symbol, ...]
    steps: tuple[tuple[_Operation, tuple[int, ...]], ...]
    result: int

    def run(self, values: Mapping[sp.Symbol, Any], system: System) -> Any:
        """Evaluate in a number system, as ``lower``."""
        try:
            known = [values[symbol] for symbol in self.symbols]
        except KeyError as error:
            raise InputError(f"no value was given for the symbol {error.args[0]}") from None
        for operation, operands in self.steps:
            known.append(operation(system, [known[i] for i in operands]))
        return known[self.result]


def _signs_known(expr: sp.Expr) -> bool:
    """Whether Owen's formula, which differs from quadrant to quadrant, can be written down."""
    h, k, _ = expr.args
    return all(a.is_positive or a.is_negative or a.is_zero for a in (h, k))


@lru_cache(maxsize=4096)
def program(expr: sp.Expr) -> Program:
    """Return an expression as a list of steps."""
    symbols = tuple(sorted(expr.free_symbols, key=str))
    where: dict[sp.Expr, int] = {symbol: i for i, symbol in enumerate(symbols)}
    steps: list[tuple[_Operation, tuple[int, ...]]] = []

    def place(node: sp.Expr) -> int:
        if node not in where:
            written = _written(node)
            if written is node:
                operation, operands = _operation(node)
                steps.append((operation, tuple([place(operand) for operand in operands])))
                where[node] = len(symbols) + len(steps) - 1
            else:
                where[node] = place(written)
        return where[node]

    result = place(expr)
    return Program(symbols, tuple(steps), result)


def _operation(expr: sp.Expr) -> tuple[_Operation, tuple[sp.Expr, ...]]:
    """Return what a node does, and to what."""
    if expr.is_Rational:
        numerator, denominator = int(expr.p), int(expr.q)
        return lambda system, _: system.rational(numerator, denominator), ()
    if expr is sp.pi:
        return lambda system, _: system.pi(), ()
    if expr is sp.oo:
        return lambda system, _: system.infinity(), ()
    if expr.is_Add:
        return lambda system, terms: system.add(terms), expr.args
    if expr.is_Mul:
        return lambda system, factors: system.mul(factors), expr.args
    if expr.is_Pow and expr.exp.is_Rational and expr.exp.q in (1, 2):
        exponent = expr.exp
        return lambda system, base: system.power(base[0], exponent), expr.args[:1]
    name = type(expr).__name__

    def call(system: System, arguments: list[Any]) -> Any:
        try:
            return system.apply(name, arguments)
        except KeyError:
            raise InputError(
                f"{system.name} arithmetic has no rule for {name} in {expr}; "
                f"add it to theory/arithmetic/{system.name}.py"
            ) from None

    return call, expr.args


def _written(expr: sp.Expr) -> sp.Expr:
    """Write out what no number system has of its own."""
    if isinstance(expr, Orthant) or (isinstance(expr, Phi2) and _signs_known(expr)):
        return expr.rewrite(OwenT)
    if isinstance(expr, JointDensity):
        return expr.rewrite(phi)
    return expr
