"""Clipped ReLU, the surrogate of Yin et al. (2019) and the 1-bit range of quantized networks."""

from typing import Any

from theory.activations.activation import Activation
from theory.activations.catalog import case
from theory.activations.parameters import positive
from theory.activations.pieces import clipped


@case()
def clipped_relu(ceiling: Any = 1) -> Activation:
    """Return ``clip(x, 0, ceiling)``, ceiling > 0 exact."""
    ceiling = positive(ceiling, "ceiling")
    return clipped(
        "clipped_relu",
        {"ceiling": ceiling},
        slope=1,
        low=0,
        high=ceiling,
        bottom=0,
        label=rf"\mathrm{{crelu}}_{{{ceiling}}}",
    )
