"""Sampled conditional covariances of a network's outputs, and what it costs to couple them to the limit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import checks
from theory.covariance import bures_squared
from theory.errors import DomainError
from theory.kernels import Architecture, WeightLaw, gaussian, layer_covariances
from theory.networks import sample_covariances, sample_networks

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Coupling:
    """Draws of the conditional covariance S beside the limit K.

    Parameters
    ----------
    covariances
        Independent draws of S, shape (M, k, k).
    limit
        K, shape (k, k).
    costs
        d_B^2(S, K) of every draw, shape (M,): given S, the least mean squared distance between
        one output on all inputs and the limit.
    span
        A-priori upper bound on a cost; None where the last activation is unbounded.
    outputs
        One output of the same networks on all inputs, shape (M, k); None where every law is Gaussian, and S says all.
    """

    covariances: FloatArray
    limit: FloatArray
    costs: FloatArray
    span: float | None
    outputs: FloatArray | None = None


def require_gaussian(arch: Architecture) -> None:
    """Raise ``DomainError`` unless every weight law is Gaussian."""
    _require(arch.weight_laws, "Gaussian weights in every layer")


def require_gaussian_readout(arch: Architecture) -> None:
    """Raise ``DomainError`` unless the readout weights are Gaussian."""
    _require(arch.weight_laws[-1:], "a Gaussian readout")


def _require(laws: tuple[WeightLaw, ...], what: str) -> None:
    foreign = sorted({law.name for law in laws if law != gaussian()})
    if foreign:
        raise DomainError(
            f"weights are {', '.join(foreign)}, but conditional Gaussianity needs {what}; "
            f"draw outputs with th.sample_networks and measure them with th.distances.from_samples"
        )


def sample_coupling(
    arch: Architecture, X: ArrayLike, widths: int | Sequence[int], draws: int, seed: int
) -> Coupling:
    """Sample S for a network with Gaussian weights and at least one hidden layer.

    Raises
    ------
    DomainError
        If a weight law is not Gaussian, or there is no hidden layer (the outputs are exactly
        Gaussian).
    InputError
        For bad inputs, widths or draws.
    """
    require_gaussian(arch)
    return draw_coupling(arch, X, widths, draws, seed)


def draw_coupling(
    arch: Architecture, X: ArrayLike, widths: int | Sequence[int], draws: int, seed: int
) -> Coupling:
    """Sample S, the covariance of the outputs given the last hidden layer, whatever the weight laws.

    With Gaussian weights layer by layer from S alone, otherwise with the outputs of the same networks. Only
    a Gaussian readout makes the outputs Gaussian given S. Errors as for `sample_coupling`.
    """
    x = checks.inputs(X)
    draws = checks.positive_int(draws, "draws")
    sizes = checks.widths(widths, arch.hidden_layers)
    if not sizes:
        raise DomainError(
            "without a hidden layer the outputs are exactly Gaussian; there is nothing to couple"
        )
    limit = np.asarray(layer_covariances(arch, x)[-1], dtype=np.float64)
    outputs = None
    if all(law == gaussian() for law in arch.weight_laws):
        covariances = sample_covariances(arch, x, sizes, draws, seed=seed)
    else:
        drawn = sample_networks(arch, x, sizes, draws, seed=seed, ntk=False)
        covariances, outputs = drawn.covariances, drawn.outputs
    costs = bures_squared(covariances, limit)
    return Coupling(covariances, limit, costs, _span(arch, limit), outputs)


def _span(arch: Architecture, limit: FloatArray) -> float | None:
    """Bound on d_B^2(S, K): S and K share the bias, which one noise serves; the rest costs its two traces."""
    bound = arch.layers[-1].activation.bound
    if not math.isfinite(bound):
        return None
    k = limit.shape[0]
    weight, bias = (
        arch.weight_stds[-1] ** 2 * arch.weight_laws[-1].variance,
        arch.bias_stds[-1] ** 2,
    )
    return float(k * weight * bound**2 + np.trace(limit) - k * bias)
