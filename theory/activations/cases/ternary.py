"""Ternary activation with a dead zone, as in ternary weight networks and GXNOR-Net."""

from typing import Any

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import step
from theory.activations.catalog import case
from theory.activations.parameters import positive


@case(("1/2",))
def ternary(r: Any) -> Activation:
    """Return ``sign(x) 1{|x| > r}``, r > 0 exact."""
    r = positive(r, "r")
    return Activation.of(
        [step(-sp.S.One, 0), step(sp.S.One, 0, -r), step(sp.S.One, 0, r)],
        "ternary",
        {"r": r},
        rf"\mathrm{{tern}}_{{{sp.latex(r)}}}",
    )
