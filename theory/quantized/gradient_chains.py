"""Chains in which the gradient moves all weights at once: discrete state transition on all states (S18, S19, S21).

From each state every coordinate goes to one of two values independently, so a row has up to 2^dimension entries. Those
of 3^12 states would fill the memory; classes and steps are found without writing them down.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from theory.checks import finite
from theory.errors import InputError
from theory.quantized.chains import Classes
from theory.quantized.landscape import Landscape
from theory.quantized.transition import Rule, moves

Float = NDArray[np.float64]
Int = NDArray[np.int32]
MOST_ENTRIES = 5 * 10**7
"""Entries of a transition matrix that is written down: 600 megabytes."""


@dataclass(frozen=True)
class LeastSquares:
    """The energy |y - X w|^2 / (2 samples) of a linear neuron, with its gradients.

    Parameters
    ----------
    X, y
        Shapes (samples, inputs) and (samples,).
    """

    X: Float
    y: Float

    def __post_init__(self) -> None:
        x, y = finite(self.X, "X"), finite(self.y, "y")
        if x.ndim != 2 or y.shape != x.shape[:1] or 0 in x.shape:
            raise InputError(
                f"X needs shape (samples, inputs) and y (samples,), got {x.shape} and {y.shape}"
            )
        object.__setattr__(self, "X", x)
        object.__setattr__(self, "y", y)

    def energy(self, states: Float) -> Float:
        """Return the energy of each row."""
        residual = states @ self.X.T - self.y
        return np.asarray((residual**2).sum(axis=1) / (2 * len(self.y)))

    def gradient(self, states: Float) -> Float:
        """Return the gradient at each row, shape (states, inputs)."""
        return (states @ self.X.T - self.y) @ self.X / len(self.y)

    def sample_gradients(self, states: Float) -> Float:
        """Return the gradient of each sample's loss at each row, shape (samples, states, inputs)."""
        return (states @ self.X.T - self.y).T[:, :, None] * self.X[:, None, :]


@dataclass(frozen=True)
class TransitionChain:
    """One step of all weights from every state.

    Parameters
    ----------
    base
        The state reached when no coordinate takes its extra spacing, (states,).
    shifts
        What the extra spacing of a coordinate adds to it, (states, dimension); 0 where nothing is left to chance.
    chances
        Probability of the extra spacing, (states, dimension).
    """

    base: Int
    shifts: Int
    chances: Float

    @classmethod
    def of(
        cls, landscape: Landscape, changes: ArrayLike, bits: int, rule: Rule
    ) -> "TransitionChain":
        """Return the chain that changes state s by ``changes[s]``: -rate gradient, full-batch or of one sample.

        Parameters
        ----------
        landscape
            Its levels are Z_N for N = ``bits``.
        changes
            Shape (states, dimension).
        bits, rule
            As in ``transition.moves``.
        """
        count, dimension = len(landscape.levels), landscape.dimension
        expected = np.linspace(-1, 1, 2**bits + 1)
        if count != len(expected) or not np.array_equal(landscape.levels, expected):
            raise InputError(
                f"levels of bits = {bits} are {expected.tolist()}, got {landscape.levels}; "
                f"enumerate the landscape over these"
            )
        weights = (count ** np.arange(dimension - 1, -1, -1)).astype(np.int32)
        codes = np.arange(landscape.size)[:, None] // weights % count
        step = moves(codes, finite(changes, "changes"), bits, rule)
        # A certain extra spacing is no matter of chance.
        sure = step.chance >= 1.0
        near = np.where(sure, step.far, step.near)
        chances = np.where(sure, 0.0, step.chance)
        shifts = np.where(chances > 0, step.far - near, 0) * weights
        return cls((near @ weights).astype(np.int32), shifts.astype(np.int32), chances)

    @property
    def entries(self) -> int:
        """Possible transitions: the entries of ``matrix``."""
        return int((1 << np.count_nonzero(self.shifts, axis=1)).sum())

    def matrix(self) -> Any:
        """Return the transition matrix, sparse.

        Raises
        ------
        InputError
            Beyond ``MOST_ENTRIES``; ``classes`` and ``push`` do without it.
        """
        if self.entries > MOST_ENTRIES:
            raise InputError(
                f"the matrix has {self.entries} entries, more than {MOST_ENTRIES}; use classes and push"
            )
        size = len(self.base)
        rows, columns, chances = np.arange(size), self.base.astype(np.int64), np.ones(size)
        for axis in range(self.shifts.shape[1]):
            shift, chance = self.shifts[rows, axis], self.chances[rows, axis]
            moved = shift != 0
            rows = np.concatenate([rows, rows[moved]])
            columns = np.concatenate([columns, columns[moved] + shift[moved]])
            stay = np.where(moved, chances * (1 - chance), chances)
            chances = np.concatenate([stay, chances[moved] * chance[moved]])
        return sparse.csr_matrix((chances, (rows, columns)), shape=(size, size))

    def push(self, law: ArrayLike) -> Float:
        """Return the law after one step; memory for two laws."""
        given = finite(law, "law")
        if given.shape != self.base.shape:
            raise InputError(f"a law here has shape {self.base.shape}, got {given.shape}")
        return _push(given, self.base, self.shifts, self.chances)

    def classes(self) -> Classes:
        """Return the communicating classes, by Tarjan's algorithm on successors as they are needed."""
        order = np.argsort(self.shifts == 0, axis=1, kind="stable")
        packed = np.take_along_axis(self.shifts, order, axis=1)
        label, closed = _tarjan(self.base, packed, np.count_nonzero(packed, axis=1))
        return Classes(label, closed)


@njit(nogil=True, cache=True, error_model="numpy")
def _push(law: Float, base: Int, shifts: Int, chances: Float) -> Float:
    size, dimension = shifts.shape
    out = np.zeros(size)
    mass, place = np.empty(1 << dimension), np.empty(1 << dimension, np.int32)
    for state in range(size):
        if law[state] == 0.0:
            continue
        mass[0], place[0] = law[state], base[state]
        count = 1
        for axis in range(dimension):
            shift, chance = shifts[state, axis], chances[state, axis]
            if shift != 0:
                for k in range(count):
                    place[count + k] = place[k] + shift
                    mass[count + k] = mass[k] * chance
                    mass[k] *= 1.0 - chance
                count *= 2
        for k in range(count):
            out[place[k]] += mass[k]
    return out


@njit(nogil=True, cache=True, error_model="numpy")
def _tarjan(base: Int, shifts: Int, free: NDArray[np.int64]) -> tuple[Int, NDArray[np.bool_]]:
    """Strongly connected components, and whether each is closed; Tarjan's algorithm without recursion."""
    size = base.size
    seen, label = np.full(size, -1, np.int32), np.full(size, -1, np.int32)
    low, waiting = np.empty(size, np.int32), np.empty(size, np.int32)
    calls, reached = np.empty(size, np.int32), base.copy()
    turn = np.zeros(size, np.int64)
    leaves, closed = np.zeros(size, np.bool_), np.ones(size, np.bool_)
    counts = np.zeros(3, np.int64)  # states seen, states that wait for their label, labels
    for root in range(size):
        if seen[root] >= 0:
            continue
        depth = 1
        calls[0] = root
        _enter(root, seen, low, waiting, counts)
        while depth > 0:
            state = calls[depth - 1]
            if turn[state] < 1 << free[state]:
                other = _next(state, turn, reached, shifts)
                if seen[other] < 0:
                    calls[depth] = other
                    depth += 1
                    _enter(other, seen, low, waiting, counts)
                else:
                    _note(state, other, seen[other], low, label, leaves)
                continue
            depth -= 1
            if low[state] == seen[state]:
                _release(state, waiting, label, leaves, closed, counts)
            if depth > 0:
                _note(calls[depth - 1], state, low[state], low, label, leaves)
    return label, closed[: counts[2]]


@njit(nogil=True, cache=True, error_model="numpy")
def _enter(state: int, seen: Int, low: Int, waiting: Int, counts: NDArray[np.int64]) -> None:
    seen[state] = low[state] = counts[0]
    waiting[counts[1]] = state
    counts[0] += 1
    counts[1] += 1


@njit(nogil=True, cache=True, error_model="numpy")
def _next(state: int, turn: NDArray[np.int64], reached: Int, shifts: Int) -> int:
    """Return the next successor: subsets of the free coordinates in the order of a Gray code, one change each."""
    number = turn[state]
    turn[state] += 1
    if number:
        bit = 0
        while not (number >> bit) & 1:
            bit += 1
        added = ((number ^ (number >> 1)) >> bit) & 1
        reached[state] += shifts[state, bit] if added else -shifts[state, bit]
    return reached[state]


@njit(nogil=True, cache=True, error_model="numpy")
def _note(
    state: int, other: int, time: int, low: Int, label: Int, leaves: NDArray[np.bool_]
) -> None:
    """Record that ``state`` leads to ``other``: back into the component, or out of it if that has its label."""
    if label[other] < 0:
        low[state] = min(low[state], time)
    else:
        leaves[state] = True


@njit(nogil=True, cache=True, error_model="numpy")
def _release(
    state: int, waiting: Int, label: Int, leaves: NDArray[np.bool_], closed: NDArray[np.bool_],
    counts: NDArray[np.int64],
) -> None:  # fmt: skip
    """Label the component of ``state``: everything that waits since it was entered."""
    member = -1
    while member != state:
        counts[1] -= 1
        member = waiting[counts[1]]
        label[member] = counts[2]
        if leaves[member]:
            closed[counts[2]] = False
    counts[2] += 1
