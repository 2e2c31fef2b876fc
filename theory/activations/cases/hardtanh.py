"""The hard hyperbolic tangent h_a(x) = clip(x/a, -1, 1); its derivative is 1{|x| < a}/a."""

from typing import Any

from theory.activations.activation import Activation
from theory.activations.catalog import case
from theory.activations.parameters import positive
from theory.activations.pieces import clipped


@case((1,), ("1/2",), (2,))
def hardtanh(a: Any = 1) -> Activation:
    """Return ``clip(x/a, -1, 1)``, a > 0 exact.

    ``hardtanh(a)`` tends to ``sign`` as a goes to 0; ``hardtanh(1)`` is the surrogate of Hubara et al.
    (2016), whose derivative is ``1{|x| < 1}``.
    """
    a = positive(a, "a")
    return clipped(
        "hardtanh", {"a": a}, slope=1 / a, low=-a, high=a, bottom=-1, label=rf"h_{{{a}}}"
    )
