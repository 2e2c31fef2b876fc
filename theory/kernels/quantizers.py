r"""Quantisers of a standard normal variable, and what they let through a deep network.

At correlation 0 a layer multiplies correlations by chi_0 = E[zQ(z)]^2 / E[Q(z)^2] (claim T65). A multiple of Q is
an N-level quantiser too, so 1 - chi_0 = min_a E[(z - aQ)^2] is at least the least distortion D_N of N levels, with
equality for the Lloyd-Max quantiser.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import ndtr, ndtri

from theory.checks import positive_int
from theory.errors import InputError

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Quantizer:
    """A staircase: ``levels`` (N,) with jumps at ``thresholds`` (N - 1,)."""

    thresholds: Float
    levels: Float

    @property
    def distortion(self) -> float:
        """Return E[(z - Q(z))^2], z ~ N(0, 1)."""
        mass, first = _cells(self.thresholds)
        return float(1 - 2 * (self.levels @ first) + self.levels**2 @ mass)

    @property
    def transmission(self) -> float:
        """Return chi_0 = E[zQ]^2 / E[Q^2], the factor on correlations near 0; at most 1 - D_N."""
        mass, first = _cells(self.thresholds)
        return float((self.levels @ first) ** 2 / (self.levels**2 @ mass))

    @property
    def depth_scale(self) -> float:
        """Layers over which a correlation near 0 falls by e: -1 / ln chi_0."""
        return float(-1 / np.log(self.transmission))


def lloyd_max(levels: int) -> Quantizer:
    """Return the quantiser of N(0, 1) with the least mean square error, for ``levels`` >= 2.

    Notes
    -----
    Thresholds halve the distance of levels, levels are the means of their cells: solved by Newton's method to
    rounding. The solution is unique, as the normal density is log-concave. Source: Max 1960.
    """
    count = _count(levels)
    # Panter and Dite: cells of width ~ density^(-1/3), so thresholds at the quantiles of N(0, 3).
    x = np.sqrt(3) * ndtri(np.arange(1, count) / count)
    for _ in range(100):
        mass, first = _cells(x)
        means, density = first / mass, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
        below = density * (x - means[:-1]) / mass[:-1]
        above = density * (means[1:] - x) / mass[1:]
        slope = np.diag(1 - (below + above) / 2)
        slope -= np.diag(above[:-1], -1) / 2 + np.diag(below[1:], 1) / 2
        step = np.linalg.solve(slope, x - (means[1:] + means[:-1]) / 2)
        x = x - step
        if np.abs(step).max() < 1e-14:
            break
    mass, first = _cells(x)
    return Quantizer(x, np.asarray(first / mass, dtype=np.float64))


def evenly_spaced(levels: int) -> Quantizer:
    """Return the quantiser with equally spaced levels and thresholds and the least mean square error."""
    count = _count(levels)

    def at(spacing: float) -> Quantizer:
        centred = np.arange(count) - (count - 1) / 2
        return Quantizer(
            np.asarray(spacing * (centred[1:] + centred[:-1]) / 2, dtype=np.float64),
            np.asarray(spacing * centred, dtype=np.float64),
        )

    found = minimize_scalar(
        lambda spacing: -at(spacing).transmission, bounds=(1e-3, 4.0), options={"xatol": 1e-12}
    )
    shape = at(float(found.x))
    # The best multiple: what is left of the distortion is then exactly 1 - chi_0.
    mass, first = _cells(shape.thresholds)
    scale = (shape.levels @ first) / (shape.levels**2 @ mass)
    return Quantizer(shape.thresholds, np.asarray(scale * shape.levels, dtype=np.float64))


def _cells(thresholds: Float) -> tuple[Float, Float]:
    """Return P(z in cell) and E[z 1{z in cell}] of the N cells."""
    edges = np.concatenate([[-np.inf], thresholds, [np.inf]])
    density = np.exp(-(edges**2) / 2) / np.sqrt(2 * np.pi)
    # Differences of the smaller tails: cells far out keep their digits.
    mass = np.where(
        edges[1:] <= 0, ndtr(edges[1:]) - ndtr(edges[:-1]), ndtr(-edges[:-1]) - ndtr(-edges[1:])
    )
    return mass, density[:-1] - density[1:]


def _count(levels: int) -> int:
    count = positive_int(levels, "levels")
    if not 2 <= count <= 4096:
        raise InputError(f"a quantiser needs 2 to 4096 levels, got {count}")
    return count
