r"""Atoms: the alphabet of activations, closed under derivative, primitive and Gaussian smoothing.

A *step* atom is ``coef * x**power * E[H(x + scale*z - at)]`` with z standard normal, that is
``coef * x**power * Phi((x - at)/scale)``; scale 0 is a sharp step and ``at = -oo`` no step at all.
A *bump* atom is ``coef * x**power`` times the density of N(at, scale**2) at x; scale 0 is a Dirac
mass. Source: claim G1.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import sympy as sp

from theory.arithmetic.functions import Phi, phi
from theory.errors import ActivationError

x = sp.Symbol("x", real=True)


class Kind(StrEnum):
    """What an atom multiplies its monomial with."""

    STEP = "step"
    BUMP = "bump"


@dataclass(frozen=True)
class Atom:
    """One term of an activation: exact ``coef``, ``power`` >= 0, location ``at``, ``scale`` >= 0."""

    coef: sp.Expr
    power: int
    at: sp.Expr
    scale: sp.Expr
    kind: Kind

    @property
    def is_polynomial(self) -> bool:
        """Whether there is no step: a plain monomial."""
        return bool(self.at == -sp.oo)

    @property
    def is_dirac(self) -> bool:
        """Whether the atom is a point mass."""
        return self.kind is Kind.BUMP and self.scale == 0

    @property
    def expr(self) -> sp.Expr:
        """The atom as SymPy, in ``x``."""
        if self.is_dirac:
            return self.coef * sp.DiracDelta(x - self.at)
        monomial = self.coef * x**self.power
        if self.is_polynomial:
            return monomial
        if self.kind is Kind.BUMP:
            return monomial * phi((x - self.at) / self.scale).rewrite(sp.exp) / self.scale
        if self.scale == 0:
            return monomial * sp.Heaviside(x - self.at, sp.Rational(1, 2))
        return monomial * Phi((x - self.at) / self.scale).rewrite(sp.erf)


def step(coef: sp.Expr, power: int, at: sp.Expr = -sp.oo, scale: sp.Expr = sp.S.Zero) -> Atom:
    """Return a step atom."""
    return Atom(coef, power, at, sp.S.Zero if at == -sp.oo else scale, Kind.STEP)


def bump(coef: sp.Expr, power: int, at: sp.Expr, scale: sp.Expr) -> Atom:
    """Return a bump atom; a Dirac mass absorbs its monomial, x**i delta(x-a) = a**i delta(x-a)."""
    if scale == 0:
        return Atom(coef * at**power, 0, at, scale, Kind.BUMP)
    return Atom(coef, power, at, scale, Kind.BUMP)


def combine(atoms: Iterable[Atom]) -> tuple[Atom, ...]:
    """Merge equal atoms, drop zeros, and order them: one representation for each function."""
    total: dict[tuple[Kind, sp.Expr, sp.Expr, int], sp.Expr] = {}
    for atom in atoms:
        key = (atom.kind, atom.at, atom.scale, atom.power)
        total[key] = total.get(key, sp.S.Zero) + atom.coef
    merged = []
    for (kind, at, scale, power), coef in total.items():
        simple = coef if coef.is_Rational else sp.radsimp(sp.expand(coef))
        if simple != 0:
            merged.append(Atom(simple, power, at, scale, kind))
    return tuple(sorted(merged, key=_order))


def _order(atom: Atom) -> tuple[str, float, float, int]:
    return (atom.kind.value, float(atom.at), float(atom.scale), atom.power)


def derivative(atom: Atom) -> list[Atom]:
    """Return the distributional derivative of one atom."""
    i = atom.power
    lowered = [replace(atom, coef=i * atom.coef, power=i - 1)] if i else []
    if atom.kind is Kind.STEP:
        return (
            lowered if atom.is_polynomial else [*lowered, bump(atom.coef, i, atom.at, atom.scale)]
        )
    if atom.is_dirac:
        raise ActivationError(
            f"the derivative of a Dirac mass at {atom.at} leaves the class of activations; "
            f"differentiate at most once past a jump, or smooth the activation first"
        )
    slope = atom.coef / atom.scale**2
    return [
        *lowered,
        bump(-slope, i + 1, atom.at, atom.scale),
        bump(slope * atom.at, i, atom.at, atom.scale),
    ]


def primitive(atom: Atom) -> list[Atom]:
    """Return a primitive of one atom, up to a constant."""
    i, a, e = atom.power, atom.at, atom.scale
    if atom.kind is Kind.BUMP:
        return _bump_primitive(atom)
    raised = atom.coef / (i + 1)
    if atom.is_polynomial:
        return [step(raised, i + 1)]
    if e == 0:
        return [step(raised, i + 1, a), step(-raised * a ** (i + 1), 0, a)]
    return [step(raised, i + 1, a, e), *_bump_primitive(bump(-raised, i + 1, a, e))]


def _bump_primitive(atom: Atom) -> list[Atom]:
    # x**k phi = a x**(k-1) phi + e**2 (k-1) x**(k-2) phi - e**2 (x**(k-1) phi)'
    k, a, e = atom.power, atom.at, atom.scale
    if k == 0:
        return [step(atom.coef, 0, a, e)]
    result = [bump(-atom.coef * e**2, k - 1, a, e)]
    result += _bump_primitive(bump(atom.coef * a, k - 1, a, e))
    if k > 1:
        result += _bump_primitive(bump(atom.coef * e**2 * (k - 1), k - 2, a, e))
    return result


def smoothed(atom: Atom, std: sp.Expr) -> list[Atom]:
    """Return the atom averaged over x + std*z', z' standard normal (claim G3)."""
    i, a, e = atom.power, atom.at, atom.scale
    if atom.is_polynomial:
        moments = _monomial_moments(i, x, std**2)
        return _spread(atom.coef * moments[i], lambda c, k: step(c, k))
    t2 = std**2 + e**2
    t = sp.sqrt(t2)
    # Given that the smoothed step fires exactly at a, x + std*z' is Gaussian with these moments.
    mean, variance = x + std**2 * (a - x) / t2, std**2 * e**2 / t2
    given = _monomial_moments(i, mean, variance)
    if atom.kind is Kind.BUMP:
        return _spread(atom.coef * given[i], lambda c, k: bump(c, k, a, t))
    # Stein for y = x + std*z':  E[y**j H] = x E[y**(j-1) H] + std**2 ((j-1) E[y**(j-2) H] + E[y**(j-1) delta])
    steps = [sp.S.One]
    bumps = [sp.S.Zero]
    for j in range(1, i + 1):
        older = (steps[j - 2], bumps[j - 2]) if j > 1 else (sp.S.Zero, sp.S.Zero)
        steps.append(sp.expand(x * steps[-1] + std**2 * (j - 1) * older[0]))
        bumps.append(sp.expand(x * bumps[-1] + std**2 * ((j - 1) * older[1] + given[j - 1])))
    return [
        *_spread(atom.coef * steps[i], lambda c, k: step(c, k, a, t)),
        *_spread(atom.coef * bumps[i], lambda c, k: bump(c, k, a, t)),
    ]


def _monomial_moments(order: int, mean: sp.Expr, variance: sp.Expr) -> list[sp.Expr]:
    moments = [sp.S.One, mean]
    for k in range(2, order + 1):
        moments.append(sp.expand(mean * moments[-1] + (k - 1) * variance * moments[-2]))
    return moments


def _spread(polynomial: sp.Expr, make) -> list[Atom]:  # type: ignore[no-untyped-def]
    return [make(c, k) for (k,), c in sp.Poly(polynomial, x).terms() if c != 0]


def product(left: Atom, right: Atom) -> list[Atom]:
    """Return the product of two atoms where it stays in the class.

    Raises
    ------
    ActivationError
        For two smoothed atoms, or a Dirac mass on top of a jump.
    """
    for one, other in ((left, right), (right, left)):
        if one.is_polynomial:
            raised = replace(other, coef=one.coef * other.coef, power=one.power + other.power)
            return (
                [bump(raised.coef, raised.power, raised.at, raised.scale)]
                if other.is_dirac
                else [raised]
            )
    sharp = left.scale == 0 and right.scale == 0
    if sharp and left.kind is right.kind is Kind.STEP:
        return [step(left.coef * right.coef, left.power + right.power, sp.Max(left.at, right.at))]
    for mass, other in ((left, right), (right, left)):
        if mass.is_dirac and other.kind is Kind.STEP and other.scale == 0 and mass.at != other.at:
            value = other.coef * mass.at**other.power if bool(mass.at > other.at) else sp.S.Zero
            return [bump(mass.coef * value, 0, mass.at, sp.S.Zero)]
    raise ActivationError(
        f"the product of {left.expr} and {right.expr} leaves the class of activations; "
        f"products are closed for piecewise polynomials away from their jumps"
    )
