"""The two-sided exponential exp(-alpha |x|), a surrogate derivative (claim T17, Laplace row)."""

from typing import Any

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import step
from theory.activations.catalog import case
from theory.activations.parameters import positive


@case((1,))
def laplace(alpha: Any = 1) -> Activation:
    """Return ``exp(-alpha |x|)``, alpha > 0 exact. As a surrogate derivative use its primitive."""
    alpha = positive(alpha, "alpha")
    one, zero = sp.S.One, sp.S.Zero
    sides = [
        step(one, 0, tilt=alpha),
        step(-one, 0, zero, tilt=alpha),
        step(one, 0, zero, tilt=-alpha),
    ]
    return Activation.of(
        sides, "laplace", {"alpha": alpha}, rf"\mathrm{{lap}}_{{{sp.latex(alpha)}}}"
    )
