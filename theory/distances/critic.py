r"""A 1-Lipschitz test function that is blind to the mean of the random variance.

W1(F, G) >= E h(F) - E h(G) for every 1-Lipschitz h. With h = |x| the right side moves to first
order with E A, and the effect of order Var(A) drowns in the noise of the sampled mean. Let
instead h fall with slope -1 for |x| < c sigma and rise with slope 1 beyond, c = sqrt(2 ln 2).
Then with r = sqrt(A) / sigma

    E[h(F) | A] - E h(G) = sigma psi(r),   psi'(r) = sqrt(2/pi) (2^{1 - 1/r^2} - 1),   psi(1) = 0.

psi falls before r = 1 and rises after it, so psi >= 0: **for every law of A, with no hypothesis
on its mean,**

    W1(F, N(0, sigma^2)) >= sigma E psi(sqrt(A) / sigma)
                          ~ sqrt(2/pi) (ln 2 / 4) E (A - sigma^2)^2 / sigma^3.

For E A = sigma^2 this is 2 ln 2 / (1 + 4 e^{-3/2}) = 73 % of the distance to leading order
(h = |x|: 53 %). As psi >= 0, it may be cut off from above before its mean is estimated, which gives
rigorous limits whose relative error does not grow with the width.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from theory.confidence import Limit, lower_mean_cut

FloatArray = NDArray[np.float64]

TURN = math.sqrt(2 * math.log(2))
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
NEAR = 0.25
# a, b of the blind set: the pair with aphi(a) = bphi(b) of greatest curvature.
INNER, OUTER = 0.3712081181916463, 1.8219866005121847
RISE = math.log(OUTER / INNER)


def blind_critic(variances: FloatArray, s2: float) -> FloatArray:
    """E[h(F) | A] - E h(G) >= 0 for each conditional variance; its mean is a lower bound on W1(F, N(0, s2)).

    Parameters
    ----------
    variances
        Conditional variances A >= 0, any shape.
    s2
        Variance of the limit, positive.

    Returns
    -------
    array
        Same shape; zero at A = s2, of second order around it, to full relative accuracy.
    """
    offset = (variances - s2) / s2
    root = np.sqrt(np.maximum(1 + offset, 0.0))
    distance = offset / (1 + root)  # sqrt(A / s2) - 1 without cancellation
    r = 1 + 0.5 * distance[..., None] * (1 + NODES)
    with np.errstate(divide="ignore", over="ignore"):
        slope = np.expm1(math.log(2) * 0.5 * distance[..., None] * (1 + NODES) * (1 + r) / r**2)
        near = 0.5 * distance * (slope @ WEIGHTS)
        edge = TURN / root
        far = root * np.expm1(math.log(2) * (1 - 1 / root**2))
    far = far - 4 * TURN * (ndtr(-edge) - ndtr(-TURN)) / math.sqrt(2 / math.pi)
    value: FloatArray = math.sqrt(2 * s2 / math.pi) * np.where(np.abs(distance) < NEAR, near, far)
    return np.maximum(value, 0.0)


def blind_set(variances: FloatArray, s2: float) -> FloatArray:
    r"""P(F in B | A) - P(G in B) >= 0 for each conditional variance; its mean is a lower bound on total variation.

    B = {|x| < a sigma or |x| > b sigma} with ln(b/a) = (b^2 - a^2)/2: the derivative in u = A / s2 is
    u^{-3/2} a phi(a / sqrt u) (e^{ln(b/a)(1 - 1/u)} - 1), of the sign of u - 1, so that the mean of A has no
    first-order effect. To leading order 63 % of the distance, the most that such a set can see. A
    quarter of it bounds the Kolmogorov distance from below: B is, up to symmetry, the complement of
    two intervals.

    Parameters, accuracy as for `blind_critic`.
    """
    offset = (variances - s2) / s2
    u = np.maximum(1 + offset, 0.0)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        w = 1 + 0.5 * offset[..., None] * (1 + NODES)
        slope = INNER * _density(INNER / np.sqrt(w)) * w**-1.5
        slope = slope * np.expm1(RISE * 0.5 * offset[..., None] * (1 + NODES) / w)
        near = 0.5 * offset * (slope @ WEIGHTS)
        inner, outer = INNER / np.sqrt(u), OUTER / np.sqrt(u)
    far = 2 * (ndtr(inner) - ndtr(INNER)) + 2 * (ndtr(-outer) - ndtr(-OUTER))
    value: FloatArray = np.where(np.abs(offset) < NEAR, near, far)
    return np.maximum(value, 0.0)


def _density(z: FloatArray) -> FloatArray:
    density: FloatArray = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return density


Critic = Callable[[FloatArray, float], FloatArray]


def critic_limit(
    training: FloatArray, test: FloatArray, s2: float, level: float, critic: Critic = blind_critic
) -> Limit:
    """Lower confidence limit for the distance that a critic bounds, from two independent samples of A.

    The training sample chooses where the critic is cut off, the test sample estimates the mean of
    what is left; this holds at every sample size and width, for bounded and unbounded activations
    (claim B79). By default W1(F, N(0, s2)); with `blind_set` total variation.
    """
    return lower_mean_cut(critic(training, s2), critic(test, s2), level)
