"""Tilted steps, waves, bumps and curves between breakpoints: exact text, and float64 values without overflow."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr

from theory.activations.atoms import Atom, Kind, combine, x
from theory.activations.curves import y
from theory.arithmetic.functions import Phi, phi

Float = NDArray[np.float64]
Evaluator = Callable[[Float], Float]


def intervals(steps: Sequence[Atom]) -> tuple[list[sp.Expr], list[tuple[Atom, ...]]]:
    """Return the breakpoints of sharp steps, and what is left on each interval between them."""
    places = sorted({atom.at for atom in steps if not atom.is_smooth}, key=float)
    active = [
        combine(replace(a, at=-sp.oo) for a in steps if a.is_smooth or bool(a.at <= left))
        for left in [-sp.oo, *places]
    ]
    return places, active


def branches(steps: Sequence[Atom]) -> sp.Expr:
    """Return sharp steps as a SymPy ``Piecewise`` (right-continuous in print; midpoints at jumps)."""
    places, active = intervals(steps)
    values = [sp.Add(*(atom.monomial for atom in terms)) for terms in active]
    if not places:
        return values[0]
    cases: list[tuple[sp.Expr, sp.Basic]] = []
    for place, left, right in zip(places, values, values[1:], strict=False):
        cases.append((left, x < place))
        middle = sp.expand((left + right).subs(x, place)) / 2
        if sp.expand(middle - right.subs(x, place)) != 0:
            cases.append((middle, sp.Eq(x, place)))
    return sp.Piecewise(*cases, (values[-1], True), evaluate=False)


def stable(atoms: Sequence[Atom]) -> sp.Expr:
    """Return a function without Dirac masses so that float64 can follow it: tails as ``Phi``, not as 1 - erf."""
    sharp, upper, lower = vanishing(atoms)
    total = [branches(sharp)] if sharp else []
    total += [a.expr for a in atoms if a.curve is not None or a.kind is Kind.BUMP]
    for side, noisy in ((1, upper), (-1, lower)):
        total += [a.monomial * Phi(side * (x - a.at) / a.scale, evaluate=False) for a in noisy]
    return sp.Add(*total)


def pieces(atoms: Sequence[Atom]) -> list[tuple[sp.Expr, sp.Expr, sp.Expr]]:
    """Return all but Dirac masses as triples (low, high, analytic expression in ``x``), zeros dropped.

    Smoothed steps and bumps are written in ``Phi`` and ``phi``.
    """
    regular = [a for a in atoms if not a.is_dirac]
    sharp = [a for a in regular if a.is_sharp]
    kinks = {a.at for a in regular if a.curve is not None and not a.curve.is_analytic}
    places = sorted({a.at for a in sharp if not a.is_smooth} | kinks, key=float)
    ends = [-sp.oo, *places, sp.oo]
    result = []
    for low, high in itertools.pairwise(ends):
        active = [replace(a, at=-sp.oo) for a in sharp if a.is_smooth or bool(a.at <= low)]
        total = [a.monomial for a in combine(active)]
        for a in regular:
            if a.curve is not None:
                side = a.curve.sides(a.order)[int(bool(a.at <= low))]
                total.append(a.monomial * side.subs(y, x - a.at))
            elif a.kind is Kind.BUMP:
                total.append(a.monomial * phi((x - a.at) / a.scale) / a.scale)
            elif a.scale != 0:
                total.append(a.monomial * Phi((x - a.at) / a.scale))
        if (expr := sp.Add(*total)) != 0:
            result.append((low, high, expr))
    return result


def evaluator(atoms: Sequence[Atom]) -> Evaluator:
    """Return the float64 function of any atoms but Dirac masses, to a few ulp of the largest term."""
    sharp, noisy, lower = vanishing(atoms)
    parts = [_between(sharp)] if sharp else []
    parts += [_curved(a) for a in atoms if a.curve is not None]
    parts += [_bump(a) for a in atoms if a.kind is Kind.BUMP]
    parts += [_smooth_step(a, upper=True) for a in noisy]
    parts += [_smooth_step(a, upper=False) for a in lower]

    def value(u: Float) -> Float:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(sum((part(u) for part in parts), np.zeros_like(u)))

    return value


def _between(steps: Sequence[Atom]) -> Evaluator:
    places, active = intervals(steps)
    breaks = np.array([float(place) for place in places])
    terms = [[_term(atom) for atom in combined] for combined in active]

    def at(u: Float, index: NDArray[np.int64]) -> Float:
        result = np.zeros_like(u)
        for i, row in enumerate(terms):
            here = index == i
            result[here] = sum((term(u[here]) for term in row), np.zeros(np.count_nonzero(here)))
        return result

    def value(u: Float) -> Float:
        flat = np.ravel(u)
        right = at(flat, np.searchsorted(breaks, flat, side="right"))
        left = at(flat, np.searchsorted(breaks, flat, side="left"))
        return ((left + right) / 2).reshape(np.shape(u))

    return value


def _term(atom: Atom) -> Evaluator:
    coef, tilt, omega = float(atom.coef), float(atom.tilt), float(atom.omega)
    wave = np.sin if atom.odd else np.cos
    return lambda u: coef * u**atom.power * np.exp(tilt * u) * wave(omega * u)


def _bump(atom: Atom) -> Evaluator:
    coef, at, e = float(atom.coef), float(atom.at), float(atom.scale)
    return lambda u: (
        coef * u**atom.power * np.exp(-(((u - at) / e) ** 2) / 2) / (e * np.sqrt(2 * np.pi))
    )


def vanishing(atoms: Sequence[Atom]) -> tuple[list[Atom], list[Atom], list[Atom]]:
    """Return sharp steps, smoothed ones, and smoothed ones that are to be taken as their complement.

    exp(x) - exp(x) Phi(x) would be infinity minus infinity far out: it is exp(x) Phi(-x).
    """
    sharp = [a for a in atoms if a.is_sharp]
    noisy = [a for a in atoms if a.kind is Kind.STEP and a.scale != 0]
    lower = []
    for whole in [a for a in sharp if a.is_smooth and bool(a.tilt > 0) and a.omega == 0]:
        same = [a for a in noisy if (a.power, a.tilt) == (whole.power, whole.tilt)]
        if same and sp.expand(whole.coef + sp.Add(*(a.coef for a in same))) == 0:
            sharp.remove(whole)
            noisy = [a for a in noisy if a not in same]
            lower += [replace(a, coef=-a.coef) for a in same]
    return sharp, noisy, lower


def _smooth_step(atom: Atom, *, upper: bool) -> Evaluator:
    coef, at, e, tilt = float(atom.coef), float(atom.at), float(atom.scale), float(atom.tilt)
    e = e if upper else -e
    if tilt == 0:
        return lambda u: coef * u**atom.power * ndtr((u - at) / e)
    return lambda u: coef * u**atom.power * np.exp(tilt * u + log_ndtr((u - at) / e))


def _curved(atom: Atom) -> Evaluator:
    assert atom.curve is not None
    coef, at = float(atom.coef), float(atom.at)
    left, right = (_compiled(side) for side in atom.curve.sides(atom.order))
    middle = float(atom.curve.middle(atom.order))
    if atom.curve.is_analytic:
        return lambda u: coef * u**atom.power * right(u - at)

    def value(u: Float) -> Float:
        z = u - at
        sides = np.where(z < 0, left(np.minimum(z, 0.0)), right(np.maximum(z, 0.0)))
        return np.asarray(coef * u**atom.power * np.where(z == 0, middle, sides))

    return value


def _log_cosh(z: Float) -> Float:
    return np.asarray(np.logaddexp(z, -z) - np.log(2))


def _compiled(expr: sp.Expr) -> Evaluator:
    log_cosh = sp.Function("log_cosh")
    w = sp.Wild("w")
    made = sp.lambdify(
        y, expr.replace(sp.log(sp.cosh(w)), log_cosh(w)), [{"log_cosh": _log_cosh}, "numpy"]
    )
    return lambda z: np.asarray(made(z), dtype=np.float64) + np.zeros_like(z)
