"""Sine and cosine of exact frequency (SIREN, Sitzmann et al. 2020; random Fourier features)."""

from typing import Any

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import waves
from theory.activations.catalog import case
from theory.activations.parameters import positive


@case((1,))
def sine(omega: Any = 1) -> Activation:
    """Return ``sin(omega x)``, omega > 0 exact."""
    omega = positive(omega, "omega")
    label = r"\sin" if omega == 1 else rf"\sin_{{{sp.latex(omega)}}}"
    return Activation.of(waves(-sp.I, 0, sp.I * omega), "sine", {"omega": omega}, label)


@case((2,))
def cosine(omega: Any = 1) -> Activation:
    """Return ``cos(omega x)``, omega > 0 exact."""
    omega = positive(omega, "omega")
    label = r"\cos" if omega == 1 else rf"\cos_{{{sp.latex(omega)}}}"
    return Activation.of(waves(sp.S.One, 0, sp.I * omega), "cosine", {"omega": omega}, label)
