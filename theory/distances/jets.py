r"""F - Phi for a scale mixture F, free of cancellation, by Hermite jets in the variance.

In units of the limit's standard deviation the mixture has variances a_i = A_i / s2, and the
quantities compared are integrals and derivatives of v(u, z) = Phi(z / sqrt u). The heat equation
v_u = v_zz / 2 turns every derivative in u into a Hermite polynomial, so a group of variances near a
centre u enters only through its moments m_k = sum w_i (a_i / u - 1)^k:

    sum_i w_i v(a_i, z) = m_0 v(u, z) - phi(y) sum_{k >= 1} m_k He_{2k-1}(y) / (2^k k!),

with y = z / sqrt u.

One centre is u = 1 exactly. There the zeroth term is Phi itself and is never formed: the
difference of order Var(A) is summed as such, with relative error eps / |a - 1| at most, instead
of being left over from numbers of order 1. Centres are spaced by a factor e^(1/32); twelve
moments then leave a remainder below 1e-13 of the leading term for |y| < 7; beyond, phi(y) < 1e-11
weighs it.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from theory.distances.mixture import ScaleMixture

FloatArray = NDArray[np.float64]

SPACING = 1 / 32
ORDER = 12
# phi underflows to 0 beyond, so larger arguments add nothing and would overflow the polynomials.
UNDERFLOW = 39.0
# Elements of a (points x centres) block: bounds memory at some 16 MB an array.
BLOCK = 2_000_000


def normal_density(z: FloatArray) -> FloatArray:
    """Return the standard normal density."""
    density: FloatArray = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return density


def call(z: FloatArray) -> FloatArray:
    """E (Z - z)_+ = phi(z) - z Q(z) of a standard normal Z."""
    value: FloatArray = normal_density(z) - z * ndtr(-z)
    return value


class Jets:
    """A scale mixture compared with N(0, s2), as functions of z >= 0 in units of sqrt(s2).

    Parameters
    ----------
    mixture
        The law F.
    s2
        Variance of the Gaussian it is compared with, positive.
    """

    def __init__(self, mixture: ScaleMixture, s2: float) -> None:
        variances, weights = mixture.variances, mixture.weights
        positive = variances > 0
        self.atom = float(weights[~positive].sum())
        variances, weights = variances[positive], weights[positive]
        with np.errstate(over="ignore", under="ignore"):
            steps = np.rint((np.log(variances) - math.log(s2)) / SPACING)
        levels, group = np.unique(steps, return_inverse=True)
        self.centres = np.exp(SPACING * levels)
        self.scales = np.exp(0.5 * SPACING * levels)
        reference = s2 * self.centres[group]
        # variances - reference is exact in the central group (Sterbenz), where s2 * 1 is s2.
        offsets = (variances - reference) / reference
        self.moments = np.empty((ORDER + 1, levels.size))
        powers = weights.copy()
        for k in range(ORDER + 1):
            self.moments[k] = np.bincount(group, powers, minlength=levels.size)
            powers *= offsets
        for level in np.flatnonzero(levels == 0):
            # First-order terms cancel in the mean: sum them exactly or they drown the second order.
            self.moments[1, level] = math.fsum((weights * offsets)[group == level])
        self.central = levels == 0
        self.smallest = float(self.scales.min()) if levels.size else 1.0
        self.largest = float(self.scales.max()) if levels.size else 1.0

    def _blocks(self, z: FloatArray) -> list[slice]:
        size = max(1, BLOCK // max(1, self.centres.size))
        return [slice(start, start + size) for start in range(0, z.size, size)]

    def _hermite_sum(self, y: FloatArray, parity: int) -> FloatArray:
        """Sum over k >= 1 of m_k He_{2k-parity}(y) / (2^k k!); columns are centres."""
        before, current = np.ones_like(y), y.copy()
        total = np.zeros_like(y)
        scale = 1.0
        degree = 1
        for k in range(1, ORDER + 1):
            scale /= 2 * k
            while degree < 2 * k - parity:
                before, current = current, y * current - degree * before
                degree += 1
            # Degree 0 is asked for once, at k = 1 with parity 2, when `before` still is He_0.
            total += (scale * self.moments[k]) * (before if 2 * k == parity else current)
        return total

    def _arguments(self, z: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            return np.minimum(z[:, None] / self.scales, UNDERFLOW)

    def cdf_gap(self, z: FloatArray) -> FloatArray:
        """F(z) - Phi(z) for z > 0, in units of the limit (z -> 0+ gives half the atom)."""
        gap = self.atom * ndtr(-z)
        for block in self._blocks(z):
            y = self._arguments(z[block])
            plain = np.where(self.central, 0.0, ndtr(-z[block])[:, None] - ndtr(-y))
            gap[block] += plain @ self.moments[0] - (
                normal_density(y) * self._hermite_sum(y, 1)
            ).sum(axis=1)
        return gap

    def survival(self, z: FloatArray) -> FloatArray:
        """1 - F(z) for z > 0, with relative accuracy far into the tail."""
        tail = np.zeros_like(z)
        for block in self._blocks(z):
            y = self._arguments(z[block])
            tail[block] = ndtr(-y) @ self.moments[0] + (
                normal_density(y) * self._hermite_sum(y, 1)
            ).sum(axis=1)
        return np.maximum(tail, 0.0)

    def density(self, z: FloatArray) -> FloatArray:
        """Density of F away from its atom."""
        value = np.zeros_like(z)
        for block in self._blocks(z):
            y = self._arguments(z[block])
            jet = self.moments[0] + self._hermite_sum(y, 0)
            value[block] = (normal_density(y) * jet / self.scales).sum(axis=1)
        return np.maximum(value, 0.0)

    def density_gap(self, z: FloatArray) -> FloatArray:
        """(F' - phi) / phi at z, away from the atom: a convex function of z^2 (a positive sum of exponentials)."""
        gap = np.full_like(z, -self.atom)
        for block in self._blocks(z):
            y = self._arguments(z[block])
            ratio = np.exp(0.5 * (z[block][:, None] - y) * (z[block][:, None] + y)) / self.scales
            plain = np.where(self.central, 0.0, ratio - 1.0)
            gap[block] += plain @ self.moments[0] + (ratio * self._hermite_sum(y, 0)).sum(axis=1)
        return gap

    def call_gap(self, z: FloatArray) -> FloatArray:
        """E (X - z)_+ - E (Z - z)_+ with X ~ F: minus the integral of F - Phi over (z, infinity)."""
        gap = -self.atom * call(z)
        for block in self._blocks(z):
            y = self._arguments(z[block])
            plain = np.where(self.central, 0.0, self.scales * call(y) - call(z[block])[:, None])
            jet = self.scales * normal_density(y) * self._hermite_sum(y, 2)
            gap[block] += plain @ self.moments[0] + jet.sum(axis=1)
        return gap
