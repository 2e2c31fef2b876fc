"""Wasserstein-1, Kolmogorov and total-variation distance of a scale mixture to N(0, s2), in closed form.

All three are finite sums of differences of closed forms between the crossings of the two laws, so
they carry no quadrature error.
"""

import math

import numpy as np

from theory.checks import finite
from theory.distances.crossings import cdf_crossing, density_crossings
from theory.distances.jets import Jets
from theory.distances.mixture import ScaleMixture
from theory.errors import InputError

# Ratios of variances beyond leave the range in which their densities can be compared in float64.
LARGEST_RATIO = 1e100


def limit_variance(mixture: ScaleMixture, s2: float) -> float:
    """Return the variance of the limit as a float >= 0, comparable with the mixture, or raise ``InputError``."""
    if not isinstance(mixture, ScaleMixture):
        raise InputError(
            f"expected a ScaleMixture, got {type(mixture).__name__}; wrap conditional variances in "
            f"th.distances.ScaleMixture(variances)"
        )
    number = finite(s2, "s2")
    if number.ndim or number < 0:
        raise InputError(f"s2 must be one variance >= 0, got {s2!r}")
    value = float(number)
    positive = mixture.variances[mixture.variances > 0]
    if value > 0 and positive.size:
        low, high = float(positive.min()), float(positive.max())
        if high / LARGEST_RATIO > value or value / LARGEST_RATIO > low:
            raise InputError(
                f"variances from {low:g} to {high:g} are too far from s2 = {value:g}: positive ones must lie within "
                f"a factor {LARGEST_RATIO:g} of it; give 0 for what is negligible"
            )
    return value


def wasserstein1(mixture: ScaleMixture, s2: float) -> float:
    """Wasserstein-1 distance between a scale mixture F and N(0, s2).

    Parameters
    ----------
    mixture
        The law F.
    s2
        Variance of the limit, >= 0; for 0 the limit is the Dirac mass at 0.

    Returns
    -------
    float
        The integral of |F - Phi|, relative accuracy 1e-10 at every scale of the distance
        (down to variances that differ in their last digits).

    Raises
    ------
    InputError
        If ``s2`` is negative or not finite, or a positive variance is not within a factor 1e100 of it.

    Notes
    -----
    W1 = 2 |C(0) - C(z*)| + 2 |C(z*)| with C(z) = E (X - z)_+ - E (G - z)_+ and z* the zero of F -
    Phi (none: z* = 0).
    """
    s2 = limit_variance(mixture, s2)
    if s2 == 0:
        return math.sqrt(2 / math.pi) * float(mixture.weights @ np.sqrt(mixture.variances))
    jets = Jets(mixture, s2)
    crossing = cdf_crossing(jets, density_crossings(jets))
    origin, middle = jets.call_gap(np.array([0.0, 0.0 if crossing is None else crossing]))
    return 2 * math.sqrt(s2) * float(abs(origin - middle) + abs(middle))


def kolmogorov(mixture: ScaleMixture, s2: float) -> float:
    """Kolmogorov distance sup |F - Phi| between a scale mixture F and N(0, s2).

    Parameters and errors as in `wasserstein1`. The supremum is reached at a crossing of the
    densities, or beside the atom of F at 0. For s2 = 0 it is half the mass that F has off 0.
    Relative accuracy 1e-10.
    """
    s2 = limit_variance(mixture, s2)
    if s2 == 0:
        return 0.5 * float(mixture.weights[mixture.variances > 0].sum())
    jets = Jets(mixture, s2)
    extremes = np.abs(jets.cdf_gap(np.array(density_crossings(jets))))
    return float(max([0.5 * jets.atom, *extremes]))


def total_variation(mixture: ScaleMixture, s2: float) -> float:
    """Total variation distance sup_B |F(B) - N(0, s2)(B)|, in [0, 1].

    Parameters and errors as in `wasserstein1`; for s2 = 0 it is the mass that F has off 0. Half
    the atom of F at 0, plus the variation of F - Phi on z > 0. Relative accuracy 1e-10.
    """
    s2 = limit_variance(mixture, s2)
    if s2 == 0:
        return float(mixture.weights[mixture.variances > 0].sum())
    jets = Jets(mixture, s2)
    at_zeros = jets.cdf_gap(np.array(density_crossings(jets)))
    path = np.concatenate([[0.5 * jets.atom], at_zeros, [0.0]])
    return float(0.5 * jets.atom + np.abs(np.diff(path)).sum())
