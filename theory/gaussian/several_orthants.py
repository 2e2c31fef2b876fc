r"""Orthant probabilities P(X > h), X ~ N(0, S), of up to four variables as balls that contain them.

Variables are split into two groups, and the covariances between the groups are switched on by t from 0 to 1 (Plackett
1954). By Price's theorem

    d/dt P = sum_{i, j} S_ij phi_2(h_i, h_j; t) P(the others above | X_i = h_i, X_j = h_j; t),

i in the first group and j in the second: one integral of a function that is analytic about [0, 1], by Arb's
certified quadrature; for thresholds that are not 0 the conditional probability of two variables is such an integral
again. With all thresholds 0, two and three variables are closed (arcsines), and four are one integral of arcsines.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import combinations, combinations_with_replacement, product
from operator import add
from typing import Any, TypeAlias

import flint
from flint import acb, acb_poly, arb, arb_poly, fmpq, fmpq_poly

from theory.gaussian.several_pairs import pair_orthant, tail

Number: TypeAlias = fmpq | arb
Matrix: TypeAlias = list[list[Any]]

# Parameters of a larger relative radius are boxes, not points.
_WIDE = arb(2) ** -24


def orthant(gaps: tuple[Number, ...], matrix: Matrix) -> arb:
    """Return a ball that contains P(X_1 > gaps_1, ..., X_n > gaps_n), n <= 4, X ~ N(0, matrix).

    Parameters
    ----------
    gaps
        Thresholds.
    matrix
        Positive semidefinite. Where it is singular its entries have to be exact (fmpq), so that this is seen; at a
        jump of a variable that does not vary the value is the midpoint.

    Notes
    -----
    At the precision of the enclosing ``workprec`` block; a ball that is not finite means that more is needed.
    """
    for k in range(len(gaps)):
        if _exactly_zero(matrix[k][k]):
            return _fires(-gaps[k]) * orthant(*_without(gaps, matrix, k))
    for i, j in combinations(range(len(gaps)), 2):
        if _exactly_zero(matrix[i][i] * matrix[j][j] - matrix[i][j] * matrix[i][j]):
            return _tied(gaps, matrix, i, j)
    block = _component(matrix)
    rest = [k for k in range(len(gaps)) if k not in block]
    if rest:
        return orthant(*_restricted(gaps, matrix, block)) * orthant(
            *_restricted(gaps, matrix, rest)
        )
    return _connected(gaps, matrix)


def _connected(gaps: tuple[Number, ...], matrix: Matrix) -> arb:
    size = len(gaps)
    if size == 0:
        return arb(1)
    if size == 1:
        return (arb(gaps[0]) / (2 * arb(matrix[0][0])).sqrt()).erfc() / 2
    if size < 4 and all(_exactly_zero(gap) for gap in gaps):
        arcs = (_arc(matrix, i, j) for i, j in combinations(range(size), 2))
        return arb(1) / 2**size + sum(arcs, arb(0)) / (2 ** (size - 1) * arb.pi())
    first = _closest(matrix)
    second = [k for k in range(size) if k not in first]
    apart = orthant(*_restricted(gaps, matrix, first)) * orthant(*_restricted(gaps, matrix, second))
    return apart + _Path(gaps, matrix, first, second).integral()


def _closest(matrix: Matrix) -> list[int]:
    """Return the first group: one of two variables, else the most correlated two (and then the other two)."""
    size = len(matrix)
    if size == 2:
        return [0]

    def squared(i: int, j: int) -> float:
        return float((arb(matrix[i][j]) * matrix[i][j] / (arb(matrix[i][i]) * matrix[j][j])).mid())

    def weight(pair: Iterable[int]) -> float:
        chosen = list(pair)
        other = [k for k in range(size) if k not in chosen]
        return squared(*chosen) + (squared(*other) if len(other) == 2 else 0.0)

    return list(max(combinations(range(size), 2), key=weight))


class _Path:
    """The path from the whole matrix, at w = 0, to independent groups, at w = 1.

    Conditional moments are ratios of minors, and a minor is a polynomial in w whose constant term is the minor of the
    whole matrix: where that is small, or exactly 0, no cancellation hides it.
    """

    def __init__(
        self, gaps: tuple[Number, ...], matrix: Matrix, first: list[int], second: list[int]
    ) -> None:
        size = len(gaps)
        rational = all(isinstance(entry, fmpq) for row in matrix for entry in row)
        poly = fmpq_poly if rational else arb_poly
        switched = [
            [poly([x, -x] if (i in first) != (j in first) else [x]) for j, x in enumerate(row)]
            for i, row in enumerate(matrix)
        ]
        self.whole = _determinant(switched)
        self.singular = rational and self.whole[0] == 0
        self.centred = all(_exactly_zero(gap) for gap in gaps)
        # Thresholds border the matrix: minors with the border are conditional thresholds.
        border = [arb_poly([arb(gap)]) for gap in gaps]
        bordered = [
            [*map(arb_poly, row), gap] for row, gap in zip(switched, border, strict=True)
        ] + [[*border, arb_poly([0])]]
        self.pairs = []
        for i, j in product(first, second):
            if _exactly_zero(matrix[i][j]):
                continue
            rest = [k for k in range(size) if k not in (i, j)]
            minors = [_minor(switched, [i, j], [i, j])]
            minors += [_minor(switched, [i, j, k], [i, j, l]) for k, l in _upper(rest)]
            shifts = [] if self.centred else [-_minor(bordered, [i, j, size], [i, j, size])]
            if not self.centred:
                shifts += [_minor(bordered, [i, j, k], [i, j, size]) for k in rest]
            self.pairs.append(
                _Pair(
                    acb(arb(matrix[i][j])),
                    list(map(acb_poly, minors)),
                    list(map(acb_poly, shifts)),
                    self.singular,
                )
            )
        self.whole = acb_poly(self.whole)

    def integral(self) -> arb:
        """Return the integral over w from 0 to 1."""
        if not self.singular:
            return acb.integral(self._integrand, 0, 1).real
        # Conditional variances vanish with w: the first stretch is bounded, its probabilities by 1.
        last = arb(2) ** (-flint.ctx.prec - 8)
        value = acb.integral(self._integrand, acb(last), 1).real
        steepest = sum((pair.steepest() for pair in self.pairs), arb(0))
        return value + arb(0, (last * steepest).upper())

    def _integrand(self, w: acb, analytic: bool) -> acb:
        wide = analytic or w.real.rad() > _WIDE * abs(w.real) or w.imag.rad() > _WIDE * abs(w.real)
        whole = self.whole(w)
        return sum((pair.share(w, whole, analytic, wide) for pair in self.pairs), acb(0))


@dataclass(frozen=True)
class _Pair:
    """What switching one covariance on does.

    Parameters
    ----------
    covariance
        Its final value.
    minors
        Polynomials D, then D times the conditional second moments of the other variables: (0, 0), or
        (0, 0), (0, 1), (1, 1).
    shifts
        Empty for thresholds 0; else D times the quadratic form of the two thresholds, and D times the
        conditional thresholds of the others.
    singular
        Whether the whole matrix is.
    """

    covariance: acb
    minors: list[acb_poly]
    shifts: list[acb_poly]
    singular: bool

    def steepest(self) -> arb:
        """Bound the share over the whole path; its first stretch is where it is needed."""
        return abs((self.covariance * acb(self.minors[0][0]).rsqrt()).real) / (2 * arb.pi())

    def share(self, w: acb, whole: acb, analytic: bool, wide: bool) -> acb:
        """Return the pair's part of the integrand; ``wide`` asks for a cheap enclosure."""
        D, *moments = (minor(w) for minor in self.minors)
        density = self.covariance * D.rsqrt(analytic=analytic) / (2 * arb.pi())
        if not self.shifts:
            return density * _centred_orthant(D, moments, whole, analytic)
        form, *gaps = (shift(w) for shift in self.shifts)
        density *= (-form / (2 * D)).exp()
        if not gaps:
            return density
        if len(gaps) == 1:
            return density * tail(gaps[0], D * moments[0], analytic)
        scaled = [D * moment for moment in moments]
        det = D * D * D * whole
        return density * pair_orthant(gaps, scaled, det, analytic, wide, self.singular)


def _centred_orthant(D: acb, moments: list[acb], whole: acb, analytic: bool) -> acb:
    if len(moments) < 3:
        return acb(1) / 2 ** len(moments)
    tangent = moments[1] * (D * whole).rsqrt(analytic=analytic)
    if analytic and tangent.real.contains(0) and not abs(tangent.imag) < 1:
        return acb("nan")  # a branch cut of the arctangent
    return acb(1) / 4 + tangent.atan() / (2 * arb.pi())


def _upper(rest: list[int]) -> list[tuple[int, int]]:
    return list(combinations_with_replacement(rest, 2))


def _minor(matrix: Matrix, rows: list[int], columns: list[int]) -> Any:
    return _determinant([[matrix[i][j] for j in columns] for i in rows])


def _determinant(matrix: Matrix) -> Any:
    """Expand along the first row: there are at most four."""
    if len(matrix) == 1:
        return matrix[0][0]
    columns = range(len(matrix))
    terms = (
        (-1) ** j
        * matrix[0][j]
        * _determinant([[row[k] for k in columns if k != j] for row in matrix[1:]])
        for j in columns
    )
    return reduce(add, terms)


# ---------------------------------------------------------------- exact degeneracies


def _tied(gaps: tuple[Number, ...], matrix: Matrix, i: int, j: int) -> arb:
    """Return the orthant where X_j = k X_i."""
    k = matrix[i][j] / matrix[i][i]
    image = arb(gaps[j] / k) if isinstance(gaps[j] / k, arb) else gaps[j] / k
    if k > 0:
        higher = _higher(gaps[i], image)
        return orthant(*_without((*gaps[:i], higher, *gaps[i + 1 :]), matrix, j))
    # Between the two thresholds of X_i, if the upper one is above the lower one.
    above = orthant(*_without(gaps, matrix, j))
    beyond = orthant(*_without((*gaps[:i], image, *gaps[i + 1 :]), matrix, j))
    return (above - beyond).max(arb(0))


def _higher(a: Number, b: Number) -> Number:
    if isinstance(a, fmpq) and isinstance(b, fmpq):
        return max(a, b)
    return arb(a).max(arb(b))


def _fires(margin: Number) -> arb:
    """Return the step at ``margin``, at 0 the midpoint."""
    if _exactly_zero(margin):
        return arb(1) / 2
    return arb(1) if margin > 0 else arb(0) if margin < 0 else arb("nan")


def _exactly_zero(value: Number) -> bool:
    return bool(value == 0)


def _component(matrix: Matrix) -> list[int]:
    """Return the variables that are linked to the first by covariances that are not exactly 0."""
    linked = [0] if matrix else []
    for k in linked:
        linked += [
            j for j in range(len(matrix)) if j not in linked and not _exactly_zero(matrix[k][j])
        ]
    return sorted(linked)


def _without(gaps: tuple[Any, ...], matrix: Matrix, k: int) -> tuple[tuple[Any, ...], Matrix]:
    return _restricted(gaps, matrix, [j for j in range(len(gaps)) if j != k])


def _restricted(
    gaps: tuple[Any, ...], matrix: Matrix, keep: list[int]
) -> tuple[tuple[Any, ...], Matrix]:
    return tuple(gaps[k] for k in keep), [[matrix[i][j] for j in keep] for i in keep]


def _arc(matrix: Matrix, i: int, j: int) -> arb:
    c = arb(matrix[i][j])
    return arb.atan2(c, (arb(matrix[i][i] * matrix[j][j] - matrix[i][j] * matrix[i][j])).sqrt())
