"""Hard sigmoid of BinaryConnect."""

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.catalog import case
from theory.activations.pieces import clipped


@case()
def hard_sigmoid() -> Activation:
    """Return ``clip((x + 1)/2, 0, 1)`` (Courbariaux, Bengio and David 2015, eq. 3)."""
    return clipped(
        "hard_sigmoid",
        {},
        slope=sp.Rational(1, 2),
        low=-1,
        high=1,
        bottom=0,
        label=r"\mathrm{hsig}",
    )
