r"""Activations of normal pre-activations N(m, v): moments, level probabilities, and their derivatives (S34, S37).

An activation h is piecewise linear with jumps, h^2 piecewise quadratic with jumps. For such a function g

    d E g / dm = E g' + sum_t [g](t) phi((t - m)/s)/s,        d E g / dv = (1/2) d^2 E g / dm^2,

where [g](t) is the jump at t. Where v = 0 the pre-activation is the number m, and derivatives are 0.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from theory.activations import Activation
from theory.errors import ActivationError
from theory.quantized.tables import Side, Values

Float = NDArray[np.float64]


def _normal(x: Float) -> Float:
    return np.asarray(np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi))


@dataclass(frozen=True)
class Pieces:
    """A function that is a polynomial c_0 + c_1 z + c_2 z^2 between places, under a normal law.

    Parameters
    ----------
    places
        Ascending, possibly none.
    rows
        Coefficients (places + 1, 3).
    """

    places: Float
    rows: Float

    def mean(self, mean: Float, std: Float) -> Float:
        """Return E g."""
        edges, densities = self._edges(mean, std)
        total = np.zeros_like(mean)
        ends = [-np.inf, *self.places, np.inf]
        for k, (c0, c1, c2) in enumerate(self.rows):
            mass = edges[k + 1] - edges[k]
            total = total + c0 * mass
            if c1 or c2:
                drop = densities[k + 1] - densities[k]
                low, high = (0.0 if np.isinf(end) else end for end in ends[k : k + 2])
                weighted = (high + mean) * densities[k + 1] - (low + mean) * densities[k]
                total = total + c1 * (mean * mass - std * drop)
                total = total + c2 * ((mean**2 + std**2) * mass - std * weighted)
        return total

    def by_mean(self, mean: Float, std: Float) -> Float:
        """Return d E g / dm."""
        slopes = np.stack([self.rows[:, 1], 2 * self.rows[:, 2], 0 * self.rows[:, 2]], axis=1)
        total = Pieces(self.places, slopes).mean(mean, std)
        for place, jump in zip(self.places, self._jumps(self.rows), strict=True):
            total = total + jump * _normal((place - mean) / std) / std
        return total

    def by_variance(self, mean: Float, std: Float) -> Float:
        """Return d E g / dv."""
        slopes = np.stack([self.rows[:, 1], 2 * self.rows[:, 2], 0 * self.rows[:, 2]], axis=1)
        twice = Pieces(self.places, slopes).by_mean(mean, std)
        for place, jump in zip(self.places, self._jumps(self.rows), strict=True):
            u = (place - mean) / std
            twice = twice + jump * _normal(u) * u / std**2
        return twice / 2

    def squared(self) -> "Pieces":
        """Return the square of a piecewise linear function."""
        c0, c1, _ = self.rows.T
        return Pieces(self.places, np.stack([c0**2, 2 * c0 * c1, c1**2], axis=1))

    def _jumps(self, rows: Float) -> Float:
        powers = np.stack([np.ones_like(self.places), self.places, self.places**2], axis=1)
        return np.asarray(((rows[1:] - rows[:-1]) * powers).sum(axis=1))

    def _edges(self, mean: Float, std: Float) -> tuple[list[Float], list[Float]]:
        """Distribution function and density at the places, with both infinities."""
        zero, one = np.zeros_like(mean), np.ones_like(mean)
        scaled = [(place - mean) / std for place in self.places]
        return (
            [zero, *(ndtr(u) for u in scaled), one],
            [zero, *(_normal(u) for u in scaled), zero],
        )


@dataclass(frozen=True)
class Signal:
    """What neurons of one activation send on when their pre-activation is random.

    Parameters
    ----------
    values
        The activation, with the convention of `Network` at jumps.
    first, second
        h and h^2 in pieces.
    """

    values: Values
    first: Pieces
    second: Pieces

    @classmethod
    def of(cls, activation: Activation) -> "Signal":
        """Return the signal of an activation.

        Raises
        ------
        ActivationError
            Unless it is piecewise linear.
        """
        values = Values.of(activation, Side.NEARER)
        if values.pieces is None or any(len(row) > 2 for row in values.pieces[1]):
            raise ActivationError(
                f"moments are propagated through piecewise linear activations such as th.sign(), th.ternary('1/2'), "
                f"th.relu() and th.hardtanh(1); got {activation}"
            )
        places, rows = values.pieces
        padded = [[float(c) for c in row] + [0.0] * (3 - len(row)) for row in rows]
        first = Pieces(np.array([float(t) for t in places]), np.array(padded))
        return cls(values, first, first.squared())

    @property
    def levels(self) -> Float | None:
        """Its values, from the leftmost piece on; None where it is not constant between jumps."""
        return None if np.any(self.first.rows[:, 1]) else self.first.rows[:, 0]

    def moments(self, mean: Float, variance: Float) -> tuple[Float, Float]:
        """Return E h and E h^2."""
        std, certain = _deviation(variance)
        fixed = self.values(mean)
        return (
            np.where(certain, fixed, self.first.mean(mean, std)),
            np.where(certain, fixed**2, self.second.mean(mean, std)),
        )

    def pullback(
        self, mean: Float, variance: Float, by_first: Float, by_second: Float
    ) -> tuple[Float, Float]:
        """Return derivatives by mean and variance from those by E h and E h^2."""
        std, certain = _deviation(variance)
        by_mean = by_first * self.first.by_mean(mean, std)
        by_variance = by_first * self.first.by_variance(mean, std)
        by_mean = by_mean + by_second * self.second.by_mean(mean, std)
        by_variance = by_variance + by_second * self.second.by_variance(mean, std)
        return np.where(certain, 0.0, by_mean), np.where(certain, 0.0, by_variance)

    def probabilities(self, mean: Float, variance: Float) -> Float:
        """Return the probability of each level of a step function, (levels, ...)."""
        std, certain = _deviation(variance)
        below = [ndtr((place - mean) / std) for place in self.first.places]
        # Upper tails for themselves: 1 - Phi would lose them.
        above = [ndtr((mean - place) / std) for place in self.first.places]
        chances = [below[0], *(b - a for a, b in pairwise(below)), above[-1]]
        fixed = self.values(mean)
        levels = self.first.rows[:, 0]
        return np.stack(
            [np.where(certain, fixed == level, p) for level, p in zip(levels, chances, strict=True)]
        )

    def probability_pullback(
        self, mean: Float, variance: Float, by_levels: Float
    ) -> tuple[Float, Float]:
        """Return derivatives by mean and variance from those by the probabilities."""
        std, certain = _deviation(variance)
        by_mean, by_variance = np.zeros_like(mean), np.zeros_like(mean)
        # The mass that passes a place from left to right, as the mean grows: the left level loses it.
        for place, left, right in zip(self.first.places, by_levels, by_levels[1:], strict=False):
            u = (place - mean) / std
            flow = np.where(certain, 0.0, _normal(u) / std)
            by_mean = by_mean + (right - left) * flow
            by_variance = by_variance + (right - left) * flow * u / (2 * std)
        return by_mean, by_variance


def _deviation(variance: Float) -> tuple[Float, NDArray[np.bool_]]:
    """Return standard deviations, 1 in place of 0, and where they were 0."""
    certain = variance <= 0.0
    return np.sqrt(np.where(certain, 1.0, variance)), certain
