"""Distances to N(0, s2) from raw samples, with limits that hold for every law at every sample size.

A Dvoretzky-Kiefer-Wolfowitz band around the empirical distribution function (Massart's constant,
claim B73) is a band around the quantile function, and each distance is extremal on the edges of
the band. This holds for lattice laws too, such as a sign network with binary readout.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from theory.checks import finite, positive, probability
from theory.distances.jets import normal_density
from theory.distances.sandwich import Sandwich
from theory.errors import InputError

FloatArray = NDArray[np.float64]

LARGEST = 1e100


@dataclass(frozen=True)
class SampleDistances:
    """Kolmogorov, Wasserstein-1 and Wasserstein-2 distance, on one confidence band: all hold together."""

    kolmogorov: Sandwich
    wasserstein1: Sandwich
    wasserstein2: Sandwich


def from_samples(
    samples: ArrayLike, s2: float, confidence: float = 0.99, fourth_moment: float | None = None
) -> SampleDistances:
    """Distances between the law of independent samples and N(0, s2).

    Parameters
    ----------
    samples
        Shape (M,), M >= 1, independent and identically distributed.
    s2
        Variance of the Gaussian, positive.
    confidence
        Probability that all limits hold, in (0, 1).
    fourth_moment
        A known upper bound on E X^4 of the sampled law. Samples alone cannot bound what
        happens beyond them: without it the Wasserstein distances have an infinite upper limit.

    Returns
    -------
    SampleDistances
        Sandwiches; estimates are the exact distances of the empirical law, which
        exceed the truth by a term of order M^(-1/2).

    Raises
    ------
    InputError
        For empty or non-finite samples, a variance or moment <= 0, or a confidence outside (0, 1).
    """
    x = finite(samples, "samples")
    if x.ndim != 1 or x.size == 0:
        raise InputError(f"samples must have shape (M,) with M >= 1, got {np.shape(samples)}")
    x = np.sort(x)
    sigma = math.sqrt(positive(s2, "s2"))
    if np.abs(x).max() > LARGEST * sigma:
        raise InputError(
            f"samples reach {np.abs(x).max():g}, more than {LARGEST:g} standard deviations of N(0, {s2:g}); "
            f"their squares leave the range of float64"
        )
    confidence = probability(confidence, "confidence")
    moment = None if fourth_moment is None else positive(fourth_moment, "fourth_moment")
    width = math.sqrt(math.log(2 / (1 - confidence)) / (2 * x.size))
    distance = empirical_kolmogorov(x, sigma)
    band = "DKW-Massart band"
    return SampleDistances(
        Sandwich(
            max(0.0, distance - width),
            min(1.0, distance + width),
            distance,
            confidence,
            band,
            band,
            "empirical law",
        ),
        _wasserstein(x, sigma, width, 1, confidence, moment),
        _wasserstein(x, sigma, width, 2, confidence, moment),
    )


def empirical_kolmogorov(ordered: FloatArray, sigma: float) -> float:
    """Kolmogorov distance of the empirical law of sorted samples to N(0, sigma^2), exact."""
    level = ndtr(ordered / sigma)
    steps = np.arange(ordered.size + 1) / ordered.size
    return float(max((steps[1:] - level).max(), (level - steps[:-1]).max()))


def empirical_wasserstein(ordered: FloatArray, sigma: float, order: int) -> float:
    """Wasserstein distance of order 1 or 2 of the empirical law of sorted samples to N(0, sigma^2), exact."""
    edges = np.arange(ordered.size + 1) / ordered.size
    cells = Cells(edges[:-1], edges[1:], sigma, order)
    return float((cells.below(ordered) + cells.above(ordered)).sum() ** (1 / order))


@dataclass(frozen=True)
class Cells:
    """Exact integrals over cells (left, right) of probability, against the quantile function q of N(0, sigma^2)."""

    left: FloatArray
    right: FloatArray
    sigma: float
    order: int

    def below(self, x: FloatArray, reference: FloatArray | None = None) -> FloatArray:
        """Integral of |reference - q|^order over the part of each cell where q < x; reference is x if omitted."""
        return self._power(x if reference is None else reference, self.left, self._split(x))

    def above(self, x: FloatArray, reference: FloatArray | None = None) -> FloatArray:
        """Integral of |reference - q|^order over the part of each cell where q > x; reference is x if omitted."""
        return self._power(x if reference is None else reference, self._split(x), self.right)

    def _split(self, x: FloatArray) -> FloatArray:
        return np.clip(ndtr(x / self.sigma), self.left, self.right)

    def _power(self, x: FloatArray, start: FloatArray, end: FloatArray) -> FloatArray:
        """Integral of |x - q|^order where x - q has one sign; empty parts may have infinite x."""
        x = np.where(end > start, x, 0.0)
        z0, z1 = ndtri(start), ndtri(end)
        p0, p1 = normal_density(z0), normal_density(z1)
        first = p0 - p1
        if self.order == 1:
            return np.abs(x * (end - start) - self.sigma * first)
        with np.errstate(invalid="ignore"):
            boundary = np.where(np.isfinite(z0), z0 * p0, 0.0) - np.where(
                np.isfinite(z1), z1 * p1, 0.0
            )
        second = end - start + boundary
        square = x**2 * (end - start) - 2 * x * self.sigma * first + self.sigma**2 * second
        return np.maximum(square, 0.0)


def _wasserstein(
    x: FloatArray, sigma: float, width: float, order: int, confidence: float, moment: float | None
) -> Sandwich:
    """Extremal Wasserstein distances over the quantile functions inside the band."""
    steps = np.arange(x.size + 1) / x.size
    edges = np.unique(np.concatenate([[0.0, 1.0], steps + width, steps - width]))
    edges = edges[(edges >= 0) & (edges <= 1)]
    middle = 0.5 * (edges[:-1] + edges[1:])
    padded = np.concatenate([[-math.inf], x, [math.inf]])
    # Quantile functions in the band lie between the empirical one at u - width and at u + width.
    low = padded[np.clip(np.ceil(x.size * (middle - width)), 0, x.size).astype(int)]
    high = padded[np.clip(np.ceil(x.size * (middle + width)), 1, x.size + 1).astype(int)]
    cells = Cells(edges[:-1], edges[1:], sigma, order)
    floor = float((cells.below(low) + cells.above(high)).sum() ** (1 / order))
    ceiling, by = math.inf, "none: give fourth_moment, a bound on E X^4"
    if moment is not None:
        core = np.isfinite(low) & np.isfinite(high)
        inner = Cells(edges[:-1][core], edges[1:][core], sigma, order)
        centre = 0.5 * (low[core] + high[core])
        cost = (inner.below(centre, high[core]) + inner.above(centre, low[core])).sum()
        mass = min(1.0, 2 * width)
        corner = Cells(np.zeros(1), np.array([0.5 * mass]), sigma, order)
        normal_tail = (2 * corner.below(np.zeros(1))[0]) ** (1 / order)
        law_tail = moment**0.25 * mass ** (1 / order - 0.25)
        ceiling = float((cost + (law_tail + normal_tail) ** order) ** (1 / order))
        by = "DKW-Massart band, Hoelder tail from E X^4"
    estimate = empirical_wasserstein(x, sigma, order)
    return Sandwich(floor, ceiling, estimate, confidence, "DKW-Massart band", by, "empirical law")
