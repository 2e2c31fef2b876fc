"""Directions in which a finite network is seen to differ from its limit."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.confidence import Limit
from theory.coupling import Coupling
from theory.distances.critic import Critic, critic_limit

FloatArray = NDArray[np.float64]


class Projection(NamedTuple):
    """Conditional variances of theta . f over the draws, the variance of theta . G, and a name for theta."""

    variances: FloatArray
    s2: float
    name: str


def best_projection(coupling: Coupling, level: float, critic: Critic) -> tuple[Limit, str]:
    """Lower limit for a distance in the direction that promises most on the first half of the draws.

    The direction and the cut-off of the critic are chosen on the first half, and evaluated on the
    second: the limit holds at every sample size.
    """
    half = coupling.covariances.shape[0] // 2
    best: tuple[float, Projection | None] = (-math.inf, None)
    for candidate in _candidates(coupling):
        training, pilot = candidate.variances[:half], half // 2
        promise = critic_limit(
            training[:pilot], training[pilot:], candidate.s2, level, critic
        ).value
        if promise > best[0]:
            best = (promise, candidate)
    chosen = best[1]
    if chosen is None:
        return Limit(0.0, level, "trivial: the limit is 0"), "none"
    first, second = chosen.variances[:half], chosen.variances[half:]
    return critic_limit(first, second, chosen.s2, level, critic), chosen.name


def project(coupling: Coupling, critic: Critic) -> Projection:
    """Return the direction in which the critic sees most on all draws; for estimates, not for limits."""
    candidates = _candidates(coupling)
    if not candidates:
        return Projection(np.zeros(len(coupling.covariances)), 0.0, "none")
    return max(candidates, key=lambda one: float(critic(one.variances, one.s2).mean()))


def _candidates(coupling: Coupling) -> list[Projection]:
    found = []
    for name, theta in directions(coupling.limit).items():
        s2 = float(theta @ coupling.limit @ theta)
        if s2 > 0:
            variances = np.einsum("i,nij,j->n", theta, coupling.covariances, theta)
            found.append(Projection(np.maximum(variances, 0.0), s2, name))
    return found


def directions(limit: FloatArray) -> dict[str, FloatArray]:
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
