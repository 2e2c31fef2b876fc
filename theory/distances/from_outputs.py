"""Distances of a network whose outputs are not conditionally Gaussian, from raw draws of its outputs."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.checks import inputs, positive_int, probability
from theory.checks import widths as checked_widths
from theory.distances.from_samples import empirical_wasserstein, from_samples
from theory.distances.projection import directions
from theory.distances.sandwich import Sandwich
from theory.errors import InputError
from theory.kernels import Architecture, layer_covariances
from theory.kernels.architecture import architecture
from theory.networks import sample_networks

FloatArray = NDArray[np.float64]

FEWEST = 8


def outputs_to_limit(
    arch: Architecture,
    X: ArrayLike,
    widths: int | Sequence[int],
    draws: int = 20_000,
    seed: int = 0,
    confidence: float = 0.99,
) -> Mapping[str, Sandwich]:
    """Distances between one output of a finite network on X and its limit, weights of any law.

    Parameters
    ----------
    arch
        Any architecture with a hidden layer.
    X, widths
        Inputs, shape (k, d), and hidden widths.
    draws
        Sampled networks, at least 8; on several inputs half of them choose a projection.
    seed, confidence
        Of the addressed streams, and of all limits together.

    Returns
    -------
    mapping
        "W1", "W2", "Kolmogorov" and "convex". On one input limits by `from_samples`, with a bound on the
        fourth moment where the last activation is bounded. On several the distances of a projection are lower
        limits; upper ones are trivial. Estimates exceed the truth by a term of order draws^(-1/2).

    Raises
    ------
    InputError
        For bad inputs, widths, draws or confidence, or no hidden layer.
    """
    architecture(arch)
    x = inputs(X)
    sizes = checked_widths(widths, arch.hidden_layers)
    if not sizes:
        raise InputError("outputs_to_limit needs a hidden layer; give hidden_layers >= 1")
    if positive_int(draws, "draws") < FEWEST:
        raise InputError(f"draws is {draws}; two halves need at least 8, and 10000 say more")
    confidence = probability(confidence, "confidence")
    limit = np.asarray(layer_covariances(arch, x)[-1])
    drawn = sample_networks(arch, x, sizes, draws, seed=seed, ntk=False).outputs
    return drawn_outputs_to_limit(arch, drawn, limit, confidence)


def drawn_outputs_to_limit(
    arch: Architecture, drawn: FloatArray, limit: FloatArray, confidence: float
) -> Mapping[str, Sandwich]:
    """The same from outputs that were drawn already, shape (M, k), beside the covariance of the limit."""
    if len(limit) == 1:
        s2 = float(limit[0, 0])
        found = from_samples(drawn[:, 0], s2, confidence, _fourth_moment(arch))
        return _named(found.kolmogorov, found.wasserstein1, found.wasserstein2)
    half = len(drawn) // 2
    theta, s2 = _chosen(drawn[:half], limit)
    found = from_samples(drawn[half:] @ theta, s2, confidence)
    return _named(
        _from_below(found.kolmogorov, 1.0),
        _from_below(found.wasserstein1, math.inf),
        _from_below(found.wasserstein2, math.inf),
    )


def _named(uniform: Sandwich, first: Sandwich, second: Sandwich) -> Mapping[str, Sandwich]:
    convex = _from_below(uniform, 1.0)
    return MappingProxyType({"W1": first, "W2": second, "convex": convex, "Kolmogorov": uniform})


def _from_below(found: Sandwich, upper: float) -> Sandwich:
    return Sandwich(
        found.lower, upper, found.estimate, found.confidence,
        f"projection; {found.lower_by}", "trivial", found.estimate_by,
    )  # fmt: skip


def _chosen(drawn: FloatArray, limit: FloatArray) -> tuple[FloatArray, float]:
    """Direction of the largest relative empirical distance, and the limit's variance there."""
    best: tuple[float, FloatArray, float] = (-1.0, np.eye(len(limit))[0], float(limit[0, 0]))
    for theta in directions(limit).values():
        s2 = float(theta @ limit @ theta)
        if s2 <= 1e-12 * float(limit.trace()):
            continue
        sigma = math.sqrt(s2)
        score = empirical_wasserstein(np.sort(drawn @ theta), sigma, 1) / sigma
        if score > best[0]:
            best = (score, theta, s2)
    return best[1], best[2]


def _fourth_moment(arch: Architecture) -> float | None:
    """A bound on E f^4: given the features f is a sum of independent symmetric terms and a Gaussian."""
    bound = arch.layers[-1].activation.bound
    if not math.isfinite(bound):
        return None
    law = arch.weight_laws[-1]
    ratio = max(3.0, law.kurtosis / law.variance**2)
    variance = arch.weight_stds[-1] ** 2 * law.variance * bound**2 + arch.bias_stds[-1] ** 2
    return float(ratio * variance**2)
