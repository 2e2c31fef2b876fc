r"""Patterns 1{Xu >= 0} of threshold neurons on given inputs, counted exactly (S47).

The sign vectors of Xu over all u are the covectors of an oriented matroid: every one is a composition of those of rays,
where r - 1 independent rows vanish. Rays are found in rationals, so the count is exact.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from math import comb

from flint import fmpq, fmpq_mat

from theory.checks import positive_int
from theory.errors import InexactInputError, InputError

Signs = tuple[int, ...]
Rows = Sequence[Sequence[int | Fraction]]


def rank(X: Rows) -> int:
    """Return the rank of the rows."""
    return int(_matrix(X).rank())


def covectors(X: Rows) -> set[Signs]:
    """Return the sign vectors of Xu over all u, with u = 0.

    Parameters
    ----------
    X
        n inputs of d exact numbers; no input may be 0.

    Notes
    -----
    About (2n)^(r-1) vectors, of which all pairs are looked at once: for n up to some tens in three dimensions.
    """
    matrix = _matrix(X)
    n, r = matrix.nrows(), matrix.rank()
    basis = _column_basis(matrix, r)
    rays: set[Signs] = set()
    for rows in combinations(range(n), r - 1):
        direction = _null_direction(basis, rows, r)
        if direction is not None:
            signs = tuple(_sign(value) for value in direction)
            rays |= {signs, tuple(-sign for sign in signs)}
    found: set[Signs] = {(0,) * n}
    fresh = set(found)
    while fresh:
        fresh = {_composed(one, ray) for one in fresh for ray in rays} - found
        found |= fresh
    return found


def threshold_patterns(X: Rows, *, ties: bool = True) -> set[Signs]:
    """Return the distinct columns 1{Xu >= 0}.

    Parameters
    ----------
    X
        n inputs of d exact numbers; no input may be 0.
    ties
        Whether u may have zeros in Xu; without them the patterns are the open cells of the arrangement.
    """
    signs = covectors(X)
    return {tuple(int(s >= 0) for s in one) for one in signs if ties or all(one)}


def cells(n: int, r: int) -> int:
    """Return 2 sum_{k < r} C(n-1, k), the most open cells that n hyperplanes through 0 have in r dimensions."""
    positive_int(n, "n"), positive_int(r, "r")
    return 2 * sum(comb(n - 1, k) for k in range(r))


def cells_with_ties(n: int, r: int) -> int:
    """Return sum_{k <= r} C(n, k), which bounds the patterns 1{Xu >= 0} of n inputs of rank r (S47).

    1{Xu >= 0} = 1{Xu + e > 0} for small e > 0: a cell of n affine hyperplanes in r dimensions.
    """
    positive_int(n, "n"), positive_int(r, "r")
    return sum(comb(n, k) for k in range(r + 1))


def _matrix(X: Rows) -> fmpq_mat:
    rows = [list(row) for row in X]
    if not rows or not rows[0] or len({len(row) for row in rows}) != 1:
        raise InputError(f"X must hold at least one input, all of one length >= 1; got {rows!r}")
    for i, row in enumerate(rows):
        if not all(isinstance(value, int | Fraction) for value in row):
            raise InexactInputError(
                f"input {i} of X is {row!r}; patterns are counted exactly: give int or Fraction"
            )
        if not any(row):
            raise InputError(
                f"input {i} of X is 0; a threshold through 0 cannot tell on which side it is"
            )
    return fmpq_mat(
        [[fmpq(Fraction(v).numerator, Fraction(v).denominator) for v in row] for row in rows]
    )


def _column_basis(matrix: fmpq_mat, r: int) -> fmpq_mat:
    """Return r independent columns: Xu runs through the same vectors."""
    reduced, _ = matrix.rref()
    columns = [next(j for j in range(matrix.ncols()) if reduced[i, j] != 0) for i in range(r)]
    return fmpq_mat([[matrix[i, j] for j in columns] for i in range(matrix.nrows())])


def _null_direction(basis: fmpq_mat, rows: tuple[int, ...], r: int) -> list[fmpq] | None:
    """Return Xu of the ray on which ``rows`` vanish; None where they are dependent."""
    direction = []
    for left_out in range(r):
        kept = [j for j in range(r) if j != left_out]
        minor = [[basis[i, j] for j in kept] for i in rows]
        value = fmpq_mat(minor).det() if kept else fmpq(1)
        direction.append(value if left_out % 2 == 0 else -value)
    if not any(value != 0 for value in direction):
        return None
    u = fmpq_mat([[value] for value in direction])
    image = basis * u
    return [image[i, 0] for i in range(basis.nrows())]


def _sign(value: fmpq) -> int:
    return int(value > 0) - int(value < 0)


def _composed(first: Signs, second: Signs) -> Signs:
    return tuple(a or b for a, b in zip(first, second, strict=True))
