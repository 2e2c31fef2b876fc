r"""Expectations without closed form, as integrals: to read, certified, and in float64.

With v given u normal, of mean m = c u/p and variance s = q - c^2/p,

    E[f(u) g(v)] = \int f(u) E[g(v) | u] \varphi_p(u) du,

and the inner mean is closed unless g holds a curve; then it is an integral too. The three classes have the evaluators
of ``theory.arithmetic.Formula``.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy as sp
from flint import arb
from numpy.typing import NDArray

from theory.activations import Activation
from theory.activations import atoms as at
from theory.activations.atoms import x
from theory.arithmetic.balls import accurate_ball
from theory.arithmetic.exact import exact_or_dyadic
from theory.arithmetic.functions import phi
from theory.errors import DomainError
from theory.gaussian.averages import average, given
from theory.gaussian.enclosure import line_ball, pair_ball
from theory.gaussian.rules import line_float64, pair_float64

Float = NDArray[np.float64]

_P, _Q = sp.symbols("p q", positive=True)
_C = sp.Symbol("c", real=True)
_ONE = Activation.of([at.step(sp.S.One, 0)])


@dataclass(frozen=True)
class PairIntegral:
    """E[f(u) g(v)] of two activations, at least one of which has no closed form, |c| < sqrt(pq)."""

    f: Activation
    g: Activation
    closed: sp.Expr | None = None

    @cached_property
    def parts(self) -> tuple[Activation, Activation, bool]:
        """The outer function, the inner one, and whether they were exchanged: the simpler mean goes inside."""
        # Masses alone evaluate the other function: no outer integral is left.
        costs = [
            -1
            if all(a.is_dirac for a in h.atoms)
            else 4 - 2 * (average(h) is None) - (h.has_curve or h.has_tilted_step)
            for h in (self.f, self.g)
        ]
        exchanged = costs[1] < costs[0]
        return (self.g, self.f, True) if exchanged else (self.f, self.g, False)

    @property
    def expr(self) -> sp.Expr:
        """A sum of Dirac terms in closed form and an unevaluated ``Integral``."""
        outer, inner, exchanged = self.parts
        P, Q, c = (_Q, _P, _C) if exchanged else (_P, _Q, _C)
        u = sp.Symbol("v" if exchanged else "u", real=True)
        total, std = sp.S.Zero, sp.sqrt(Q - c**2 / P)
        for mass in (a for a in outer.atoms if a.is_dirac):
            density = phi(mass.at / sp.sqrt(P)) / sp.sqrt(P)
            total += mass.coef * density * given(inner, c * mass.at / P, std)
        regular = Activation.of([a for a in outer.atoms if not a.is_dirac])
        if regular.atoms:
            density = phi(u / sp.sqrt(P)) / sp.sqrt(P)
            integrand = regular.expr.subs(x, u) * given(inner, c * u / P, std) * density
            total += sp.Integral(integrand, (u, -sp.oo, sp.oo))
        return total

    def ball(self, P: sp.Expr, Q: sp.Expr, C: sp.Expr, bits: int) -> arb:
        """Return a ball with ``bits`` good bits (absolute radius 2**-4096 for smaller values)."""
        values = {_P: P, _Q: Q, _C: C}
        if self.closed is not None:
            # Quick at moderate variances and near the line; far out no precision keeps its digits.
            with suppress(DomainError):
                result = accurate_ball(self.closed, values, bits, floor=256)
                if result.rel_accuracy_bits() >= bits:
                    return result
        outer, inner, exchanged = self.parts
        try:
            return pair_ball(outer, inner, *((Q, P, C) if exchanged else (P, Q, C)), bits)
        except DomainError:
            if self.closed is None:
                raise
            # Close to the line an integral cannot follow; thousands of bits can.
            return accurate_ball(self.closed, values, bits, floor=1 << 13)

    def float64(self, P: Float, Q: Float, C: Float, **_: object) -> Float:
        """Evaluate at arrays, each value to 1e-13 of E|f g|: by rules, in milliseconds, else by balls."""
        outer, inner, exchanged = self.parts

        def ball(p: float, q: float, c: float) -> float:
            P, Q, C = (exact_or_dyadic(value, "p, q, c") for value in (p, q, c))
            return float(self.ball(P, Q, C, 60).mid())

        def rule(p: float, q: float, c: float) -> float:
            return pair_float64(outer, inner, *((q, p, c) if exchanged else (p, q, c)))

        return _at_each(rule, ball, P, Q, C)


@dataclass(frozen=True)
class LineIntegral:
    """E[f(u) g(k u)], k = sign sqrt(q/p): the end c = sign sqrt(pq) of the domain."""

    f: Activation
    g: Activation
    sign: int
    closed: sp.Expr | None = None

    @property
    def expr(self) -> sp.Expr:
        """The closed form given, or an unevaluated ``Integral``."""
        if self.closed is not None:
            return self.closed
        k = self.sign * sp.sqrt(_Q / _P)
        u = sp.Symbol("u", real=True)
        density = phi(u / sp.sqrt(_P)) / sp.sqrt(_P)
        both = self.f.expr.subs(x, u) * self.g.expr.subs(x, k * u)
        return sp.Integral(both * density, (u, -sp.oo, sp.oo))

    def ball(self, P: sp.Expr, Q: sp.Expr, bits: int) -> arb:
        """Return a ball with ``bits`` good bits (absolute radius 2**-1100 for smaller values)."""
        return line_ball(self.f, self.g, P, self.sign * sp.sqrt(Q / P), bits)

    def float64(self, P: Float, Q: Float, **_: object) -> Float:
        """Evaluate at arrays, each value to 1e-13 of E|f g|."""

        def ball(p: float, q: float) -> float:
            return float(self.ball(exact_or_dyadic(p, "p"), exact_or_dyadic(q, "q"), 60).mid())

        def rule(p: float, q: float) -> float:
            return line_float64(self.f, self.g, p, self.sign * float(np.sqrt(q / p)))

        return _at_each(rule, ball, P, Q)


@dataclass(frozen=True)
class MeanIntegral:
    """E[f(u)], u ~ N(0, p), p > 0."""

    f: Activation
    closed: sp.Expr | None = None

    @property
    def expr(self) -> sp.Expr:
        """A closed form, or an unevaluated ``Integral``."""
        if self.closed is not None:
            return self.closed
        return given(self.f, sp.S.Zero, sp.sqrt(_P))

    def ball(self, P: sp.Expr, bits: int) -> arb:
        """Return a ball with ``bits`` good bits (absolute radius 2**-1100 for smaller values)."""
        return line_ball(self.f, _ONE, P, sp.S.One, bits)

    def float64(self, P: Float) -> Float:
        """Evaluate at an array, each value to 1e-13 of E|f|."""
        return LineIntegral(self.f, _ONE, 1).float64(P, P)


def _at_each(rule: Callable[..., float], ball: Callable[..., float], *points: Float) -> Float:
    """Evaluate by a rule, and by balls where the rule gave up; equal points once."""
    distinct, where = np.unique(np.stack(points, axis=-1), axis=0, return_inverse=True)
    values = []
    for point in distinct:
        value = rule(*point)
        values.append(ball(*point) if np.isnan(value) else value)
    return np.array(values)[where.reshape(-1)]
