"""Which first layer a kernel takes: Gaussian, or exactly that of its weights, where these have few values."""

import warnings

import numpy as np
from numpy.typing import NDArray

from theory.errors import ArchitectureError, FirstLayerWarning, InputError
from theory.kernels.architecture import Architecture
from theory.kernels.lattice import Lattice, support

Float = NDArray[np.float64]
FIRST_LAYERS = ("gaussian", "exact")

NOTICEABLE = 0.05
"""Relative fourth cumulant of a first pre-activation above which its Gaussian limit is not taken silently."""


def first_layer(arch: Architecture, x: Float, y: Float, choice: str | None) -> Lattice | None:
    """Return the exact first layer, or None where it is Gaussian or taken so; warn where nobody chose."""
    if choice is not None and choice not in FIRST_LAYERS:
        raise InputError(f"first_layer must be one of {FIRST_LAYERS} or None, got {choice!r}")
    law = arch.weight_laws[0]
    if not arch.layers or law.is_gaussian:
        return None
    if choice == "exact":
        return Lattice.of(law, x, y, arch.weight_stds[0], arch.bias_stds[0])
    if choice is None:
        size = _fourth_cumulant(arch, np.concatenate([x, y]))
        if size > NOTICEABLE:
            warnings.warn(
                f"weights 1 follow {law.name}, and d = {x.shape[1]} is small: first pre-activations have relative "
                f"fourth cumulant {size:.2g}, so finite networks follow another kernel at any width. Pass "
                f'first_layer="exact" for it, or first_layer="gaussian" for this one, the limit as d grows',
                FirstLayerWarning,
                stacklevel=4,
            )
    return None


def _fourth_cumulant(arch: Architecture, points: Float) -> float:
    """Return the largest relative fourth cumulant of a first pre-activation, in absolute value."""
    law, bias = arch.weight_laws[0], arch.bias_stds[0]
    scaled = points / max(float(np.abs(points).max()), 1e-300)
    factor = abs(law.kurtosis - 3 * law.variance**2)
    weight = arch.weight_stds[0] * max(float(np.abs(points).max()), 1e-300)
    variance = weight**2 * law.variance * (scaled**2).mean(axis=1) + bias**2
    fourth = weight**4 * factor * (scaled**4).sum(axis=1) / points.shape[1] ** 2
    return float(
        np.divide(fourth, variance**2, out=np.zeros(len(points)), where=variance > 0).max()
    )


def require_free_signs(arch: Architecture, pair: tuple[str, str]) -> None:
    """Refuse latent weights whose derivative depends on the value that they take."""
    law = arch.weight_laws[0]
    values = support(law)
    if law.forward is not None and values is not None and values[0].size > 2:
        raise ArchitectureError(
            f"weights 1 follow {law.name}: with {values[0].size} values, the derivative of a latent weight for {pair} "
            f"depends on the value taken, and the first block of the kernel on the pre-activation; "
            f'first_layer="exact" covers two values, or th.nngp'
        )
