"""Square roots of covariances and orthonormal bases of k columns, whatever their rank.

Everything here is k x k. Columns are judged each against its own length: what is left of a column of relative
variance t is a root of t of its length, and a covariance knows it only down to t = eps. So a root drops what lies
below k eps. A basis takes what lies above ``cutoff`` = 64 sqrt(eps) from the covariance, looks at the rest of the
columns themselves (``residuals``, ``extend``), and drops what is shorter than k eps^(2/3) of its column: rounding of
the columns reaches a basis vector as eps^(1/3) at worst.
"""

from math import sqrt

import numpy as np

from theory.networks.compiled import compiled


@compiled
def square_root(matrix, k, tolerance, root, pivots):  # type: ignore[no-untyped-def]
    """Pivoted Cholesky factor of a positive semidefinite matrix, ``root`` root^T = ``matrix``; returns its rank.

    Stops where the largest relative variance left is at most ``tolerance``; ``pivots`` names the columns taken.
    Backward stable for singular matrices (Higham 2002, section 10.3), and the same bits on every machine, which no
    eigenvalue library promises.
    """
    rest, scale = np.empty(k), np.empty(k)
    for a in range(k):
        scale[a] = sqrt(max(matrix[a, a], 0.0))
        rest[a] = 1.0 if scale[a] > 0.0 else 0.0
        root[a, :k] = 0.0
    rank = 0
    while rank < k:
        pivot = 0
        for a in range(1, k):
            pivot = a if rest[a] > rest[pivot] else pivot
        if rest[pivot] <= tolerance:
            break
        pivots[rank] = pivot
        diagonal = sqrt(rest[pivot])
        for a in range(k):
            if rest[a] > 0.0 and a != pivot:
                shared = matrix[a, pivot] / (scale[a] * scale[pivot])
                for c in range(rank):
                    shared -= root[a, c] * root[pivot, c]
                root[a, rank] = shared / diagonal
                rest[a] = max(rest[a] - root[a, rank] ** 2, 0.0)
        root[pivot, rank], rest[pivot] = diagonal, 0.0
        rank += 1
    for a in range(k):
        for c in range(rank):
            root[a, c] *= scale[a]
    return rank


@compiled
def invert(root, pivots, rank, inverse):  # type: ignore[no-untyped-def]
    """Fill ``inverse`` (k, rank): columns x with x^T x = ``root`` root^T become orthonormal as x ``inverse``."""
    inverse[:, :rank] = 0.0
    for j in range(rank):
        inverse[pivots[j], j] = 1.0 / root[pivots[j], j]
        for i in range(j - 1, -1, -1):
            total = 0.0
            for c in range(i, j):
                total += root[pivots[j], c] * inverse[pivots[i], c]
            inverse[pivots[i], j] = -total / root[pivots[j], j]


@compiled
def residuals(covariance, k, root, inverse, pivots, rank, combine):  # type: ignore[no-untyped-def]
    """Fill ``combine`` (k, k): row a makes of the columns what is left of column a, over its length.

    Rows of the pivots and of zero columns are 0. Returns whether any row is not.
    """
    found = False
    combine[:k, :k] = 0.0
    for a in range(k):
        taken = covariance[a, a] <= 0.0
        for c in range(rank):
            taken = taken or pivots[c] == a
        if taken:
            continue
        found = True
        length = sqrt(covariance[a, a])
        for p in range(rank):
            for c in range(p, rank):
                combine[a, pivots[p]] -= inverse[pivots[p], c] * root[a, c] / length
        combine[a, a] = 1.0 / length
    return found


@compiled
def _project(inverse, rank, shared, left):  # type: ignore[no-untyped-def]
    """Take from ``left`` what lies along the basis; returns the components along it."""
    k = inverse.shape[0]
    onto = np.zeros((rank, k))
    for c in range(rank):
        for a in range(k):
            for b in range(inverse.shape[0]):
                onto[c, a] += inverse[b, c] * shared[b, a]
    for c in range(rank):
        for a in range(k):
            for b in range(k):
                left[a, b] -= onto[c, a] * onto[c, b]
    return onto


@compiled
def extend(  # type: ignore[no-untyped-def]
    covariance, k, shortest, eps, combine, left, shared, root, inverse, pivots, rank
):
    """Take what is left of the columns into ``root`` and ``inverse``; returns the rank.

    With e = x combine^T: ``left`` (k, k) is e^T e and ``shared`` is x^T e, both computed from the columns.
    """
    onto, more = _project(inverse, rank, shared, left), np.zeros((k, k))
    for a in range(k):
        if left[a, a] <= shortest * shortest:
            left[a, a] = 0.0
    extra = square_root(left, k, 16.0 * k * eps, more, pivots[rank:])
    small = np.zeros((k, extra))
    invert(more, pivots[rank:], extra, small)
    for a in range(k):
        length = sqrt(max(covariance[a, a], 0.0))
        for c in range(rank):
            root[a, c] += length * onto[c, a]
        for c in range(extra):
            root[a, rank + c] = length * more[a, c]
    for b in range(k):
        for a in range(k):
            part = combine[a, b]
            for i in range(rank):
                part -= inverse[b, i] * onto[i, a]
            combine[a, b] = part
        for c in range(extra):
            for a in range(k):
                inverse[b, rank + c] += combine[a, b] * small[a, c]
    return rank + extra
