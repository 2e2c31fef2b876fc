"""Hyperbolic tangent and logistic sigmoid: sign and step, averaged over logistic noise (claim T62a)."""

from typing import Any

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import Atom, curve, step
from theory.activations.catalog import case
from theory.activations.curves import Curve, y
from theory.activations.parameters import positive


def tanh_atom(coef: sp.Expr, at: sp.Expr, beta: sp.Expr, order: int = 1) -> Atom:
    """Return ``coef * tanh(beta (x - at))`` as an atom, or a derivative of it for a higher order."""
    root = sp.log(sp.cosh(beta * y)) / beta
    # |tanh| <= 1 in the strip |Im| < pi/4: Cauchy's estimate bounds the derivatives.
    shape = Curve("tanh", root, root, sp.S.One, 4 * beta / sp.pi)
    return curve(coef, 0, at, shape, order)


@case((1,), closed=False)
def tanh(beta: Any = 1) -> Activation:
    """Return ``tanh(beta x)``, beta > 0 exact."""
    beta = positive(beta, "beta")
    atoms = [tanh_atom(sp.S.One, sp.S.Zero, beta)]
    return Activation.of(atoms, "tanh", {"beta": beta}, rf"\tanh_{{{sp.latex(beta)}}}")


@case((2,), closed=False)
def sigmoid(beta: Any = 1) -> Activation:
    """Return ``1/(1 + exp(-beta x))``, beta > 0 exact."""
    beta = positive(beta, "beta")
    half = sp.Rational(1, 2)
    atoms = [step(half, 0), tanh_atom(half, sp.S.Zero, beta / 2)]
    return Activation.of(atoms, "sigmoid", {"beta": beta}, rf"\mathrm{{sig}}_{{{sp.latex(beta)}}}")
