r"""Lower limits from raw samples by what lattices cannot hide: a periodic test function, and an atom.

h(x), the distance of x to the nearest multiple of a period p, is 1-Lipschitz and lies in [0, p/2], so that
W1(F, G) >= |E h(F) - E h(G)|, and betting limits the mean of h(F) at every sample size. For G = N(0, sigma^2)

    E h(G) = p/4 - (2p / pi^2) sum_{j odd} e^{-2 (pi j sigma / p)^2} / j^2.

A law on a lattice of spacing p has h = 0 (or p/2, if 0 lies between two points): p/4 from below, which is W1 itself to
leading order as p -> 0 (claim B41: sign features with +-1 readout, at every width). As G has no atoms, P(F = x) bounds
the distance over convex sets from below, and half of it the Kolmogorov distance. Derived here; limits: claim B79.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.confidence import BETTING, Limit, lower_mean

FloatArray = NDArray[np.float64]

# Differences below, in standard deviations of the limit, are rounding.
SAME = 1e-9
# Periods tried: the smallest gap between samples, doubled again and again, and some of the order of the limit.
DOUBLINGS = 6
WIDE = (1.0, 2.0, 4.0, 8.0)
# Terms of the series beyond are below e^-40.
LAST = 4.5 / math.pi


class Wave(NamedTuple):
    """A period, whether the sampled mean of h is the larger one, and the limit that it promises to as many draws."""

    promise: float
    period: float
    is_above: bool


def best_wave(training: FloatArray, sigma: float, level: float) -> Wave:
    """Choose a period by the limit for W1 to N(0, sigma^2) that it promises, from samples of shape (M,), M >= 2."""
    periods = [sigma * wide for wide in WIDE]
    gaps = np.diff(np.sort(training))
    gaps = gaps[gaps > SAME * sigma]
    if gaps.size:
        periods += [float(gaps.min()) * 2**k for k in range(DOUBLINGS)]
    return max(_promised(training, period, sigma, level) for period in periods)


def _promised(training: FloatArray, period: float, sigma: float, level: float) -> Wave:
    values = _distance(training, period)
    gap = float(values.mean()) - gaussian_mean(period, sigma)
    risk = math.log(1 / (1 - level)) / training.size
    margin = math.sqrt(2 * float(values.var(ddof=1)) * risk) + 0.5 * period * risk
    return Wave(abs(gap) - margin, period, gap > 0)


def periodic_limit(wave: Wave, test: FloatArray, sigma: float, level: float) -> Limit:
    """Lower confidence limit, at least 0, for W1 to N(0, sigma^2), at every sample size.

    Parameters
    ----------
    wave
        Chosen on other samples, by `best_wave`.
    test
        Shape (M,), M >= 2.
    sigma, level
        Standard deviation of the Gaussian, confidence.
    """
    period = wave.period
    values, target = _distance(test, period), gaussian_mean(period, sigma)
    if not wave.is_above:
        values, target = 0.5 * period - values, 0.5 * period - target
    found = lower_mean(values, level, 0.5 * period).value - target
    return Limit(
        max(0.0, found), level, f"test function of period {period / sigma:.3g} sigma; {BETTING}"
    )


def atom_limit(training: FloatArray, test: FloatArray, sigma: float, level: float) -> Limit:
    """Lower confidence limit for the mass of the atom that the training sample shows most often; at least 0."""
    ordered = np.sort(training)
    starts = np.flatnonzero(np.diff(ordered, prepend=-math.inf) > SAME * sigma)
    counts = np.diff(starts, append=ordered.size)
    place = float(ordered[starts[int(counts.argmax())]])
    hits = (np.abs(test - place) <= SAME * sigma).astype(np.float64)
    # What is within rounding of the atom has mass under the limit too: at most its width.
    mass = 2 * SAME / math.sqrt(2 * math.pi)
    found = lower_mean(hits, level, 1.0).value - mass
    return Limit(max(0.0, found), level, f"atom at {place:.3g}; {BETTING}")


def gaussian_mean(period: float, sigma: float) -> float:
    """E h(G), G ~ N(0, sigma^2), to 1e-15 of the period."""
    ratio = sigma / period
    odd = np.arange(1, max(1.0, LAST / ratio) + 2, 2)
    series = float((np.exp(-2 * (math.pi * odd * ratio) ** 2) / odd**2).sum())
    return period / 4 - 2 * period / math.pi**2 * series


def _distance(x: FloatArray, period: float) -> FloatArray:
    """Distance to the nearest multiple of the period."""
    distance: FloatArray = np.abs(x - period * np.rint(x / period))
    return np.minimum(distance, 0.5 * period)
