"""Directions in which a finite network is seen to differ from its limit."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.confidence import Limit, best_cut
from theory.coupling import Coupling
from theory.distances.critic import Critic, blind_critic, blind_set, critic_limit
from theory.distances.waves import FREQUENCIES, Waves

FloatArray = NDArray[np.float64]


class Projection(NamedTuple):
    """Conditional variances of theta . f over the draws, the variance of theta . G, and a name for theta."""

    variances: FloatArray
    s2: float
    name: str


class Witness(NamedTuple):
    """A critic, and the distance that a lower bound on its mean proves, given the variance of the limit."""

    name: str
    critic: Critic
    distance: Callable[[float, float], float]


def _mean_itself(mean: float, _: float) -> float:
    return mean


FIRST = (Witness("mean-blind critic", blind_critic, _mean_itself),)
BY_SETS = (Witness("mean-blind set", blind_set, _mean_itself),)


def of_second_order(outputs: int) -> tuple[Witness, ...]:
    """Witnesses for Wasserstein-2 of some outputs: of one by W1 <= W2, of all by waves."""
    waves = [Waves(slow, fast, outputs) for slow, fast in FREQUENCIES]
    return FIRST + tuple(
        Witness(f"mean-blind waves of frequencies {one.slow} and {one.fast}", one, one.distance)
        for one in waves
    )


def best_projection(
    coupling: Coupling, level: float, witnesses: Sequence[Witness]
) -> tuple[Limit, str]:
    """Lower limit for a distance by the witness and in the direction that promise most on half of the draws.

    Witness, direction and the cut-off of the critic are chosen on the first half, and evaluated on the
    second: the limit holds at every sample size. Also says how it was found.
    """
    half = coupling.covariances.shape[0] // 2
    best: tuple[float, Projection | None, Witness] = (-math.inf, None, witnesses[0])
    for candidate in _candidates(coupling):
        for witness in witnesses:
            values = witness.critic(candidate.variances[:half], candidate.s2)
            promise = witness.distance(best_cut(values, level, half)[0], candidate.s2)
            if promise > best[0]:
                best = (promise, candidate, witness)
    _, chosen, witness = best
    if chosen is None:
        return Limit(0.0, level, "trivial"), "the limit is 0"
    first, second = chosen.variances[:half], chosen.variances[half:]
    found = critic_limit(first, second, chosen.s2, level, witness.critic)
    limit = Limit(witness.distance(found.value, chosen.s2), level, found.method)
    return limit, f"{witness.name} on the projection {chosen.name}; {found.method}"


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
