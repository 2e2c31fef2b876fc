"""Leaky ReLU."""

from typing import Any

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import step
from theory.activations.catalog import case
from theory.arithmetic.exact import exact


@case(("1/10",))
def leaky_relu(slope: Any) -> Activation:
    """Return ``x`` for x > 0 and ``slope * x`` for x < 0; any exact slope (-1 is the absolute value)."""
    slope = exact(slope, "slope")
    return Activation.of(
        [step(slope, 1), step(1 - slope, 1, sp.S.Zero)],
        "leaky_relu",
        {"slope": slope},
        rf"\mathrm{{lrelu}}_{{{sp.latex(slope)}}}",
    )
