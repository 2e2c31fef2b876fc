r"""Laws of one weight on a few values, by their logits: probabilities, moments, gradients, start, penalty (S33).

A law has ``logits`` of shape (k, ...), k numbers a weight. Everything but the five functions of a family follows from
its levels l and probabilities p: the mean is sum l p, the variance sum l^2 p less its square.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from theory.checks import finite
from theory.errors import InputError

Float = NDArray[np.float64]

LEAST, MOST = 0.05, 0.95
"""The start keeps probabilities of logits inside these."""


@dataclass(frozen=True)
class WeightFamily:
    """A family of laws of one weight.

    Parameters
    ----------
    name
        As it is asked for.
    levels
        Values of a weight, ascending.
    logits
        Numbers a weight.
    probabilities
        Logits (logits, ...) -> (levels, ...).
    slopes
        Logits -> d probabilities / d logits, (levels, logits, ...).
    start
        Real weights in [-1, 1] -> logits of laws that have them as means, as far as the start reaches (S33).
    penalty
        Logits -> the penalty of each weight; added to the loss it draws binary laws to an end, and keeps the
        logits of ternary ones small.
    penalty_slopes
        Its derivative, of the shape of the logits.
    """

    name: str
    levels: tuple[int, ...]
    logits: int
    probabilities: Callable[[Float], Float]
    slopes: Callable[[Float], Float]
    start: Callable[[Float], Float]
    penalty: Callable[[Float], Float]
    penalty_slopes: Callable[[Float], Float]

    def moments(self, logits: Float) -> tuple[Float, Float]:
        """Return mean and variance of each weight."""
        chance = self.probabilities(logits)
        mean = self._along_levels(chance, 1)
        # Written by differences from the mean: no cancellation where a law is nearly at one level.
        spread = [p * (level - mean) ** 2 for level, p in zip(self.levels, chance, strict=True)]
        return mean, np.sum(spread, axis=0)

    def pullback(self, logits: Float, by_mean: Float, by_variance: Float) -> Float:
        """Return d loss / d logits from the derivatives by mean and by variance."""
        mean = self._along_levels(self.probabilities(logits), 1)
        slopes = self.slopes(logits)
        # d variance / d p_l = l^2 - 2 mean l.
        parts = [
            slopes[i] * (by_mean * level + by_variance * (level**2 - 2 * mean * level))
            for i, level in enumerate(self.levels)
        ]
        return np.sum(parts, axis=0)

    def from_weights(self, weights: Float) -> Float:
        """Return logits whose means are ``weights``, cut to [-1, 1], as far as the start reaches (S33)."""
        return self.start(np.clip(finite(weights, "weights"), -1.0, 1.0))

    def sample(self, logits: Float, uniforms: Float) -> Float:
        """Return one weight for each uniform number in [0, 1), the quantile of its law."""
        passed = np.cumsum(self.probabilities(logits), axis=0)[:-1]
        place = np.sum(uniforms >= passed, axis=0)
        return np.asarray(self.levels, dtype=np.float64)[place]

    def likeliest(self, logits: Float) -> Float:
        """Return the most probable value of each weight; of equal ones the largest."""
        chance = self.probabilities(logits)
        last = len(self.levels) - 1
        place = last - np.argmax(chance[::-1], axis=0)
        return np.asarray(self.levels, dtype=np.float64)[place]

    def _along_levels(self, chance: Float, power: int) -> Float:
        weighted = [p * level**power for level, p in zip(self.levels, chance, strict=True)]
        return np.sum(weighted, axis=0)


def _binary_probabilities(logits: Float) -> Float:
    up = expit(logits[0])
    return np.stack([expit(-logits[0]), up])


def _binary_slopes(logits: Float) -> Float:
    slope = expit(logits[0]) * expit(-logits[0])
    return np.stack([-slope, slope])[:, None]


def _binary_start(weights: Float) -> Float:
    return logit(np.clip((1 + weights) / 2, LEAST, MOST))[None]


def _binary_penalty(logits: Float) -> Float:
    return expit(logits[0]) * expit(-logits[0])


def _binary_penalty_slopes(logits: Float) -> Float:
    up, down = expit(logits), expit(-logits)
    return up * down * (down - up)


def _ternary_probabilities(logits: Float) -> Float:
    rest, up = expit(logits)
    active, down = expit(-logits)
    return np.stack([active * down, rest, active * up])


def _ternary_slopes(logits: Float) -> Float:
    rest, up = expit(logits)
    active, down = expit(-logits)
    by_rest, by_up = rest * active, up * down
    return np.stack(
        [
            np.stack([-by_rest * down, -active * by_up]),
            np.stack([by_rest, np.zeros_like(by_rest)]),
            np.stack([-by_rest * up, active * by_up]),
        ]
    )


def _ternary_start(weights: Float) -> Float:
    rest = MOST - (MOST - LEAST) * np.abs(weights)
    up = np.clip((1 + weights / (1 - rest)) / 2, LEAST, MOST)
    return logit(np.stack([rest, up]))


def _ternary_penalty(logits: Float) -> Float:
    return np.sum(logits**2, axis=0)


def _ternary_penalty_slopes(logits: Float) -> Float:
    return 2 * logits


FAMILIES = {
    family.name: family
    for family in (
        WeightFamily(
            "binary", (-1, 1), 1, _binary_probabilities, _binary_slopes, _binary_start,
            _binary_penalty, _binary_penalty_slopes,
        ),
        # Logits: of P(w = 0), and of P(w = 1 | w != 0).
        WeightFamily(
            "ternary", (-1, 0, 1), 2, _ternary_probabilities, _ternary_slopes, _ternary_start,
            _ternary_penalty, _ternary_penalty_slopes,
        ),
    )
}  # fmt: skip


def weight_family(name: str) -> WeightFamily:
    """Return a family by its name, "binary" or "ternary"."""
    if name not in FAMILIES:
        raise InputError(f"weights must be one of {', '.join(FAMILIES)}, got {name!r}")
    return FAMILIES[name]
