"""The error function: a sign smoothed by Gaussian noise (Williams 1997; claims T13, T16)."""

from typing import Any

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import step
from theory.activations.catalog import case
from theory.activations.parameters import positive


@case((1,), (2,))
def erf(beta: Any = 1) -> Activation:
    """Return ``erf(beta x)``, beta > 0 exact: the sign of x + noise of variance 1/(2 beta^2)."""
    beta = positive(beta, "beta")
    scale = 1 / (beta * sp.sqrt(2))
    atoms = [step(sp.Integer(2), 0, sp.S.Zero, scale), step(-sp.S.One, 0)]
    return Activation.of(atoms, "erf", {"beta": beta}, rf"\mathrm{{erf}}_{{{sp.latex(beta)}}}")
