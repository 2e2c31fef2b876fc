"""Square roots of covariances and orthonormal bases of k columns, whatever their rank.

Everything here is k x k. Columns are judged each against its own length: what is left of a column of relative
variance t is a root of t of its length, and a covariance knows it only down to t = eps. So a root drops what lies
below k eps. A basis takes what lies above ``cutoff`` = 64 sqrt(eps) from the covariance, looks at the rest of the
columns themselves (``residuals``, ``extend``), and drops what is shorter than k eps^(2/3) of its column: rounding of
the columns reaches a basis vector as eps^(1/3) at worst.
"""

from math import sqrt

from theory.networks.compiled import compiled_bare, wide


@compiled_bare
def zero(matrix):  # type: ignore[no-untyped-def]
    """Fill a matrix with zeros."""
    for a in range(matrix.shape[0]):
        for b in range(matrix.shape[1]):
            matrix[a, b] = 0.0


@compiled_bare
def add_matrix(scale, left, rows, terms, right, width, out):  # type: ignore[no-untyped-def]
    """Add ``scale`` times ``left`` (rows, terms) times ``right`` (terms, width) to ``out``."""
    wide()
    for c in range(rows):
        for i in range(terms):
            part = scale * left[c, i]
            for j in range(width):
                out[c, j] += part * right[i, j]


@compiled_bare
def add_transposed(scale, left, rows, terms, right, width, out):  # type: ignore[no-untyped-def]
    """Add ``scale`` times the transpose of ``left`` (terms, rows) times ``right`` (terms, width) to ``out``."""
    wide()
    for c in range(rows):
        for i in range(terms):
            part = scale * left[i, c]
            for j in range(width):
                out[c, j] += part * right[i, j]


@compiled_bare
def _subtract(room, rank, pivot, k, column):  # type: ignore[no-untyped-def]
    """Take from a column what the ``rank`` columns before it explain."""
    wide()
    whole = rank - rank % 4
    for c in range(0, whole, 4):  # four at a time: the column stays in registers
        t0, t1, t2, t3 = room[c], room[c + 1], room[c + 2], room[c + 3]
        f0, f1, f2, f3 = t0[pivot], t1[pivot], t2[pivot], t3[pivot]
        for a in range(k):
            column[a] = column[a] - t0[a] * f0 - t1[a] * f1 - t2[a] * f2 - t3[a] * f3
    for c in range(whole, rank):
        taken, factor = room[c], room[c, pivot]
        for a in range(k):
            column[a] -= taken[a] * factor


@compiled_bare
def square_root(matrix, k, tolerance, root, pivots, room):  # type: ignore[no-untyped-def]
    """Pivoted Cholesky factor of a symmetric semidefinite matrix, ``root`` root^T = ``matrix``; returns its rank.

    Stops where the largest relative variance left is at most ``tolerance``; ``pivots`` names the columns taken;
    ``room`` (k + 2, k) holds the factor's columns in rows, so that inner loops vectorise.
    Backward stable for singular matrices (Higham 2002, section 10.3), and the same bits on every machine, which no
    eigenvalue library promises.
    """
    wide()
    rest, scale = room[k], room[k + 1]
    for a in range(k):
        scale[a] = sqrt(max(matrix[a, a], 0.0))
        rest[a] = 1.0 if scale[a] > 0.0 else 0.0
    rank = 0
    while rank < k:
        pivot, most = 0, rest[0]
        for a in range(1, k):
            larger = rest[a] > most
            pivot, most = a if larger else pivot, rest[a] if larger else most
        if most <= tolerance:
            break
        pivots[rank] = pivot
        diagonal, column = sqrt(most), room[rank]
        for a in range(k):
            column[a] = matrix[pivot, a] / (scale[a] * scale[pivot])
        _subtract(room, rank, pivot, k, column)
        for a in range(k):
            column[a] = column[a] / diagonal if rest[a] > 0.0 else 0.0
            rest[a] = max(rest[a] - column[a] ** 2, 0.0)
        column[pivot], rest[pivot] = diagonal, 0.0
        rank += 1
    for a in range(k):
        for c in range(k):
            root[a, c] = scale[a] * room[c, a] if c < rank else 0.0
    return rank


@compiled_bare
def invert(root, pivots, rank, inverse):  # type: ignore[no-untyped-def]
    """Fill ``inverse`` (k, rank): columns x with x^T x = ``root`` root^T become orthonormal as x ``inverse``."""
    for a in range(inverse.shape[0]):
        for j in range(rank):
            inverse[a, j] = 0.0
    for j in range(rank):
        inverse[pivots[j], j] = 1.0 / root[pivots[j], j]
        for i in range(j - 1, -1, -1):
            total = 0.0
            for c in range(i, j):
                total += root[pivots[j], c] * inverse[pivots[i], c]
            inverse[pivots[i], j] = -total / root[pivots[j], j]


@compiled_bare
def residuals(covariance, k, root, inverse, pivots, rank, combine):  # type: ignore[no-untyped-def]
    """Fill ``combine`` (k, k): row a makes of the columns what is left of column a, over its length.

    Rows of the pivots and of zero columns are 0. Returns whether any row is not; at full rank, fills nothing.
    """
    if rank == k:
        return False
    found = False
    for a in range(k):
        for b in range(k):
            combine[a, b] = 0.0
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


@compiled_bare
def _project(k, inverse, rank, shared, left, onto):  # type: ignore[no-untyped-def]
    """Take from ``left`` what lies along the basis; fills ``onto`` with the components along it."""
    for c in range(rank):
        for a in range(k):
            onto[c, a] = 0.0
            for b in range(k):
                onto[c, a] += inverse[b, c] * shared[b, a]
    for c in range(rank):
        for a in range(k):
            for b in range(k):
                left[a, b] -= onto[c, a] * onto[c, b]


@compiled_bare
def extend(  # type: ignore[no-untyped-def]
    covariance, k, shortest, eps, combine, left, shared, root, inverse, pivots, rank, spare, room
):
    """Take what is left of the columns into ``root`` and ``inverse``; returns the rank.

    With e = x combine^T: ``left`` (k, k) is e^T e and ``shared`` is x^T e, both computed from the columns. ``spare``
    (3, k, k) and ``room`` are room.
    """
    onto, more, small = spare[0], spare[1], spare[2]
    _project(k, inverse, rank, shared, left, onto)
    for a in range(k):
        if left[a, a] <= shortest * shortest:
            left[a, a] = 0.0
    extra = square_root(left, k, 16.0 * k * eps, more, pivots[rank:], room)
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
            inverse[b, rank + c] = 0.0
            for a in range(k):
                inverse[b, rank + c] += combine[a, b] * small[a, c]
    return rank + extra
