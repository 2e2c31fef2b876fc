"""ReLU, max(x, 0); its dual is the arc-cosine kernel of Cho and Saul (2009), claim T18."""

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import step
from theory.activations.catalog import case


@case()
def relu() -> Activation:
    """Return ``max(x, 0)``."""
    return Activation.of([step(sp.S.One, 1, sp.S.Zero)], "relu", label=r"\mathrm{relu}")
