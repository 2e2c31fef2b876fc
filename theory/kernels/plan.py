"""Gram matrices of limit kernels, tile by tile: all layers and Jacobian pairs of a tile in one pass.

A tile of inputs is a list of points, one for each pair of inputs, that goes through all layers while it stays in cache.
What belongs to one input (norm, variance in every layer) is computed once a plan. Every entry is a function of its
two inputs alone: no bit depends on tiles, blocks or threads. Of a symmetric matrix the upper half is computed:
E[f(u) g(v)] does not change a bit when (f, p) and (g, q) are exchanged, so the lower half is the same numbers.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory import checks
from theory.kernels.angles import SAME, Angles
from theory.kernels.architecture import Architecture
from theory.kernels.inputs import Inputs
from theory.kernels.lattice import Lattice
from theory.kernels.layers import NEAR, Kind, Points, Recursion
from theory.kernels.points import store, store_mirrored

Float = NDArray[np.float64]
Span = tuple[int, int]
Blocks = dict[Kind, NDArray[Any]]

TILE = 128
"""Inputs on each side of a tile: its points and a few arrays of their size stay in cache."""


PAYS, FEWEST, WORTH = 1e8, 2**14, 15.0
"""Where a table of angles pays, for inputs of one norm: nanoseconds of the recursion, pairs, nanoseconds a pair."""

DIFFERENCES = 0.125
"""The same bound as ``NEAR`` where differences are asked for: beyond it subtraction costs no digit."""


class GramPlan:
    """Kernels to be computed on X and Y, and all that belongs to single inputs; made by ``gram_plan``.

    Attributes
    ----------
    shape
        (n, m), the shape of every matrix.
    kinds
        The kernels, in order.
    symmetric
        Whether Y is X.
    arch, X, Y
        What they are kernels of; Y is None where it is X.
    exact_first_layer
        Whether the first layer is that of its weights, and not Gaussian.
    """

    def __init__(
        self, arch: Architecture, x: Float, y: Float, kinds: Sequence[Kind], lattice: Lattice | None
    ) -> None:
        self.arch, self.kinds, self.symmetric = arch, tuple(kinds), y is x
        self.X, self.Y, self.exact_first_layer = x, None if y is x else y, lattice is not None
        self.shape = (x.shape[0], y.shape[0])
        self._given = (arch, x, self.Y, self.kinds, lattice)
        squares = (None, None) if lattice is None else lattice.squares(arch.layers[0].activation)
        self._rows = Inputs(arch, x, squares[0])
        self._columns = self._rows if self.symmetric else Inputs(arch, y, squares[1])
        both = dict.fromkeys((*self.kinds, *(kind.reversed for kind in self.kinds)))
        near = DIFFERENCES if any(kind.less for kind in self.kinds) else NEAR
        self._recursion = Recursion(arch, x.shape[1], tuple(both), lattice, near)
        self._diagonals: dict[Kind, Float] = {}
        self._angles = self._tabulated(tuple(both)) if lattice is None else None
        self._local = threading.local()

    def __reduce__(self) -> tuple[Any, ...]:
        return _planned, self._given

    @property
    def numbers(self) -> int:
        """Numbers that the plan keeps of an input: its entries, twice, and what belongs to it in every layer."""
        return 2 * self.X.shape[1] + self._recursion.numbers

    # -- blocks ------------------------------------------------------------------------------------

    def spans(self, size: int) -> Iterator[tuple[Span, Span]]:
        """Yield rows and columns of blocks of at most ``size`` x ``size``: all, or the upper half if symmetric."""
        n, m = self.shape
        for i in range(0, n, size):
            for j in range(i if self.symmetric else 0, m, size):
                yield (i, min(i + size, n)), (j, min(j + size, m))

    def block(
        self, rows: Span, columns: Span, *, dtype: str = "float64", threads: int | None = None
    ) -> Blocks:
        """Compute rows ``rows[0]`` to ``rows[1] - 1`` against such columns, of every kind.

        Every entry is the same to the last bit in any block that holds it, for any number of threads.

        Raises
        ------
        UndefinedKernelError
            If an entry is infinite.
        """
        return self._compute(rows, columns, self.kinds, dtype, threads)

    def both(
        self, rows: Span, columns: Span, *, dtype: str = "float64", threads: int | None = None
    ) -> tuple[Blocks, Blocks]:
        """Compute a block of a symmetric plan and the block at the mirrored place, in one pass."""
        asked = dict.fromkeys((*self.kinds, *(kind.reversed for kind in self.kinds)))
        found = self._compute(rows, columns, tuple(asked), dtype, threads)
        return (
            {kind: found[kind] for kind in self.kinds},
            {kind: np.ascontiguousarray(found[kind.reversed].T) for kind in self.kinds},
        )

    def _compute(
        self, rows: Span, columns: Span, kinds: Sequence[Kind], dtype: str, threads: int | None
    ) -> Blocks:
        half = self.symmetric and rows == columns
        tiles = [
            ((i, min(i + TILE, rows[1])), (j, min(j + TILE, columns[1])))
            for i in range(rows[0], rows[1], TILE)
            for j in range(i if half else columns[0], columns[1], TILE)
        ]
        shape = (rows[1] - rows[0], columns[1] - columns[0])
        out = {kind: np.empty(shape, dtype) for kind in kinds}
        other = tuple({kind.reversed for kind in kinds} - set(kinds)) if half else ()

        def work(tile: tuple[Span, Span]) -> None:
            points = self._points(*tile, half and tile[0] == tile[1], len(kinds) + len(other))
            found = (self._angles or self._recursion).run(points, kinds, other)
            i, j = tile[0][0] - rows[0], tile[1][0] - columns[0]
            ends = points.starts, tile[1][0], tile[1][1]
            for kind in kinds:
                store(found[kind], *ends, out[kind][i:, j:])
                if half:
                    store_mirrored(found[kind.reversed], *ends, out[kind][j:, i:])

        count = min(checks.threads(threads), len(tiles))
        if count > 1:
            with ThreadPoolExecutor(count) as pool:
                list(pool.map(work, tiles))
        else:
            for tile in tiles:
                work(tile)
        for kind in kinds if half else ():
            np.fill_diagonal(out[kind], self._diagonal(kind)[slice(*rows)])
        return out

    def _diagonal(self, kind: Kind) -> Float:
        if kind not in self._diagonals:
            self._diagonals[kind] = self._recursion.diagonal(self._rows, kind)
        return self._diagonals[kind]

    def _tabulated(self, kinds: tuple[Kind, ...]) -> Angles | None:
        """Return tables of all kinds by angle, where the norms are one and the pairs so many that it pays."""
        pairs = self.shape[0] * self.shape[1] / (2 if self.symmetric else 1)
        variances = np.concatenate([self._rows.variances[0], self._columns.variances[0]])
        largest = float(variances.max())
        if (
            pairs < FEWEST
            or pairs * self._recursion.nanoseconds < PAYS
            or self._recursion.nanoseconds < WORTH * len(kinds)
            or not self.arch.layers
            or largest - float(variances.min()) > SAME * largest
            or largest == 0
            or any(kind.less for kind in kinds)
        ):
            return None
        one = Inputs(self.arch, self._rows.points[:1], None)
        # A table is as smooth as its values: pairs near |rho| = 1 take the careful way from afar.
        careful = Recursion(self.arch, one.points.shape[1], kinds, None, DIFFERENCES)
        angles = Angles(careful, one, kinds)
        return angles if set(angles.kinds) == set(kinds) else None

    def _points(self, rows: Span, columns: Span, upper: bool, results: int) -> Points:
        indices = np.arange(*rows)
        # The diagonal belongs to single inputs.
        starts = np.maximum(indices + 1, columns[0]) if upper else np.full(indices.size, columns[0])
        n, fields = int((columns[1] - starts).sum()), Points.FIELDS + results
        # One allocation a thread: the pages of a fresh one would cost more than the arithmetic.
        space = getattr(self._local, "space", None)
        if space is None or space.shape[0] < fields or space.shape[1] < n:
            most = min(TILE, self.shape[0]) * min(TILE, self.shape[1])
            space = np.empty((fields, max(n, most)))
            self._local.space, self._local.status = space, np.empty(space.shape[1], np.int8)
        status = self._local.status[:n]
        ends = self._rows, self._columns
        return Points(*ends, indices, starts, columns[1], space[:, :n], status)


def _planned(
    arch: Architecture, x: Float, y: Float | None, kinds: Sequence[Kind], lattice: Lattice | None
) -> GramPlan:
    return GramPlan(arch, x, x if y is None else y, kinds, lattice)
