"""Triangle, the derivative of Bi-Real Net's quadratic smoothing of the sign (claim T17)."""

from typing import Any

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import step
from theory.activations.catalog import case
from theory.activations.parameters import positive


@case((1,))
def triangle(b: Any = 1) -> Activation:
    """Return ``max(0, 1 - |x|/b)``, b > 0 exact. As a surrogate derivative use its primitive."""
    b = positive(b, "b")
    hat = [(1, -b, 1 / b), (0, -b, b / b), (1, 0, -2 / b), (1, b, 1 / b), (0, b, -b / b)]
    terms = [step(sp.sympify(coef), power, sp.sympify(place)) for power, place, coef in hat]
    return Activation.of(terms, "triangle", {"b": b}, rf"\Lambda_{{{sp.latex(b)}}}")
