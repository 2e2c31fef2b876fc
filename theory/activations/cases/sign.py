"""The sign, limit of ``hardtanh(a)`` for a to 0 and of ``erf(beta)`` for beta to infinity."""

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import step
from theory.activations.catalog import case


@case()
def sign() -> Activation:
    """Return ``sign(x)``, with ``sign(0) = 0``."""
    return Activation.of(
        [step(sp.Integer(2), 0, sp.S.Zero), step(-sp.S.One, 0)], "sign", label=r"\mathrm{sgn}"
    )
