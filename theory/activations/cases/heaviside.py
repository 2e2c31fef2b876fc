"""The Heaviside step."""

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import step
from theory.activations.catalog import case


@case()
def heaviside() -> Activation:
    """Return ``1{x > 0}``, with value 1/2 at 0."""
    return Activation.of([step(sp.S.One, 0, sp.S.Zero)], "heaviside", label="H")
