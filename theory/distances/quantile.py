"""Wasserstein-2 distance of a scale mixture to N(0, s2), through the monotone coupling."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtr, ndtri

from theory.distances.exact import limit_variance
from theory.distances.jets import Jets, normal_density
from theory.distances.mixture import ScaleMixture

FloatArray = NDArray[np.float64]

# Panels grow by this factor from the smallest scale of the mixture to REACH times the largest: F
# and its quantile map are smooth relative to their distance from 0, so a fixed number of nodes a
# panel resolves every scale alike.
GROWTH = 1.25
FIRST = 0.25
REACH = 13.0
PANEL_NODES, PANEL_WEIGHTS = np.polynomial.legendre.leggauss(20)
MEAN_NODES, MEAN_WEIGHTS = np.polynomial.legendre.leggauss(12)
SMALL_SHIFT = 0.5
NEWTON_STEPS = 6


def wasserstein2(mixture: ScaleMixture, s2: float) -> float:
    """Wasserstein-2 distance between a scale mixture F and N(0, s2).

    Parameters
    ----------
    mixture
        The law F.
    s2
        Variance of the limit, >= 0; for 0 the limit is the Dirac mass at 0.

    Returns
    -------
    float
        Square root of E (X - S(X))^2 with X ~ F and S the monotone map of F to the limit;
        relative accuracy 1e-10 at every scale of the distance.

    Raises
    ------
    InputError
        If ``s2`` is negative or not finite, or a positive variance is not within a factor 1e100 of it.

    Notes
    -----
    The displacement S(x) - x is found as such, from F - Phi, and never as a difference of
    quantiles.
    """
    s2 = limit_variance(mixture, s2)
    if s2 == 0:
        return math.sqrt(mixture.mean_variance)
    jets = Jets(mixture, s2)
    nodes, weights = _panels(jets)
    shift = monotone_displacement(jets, nodes)
    spread = 2 * float(weights @ (shift**2 * jets.density(nodes)))
    # The atom at 0 is stretched over |x| < edge, where the limit has the atom's mass.
    edge = float(ndtri(0.5 + 0.5 * jets.atom)) if jets.atom < 1 else math.inf
    return math.sqrt(s2 * (spread + float(chdtr(3, edge**2))))


def monotone_displacement(jets: Jets, z: FloatArray) -> FloatArray:
    """Return S(z) - z for z > 0, S the increasing map that takes F to N(0, 1): Phi(S(z)) = F(z)."""
    survival = np.maximum(jets.survival(z), 1e-300)
    shift = np.maximum(-ndtri(survival), 0.0) - z
    near = np.abs(shift) * (1 + z) < SMALL_SHIFT
    x, gap = z[near], jets.cdf_gap(z[near])
    eta = shift[near]
    for _ in range(NEWTON_STEPS):
        eta = eta - (_normal_increment(x, eta) - gap) / normal_density(x + eta)
    shift[near] = eta
    return shift


def _normal_increment(x: FloatArray, eta: FloatArray) -> FloatArray:
    """Phi(x + eta) - Phi(x) for small eta, to full relative accuracy."""
    middle, steps = x + 0.5 * eta, 0.5 * eta[:, None] * MEAN_NODES
    factor = np.exp(-steps * (middle[:, None] + 0.5 * steps)) @ MEAN_WEIGHTS
    increment: FloatArray = 0.5 * eta * normal_density(middle) * factor
    return increment


def _panels(jets: Jets) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of a composite Gauss-Legendre rule on (0, REACH * largest scale)."""
    first, last = FIRST * min(1.0, jets.smallest), REACH * jets.largest
    count = max(1, int(np.ceil(np.log(last / first) / np.log(GROWTH))))
    edges = np.concatenate([[0.0], np.geomspace(first, last, count + 1)])
    half = 0.5 * np.diff(edges)[:, None]
    nodes = (edges[:-1, None] + half * (1 + PANEL_NODES)).ravel()
    return nodes, (half * PANEL_WEIGHTS).ravel()
