"""The k-bit uniform quantizer of a symmetric range (Hubara et al. 2017; claim T22)."""

from typing import Any

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import step
from theory.activations.catalog import case
from theory.activations.parameters import positive
from theory.checks import positive_int


@case((2,))
def uniform_quantizer(bits: int, ceiling: Any = 1) -> Activation:
    """Return the 2^bits equidistant levels from -ceiling to ceiling, each point going to the nearest one.

    One bit is ``ceiling * sign(x)``; other thresholds and levels are ``staircase``.
    """
    bits = positive_int(bits, "bits")
    ceiling = positive(ceiling, "ceiling")
    gaps = 2**bits - 1
    rise = 2 * ceiling / gaps
    jumps = [step(rise, 0, rise * (sp.Rational(1, 2) + i) - ceiling) for i in range(gaps)]
    parameters = {"bits": sp.Integer(bits), "ceiling": ceiling}
    label = rf"Q_{{{bits}}}" if ceiling == 1 else rf"Q_{{{bits},{sp.latex(ceiling)}}}"
    return Activation.of([step(-ceiling, 0), *jumps], "uniform_quantizer", parameters, label)
