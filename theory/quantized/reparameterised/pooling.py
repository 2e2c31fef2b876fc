"""Maxima of random signals: of signs, and of two normals (S39); both take what they pool as independent.

Signals of patches that share weights are not independent, and then neither is exact: claims S36 and S39 hold the gap.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from theory.checks import finite
from theory.errors import InputError

Float = NDArray[np.float64]


def maximum_of_signs(means: Float) -> Float:
    """Return the mean of the maximum of independent signs with these means, over the last axis (S39).

    P(max = -1) is the product of (1 - m_i)/2.

    Raises
    ------
    InputError
        For a mean outside [-1, 1].
    """
    given = finite(means, "means")
    if np.any(np.abs(given) > 1.0):
        raise InputError(f"means of signs lie in [-1, 1], got {given[np.abs(given) > 1.0][0]}")
    return np.asarray(1.0 - 2.0 * np.prod((1.0 - given) / 2.0, axis=-1))


def maximum_of_two(first: tuple[Float, Float], second: tuple[Float, Float]) -> tuple[Float, Float]:
    """Return mean and variance of the maximum of two independent normals, each (mean, variance) (Clark 1961).

    Exact for two; used again on its own results, which are not normal, it is not (S39).

    Raises
    ------
    InputError
        Unless variances are positive.
    """
    (m, v), (n, w) = ((finite(a, "mean"), finite(b, "variance")) for a, b in (first, second))
    if np.any(v <= 0.0) or np.any(w <= 0.0):
        raise InputError("variances must be positive; the maximum of numbers is np.maximum")
    a = np.sqrt(v + w)
    x = (m - n) / a
    density = np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)
    mean = m * ndtr(x) + n * ndtr(-x) + a * density
    square = (m**2 + v) * ndtr(x) + (n**2 + w) * ndtr(-x) + (m + n) * a * density
    return mean, square - mean**2
