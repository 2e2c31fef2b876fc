"""GELU, x Phi(x): a step smoothed by unit noise, times x (Hendrycks and Gimpel 2016)."""

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import step
from theory.activations.catalog import case


@case()
def gelu() -> Activation:
    """Return ``x Phi(x)``."""
    return Activation.of([step(sp.S.One, 1, sp.S.Zero, sp.S.One)], "gelu", label=r"\mathrm{gelu}")
