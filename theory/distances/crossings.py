"""Where a scale mixture and a Gaussian of the same centre cross, on z > 0.

With c_i = w_i a_i^(-1/2), (F' - phi) / phi = sum_i c_i exp(-z^2 (1/a_i - 1) / 2) - 1 is convex in
z^2, so the densities cross at most twice on z > 0 and, between these crossings, the distribution
functions at most once. If there are two, their ratio is at least 1.5: F - Phi returns to 0 at
infinity, and the convex function has too little room for a narrower dip. A geometric scan by
steps of 1.2 therefore misses none.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from theory.distances.jets import Jets

FloatArray = NDArray[np.float64]

STEP = 1.2
# In units of the limit: beyond, Gaussian mass is below 4e-33; a first crossing before the lower end
# encloses a part of the total of order (1e-6)^3.
HORIZON = 12.0
ONSET = 1e-6


def density_crossings(jets: Jets) -> list[float]:
    """Return the zeros of F' - phi on (0, HORIZON), increasing; at most two."""
    onset = ONSET * min(1.0, jets.smallest)
    count = int(np.ceil(np.log(HORIZON / onset) / np.log(STEP))) + 1
    z = np.geomspace(onset, HORIZON, count)
    gap = jets.density_gap(z)
    changes = np.flatnonzero(np.sign(gap[:-1]) * np.sign(gap[1:]) < 0)
    exact = z[gap == 0.0].tolist() if np.any(gap != 0.0) else []
    refined = [_root(jets.density_gap, z[i], z[i + 1]) for i in changes]
    return sorted(refined + exact)


def cdf_crossing(jets: Jets, density_zeros: list[float]) -> float | None:
    """Return the zero of F - Phi on z > 0, or None where F - Phi keeps its sign."""
    if not density_zeros:
        return None
    # F - Phi is monotone between the zeros of its derivative, and rises from or falls to its
    # extremes there.
    start = (
        density_zeros[0] if len(density_zeros) > 1 else ONSET * min(density_zeros[0], jets.smallest)
    )
    ends = np.array([start, density_zeros[-1]])
    left, right = jets.cdf_gap(ends)
    if left * right >= 0:
        return None
    return _root(jets.cdf_gap, ends[0], ends[1])


def _root(function: Callable[[FloatArray], FloatArray], low: float, high: float) -> float:
    return float(
        brentq(
            lambda z: float(function(np.array([z]))[0]), low, high, xtol=1e-15 * high, rtol=1e-14
        )
    )
