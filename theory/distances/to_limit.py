"""How far a finite network is from its Gaussian limit, on given inputs, between two confidence limits."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.checks import inputs, positive_int, probability
from theory.confidence import Limit, upper_mean
from theory.coupling import require_gaussian, sample_coupling
from theory.distances.critic import critic_limit
from theory.distances.expansion import sharp_wasserstein2
from theory.distances.mixture import ScaleMixture
from theory.distances.quantile import wasserstein2
from theory.distances.sandwich import Sandwich
from theory.errors import InputError
from theory.kernels import Architecture
from theory.kernels.architecture import architecture

FloatArray = NDArray[np.float64]


def wasserstein2_to_limit(
    arch: Architecture,
    X: ArrayLike,
    widths: int | Sequence[int],
    draws: int = 20_000,
    seed: int = 0,
    confidence: float = 0.99,
    outputs: int = 1,
) -> Sandwich:
    """Wasserstein-2 distance between the outputs of a finite network on X and their Gaussian limit.

    Parameters
    ----------
    arch
        Architecture with Gaussian weights in every layer: then the outputs are Gaussian given the
        last hidden layer, and only their conditional covariance S is sampled.
    X
        Inputs, shape (k, d).
    widths
        Hidden widths: an integer, or one a hidden layer.
    draws
        Sampled networks, at least 8; half of them choose where to look for a lower limit.
    seed
        Seed of the addressed streams.
    confidence
        Probability that both limits hold; each end takes half of the risk.
    outputs
        Number of outputs of the network.

    Returns
    -------
    Sandwich
        ``lower``: a 1-Lipschitz projection, chosen on one half of the draws, under a critic that
        is blind to the mean of S (`theory.distances.critic`), on the other half; of order 1/n
        like the distance itself. ``upper``: the coupling sqrt(m E d_B^2(S, K)) (claim B6(ii)), of
        order n^(-1/2); empirical Bernstein limit where the last activation is bounded, and a
        limit labelled asymptotic where it is not. ``estimate``: exact on one input (one output),
        else the sharp leading order (claim B20).

    Raises
    ------
    DomainError
        If a weight law is not Gaussian.
    InputError
        For bad inputs, widths, draws, confidence or outputs.
    """
    architecture(arch)
    draws = positive_int(draws, "draws")
    if draws < 8:
        raise InputError(
            f"draws is {draws}; two halves with a variance each need at least 8, and 10000 say more"
        )
    risk = (1 - probability(confidence, "confidence")) / 2
    outputs = positive_int(outputs, "outputs")
    if arch.hidden_layers == 0:
        inputs(X)
        require_gaussian(arch)
        exact = "no hidden layer: exactly Gaussian"
        return Sandwich(0.0, 0.0, 0.0, confidence, exact, exact, exact)
    coupling = sample_coupling(arch, X, widths, draws, seed)
    covariances, limit = coupling.covariances, coupling.limit
    half = draws // 2
    lower, direction = _projected(covariances[:half], covariances[half:], limit, 1 - risk)
    upper = upper_mean(coupling.costs, 1 - risk, coupling.span)
    estimate, estimate_by = _estimate(covariances, limit, outputs, arch.hidden_layers == 1)
    return Sandwich(
        lower.value,
        math.sqrt(outputs * upper.value),
        estimate,
        confidence,
        f"mean-blind critic on the projection {direction}; {lower.method}",
        f"coupling B6(ii); {upper.method}",
        estimate_by,
    )


def _projected(
    training: FloatArray, test: FloatArray, limit: FloatArray, level: float
) -> tuple[Limit, str]:
    """Lower limit for W2 from the direction that promises most on the training draws."""
    best, choice, label = -math.inf, None, ""
    pilot = training.shape[0] // 2
    for name, theta in _directions(limit).items():
        s2 = float(theta @ limit @ theta)
        if s2 <= 0:
            continue
        variances = np.einsum("i,nij,j->n", theta, training, theta)
        promise = critic_limit(variances[:pilot], variances[pilot:], s2, level).value
        if promise > best:
            best, choice, label = promise, theta, name
    if choice is None:
        return Limit(0.0, level, "trivial: the limit is 0"), "none"
    first, second = (np.einsum("i,nij,j->n", choice, half, choice) for half in (training, test))
    return critic_limit(first, second, float(choice @ limit @ choice), level), label


def _directions(limit: FloatArray) -> dict[str, FloatArray]:
    """Unit vectors to project on: single inputs, neighbouring sums and differences, principal axes."""
    k = limit.shape[0]
    axes = np.eye(k)
    found = {f"on input {i}": axes[i] for i in range(k)}
    for i in range(k - 1):
        found[f"on the sum of inputs {i} and {i + 1}"] = (axes[i] + axes[i + 1]) / math.sqrt(2)
        found[f"on the difference of inputs {i} and {i + 1}"] = (axes[i] - axes[i + 1]) / math.sqrt(
            2
        )
    if k > 1:
        vectors = np.linalg.eigh(limit)[1]
        found |= {f"on principal axis {k - i} of the limit": vectors[:, i] for i in range(k)}
    return found


def _estimate(
    covariances: FloatArray, limit: FloatArray, outputs: int, centred: bool
) -> tuple[float, str]:
    if limit.shape == (1, 1) and outputs == 1:
        mixture = ScaleMixture(covariances[:, 0, 0])
        s2 = float(limit[0, 0])
        if centred and mixture.mean_variance > 0 and s2 > 0:
            mixture = mixture.recentred(s2)
        return wasserstein2(mixture, s2), "exact distance of the sampled scale mixture"
    sharp = sharp_wasserstein2(covariances, limit, outputs, centred)
    if sharp is not None:
        return sharp, "sharp leading order B20 from sampled covariances"
    axis = np.linalg.eigh(limit)[1][:, -1]
    mixture = ScaleMixture(np.maximum(np.einsum("i,nij,j->n", axis, covariances, axis), 0.0))
    return wasserstein2(
        mixture, float(axis @ limit @ axis)
    ), "distance of the projection on the first principal axis"
