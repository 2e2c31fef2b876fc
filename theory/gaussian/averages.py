"""Gaussian averages of one activation, at a mean and a standard deviation: closed, or an unevaluated integral."""

from functools import lru_cache

import sympy as sp

from theory.activations import Activation
from theory.activations import atoms as at
from theory.activations.atoms import Atom, x
from theory.activations.curves import s as curve_s
from theory.activations.curves import y as curve_y
from theory.activations.evaluation import pieces, vanishing
from theory.arithmetic.functions import Phi, phi

STD = sp.Symbol("sigma", positive=True)

_TAME = 5.0


@lru_cache(maxsize=512)
def average(f: Activation) -> sp.Expr | None:
    """Return E[f(x + sigma Z)] in ``x`` and the symbol sigma, in ``Phi`` and ``phi``; None if it is not closed."""
    total: list[sp.Expr] = []
    terms: list[Atom] = []
    for atom in f.atoms:
        if atom.curve is not None:
            known = atom.curve.average
            if known is None or known[0] != atom.order or atom.power:
                return None
            total.append(
                atom.coef
                * known[1].subs({curve_y: x - atom.at, curve_s: STD**2}, simultaneous=True)
            )
            continue
        if atom.is_dirac:
            total.append(atom.coef * phi((x - atom.at) / STD) / STD)
            continue
        terms += at.smoothed(atom, STD)
    whole, upper, lower_ones = vanishing(terms)
    total += [_in_normal_functions(a) for a in (*whole, *upper)]
    total += [_in_normal_functions(a, side=-1) for a in lower_ones]
    total += [_in_normal_functions(a) for a in terms if a.kind is a.kind.BUMP]
    return sp.Add(*total)


def is_tame(f: Activation, std: float) -> bool:
    """Whether the factors exp(tilt^2 std^2/2) of the closed average are of moderate size."""
    return all(a.is_smooth or abs(float(a.tilt)) * std < _TAME for a in f.atoms)


def _in_normal_functions(atom: Atom, side: int = 1) -> sp.Expr:
    if atom.is_smooth:
        return atom.monomial
    z = side * (x - atom.at) / atom.scale
    return atom.monomial * (phi(z) / atom.scale if atom.kind is atom.kind.BUMP else Phi(z))


def given(f: Activation, mean: sp.Expr, std: sp.Expr) -> sp.Expr:
    """Return E[f(w)], w normal of given mean and standard deviation: closed, or an unevaluated integral."""
    closed = average(f)
    if closed is not None:
        return closed.subs({x: mean, STD: std}, simultaneous=True)
    regular = Activation.of([a for a in f.atoms if not a.is_dirac])
    masses = Activation.of([a for a in f.atoms if a.is_dirac])
    w = sp.Symbol("w", real=True)
    density = phi((w - mean) / std) / std
    integral = sp.Integral(regular.expr.subs(x, w) * density, (w, -sp.oo, sp.oo))
    return integral + (given(masses, mean, std) if masses.atoms else sp.S.Zero)


def value_at(f: Activation, place: sp.Expr) -> sp.Expr:
    """Return the exact value of the regular part of f, the midpoint at a jump."""
    sides = [
        expr.subs(x, place)
        for low, high, expr in pieces(f.atoms)
        for inside in (
            bool(low < place) and bool(place <= high),
            bool(low <= place) and bool(place < high),
        )
        if inside
    ]
    return sp.Add(*sides) / 2
