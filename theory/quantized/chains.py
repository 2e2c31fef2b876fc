"""Markov chains on all states of a small network: Metropolis, any proposal, stationary laws, gaps, classes (S20-S25).

Matrices are SciPy's sparse rows (CSR): entry (i, j) is the probability of going from i to j.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse import csgraph, linalg

from theory.checks import finite, positive
from theory.errors import DomainError, InputError
from theory.quantized.landscape import Landscape

Float = NDArray[np.float64]
DENSE = 800
"""States up to which spectra are computed from the whole matrix."""


def gibbs(landscape: Landscape, temperature: float) -> Float:
    """Return the law proportional to exp(-energy / temperature)."""
    t = positive(temperature, "temperature")
    weights = np.exp(-(landscape.energies - landscape.lowest) / t)
    law: Float = weights / weights.sum()
    return law


def metropolis(landscape: Landscape, temperature: float) -> Any:
    """Return the Metropolis chain whose proposals change one coordinate, uniformly over all such changes.

    Reversible for ``gibbs``. 3^12 states take 25 entries a row, 160 megabytes.
    """
    t = positive(temperature, "temperature")
    near = landscape.neighbours
    size, degree = near.shape
    columns = np.empty((size, degree + 1), np.int32)
    columns[:, :degree], columns[:, degree] = near, np.arange(size)
    chances = np.empty((size, degree + 1))
    energies = landscape.energies
    for place in range(degree):
        climb = np.maximum(energies[near[:, place]] - energies.astype(np.float64), 0.0)
        chances[:, place] = np.exp(-climb / t) / degree
    chances[:, degree] = 1.0 - chances[:, :degree].sum(axis=1)
    starts = np.arange(size + 1, dtype=np.int64) * (degree + 1)
    matrix = sparse.csr_matrix((chances.ravel(), columns.ravel(), starts), shape=(size, size))
    matrix.sort_indices()
    return matrix


def uniform_moves(landscape: Landscape) -> Any:
    """Return the proposal that changes one coordinate, uniformly over all such changes."""
    near = landscape.neighbours
    size, degree = near.shape
    starts = np.arange(size + 1, dtype=np.int64) * degree
    entries = np.full(near.size, 1.0 / degree)
    return sparse.csr_matrix((entries, near.ravel(), starts), shape=(size, size))


def metropolis_hastings(landscape: Landscape, temperature: float, proposal: Any) -> Any:
    """Return the chain with any proposal q: P(x, y) = q(x, y) min{1, pi(y) q(y, x) / (pi(x) q(x, y))}.

    Parameters
    ----------
    landscape, temperature
        pi is ``gibbs`` of these.
    proposal
        Sparse matrix with rows that sum to 1, such as 0.2 ``uniform_moves`` + 0.8 ``transition_matrix``.
    """
    t = positive(temperature, "temperature")
    q = sparse.csr_matrix(proposal)
    size = landscape.size
    if q.shape != (size, size) or np.abs(q.sum(axis=1) - 1).max() > 1e-9 or q.data.min() < 0:
        raise InputError(
            f"a proposal needs shape {(size, size)} and rows of probabilities that sum to 1, got shape {q.shape}"
        )
    back = q.T.tocoo()
    # pi(y) q(y, x) / pi(x): beyond e^700 the minimum with q is q in any case.
    climb = landscape.energies[back.col] - landscape.energies[back.row].astype(np.float64)
    entries = back.data * np.exp(np.minimum(-climb / t, 700.0))
    accepted = q.minimum(sparse.csr_matrix((entries, (back.row, back.col)), shape=q.shape)).tolil()
    accepted.setdiag(0.0)
    accepted = accepted.tocsr()
    accepted.setdiag(1.0 - np.asarray(accepted.sum(axis=1)).ravel())
    return accepted.tocsr()


class Classes(NamedTuple):
    """Communicating classes of a chain.

    Parameters
    ----------
    label
        The class of every state.
    closed
        Of every class, whether the chain cannot leave it.
    """

    label: NDArray[np.int32]
    closed: NDArray[np.bool_]

    def closed_states(self) -> list[NDArray[np.int64]]:
        """Return the states of every closed class."""
        return [np.flatnonzero(self.label == k) for k in np.flatnonzero(self.closed)]


def communicating_classes(matrix: Any) -> Classes:
    """Return the communicating classes of a chain: strongly connected components of what is possible."""
    entries = sparse.csr_matrix(matrix, copy=True)
    entries.eliminate_zeros()  # in place, on arrays that the argument would share
    count, label = csgraph.connected_components(entries, directed=True, connection="strong")
    pairs = entries.tocoo()
    leaves = label[pairs.row] != label[pairs.col]
    closed = np.ones(count, dtype=bool)
    closed[label[pairs.row[leaves]]] = False
    return Classes(label, closed)


def stationary(matrix: Any) -> Float:
    """Return the stationary law of a chain with one closed class, by a sparse direct solution on that class.

    Raises
    ------
    DomainError
        If there are several closed classes: every mixture of theirs is stationary.
    """
    chain = sparse.csr_matrix(matrix)
    found = communicating_classes(chain).closed_states()
    if len(found) != 1:
        sizes = [len(one) for one in found]
        raise DomainError(
            f"the chain has {len(found)} closed classes, of {sizes} states, and no single stationary law; "
            f"restrict it to one of them (communicating_classes)"
        )
    states = found[0]
    law = np.zeros(chain.shape[0])
    inner = chain[states][:, states]
    if len(states) == 1:
        law[states] = 1.0
        return law
    # pi (P - I) = 0 with the last balance replaced by pi = 1 at the first state: no dense row.
    balance = (inner.T - sparse.eye(len(states))).tocsc()
    tail = linalg.spsolve(balance[1:, 1:], -np.asarray(balance[1:, 0].todense()).ravel())
    law[states] = np.concatenate([[1.0], np.atleast_1d(tail)])
    return law / law.sum()


def spectral_gap(matrix: Any, law: ArrayLike) -> float:
    """Return 1 minus the second largest eigenvalue of a chain that is reversible for ``law``.

    From the symmetric matrix sqrt(pi(x) / pi(y)) P(x, y): all eigenvalues up to ``DENSE`` states, Lanczos beyond.
    Absolute error about 1e-15 and 1e-10.

    Raises
    ------
    DomainError
        If the chain is not reversible, or Lanczos does not converge.
    """
    chain = sparse.coo_matrix(matrix)
    pi = finite(law, "law")
    flow = chain.data * pi[chain.row]
    defect = np.abs(
        sparse.csr_matrix((flow, (chain.row, chain.col)), shape=chain.shape)
        - sparse.csr_matrix((flow, (chain.col, chain.row)), shape=chain.shape)
    ).max()
    if defect > 1e-12:
        raise DomainError(
            f"the chain is not reversible for this law: detailed balance fails by {defect:.3g}"
        )
    root = np.sqrt(pi)
    data = chain.data * root[chain.row] / root[chain.col]
    symmetric = sparse.csr_matrix((data, (chain.row, chain.col)), shape=chain.shape)
    if chain.shape[0] <= DENSE:
        dense = symmetric.toarray()
        return float(1.0 - np.linalg.eigvalsh((dense + dense.T) / 2)[-2])
    try:
        start = root + 1e-3 * np.cos(np.arange(len(root)))
        found = linalg.eigsh(
            symmetric, 2, which="LA", v0=start, return_eigenvectors=False, tol=1e-10
        )
    except linalg.ArpackNoConvergence as error:
        raise DomainError(
            f"the gap of {len(root)} states was not found: eigenvalues near 1 are too close; raise the temperature"
        ) from error
    return float(1.0 - found.min())


def annealed_law(
    landscape: Landscape, temperatures: ArrayLike, *, start: ArrayLike | None = None
) -> Float:
    """Return the law of Metropolis annealing after one step at each of the temperatures, exact to rounding.

    Parameters
    ----------
    landscape
        Any; a step costs one term a pair of neighbours.
    temperatures
        Positive, one a step; see ``theory.quantized.temperatures``.
    start
        The law before; None: uniform.
    """
    t = finite(temperatures, "temperatures")
    if t.ndim != 1 or np.any(t <= 0):
        raise InputError("temperatures must be a list of positive numbers, one a step")
    law = np.full(landscape.size, 1.0 / landscape.size) if start is None else finite(start, "start")
    if law.shape != (landscape.size,) or np.any(law < 0) or abs(law.sum() - 1) > 1e-9:
        raise InputError(f"start must be a probability of each of {landscape.size} states")
    energies = landscape.energies.astype(np.float64)
    climbs = np.maximum(energies[landscape.neighbours] - energies[:, None], 0.0)
    distinct, place = np.unique(climbs, return_inverse=True)
    kinds = place.reshape(climbs.shape).astype(np.int32)
    return _anneal(law.copy(), landscape.neighbours, kinds, distinct, 1.0 / t)


@njit(nogil=True, cache=True, error_model="numpy")
def _anneal(
    law: Float, near: NDArray[np.int32], kinds: NDArray[np.int32], climbs: Float, rates: Float
) -> Float:
    """Push the law through one kernel after the other, in the order of states and neighbours."""
    size, degree = near.shape
    other = np.empty_like(law)
    accept = np.empty(climbs.size)
    for step in range(rates.size):
        for k in range(climbs.size):
            accept[k] = np.exp(-climbs[k] * rates[step]) / degree
        other[:] = law
        for i in range(size):
            mass = law[i]
            for j in range(degree):
                moved = mass * accept[kinds[i, j]]
                other[i] -= moved
                other[near[i, j]] += moved
        law, other = other, law
    return law
