"""Exact distances of a sampled scale mixture, with the bias of sampling removed and a standard error."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from theory.distances.mixture import ScaleMixture

FloatArray = NDArray[np.float64]
Distance = Callable[[ScaleMixture, float], float]

GROUPS = 20


def jackknife(
    distance: Distance, variances: FloatArray, s2: float, *, centred: bool
) -> tuple[float, float]:
    """Estimate a distance to N(0, s2) from sampled conditional variances; return it with its standard error.

    Groups are left out in turn, and the square is corrected, whose bias is of order 1/draws: sampling
    noise adds to the distance, and dominates it where the mean of A is unknown and the width exceeds the number
    of draws. With ``centred`` the mean is known to be s2, and restored in every sample. The error is of order
    draws^(-1/2) relative to the distance at every width (centred), and is asymptotic. A square that the
    correction makes negative counts as 0.
    """

    def squared(sample: FloatArray) -> float:
        mixture = ScaleMixture(sample)
        if centred and mixture.mean_variance > 0:
            mixture = mixture.recentred(s2)
        return distance(mixture, s2) ** 2

    count = min(GROUPS, variances.size // 2)
    groups = np.array_split(np.arange(variances.size), count)
    left_out = np.array([squared(np.delete(variances, group)) for group in groups])
    whole = squared(variances)
    value = math.sqrt(max(0.0, count * whole - (count - 1) * float(left_out.mean())))
    spread = (count - 1) / count * float(((left_out - left_out.mean()) ** 2).sum())
    return value, math.sqrt(spread) / (2 * max(value, math.sqrt(whole) / 2, 1e-300))
