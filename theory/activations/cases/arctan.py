"""Arctangent; its derivative 1/(1 + (alpha x)^2) is a common surrogate of spiking networks (claim T17)."""

from typing import Any

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import curve
from theory.activations.catalog import case
from theory.activations.curves import Curve, s, y
from theory.activations.parameters import positive
from theory.arithmetic.functions import Voigt


@case((1,), closed=False)
def arctan(alpha: Any = 1) -> Activation:
    """Return ``arctan(alpha x)/alpha``, alpha > 0 exact, with derivative ``1/(1 + (alpha x)^2)``."""
    alpha = positive(alpha, "alpha")
    root = y * sp.atan(alpha * y) - sp.log(1 + alpha**2 * y**2) / (2 * alpha)
    # A Gaussian average of the Lorentzian, by the residue at i/alpha.
    scaled = sp.sqrt(2 * s)
    average = sp.sqrt(sp.pi / (2 * s)) * Voigt(y / scaled, 1 / (alpha * scaled))
    shape = Curve("arctan", root, root, sp.Integer(2), alpha, (2, average))
    atom = curve(1 / alpha, 0, sp.S.Zero, shape, 1)
    label = rf"\mathrm{{arctan}}_{{{sp.latex(alpha)}}}"
    return Activation.of([atom], "arctan", {"alpha": alpha}, label)
