r"""Curves: smooth functions whose Gaussian expectations have no closed form.

A curve is declared once, by a function R with R(0) = 0 that is analytic on each side of 0; an activation uses
its derivatives R', R'', ... So R is a primitive of the forward function (log cosh of tanh), and differentiation
and integration are steps on one ladder.
"""

from dataclasses import dataclass
from functools import cache

import sympy as sp

y = sp.Symbol("y", real=True)
s = sp.Symbol("s", positive=True)


@dataclass(frozen=True)
class Curve:
    r"""A declared function and all its derivatives.

    Parameters
    ----------
    name
        To print and to order.
    left, right
        R as SymPy in ``theory.activations.curves.y``, for y < 0 and y > 0; equal where R is analytic at 0.
    size, rate
        Exact numbers with :math:`|R^{(m)}(y)|\le \mathrm{size}\,\mathrm{rate}^{m-1}(m-1)!` for all real
        y != 0 and m >= 1; 1/rate is the scale on which the curve bends.
    average
        Where there is a closed form of E[R^(m)(y + Z)], Z ~ N(0, s): the pair of m and this expression in
        ``theory.activations.curves.y`` and ``s``.
    """

    name: str
    left: sp.Expr
    right: sp.Expr
    size: sp.Expr
    rate: sp.Expr
    average: tuple[int, sp.Expr] | None = None

    @property
    def is_analytic(self) -> bool:
        """Whether the two sides are one function."""
        return bool(self.left == self.right)

    def sides(self, order: int) -> tuple[sp.Expr, sp.Expr]:
        """Return derivative ``order`` on the left and on the right of 0, in ``y``."""
        right = _derived(self.right, order)
        return (right if self.is_analytic else _derived(self.left, order)), right

    def expr(self, order: int, at: sp.Expr) -> sp.Expr:
        """Return derivative ``order`` at an expression; the midpoint, where it jumps."""
        left, right = self.sides(order)
        if self.is_analytic:
            return right.subs(y, at)
        if self.is_even:
            size = right.subs(y, sp.Abs(at))
            if order % 2 == 0:
                return size
            # |y| sgn(y) = y
            whole = sp.Abs(at) in sp.Mul.make_args(size)
            return size / sp.Abs(at) * at if whole else size * sp.sign(at)
        middle = [(self.middle(order), sp.Eq(at, 0))] if self.jump(order) != 0 else []
        return sp.Piecewise((left.subs(y, at), at < 0), *middle, (right.subs(y, at), True))

    def jump(self, order: int) -> sp.Expr:
        """Return the jump of derivative ``order`` at 0."""
        left, right = (side.subs(y, 0) for side in self.sides(order))
        return sp.expand(right - left)

    def middle(self, order: int) -> sp.Expr:
        """Return the mean of the two one-sided values at 0."""
        left, right = (side.subs(y, 0) for side in self.sides(order))
        return sp.expand(left + right) / 2

    @property
    def is_even(self) -> bool:
        """Whether R(-y) = R(y)."""
        return bool(sp.expand(self.left - self.right.subs(y, -y)) == 0)

    def bound(self, order: int) -> sp.Expr:
        """Return sup |derivative ``order``| as declared, for ``order`` >= 1."""
        return self.size * self.rate ** (order - 1) * sp.factorial(order - 1)

    def __str__(self) -> str:
        return f"{self.name}[{self.right}]"


@cache
def _derived(root: sp.Expr, order: int) -> sp.Expr:
    if order == 0:
        return root
    slope = sp.diff(_derived(root, order - 1), y)
    # tanh and 1/cosh: sinh and cosh would overflow together, and 1 - tanh^2 would cancel.
    slope = slope.replace(sp.sinh, lambda z: sp.tanh(z) * sp.cosh(z))
    w = sp.Wild("w")
    expanded = sp.expand(slope).replace(sp.tanh(w) ** 2, 1 - sp.cosh(w) ** -2)
    return sp.expand(expanded) if expanded.has(sp.cosh, sp.tanh) else sp.factor(expanded)
