"""The identity, and the surrogate of the plain straight-through estimator (claim T9)."""

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import step
from theory.activations.catalog import case


@case()
def identity() -> Activation:
    """Return ``x``; as a surrogate, its derivative 1 is the identity straight-through estimator."""
    return Activation.of([step(sp.S.One, 1)], "identity", label=r"\mathrm{id}")
