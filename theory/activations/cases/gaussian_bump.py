"""The Gaussian bump exp(-g x^2): a surrogate derivative, and the density of Gaussian noise up to a factor."""

from typing import Any

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import bump
from theory.activations.catalog import case
from theory.activations.parameters import positive


@case((1,))
def gaussian_bump(g: Any = 1) -> Activation:
    """Return ``exp(-g x^2)``, g > 0 exact. As a surrogate derivative use its primitive."""
    g = positive(g, "g")
    scale = 1 / sp.sqrt(2 * g)
    atom = bump(scale * sp.sqrt(2 * sp.pi), 0, sp.S.Zero, scale)
    return Activation.of([atom], "gaussian_bump", {"g": g}, rf"G_{{{sp.latex(g)}}}")
