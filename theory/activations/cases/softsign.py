"""Softsign; its derivative (1 + alpha |x|)^-2 is the fast-sigmoid surrogate (Zenke and Ganguli 2018)."""

from typing import Any

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import curve
from theory.activations.catalog import case
from theory.activations.curves import Curve, y
from theory.activations.parameters import positive


@case((1,), closed=False)
def softsign(alpha: Any = 1) -> Activation:
    """Return ``x/(1 + alpha |x|)``, alpha > 0 exact, with derivative ``(1 + alpha |x|)^-2``."""
    alpha = positive(alpha, "alpha")
    right = y / alpha - sp.log(1 + alpha * y) / alpha**2
    shape = Curve("softsign", right.subs(y, -y), right, 1 / alpha, alpha)
    atom = curve(sp.S.One, 0, sp.S.Zero, shape, 1)
    label = rf"\mathrm{{softsign}}_{{{sp.latex(alpha)}}}"
    return Activation.of([atom], "softsign", {"alpha": alpha}, label)
