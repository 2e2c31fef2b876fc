"""All states of a small network: minima, one-coordinate minima, barriers and the tree in which they merge (S23, S24).

Two states are neighbours if they differ in one coordinate. States are numbered as the entries of an array of shape
(levels, ..., levels): coordinate 0 counts slowest.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from theory.checks import finite, positive_int
from theory.errors import InputError

Int = NDArray[np.int64]
LARGEST = 3**12
"""States that an enumeration may have."""


@dataclass(frozen=True)
class Barriers:
    """The merge tree: valleys that meet at saddles as the level rises, the shallower one ending there.

    Parameters
    ----------
    saddle, elder, younger
        States, one row a merger of two valleys whose minima both lie below the saddle, by rising energy: where they
        meet, and the lowest state of each; of equal ones the elder is that of the smaller number.
    """

    saddle: Int
    elder: Int
    younger: Int


@dataclass(frozen=True)
class Landscape:
    """Energies of all states.

    Parameters
    ----------
    energies
        Shape (levels ** dimension,): integers stay integers, so that depths are exact; floats are finite.
    levels
        Values of a coordinate, increasing.
    dimension
        Coordinates.

    Raises
    ------
    InputError
        If the number of energies is not that of the states, or an energy is not finite.
    """

    energies: NDArray[Any]
    levels: tuple[float, ...]
    dimension: int

    def __post_init__(self) -> None:
        energies = np.asarray(self.energies)
        if energies.dtype.kind not in "iu":
            energies = finite(energies, "energies")
        count = state_count(len(self.levels), self.dimension)
        if energies.shape != (count,):
            raise InputError(
                f"{len(self.levels)} levels and {self.dimension} coordinates make {count} states, "
                f"got energies of shape {energies.shape}"
            )
        object.__setattr__(self, "energies", energies)

    @classmethod
    def of(
        cls, energy: Callable[[NDArray[np.float64]], Any], levels: ArrayLike, dimension: int
    ) -> "Landscape":
        """Enumerate: ``energy`` takes states, shape (m, dimension), and returns m numbers; m is at most 3^8."""
        given = tuple(float(v) for v in finite(levels, "levels"))
        count = state_count(len(given), dimension)
        parts = [
            np.asarray(energy(state_values(given, dimension, start, min(count, start + 3**8))))
            for start in range(0, count, 3**8)
        ]
        return cls(np.concatenate(parts), given, dimension)

    @property
    def size(self) -> int:
        """Number of states."""
        return len(self.energies)

    def state(self, number: int) -> tuple[float, ...]:
        """Return the values of a state."""
        return tuple(state_values(self.levels, self.dimension, number, number + 1)[0].tolist())

    def states(self) -> NDArray[np.float64]:
        """Return all states, shape (size, dimension)."""
        return state_values(self.levels, self.dimension, 0, self.size)

    @cached_property
    def neighbours(self) -> NDArray[np.int32]:
        """Neighbours of every state, shape (size, dimension (levels - 1)), coordinate by coordinate."""
        return neighbours(len(self.levels), self.dimension)

    @property
    def lowest(self) -> Any:
        """The least energy."""
        return self.energies.min()

    def minima(self) -> Int:
        """Return the global minima."""
        return np.flatnonzero(self.energies == self.lowest)

    def one_flip_minima(self) -> Int:
        """Return the states that no change of one coordinate makes strictly lower."""
        grid = self.energies.reshape((len(self.levels),) * self.dimension)
        held = np.ones(grid.shape, dtype=bool)
        for axis in range(self.dimension):
            held &= grid == grid.min(axis=axis, keepdims=True)
        return np.flatnonzero(held)

    @cached_property
    def barriers(self) -> Barriers:
        """The merge tree, by a sweep over the states with union-find; O(size dimension log size)."""
        _, ranks = np.unique(self.energies, return_inverse=True)
        order = np.argsort(ranks, kind="stable")
        found = _sweep(order, ranks, self.neighbours)
        return Barriers(*found)

    @property
    def hajek_depth(self) -> Any:
        """d*: the depth of the deepest minimum that is not global, 0 if there is none.

        The depth of a state is the least climb on a path from it to a strictly lower one. Logarithmic schedules
        c / log(1 + t) find the minimum from everywhere exactly where c >= d* (Hajek 1988; S25).
        """
        tree, energy = self.barriers, self.energies
        ends = energy[tree.younger] > energy[tree.elder]
        depths = energy[tree.saddle[ends]] - energy[tree.younger[ends]]
        return depths.max(initial=0)

    @property
    def gap_exponent(self) -> Any:
        """The rate m at which spectral gaps decay, as e^(-m/T): max H(x, y) - E(x) - E(y) + min E (S24).

        H is the least height of a path from x to y, and the maximum is over all pairs.

        At least ``hajek_depth``; larger where a barrier separates global minima.
        """
        tree, energy = self.barriers, self.energies
        costs = energy[tree.saddle] - energy[tree.elder] - energy[tree.younger] + self.lowest
        return costs.max(initial=0)


def state_count(levels: int, dimension: int) -> int:
    """Return levels ** dimension, or raise ``InputError`` beyond ``LARGEST`` or for fewer than two levels."""
    dimension = positive_int(dimension, "dimension")
    if levels < 2 or levels**dimension > LARGEST:
        raise InputError(
            f"{levels} levels and {dimension} coordinates make {levels**dimension} states; "
            f"an enumeration takes at least 2 levels and at most {LARGEST} states"
        )
    return levels**dimension


def state_values(
    levels: tuple[float, ...], dimension: int, first: int, last: int
) -> NDArray[np.float64]:
    """Return states ``first`` to ``last`` - 1, shape (last - first, dimension)."""
    shape = (len(levels),) * dimension
    digits = np.unravel_index(np.arange(first, last), shape)
    return np.stack([np.asarray(levels)[digit] for digit in digits], axis=1)


def neighbours(levels: int, dimension: int) -> NDArray[np.int32]:
    """Return the neighbours of every state, shape (levels ** dimension, dimension (levels - 1))."""
    numbers = np.arange(state_count(levels, dimension), dtype=np.int32)
    found = []
    for axis in range(dimension):
        weight = levels ** (dimension - 1 - axis)
        digit = numbers // weight % levels
        rest = numbers - digit * weight
        found += [rest + (digit + turn) % levels * weight for turn in range(1, levels)]
    return np.stack(found, axis=1)


def weight_count(inputs: int, hidden: tuple[int, ...] = ()) -> int:
    """Return the coordinates of a threshold network with one output and no biases."""
    widths = (positive_int(inputs, "inputs"), *(positive_int(n, "width") for n in hidden), 1)
    return sum(n * m for n, m in itertools.pairwise(widths))


def threshold_errors(
    X: ArrayLike, y: ArrayLike, hidden: tuple[int, ...] = ()
) -> Callable[[NDArray[np.float64]], Int]:
    """Return the energy of a threshold network: the number of samples whose sign is not y.

    Parameters
    ----------
    X, y
        Inputs (samples, inputs), and one -1 or +1 a sample.
    hidden
        Widths of hidden layers; none is a single neuron. Weights are numbered layer by layer, the rows of a neuron one
        after the other; no biases; sign(0) = +1 throughout.
    """
    x, target = finite(X, "X"), finite(y, "y")
    if x.ndim != 2 or target.shape != x.shape[:1] or not np.all(np.abs(target) == 1):
        raise InputError(
            f"X needs shape (samples, inputs) and y one -1 or +1 a sample; got shapes {x.shape} and {target.shape}"
        )
    count, widths = weight_count(x.shape[1], hidden), (*hidden, 1)

    def energy(weights: NDArray[np.float64]) -> Int:
        if weights.ndim != 2 or weights.shape[1] != count:
            raise InputError(f"weights need shape (states, {count}), got {weights.shape}")
        features = np.broadcast_to(x.T, (len(weights), *x.T.shape))
        used = 0
        for width in widths:
            inputs = features.shape[1]
            block = weights[:, used : used + width * inputs].reshape(-1, width, inputs)
            used += width * inputs
            features = np.where(block @ features >= 0, 1.0, -1.0)
        return np.count_nonzero(features[:, 0] != target, axis=1)

    return energy


@njit(nogil=True, cache=True, error_model="numpy")
def _root(parent: Int, node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@njit(nogil=True, cache=True, error_model="numpy")
def _sweep(order: Int, ranks: Int, near: NDArray[np.int32]) -> tuple[Int, Int, Int]:
    """Add states by rising energy; list the mergers of valleys that both begin below the saddle."""
    size = order.size
    parent = np.full(size, -1, np.int64)
    lowest = np.empty(size, np.int64)
    count = 0
    room = np.empty((3, size), np.int64)
    for state in order:
        parent[state], lowest[state] = state, state
        for other in near[state]:
            if parent[other] < 0:
                continue
            here, there = _root(parent, state), _root(parent, other)
            if here == there:
                continue
            elder, younger = lowest[here], lowest[there]
            if (ranks[elder], elder) > (ranks[younger], younger):
                elder, younger = younger, elder
            if ranks[younger] < ranks[state]:
                room[0, count], room[1, count], room[2, count] = state, elder, younger
                count += 1
            parent[there] = here
            lowest[here] = elder
    return room[0, :count].copy(), room[1, :count].copy(), room[2, :count].copy()
