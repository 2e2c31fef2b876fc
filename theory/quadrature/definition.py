"""The definition of an activation, taken apart for integration.

Only the expression is read: where its branches change, what it is between the changes, and what
stands in front of each Dirac delta. Atoms, declared derivatives and smoothing formulas are not
looked at, so that an error in them shows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import combinations, pairwise, product
from typing import Protocol

import sympy as sp

from theory.errors import ActivationError

_STEPS = (sp.Heaviside, sp.sign, sp.Abs)
_CHOICES = (sp.Max, sp.Min)


class Defined(Protocol):
    """Anything with a defining expression and the places where it is not smooth."""

    @property
    def expr(self) -> sp.Expr:
        """SymPy expression in one real variable."""

    @property
    def breakpoints(self) -> tuple[sp.Expr, ...]:
        """Exact thresholds, in ascending order."""


@dataclass(frozen=True)
class Piece:
    """A smooth expression on the open interval (lo, hi)."""

    lo: sp.Expr
    hi: sp.Expr
    expr: sp.Expr


class Shape(StrEnum):
    """How a smooth piece goes on beyond the place where it bends."""

    BELL = "like exp(-x^2): settled within a few widths"
    FADING = "like exp(-|x|): settled within some tens of widths"
    WAVE = "like sin(x): bends everywhere"


@dataclass(frozen=True)
class Feature:
    """A place where a smooth piece bends on a scale of its own."""

    centre: sp.Expr
    width: sp.Expr
    shape: Shape


@dataclass(frozen=True)
class Definition:
    """An activation as non-zero smooth pieces plus Dirac deltas.

    Parameters
    ----------
    x
        The variable of the expressions.
    pieces
        Smooth pieces that are not identically zero, from left to right.
    diracs
        Pairs (place, weight) of exact numbers, weights non-zero.
    features
        Where smooth pieces bend on a scale of their own (erf, Gaussian bump, sine).
    """

    x: sp.Symbol
    pieces: tuple[Piece, ...]
    diracs: tuple[tuple[sp.Expr, sp.Expr], ...]
    features: tuple[Feature, ...]

    def value(self, place: sp.Expr) -> sp.Expr:
        """Exact value at a point; at a jump the midpoint, which is what a symmetric limit gives."""
        left = [piece for piece in self.pieces if piece.lo < place <= piece.hi]
        right = [piece for piece in self.pieces if piece.lo <= place < piece.hi]
        return sum((piece.expr.subs(self.x, place) for piece in left + right), sp.S.Zero) / 2

    @property
    def polynomial(self) -> bool:
        """Whether every smooth piece is a polynomial."""
        return all(piece.expr.is_polynomial(self.x) for piece in self.pieces)

    def pole(self, place: sp.Expr) -> bool:
        """Tell whether a Dirac delta sits exactly at ``place``."""
        return any(sp.simplify(where - place) == 0 for where, _ in self.diracs)


# The width of f(x), and how it goes on.
_SCALES = {
    sp.erf: (1 / sp.sqrt(2), Shape.BELL),
    sp.erfc: (1 / sp.sqrt(2), Shape.BELL),
    sp.exp: (sp.S.One, Shape.FADING),
    sp.tanh: (sp.S.One, Shape.FADING),
    sp.cosh: (sp.S.One, Shape.FADING),
    sp.sin: (sp.S.One, Shape.WAVE),
    sp.cos: (sp.S.One, Shape.WAVE),
}


def define(activation: Defined) -> Definition:
    """Take the defining expression of ``activation`` apart.

    Raises
    ------
    ActivationError
        If the expression has more than one variable, branches on something that is not a
        polynomial, or is not linear in its Dirac deltas.
    """
    return _define(sp.sympify(activation.expr), tuple(sp.sympify(activation.breakpoints)))


@lru_cache(maxsize=512)
def _define(expr: sp.Expr, breakpoints: tuple[sp.Expr, ...]) -> Definition:
    variables = expr.free_symbols
    if len(variables) > 1:
        raise ActivationError(
            f"{expr} has the variables {sorted(map(str, variables))}; one is needed"
        )
    x = next(iter(variables), sp.Symbol("x", real=True))
    regular, diracs = _split_diracs(expr, x)
    cuts = sorted({*breakpoints, *_branch_points(regular, x)}, key=lambda cut: sp.N(cut, 50))
    ends = [-sp.oo, *cuts, sp.oo]
    pieces = []
    for lo, hi in pairwise(ends):
        smooth = sp.expand(_freeze(regular, x, _inside(lo, hi)))
        if smooth != 0:
            pieces.append(Piece(lo, hi, smooth))
    return definition(x, tuple(pieces), diracs)


def definition(
    x: sp.Symbol, pieces: tuple[Piece, ...], diracs: tuple[tuple[sp.Expr, sp.Expr], ...]
) -> Definition:
    """Assemble a definition; features are read off the pieces."""
    features = {feature for piece in pieces for feature in _features(piece, x)}
    return Definition(x, pieces, diracs, tuple(sorted(features, key=str)))


def _split_diracs(
    expr: sp.Expr, x: sp.Symbol
) -> tuple[sp.Expr, tuple[tuple[sp.Expr, sp.Expr], ...]]:
    deltas = sorted(expr.atoms(sp.DiracDelta), key=str)
    marks = [sp.Dummy(f"delta{i}") for i in range(len(deltas))]
    marked = expr.xreplace(dict(zip(deltas, marks, strict=True)))
    weights: dict[sp.Expr, sp.Expr] = {}
    for delta, mark in zip(deltas, marks, strict=True):
        slope = sp.diff(delta.args[0], x)
        factor = sp.diff(marked, mark)
        if len(delta.args) > 1 or slope.has(x) or slope == 0 or factor.has(*marks):
            raise ActivationError(
                f"{expr} must be linear in deltas of the form DiracDelta(m*x - a), got {delta}"
            )
        place = -delta.args[0].subs(x, 0) / slope
        weight = factor.subs(x, place) / sp.Abs(slope)
        weights[place] = weights.get(place, sp.S.Zero) + weight
    regular = marked.xreplace(dict.fromkeys(marks, sp.S.Zero))
    diracs = tuple((place, weight) for place, weight in weights.items() if sp.simplify(weight) != 0)
    return regular, diracs


def _branch_points(expr: sp.Expr, x: sp.Symbol) -> set[sp.Expr]:
    switches = [step.args[0] for step in expr.atoms(*_STEPS)]
    for choice in expr.atoms(*_CHOICES):
        switches += [first - other for first, other in combinations(choice.args, 2)]
    for branch in expr.atoms(sp.Piecewise):
        for _, condition in branch.args:
            switches += [
                relation.lhs - relation.rhs
                for relation in condition.atoms(sp.core.relational.Relational)
            ]
    forms = {form for switch in switches for form in _forms(switch)}
    return {root for form in forms for root in _real_roots(form, x)}


def _forms(expr: sp.Expr) -> set[sp.Expr]:
    """Everything that ``expr`` can be once its own branches are chosen; a superset does no harm."""
    if isinstance(expr, sp.Piecewise):
        return {form for branch, _ in expr.args for form in _forms(branch)}
    if isinstance(expr, _CHOICES):
        return {form for argument in expr.args for form in _forms(argument)}
    if isinstance(expr, _STEPS):
        size = expr.args[0] if isinstance(expr, sp.Abs) else sp.S.One
        other = sp.S.Zero if isinstance(expr, sp.Heaviside) else -size
        return _forms(size) | _forms(other)
    if expr.is_Atom:
        return {expr}
    return {expr.func(*chosen) for chosen in product(*map(_forms, expr.args))}


def _real_roots(switch: sp.Expr, x: sp.Symbol) -> list[sp.Expr]:
    if not switch.has(x):
        return []
    if not switch.is_polynomial(x):
        raise ActivationError(
            f"the branches change where {switch} changes sign; only polynomials are supported"
        )
    slope = sp.diff(switch, x)
    if not slope.has(x):
        return [-switch.subs(x, 0) / slope]
    return list(dict.fromkeys(sp.Poly(switch, x).real_roots()))


def _inside(lo: sp.Expr, hi: sp.Expr) -> sp.Expr:
    if lo == -sp.oo and hi == sp.oo:
        return sp.S.Zero
    if lo == -sp.oo:
        return hi - 1
    return lo + 1 if hi == sp.oo else (lo + hi) / 2


def _freeze(expr: sp.Expr, x: sp.Symbol, sample: sp.Expr) -> sp.Expr:
    """Choose every branch as it is at ``sample``, a point inside the piece."""
    if expr.is_Atom or not expr.has(x):
        return expr
    if isinstance(expr, sp.Piecewise):
        for branch, condition in expr.args:
            if condition.subs(x, sample) == sp.true:
                return _freeze(branch, x, sample)
        raise ActivationError(f"{expr} is not defined at {sample}")
    if isinstance(expr, _CHOICES):
        pick = max if isinstance(expr, sp.Max) else min
        return _freeze(pick(expr.args, key=lambda arg: sp.N(arg.subs(x, sample), 50)), x, sample)
    if isinstance(expr, _STEPS):
        above = sp.sign(expr.args[0].subs(x, sample))
        if isinstance(expr, sp.Heaviside):
            return (1 + above) / 2
        return above if isinstance(expr, sp.sign) else above * _freeze(expr.args[0], x, sample)
    return expr.func(*(_freeze(arg, x, sample) for arg in expr.args))


def _features(piece: Piece, x: sp.Symbol) -> Iterator[Feature]:
    """Read features off the functions of a piece."""
    for call in piece.expr.atoms(sp.Function):
        argument = call.args[0]
        if not call.has(x) or not argument.is_polynomial(x):
            continue
        degree = sp.degree(argument, x)
        if degree == 2 and isinstance(call, sp.exp):
            bend, tilt, _ = sp.Poly(argument, x).all_coeffs()
            yield Feature(-tilt / (2 * bend), 1 / sp.sqrt(2 * sp.Abs(bend)), Shape.BELL)
        elif degree == 1 and call.func in _SCALES:
            slope, shift = sp.Poly(argument, x).all_coeffs()
            width, shape = _SCALES[call.func]
            yield Feature(-shift / slope, width / sp.Abs(slope), shape)
