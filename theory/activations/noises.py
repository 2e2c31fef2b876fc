"""Noise-regularised staircases, E[f(x + noise)]: one noise law is one declaration of its distribution function.

A staircase is a sum of jumps, and noise turns the step H(x - g) into F(x - g), F the distribution function of the
symmetric noise (claim T62a; Spallanzani et al. 2022, additive noise annealing).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import Atom, step, x
from theory.activations.cases.arctan import arctan
from theory.activations.cases.tanh import tanh_atom
from theory.activations.motions import translated
from theory.activations.parameters import positive
from theory.activations.pieces import from_piecewise
from theory.errors import ActivationError

Law = Callable[[sp.Expr], tuple[Atom, ...]]

_LAWS: dict[str, Law] = {}
_HALF = sp.Rational(1, 2)


def law(declared: Law) -> Law:
    """Declare a symmetric noise law: its distribution function at a given scale, as atoms."""
    _LAWS[declared.__name__] = declared
    return declared


@law
def uniform(a: sp.Expr) -> tuple[Atom, ...]:
    """Uniform on [-a, a]: the sign becomes hardtanh(a)."""
    inside = (x + a) / (2 * a)
    return from_piecewise([(0, (-sp.oo, -a)), (inside, (-a, a)), (1, (a, sp.oo))]).atoms


@law
def triangular(a: sp.Expr) -> tuple[Atom, ...]:
    """Density (1 - |x|/a)/a on [-a, a]: quadratic pieces, as in Bi-Real Net."""
    left, right = (x + a) ** 2 / (2 * a**2), 1 - (x - a) ** 2 / (2 * a**2)
    ends = [(0, (-sp.oo, -a)), (left, (-a, 0)), (right, (0, a)), (1, (a, sp.oo))]
    return from_piecewise(ends).atoms


@law
def gaussian(s: sp.Expr) -> tuple[Atom, ...]:
    """N(0, s^2): the sign becomes erf(x/(s sqrt 2))."""
    return (step(sp.S.One, 0, sp.S.Zero, s),)


@law
def logistic(s: sp.Expr) -> tuple[Atom, ...]:
    """Distribution function 1/(1 + exp(-x/s)): the sign becomes tanh(x/(2 s))."""
    return (step(_HALF, 0), tanh_atom(_HALF, sp.S.Zero, 1 / (2 * s)))


@law
def laplace(s: sp.Expr) -> tuple[Atom, ...]:
    """Density exp(-|x|/s)/(2 s): the sign becomes sgn(x) (1 - exp(-|x|/s))."""
    left = [step(_HALF, 0, tilt=1 / s), step(-_HALF, 0, sp.S.Zero, tilt=1 / s)]
    right = [step(sp.S.One, 0, sp.S.Zero), step(-_HALF, 0, sp.S.Zero, tilt=-1 / s)]
    return (*left, *right)


@law
def cauchy(s: sp.Expr) -> tuple[Atom, ...]:
    """Density s/(pi (s^2 + x^2)): the sign becomes (2/pi) arctan(x/s)."""
    density = arctan(1 / s).atoms
    return (step(_HALF, 0), *(replace(a, coef=a.coef / (sp.pi * s)) for a in density))


def noisy(f: Activation, name: str, scale: Any) -> Activation:
    """Return E[f(x + noise)] of a staircase f; see ``Activation.noisy``."""
    if name not in _LAWS:
        raise ActivationError(f"unknown noise law {name!r}; known are {', '.join(sorted(_LAWS))}")
    width = positive(scale, "scale")
    if any(not a.is_sharp or not a.is_plain or a.power for a in f.atoms):
        raise ActivationError(
            f"noise regularises staircases, and {f} is none: it is not piecewise constant; "
            f"for Gaussian noise use .smoothed(std)"
        )
    distribution = _LAWS[name](width)
    atoms: list[Atom] = []
    for jump in f.atoms:
        if jump.is_smooth:
            atoms.append(jump)
            continue
        moved = [term for atom in distribution for term in translated(atom, jump.at)]
        atoms += [replace(term, coef=jump.coef * term.coef) for term in moved]
    label = rf"{f.label} * \mathrm{{{name}}}_{{{sp.latex(width)}}}"
    return Activation.of(atoms, f"{f}*{name}({width})", {}, label)
