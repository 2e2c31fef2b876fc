"""Weight matrices in training: one that is stored, and a Gaussian one that is known by what it did (claim E3).

Both are trained by W <- W - rate V, with velocity V <- momentum V + scale v^T x, from adjoints v (k, fan-out) and
features x (k, fan-in).
"""

import numpy as np
from numpy.typing import NDArray

from theory import checks
from theory.networks.streams import Role
from theory.networks.training.layout import fill_rows

Float = NDArray[np.float64]

NEGLIGIBLE = 1e-12
"""Length of what is left of a unit vector after projection that counts as rounding."""


PIECE = 2048
"""Entries of each row that are decomposed at a time."""


class Stored:
    """A matrix (fan-out, fan-in) of any law."""

    def __init__(self, matrix: Float) -> None:
        self.start, self.matrix = matrix, matrix.copy()
        self.velocity = np.zeros_like(matrix)

    def forward(self, x: Float) -> Float:
        """Return W x, (k, fan-out), of rows (k, fan-in)."""
        return x @ self.matrix.T

    def backward(self, v: Float) -> Float:
        """Return W^T v, (k, fan-in), of rows (k, fan-out)."""
        return v @ self.matrix

    def descend(self, v: Float, x: Float, rate: float, scale: float, momentum: float) -> None:
        """Take one step."""
        self.velocity = momentum * self.velocity + scale * v.T @ x
        self.matrix -= rate * self.velocity

    def squared_displacement(self) -> float:
        """Squared distance from the start."""
        return float(np.sum((self.matrix - self.start) ** 2))

    def flips(self) -> float:
        """Share of entries whose sign is the opposite of that at the start."""
        return float(np.mean(self.matrix * self.start < 0))


class Directions:
    """Orthonormal vectors on one side of a matrix, and what the matrix at the start makes of them."""

    def __init__(self, size: int, image: int, most: int) -> None:
        self.size, self.most = size, min(most, size)
        self._units = checks.storage((self.most, size), "steps")
        self._images = checks.storage((self.most, image), "steps")
        self.count = 0

    @property
    def units(self) -> Float:
        """The vectors, in rows."""
        return self._units[: self.count]

    @property
    def images(self) -> Float:
        """Their images, in rows."""
        return self._images[: self.count]

    def new(self, x: Float) -> Float:
        """Return an orthonormal basis (rows) of what the rows of ``x`` add to the span."""
        lengths = np.linalg.norm(x, axis=1)
        rest = x[lengths > 0] / lengths[lengths > 0, None]
        if not len(rest):
            return rest
        rest = self._without_span(rest)
        _, sizes, rotation = np.linalg.svd(_triangle(rest))
        kept = min(int(np.sum(sizes > NEGLIGIBLE)), self.most - self.count)
        if not kept:
            return np.empty((0, x.shape[1]))
        # Again: what is left of a vector almost in the span is not orthogonal to it, nor to others like it.
        fresh = self._without_span((rotation[:kept] / sizes[:kept, None]) @ rest)
        units: Float = np.linalg.inv(np.linalg.cholesky(fresh @ fresh.T)) @ fresh
        return units

    def add(self, units: Float, images: Float) -> None:
        """Take more vectors with their images."""
        stop = self.count + len(units)
        self._units[self.count : stop], self._images[self.count : stop] = units, images
        self.count = stop

    def _without_span(self, x: Float) -> Float:
        return x - (x @ self.units.T) @ self.units


def _triangle(x: Float) -> Float:
    """Return R of the QR decomposition of x^T, in pieces that stay in the caches: rows are few and long."""
    size = max(PIECE, 2 * len(x))
    starts = range(0, x.shape[1], size)
    parts = [np.linalg.qr(x[:, start : start + size].T, mode="r") for start in starts]
    return np.asarray(np.linalg.qr(np.concatenate(parts), mode="r"), np.float64)


class Unstored:
    r"""A matrix whose start has independent standard normal entries, none of which is drawn.

    Directions on the right q_i and on the left p_j are asked for one after another, each one a function of earlier
    answers. Given the answers W_0 q_i and W_0^T p_j, and P, Q the projections on all p_j and all q_i,

    .. math:: W_0 = W_0Q + PW_0 - PW_0Q + (1-P)\,G\,(1-Q),

    with G a fresh copy: the answer to a new unit vector q orthogonal to all q_i is P W_0 q + (1 - P) g, with g standard
    normal, and the same on the left. So W x has its law exactly, jointly over every x ever asked for, in O(n r)
    operations for r directions. What training adds is sum_ji p_j M_ji q_i: gradients are products of vectors that were
    asked for.

    Directions shorter than ``NEGLIGIBLE`` beside those that are there are taken for rounding.
    """

    def __init__(
        self, fan_out: int, fan_in: int, rights: int, lefts: int, place: tuple[np.uint64, int, int]
    ) -> None:
        self.rights = Directions(fan_in, fan_out, rights)
        self.lefts = Directions(fan_out, fan_in, lefts)
        room = (self.lefts.most, self.rights.most)
        self._moved, self._velocity = np.zeros(room), np.zeros(room)
        self._place = place

    def forward(self, x: Float) -> Float:
        """Return W x, (k, fan-out), of rows (k, fan-in)."""
        return self._applied(x, left=False)

    def backward(self, v: Float) -> Float:
        """Return W^T v, (k, fan-in), of rows (k, fan-out)."""
        return self._applied(v, left=True)

    def _sides(self, left: bool) -> tuple[Directions, Directions]:
        """Directions on the side that is asked, and on the side of the answers."""
        return (self.lefts, self.rights) if left else (self.rights, self.lefts)

    def _applied(self, x: Float, left: bool) -> Float:
        near, far = self._sides(left)
        if not np.all(np.isfinite(x)):
            return np.full((len(x), far.size), np.nan)
        units = near.new(x)
        if len(units):
            near.add(units, self._answers(units, left))
        parts, moved = x @ near.units.T, self._moved[: self.lefts.count, : self.rights.count]
        shifts = parts @ (moved if left else moved.T)
        answer: Float = parts @ near.images + shifts @ far.units
        return answer

    def _answers(self, units: Float, left: bool) -> Float:
        """What the matrix at the start makes of new directions."""
        near, far = self._sides(left)
        fresh = np.empty((len(units), far.size))
        role = Role.ADJOINT if left else Role.PREACTIVATION
        fill_rows(fresh, *self._place, int(role), near.count)
        return fresh + (units @ far.images.T - fresh @ far.units.T) @ far.units

    def descend(self, v: Float, x: Float, rate: float, scale: float, momentum: float) -> None:
        """Take one step, along adjoints and features that were asked for."""
        part = np.s_[: self.lefts.count, : self.rights.count]
        gradient = (v @ self.lefts.units.T).T @ (x @ self.rights.units.T)
        self._velocity[part] = momentum * self._velocity[part] + scale * gradient
        self._moved[part] -= rate * self._velocity[part]

    def squared_displacement(self) -> float:
        """Squared distance from the start."""
        return float(np.sum(self._moved**2))

    def flips(self) -> float:
        """NaN: no entry is known."""
        return np.nan
