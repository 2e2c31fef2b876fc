r"""Test functions for Wasserstein-2: two waves that are blind to the mean of the random variance.

Let h(x) = e^{b^2/2} cos(b x) / b^2 - e^{a^2/2} cos(a x) / a^2 with 0 < a < b, in units of sigma. Given A, with
v = A / sigma^2 - 1,

    E[h(F) | A] - E h(G) = (e^{-b^2 v/2} - 1) / b^2 - (e^{-a^2 v/2} - 1) / a^2 >= 0,

of second order at v = 0: the mean of A has no first-order effect. As h'' <= L = e^{a^2/2} + e^{b^2/2}, any coupling
has h(F) - h(G) <= h'(G) (F - G) + (L/2) (F - G)^2, so that with D^2 = E h'(G)^2

    E h(F) - E h(G) <= D W2 + (L/2) W2^2,

which is solved for W2. To leading order 98 % of the distance for the longest waves (as a, b -> 0 all of it: h tends to
the fourth Hermite polynomial); the longer the waves, the larger the width from which this is reached.

For m outputs that share A, h is averaged over directions t of R^m: its mean given A is the same, and

    h'' <= L / m,   D^2 = E c (sinh(a^2 c) / a^2 + sinh(b^2 c) / b^2 - 2 sinh(a b c) / (a b)),   c = t . t',

so that the bound grows like (m (m + 2) / 3)^{1/2}, as the distance does (claim B20). Derived here.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import roots_jacobi

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Waves:
    """Two frequencies, in units of 1 / sigma.

    Parameters
    ----------
    slow, fast
        0 < a < b.
    outputs
        m: over how many outputs of equal law the waves are averaged.
    """

    slow: float
    fast: float
    outputs: int = 1

    def __call__(self, variances: FloatArray, s2: float) -> FloatArray:
        """E[h(F) | A] - E h(G) >= 0 for each conditional variance, any shape; s2 > 0."""
        half = -0.5 * (variances - s2) / s2
        a2, b2 = self.slow**2, self.fast**2
        value: FloatArray = np.expm1(b2 * half) / b2 - np.expm1(a2 * half) / a2
        return np.maximum(value, 0.0)

    def distance(self, mean: float, s2: float) -> float:
        """Lower bound on W2(F, N(0, s2)) from one on the mean of E[h(F) | A] - E h(G); a trivial one stays."""
        if mean <= 0:
            return mean
        steep, slope = self._curvature(), self._slope()
        return math.sqrt(s2) * 2 * mean / (slope + math.sqrt(slope**2 + 2 * steep * mean))

    def _curvature(self) -> float:
        """L / m: an upper bound on h''."""
        return (math.exp(self.slow**2 / 2) + math.exp(self.fast**2 / 2)) / self.outputs

    def _slope(self) -> float:
        """D: root of E |h'(G)|^2, from E sin(s t.G) sin(r t'.G) = e^{-(s^2 + r^2)/2} sinh(s r t.t')."""
        a, b = self.slow, self.fast
        c, weights = _cosines(self.outputs)
        waves = np.sinh(a * a * c) / a**2 + np.sinh(b * b * c) / b**2
        square = float(weights @ (c * (waves - 2 * np.sinh(a * b * c) / (a * b))))
        return math.sqrt(square)


def _cosines(dimension: int) -> tuple[FloatArray, FloatArray]:
    """Gauss rule for the product of two independent directions, density ~ (1 - c^2)^{(m - 3)/2}."""
    if dimension == 1:
        return np.ones(1), np.ones(1)
    nodes, weights = roots_jacobi(24, (dimension - 3) / 2, (dimension - 3) / 2)
    return nodes, weights / weights.sum()


FREQUENCIES = ((0.4, 0.8), (0.6, 1.2), (0.8, 1.6))
