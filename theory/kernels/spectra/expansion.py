"""Taylor expansions with a rigorous remainder, in one variable t on [-1, 1].

An expansion carries two truncated power series. ``at`` has its centre at t = 0. The coefficient of t^j in
``over`` contains f^(j)(s)/j! for every s in [-1, 1]; so f(t) = sum_{j<n} at_j t^j + R t^n with R in over_n
(Taylor, Lagrange's form). Both go through the same operations.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Union

import flint
import sympy as sp
from flint import arb, arb_series

from theory.arithmetic.balls import Balls

Number = Union["Expansion", arb, int]


class Expansion:
    """A function of t on [-1, 1], by the two series ``at`` and ``over``."""

    __slots__ = ("at", "over")

    def __init__(self, at: arb_series, over: arb_series) -> None:
        self.at, self.over = at, over

    @classmethod
    def of(cls, function: Callable[[arb_series], arb_series], low: arb, high: arb) -> "Expansion":
        """Return ``function`` on the interval [low, high], t = -1 and 1 at its ends."""
        middle, half = (low + high) / 2, (high - low) / 2
        return cls(
            function(arb_series([middle, half])), function(arb_series([low.union(high), half]))
        )

    @property
    def value(self) -> arb:
        """Value at t = 0."""
        return self.at[0]

    def map(self, operation: Callable[[arb_series], arb_series]) -> "Expansion":
        """Apply an operation to both series."""
        return Expansion(operation(self.at), operation(self.over))

    def antiderivative(self, value: arb) -> "Expansion":
        """Return the primitive with the given value at t = 0."""
        spread = value + self.over[0] * arb(0, 1)
        return Expansion(self.at.integral() + value, self.over.integral() + spread)

    def derivative(self) -> "Expansion":
        """Return the derivative by t, one term shorter."""
        return self.map(lambda series: series.derivative())

    def __add__(self, other: Number) -> "Expansion":
        if isinstance(other, Expansion):
            return Expansion(self.at + other.at, self.over + other.over)
        return Expansion(self.at + other, self.over + other)

    __radd__ = __add__

    def __neg__(self) -> "Expansion":
        return self.map(lambda series: -series)

    def __sub__(self, other: Number) -> "Expansion":
        return self + (-other)

    def __rsub__(self, other: Number) -> "Expansion":
        return (-self) + other

    def __mul__(self, other: Number) -> "Expansion":
        if isinstance(other, Expansion):
            return Expansion(self.at * other.at, self.over * other.over)
        return Expansion(self.at * other, self.over * other)

    __rmul__ = __mul__


@contextmanager
def terms(count: int, bits: int) -> Iterator[None]:
    """Work with series of ``count`` terms at ``bits`` bits, and restore what was before."""
    before = flint.ctx.cap
    flint.ctx.cap = count
    try:
        with flint.ctx.workprec(bits):
            yield
    finally:
        flint.ctx.cap = before


class Expansions(Balls):
    """The number system of expansions, for ``theory.arithmetic.lowering.lower``; balls count as constants."""

    name = "expansions"

    def mul(self, factors: list[Any]) -> Any:
        """Return a product."""
        result = factors[0] if factors else arb(1)
        for factor in factors[1:]:
            result = result * factor
        return result

    def power(self, base: Any, exponent: sp.Rational) -> Any:
        """Return an integer or half-integer power."""
        if isinstance(base, arb):
            return super().power(base, exponent)
        root = base if exponent.q == 1 else base.map(lambda series: series.sqrt())
        whole = self.mul([root] * abs(int(exponent.p)))
        return whole if exponent.p > 0 else whole.map(lambda series: series.inv())

    def apply(self, function: str, arguments: list[Any]) -> Any:
        """Return a function value; ``KeyError`` where there is no rule for series."""
        if all(isinstance(argument, arb) for argument in arguments):
            return super().apply(function, arguments)
        if function == "Cross":
            a, b, c, d = arguments
            return a * b - c * d
        if function == "Arc":
            P, Q, c = arguments
            return self.apply("asin", [c * self.power(P * Q, -sp.S.Half)])
        rule = RULES[function]
        return arguments[0].map(rule)


def _arc_sine(x: arb_series) -> arb_series:
    # Near 1 the slope is steep, and a wide ball is bounded by its ends.
    first, last = x[0].lower().max(arb(-1)), x[0].upper().min(arb(1))
    constant = x[0].asin() if x[0].rel_accuracy_bits() > 20 else first.asin().union(last.asin())
    return (x.derivative() * (1 - x * x).rsqrt()).integral() + constant


RULES: dict[str, Callable[[arb_series], arb_series]] = {
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "erf": lambda x: x.erf(),
    "erfc": lambda x: x.erfc(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "asin": lambda x: _arc_sine(x),
    "atan": lambda x: x.atan(),
    "Phi": lambda x: (x * (-1 / arb(2).sqrt())).erfc() / 2,
    "phi": lambda x: (x * x / -2).exp() / (2 * arb.pi()).sqrt(),
}
"""Functions of one variable that series know; those with two need Price's theorem first."""
