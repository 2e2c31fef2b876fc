"""The direct coupling bound: a sampled conditional covariance against the limit."""

import math
from collections.abc import Sequence

from numpy.typing import ArrayLike

from theory import checks
from theory.bounds.base import Bound, bound
from theory.confidence import upper_mean
from theory.coupling import sample_coupling
from theory.kernels import Architecture


@bound
def coupling(
    arch: Architecture,
    X: ArrayLike,
    widths: int | Sequence[int],
    draws: int = 20_000,
    seed: int = 0,
    confidence: float = 0.99,
    outputs: int = 1,
) -> Bound:
    """Upper bound sqrt(m E d_B^2(S, K)) on W2(f(X), G(X)), valid with the given confidence.

    Parameters
    ----------
    arch
        Gaussian weights in every layer; any activations, jumps included.
    X
        Inputs, shape (k, d).
    widths
        Hidden widths: an integer, or one a hidden layer.
    draws, seed
        Sampled networks (at least 2), and the seed of the addressed streams.
    confidence
        One-sided confidence of ``value``.
    outputs
        Number m of outputs.

    Returns
    -------
    Bound
        Terms: the sampled mean, and the margin up to its confidence limit. The margin is an
        empirical Bernstein limit where the last activation is bounded, and labelled asymptotic in
        ``hypotheses`` where it is not. ``details``: the mean cost, its standard error, the draws.

    Raises
    ------
    DomainError
        If a weight law is not Gaussian, or there is no hidden layer.
    InputError
        For bad inputs, widths, draws, confidence or outputs.

    Notes
    -----
    Of order n^(-1/2), while the distance itself is of order 1/n. Source: claims B6(ii), B71.
    """
    confidence = checks.probability(confidence, "confidence")
    outputs = checks.positive_int(outputs, "outputs")
    sampled = sample_coupling(arch, X, widths, draws, seed)
    limit = upper_mean(sampled.costs, confidence, sampled.span)
    mean = float(sampled.costs.mean())
    value, centre = math.sqrt(outputs * limit.value), math.sqrt(outputs * mean)
    return Bound(
        value,
        {"mean coupling": centre, "confidence margin": value - centre},
        (
            "Gaussian weights and biases in every layer",
            f"holds with confidence {confidence:g}: {limit.method}",
        ),
        "claim B6(ii): one noise for the finite network and for its limit",
        {
            "mean cost": mean,
            "stderr": float(sampled.costs.std(ddof=1)) / math.sqrt(sampled.costs.size),
            "draws": float(sampled.costs.size),
        },
    )
