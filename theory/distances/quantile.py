"""Wasserstein distance of any order of a scale mixture to N(0, s2), through the monotone coupling."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtr, ndtri

from theory.checks import number
from theory.distances.crossings import cdf_crossing, density_crossings
from theory.distances.exact import limit_variance
from theory.distances.jets import Jets, normal_density
from theory.distances.mixture import ScaleMixture
from theory.errors import InputError

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
LARGEST_ORDER = 32


def wasserstein2(mixture: ScaleMixture, s2: float) -> float:
    """Wasserstein-2 distance between a scale mixture F and N(0, s2): `wasserstein` of order 2."""
    return wasserstein(mixture, s2, 2)


def wasserstein(mixture: ScaleMixture, s2: float, order: float = 2) -> float:
    """Wasserstein distance of a given order between a scale mixture F and N(0, s2).

    Parameters
    ----------
    mixture
        The law F.
    s2
        Variance of the limit, >= 0; for 0 the limit is the Dirac mass at 0.
    order
        p >= 1, at most 32.

    Returns
    -------
    float
        (E |X - S(X)|^p)^(1/p) with X ~ F and S the monotone map of F to the limit; relative
        accuracy 1e-10 for p = 2, 4, ... at every scale of the distance; otherwise 1e-6, because
        powers have a corner where the laws cross.

    Raises
    ------
    InputError
        If ``s2`` is negative or not finite, a positive variance is not within a factor 1e100 of it,
        or ``order`` lies outside [1, 32].

    Notes
    -----
    The displacement S(x) - x is found as such, from F - Phi, and never as a difference of
    quantiles.
    """
    s2 = limit_variance(mixture, s2)
    p = order_of(order)
    if s2 == 0:
        return float(absolute_moment(p) * (mixture.weights @ mixture.variances ** (p / 2))) ** (
            1 / p
        )
    jets = Jets(mixture, s2)
    nodes, weights = _panels(jets, cdf_crossing(jets, density_crossings(jets)))
    shift = np.abs(monotone_displacement(jets, nodes))
    largest = float(shift.max())
    if largest == 0:
        return 0.0
    # Relative to the largest displacement, whose p-th power may leave float64.
    spread = 2 * float(weights @ ((shift / largest) ** p * jets.density(nodes))) * largest**p
    # The atom at 0 is stretched over |x| < edge, where the limit has the atom's mass.
    edge = float(ndtri(0.5 + 0.5 * jets.atom)) if jets.atom < 1 else math.inf
    atom = absolute_moment(p) * float(chdtr(p + 1, edge**2)) if jets.atom else 0.0
    return float(math.sqrt(s2) * (spread + atom) ** (1 / p))


def absolute_moment(p: float) -> float:
    """E |Z|^p = 2^(p/2) Gamma((p + 1)/2) / sqrt(pi)."""
    return 2 ** (p / 2) * math.gamma((p + 1) / 2) / math.sqrt(math.pi)


def order_of(order: float) -> float:
    """Return p in [1, 32], or raise ``InputError``."""
    p = number(order, "order")
    if not 1 <= p <= LARGEST_ORDER:
        raise InputError(f"order must lie between 1 and {LARGEST_ORDER}, got {order!r}")
    return p


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


def _panels(jets: Jets, crossing: float | None) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of a composite Gauss-Legendre rule on (0, REACH * largest scale)."""
    first, last = FIRST * min(1.0, jets.smallest), REACH * jets.largest
    count = max(1, int(np.ceil(np.log(last / first) / np.log(GROWTH))))
    edges = np.concatenate([[0.0], np.geomspace(first, last, count + 1)])
    if crossing is not None:
        edges = np.sort(np.append(edges, crossing))
    half = 0.5 * np.diff(edges)[:, None]
    nodes = (edges[:-1, None] + half * (1 + PANEL_NODES)).ravel()
    return nodes, (half * PANEL_WEIGHTS).ravel()
