r"""Degenerate ends (claim G4): v = k u with k = +-sqrt(q/p), and one-dimensional means.

On the line two sharp steps fire together on an interval of u, so only truncated moments of one Gaussian
are needed; a Dirac mass evaluates the other function, with midpoint values at a jump.
"""

from dataclasses import replace
from functools import cache

import sympy as sp

from theory.activations import Activation
from theory.activations.atoms import Atom, Kind, x
from theory.arithmetic.functions import Phi, phi
from theory.gaussian.linear import Linear
from theory.gaussian.tilted import tilted_mean, tilted_on_line


class Coincidence(sp.Function):
    """Infinite where the argument is 0, else 0: two Dirac masses at the same place or not."""

    nargs = 1
    is_real = True

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:  # noqa: D102  a hook of SymPy
        if x.is_zero:
            return sp.oo
        return sp.S.Zero if x.is_zero is False else None


@cache
def mean_of(f: Activation, p: sp.Symbol) -> sp.Expr:
    """Return E[f(u)], u ~ N(0, p), p > 0, of an activation without curves; exactly 0 for an odd one."""
    total = Linear()
    for atom in f.atoms if f.parity != -1 else ():
        total.add_all(mean(atom, p))
    total.complement()
    return total.expr


def mean(atom: Atom, p: sp.Expr) -> Linear:
    """Return E[atom(u)], u ~ N(0, p), p > 0."""
    if not atom.is_plain:
        return tilted_mean(atom, p)
    total = p + atom.scale**2
    result = Linear()
    for order, coefficient in _in_noisy_variable(atom, p):
        if atom.kind is Kind.BUMP:
            density = phi(atom.at / sp.sqrt(total)) / sp.sqrt(total)
            result.add(density, coefficient * atom.at**order)
        else:
            result.add_all(upper_moment(order, atom.at, total), coefficient)
    return result


def _in_noisy_variable(atom: Atom, p: sp.Expr) -> list[tuple[int, sp.Expr]]:
    # u given s is Gaussian with mean (p/P) s and variance p e^2/P: u^i becomes a polynomial in s.
    s = sp.Symbol("s")
    total = p + atom.scale**2
    slope, spread = p / total, p * atom.scale**2 / total
    powers = [sp.S.One, slope * s]
    for k in range(2, atom.power + 1):
        powers.append(sp.expand(slope * s * powers[-1] + (k - 1) * spread * powers[-2]))
    terms = sp.Poly(powers[atom.power], s).terms()
    return [(k, atom.coef * coefficient) for (k,), coefficient in terms if coefficient != 0]


def upper_moment(k: int, at: sp.Expr, p: sp.Expr) -> Linear:
    """Return E[u^k 1{u > at}], u ~ N(0, p); ``at`` may be -oo."""
    result = Linear()
    root = sp.sqrt(p)
    if at == -sp.oo:
        if k % 2 == 0:
            result.add(sp.factorial2(k - 1) * p ** (k // 2))
        return result
    if k == 0:
        result.add(Phi(-at / root))
        return result
    if k > 1:
        result.add_all(upper_moment(k - 2, at, p), (k - 1) * p)
    result.add(phi(at / root), root * at ** (k - 1))
    return result


def on_line(f: Atom, g: Atom, p: sp.Expr, q: sp.Expr, sign: int) -> Linear:
    """Return E[f(u) g(k u)] for two sharp atoms, u ~ N(0, p), k = sign*sqrt(q/p)."""
    k = sign * sp.sqrt(q) / sp.sqrt(p)
    coefficient = f.coef * g.coef
    result = Linear()
    if not (f.is_plain and g.is_plain) and not f.is_dirac and not g.is_dirac:
        return tilted_on_line(f, g, p, k, sign)
    if f.is_dirac and g.is_dirac:
        # Both masses sit at one place, or nowhere together.
        result.add(coefficient * Coincidence(f.at * sp.sqrt(q) - sign * g.at * sp.sqrt(p)))
    elif f.is_dirac:
        value = replace(g, coef=sp.S.One).monomial.subs(x, k * f.at)
        fires = sp.S.One if g.is_smooth else sp.Heaviside(k * f.at - g.at, sp.Rational(1, 2))
        result.add(phi(f.at / sp.sqrt(p)) * fires, coefficient * value / sp.sqrt(p))
    elif g.is_dirac:
        result.add_all(on_line(g, f, q, p, sign))
    else:
        _steps_on_line(result, f, g, p, k, sign)
    return result


def _steps_on_line(result: Linear, f: Atom, g: Atom, p: sp.Expr, k: sp.Expr, sign: int) -> None:
    order = f.power + g.power
    factor = f.coef * g.coef * k**g.power
    if sign > 0 or g.is_polynomial:
        image = -sp.oo if g.is_polynomial else g.at / k
        result.add_all(upper_moment(order, _larger(f.at, image), p), factor)
        return
    # k < 0: the second step fires below g.at/k, so u runs over (f.at, g.at/k), if that is not empty.
    image = g.at / k
    start = -sp.oo if f.is_polynomial else sp.Min(f.at, image)
    result.add_all(upper_moment(order, start, p), factor)
    result.add_all(upper_moment(order, image, p), -factor)


def _larger(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    return b if a == -sp.oo else a if b == -sp.oo else sp.Max(a, b)
