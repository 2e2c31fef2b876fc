"""Distances of a network whose outputs are not conditionally Gaussian, from raw draws of its outputs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.checks import inputs, positive_int, probability
from theory.checks import widths as checked_widths
from theory.confidence import Limit
from theory.distances.from_samples import empirical_wasserstein, from_samples
from theory.distances.periodic import Wave, atom_limit, best_wave, periodic_limit
from theory.distances.projection import directions
from theory.distances.sandwich import Sandwich
from theory.errors import InputError
from theory.kernels import Architecture, layer_covariances
from theory.kernels.architecture import architecture
from theory.networks import sample_networks

FloatArray = NDArray[np.float64]

FEWEST = 8
TRIVIAL = MappingProxyType({"W1": math.inf, "W2": math.inf, "convex": 1.0, "Kolmogorov": 1.0})


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
        Sampled networks, at least 8; half of them choose a test function, and a projection on several inputs.
    seed, confidence
        Of the addressed streams, and of all limits together.

    Returns
    -------
    mapping
        "W1", "W2", "Kolmogorov" and "convex". On one input limits by `from_samples`, with a bound on the
        fourth moment where the last activation is bounded; lower ones also by what lattices cannot hide
        (`theory.distances.periodic`). On several the lower limits are those of a projection, upper ones are trivial.
        Estimates exceed the truth by a term of order draws^(-1/2).

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
    half, is_scalar = len(drawn) // 2, len(limit) == 1
    each = 1 - (1 - confidence) / 4
    theta, s2, wave = _chosen(drawn[:half], limit, each)
    values, sigma = drawn @ theta, math.sqrt(s2)
    # Half of the risk for the band, a quarter for each of the others; only a projection must be chosen beforehand.
    seen, moment = (values, _fourth_moment(arch)) if is_scalar else (values[half:], None)
    band = from_samples(seen, s2, (1 + confidence) / 2, moment)
    first = periodic_limit(wave, values[half:], sigma, each)
    atom = atom_limit(values[:half], values[half:], sigma, each)
    halved = replace(atom, value=atom.value / 2)
    convex = replace(band.kolmogorov, upper=1.0, upper_by="trivial")
    found = {
        "W1": _raised(band.wasserstein1, first),
        "W2": _raised(band.wasserstein2, first),
        "convex": _raised(convex, atom),
        "Kolmogorov": _raised(band.kolmogorov, halved),
    }
    if not is_scalar:
        found |= {name: _from_below(one, TRIVIAL[name]) for name, one in found.items()}
    return MappingProxyType(
        {name: replace(one, confidence=confidence) for name, one in found.items()}
    )


def _raised(found: Sandwich, limit: Limit) -> Sandwich:
    """The same with the better one of two lower limits; an estimate of something smaller gives way to it."""
    if limit.value <= found.lower:
        return found
    estimate = max(found.estimate, limit.value)
    return replace(found, lower=limit.value, estimate=estimate, lower_by=limit.method)


def _from_below(found: Sandwich, upper: float) -> Sandwich:
    """Limits of a projection bound the distance from below only."""
    return replace(found, upper=upper, lower_by=f"projection; {found.lower_by}", upper_by="trivial")


def _chosen(drawn: FloatArray, limit: FloatArray, level: float) -> tuple[FloatArray, float, Wave]:
    """Direction in which a wave promises most, or else of the largest relative empirical distance.

    Also the limit's variance there, and the wave.
    """
    found: list[tuple[float, float, FloatArray, float, Wave]] = []
    for theta in directions(limit).values():
        s2 = float(theta @ limit @ theta)
        if s2 <= 1e-12 * float(limit.trace()):
            continue
        sigma, values = math.sqrt(s2), drawn @ theta
        wave = best_wave(values, sigma, level)
        score = empirical_wasserstein(np.sort(values), sigma, 1) / sigma
        found.append((max(wave.promise, 0.0), score, theta, s2, wave))
    if not found:
        raise InputError("the limit is 0 on every input; give an input or a bias that is not 0")
    return max(found, key=lambda one: one[:2])[2:]


def _fourth_moment(arch: Architecture) -> float | None:
    """A bound on E f^4: given the features f is a sum of independent symmetric terms and a Gaussian."""
    bound = arch.layers[-1].activation.bound
    if not math.isfinite(bound):
        return None
    law = arch.weight_laws[-1]
    ratio = max(3.0, law.kurtosis / law.variance**2)
    variance = arch.weight_stds[-1] ** 2 * law.variance * bound**2 + arch.bias_stds[-1] ** 2
    return float(ratio * variance**2)
