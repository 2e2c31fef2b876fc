"""E[f(u) g(v)] of one layer at the points of a tile: fused, on a lattice, or without cancellation near |rho| = 1."""

from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from theory.activations import Activation
from theory.gaussian import expectation
from theory.gaussian.evaluation import prepared
from theory.gaussian.series import ROWS, Series
from theory.kernels.inputs import Inputs
from theory.kernels.lattice import Lattice
from theory.kernels.near import Law, image, is_covered

if TYPE_CHECKING:
    from theory.kernels.layers import Points

Float = NDArray[np.float64]
Near = NDArray[np.intp]

CLOSED = 10.0
"""Nanoseconds of a point by a series: no closed form takes longer."""


class Moment:
    """E[f(u) g(v)] of a layer: of the first one perhaps over a ``lattice``. ``moment`` returns one of them."""

    def __init__(self, f: Activation, g: Activation, lattice: Lattice | None) -> None:
        self._f, self._g, self._lattice = f, g, lattice
        self._prepared = prepared(expectation(f, g))
        self._covered = f == g and lattice is None and is_covered(f)
        self._cheap = self._prepared.nanoseconds <= CLOSED and lattice is None
        self._series = None if self._cheap or lattice is not None else Series.of(f, g)
        both = lattice is None and self._prepared.has_both
        self.slopes = moment(f.derivative, g.derivative) if both else None
        self._products: Float | None = None
        self._lock = Lock()

    @property
    def nanoseconds(self) -> float:
        """Roughly what a point costs."""
        return self._prepared.nanoseconds if self._series is None else CLOSED

    @property
    def numbers(self) -> int:
        """Numbers that are kept of an input."""
        return 0 if self._series is None else ROWS * len({self._f, self._g})

    def __call__(self, layer: int, points: "Points", out: Float) -> None:
        """Fill the values at the points."""
        if self._cheap:
            self._fill(layer, points, out)
        else:
            self.features(layer, points, out)

    def features(
        self, layer: int, points: "Points", out: Float, slopes: Float | None = None
    ) -> tuple[Near, Law] | None:
        """Fill the values, and with them perhaps those of ``self.slopes``, E[f'(u) g'(v)].

        Of near points returns the law of (f(u), f(v)), where that is known, f = g.
        """
        if self._lattice is not None:
            out[:] = points.take(self._on_lattice())
            return None
        known = self._on_line(layer, points)
        features = self._near(layer, points)
        aside = [part[0] for part in (known, features) if part is not None]
        if self._cheap or not aside:
            self._fill(layer, points, out, slopes)
        else:
            # What is known stands aside as independent pairs, whose values cost nothing.
            which = np.concatenate(aside)
            kept = points.c[which], points.det[which]
            points.c[which], points.det[which] = 0.0, points.p[which] * points.q[which]
            self._fill(layer, points, out)
            points.c[which], points.det[which] = kept
        if known is not None:
            out[known[0]] = known[1]
        if features is not None:
            out[features[0]] = features[1].covariance
        return features

    def _fill(self, layer: int, points: "Points", out: Float, slopes: Float | None = None) -> None:
        """Fill the values at the points by the series, and where that does not serve, by the other ways."""
        law = points.p, points.q, points.c, points.det
        if slopes is not None:
            if self._prepared.both(*law, out, slopes):
                return
            assert self.slopes is not None
            self.slopes(layer, points, slopes)
        if self._series is None:
            self._prepared(*law, out, points.status)
            return
        tables = self._table(layer, 0, points.one), self._table(layer, 1, points.other)
        pairs = points.rows, points.starts, points.stop
        if self._series(*pairs, *tables, points.c, out, points.status):
            which = np.flatnonzero(points.status)
            values = np.empty(which.size)
            p, q, c, det = (part[which] for part in law)
            self._prepared(p, q, c, det, values, points.status[: which.size])
            out[which] = values

    def _table(self, layer: int, side: int, inputs: Inputs) -> Float:
        """Return what the series needs of single inputs, as rows or as columns."""
        series = self._series
        assert series is not None
        side = 0 if self._f == self._g else side
        return inputs.keep(layer, (series, side), partial(series.table, side))

    def _on_line(self, layer: int, points: "Points") -> tuple[Near, Float] | None:
        """Return the points with v = u, or v = -u and f odd or even, and E[f(u) f(v)]: the next layer has the like."""
        if self._f != self._g or not points.flat:
            return None
        line = (points.det == 0) & (np.abs(points.c) == points.p) & (points.p == points.q)
        if self._f.parity == 0:
            line &= points.c > 0
        which = np.flatnonzero(line)
        i, _ = points.places(which)
        squares = self.on_diagonal(layer, points.one)[i]
        odd = self._f.parity == -1
        return which, np.where(odd & (points.c[which] < 0), -squares, squares)

    def _near(self, layer: int, points: "Points") -> tuple[Near, Law] | None:
        """Return the points close to |rho| = 1 that a careful way covers, and the law of (f(u), f(v)) there."""
        near, law = points.near, points.law
        if not self._covered or not near.size or law is None:
            return None
        i, j = points.places(near)
        squares = self.on_diagonal(layer, points.one)[i], self.on_diagonal(layer, points.other)[j]
        found, good = image(self._f, law, *squares)
        which = np.flatnonzero(good)
        return near[which], found.of(which)

    def on_diagonal(self, layer: int, inputs: Inputs) -> Float:
        """Return E[f(u) g(u)] of single inputs."""
        if self._lattice is not None:
            return np.diagonal(self._on_lattice())
        return inputs.diagonal(layer, self._f, self._g)

    def _on_lattice(self) -> Float:
        assert self._lattice is not None
        with self._lock:
            if self._products is None:
                self._products = self._lattice.products(self._f, self._g)
        return self._products


@cache
def moment(f: Activation, g: Activation) -> Moment:
    """Return E[f(u) g(v)] of Gaussian pre-activations."""
    return Moment(f, g, None)
