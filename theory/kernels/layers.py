"""The recursion of limit kernels on a list of points, from layer to layer (claims T5, T11).

A point is a pair of inputs, as the law (u, v) ~ N(0, [[p, c], [c, q]]) of one layer's pre-activations. Beside p, q
and c goes the determinant p q - c^2, which c cannot tell near |rho| = 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.activations import Activation
from theory.errors import UndefinedKernelError
from theory.gaussian.kinks import kinks
from theory.kernels.architecture import Architecture, Layer
from theory.kernels.inputs import Inputs, affine
from theory.kernels.lattice import Lattice
from theory.kernels.moments import Moment, Near, moment
from theory.kernels.near import Law
from theory.kernels.pairs import differences_of_norms, moments
from theory.kernels.points import advance, first, grow, near_points, spread

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Pair = tuple[str, str]

NEAR = 2.0**-14
"""Below this 1 - rho^2, what rounding of p, q and c does to sqrt(1 - rho^2) reaches 1e-14."""

NOISY = 2.0**10
"""Kinks smoothed by a variance e^2 see 1 - rho^2 + e^2/p in its place: up to p = NOISY e^2 rounding does nothing."""


@dataclass(frozen=True)
class Kind:
    """A kernel to compute: the covariance of a layer, or a tangent kernel.

    Attributes
    ----------
    layer
        Which covariance Sigma^layer, from 1 to L + 1; 0 for a tangent kernel.
    pair
        The Jacobians of rows and columns of a tangent kernel.
    blocks
        Weight and bias (A, B) of every layer's own part of it, A E[sigma(u) sigma(v)] + B.
    less
        Of a covariance: what it lacks to the variance at the ``"row"``, or at the ``"column"``, in its place.
    """

    layer: int = 0
    pair: Pair = ("true", "true")
    blocks: tuple[tuple[float, float], ...] = ()
    less: str = ""

    @property
    def reversed(self) -> "Kind":
        """The kind whose matrix is the transpose of this one's."""
        less = {"row": "column", "column": "row"}.get(self.less, "")
        return Kind(self.layer, (self.pair[1], self.pair[0]), self.blocks, less)


class Points:
    """Pairs of inputs: row ``rows[r]`` meets columns ``starts[r]`` to ``stop - 1``.

    Attributes
    ----------
    p, q, c, det
        The law of a layer's pre-activations.
    apart
        |x - y|^2.
    values, slopes, status
        What the layer makes of it.
    results
        One array a kernel.
    near, law
        The points close to |rho| = 1, and what p, q and c cannot tell of them.
    flat
        Whether a determinant is 0.
    """

    FIELDS = 7
    near: NDArray[np.intp] = np.empty(0, np.intp)
    law: Law | None = None
    flat = False

    def __init__(
        self, one: Inputs, other: Inputs, rows: Int, starts: Int, stop: int,
        space: Float, status: NDArray[np.int8],
    ) -> None:  # fmt: skip
        self.one, self.other = one, other
        self.rows, self.starts, self.stop = rows, starts, stop
        self.p, self.q, self.c, self.det, self.apart, self.values, self.slopes = space[
            : self.FIELDS
        ]
        self.results, self.status = space[self.FIELDS :], status

    def begin(self) -> None:
        """Fill second moments of the inputs: inner products as ``values``."""
        one, other = self.one, self.other
        moments(
            one.points, other.points, other.columns, one.squares, other.squares,
            self.rows, self.starts, self.stop, self.values, self.det, self.apart,
        )  # fmt: skip

    def enter(self, layer: int) -> None:
        """Fill the variances of a layer."""
        one, other = self.one.variances[layer], self.other.variances[layer]
        spread(one, other, self.rows, self.starts, self.stop, self.p, self.q)

    def find_near(self, layer: int, scale: float, bound: float, noise: float) -> None:
        """Collect the near points (``is_near``); of those that were so before, p - q is known."""
        before, known = self.near, self.law
        self.near = near_points(self.p, self.q, self.det, bound, noise)
        self.law = Law.at(self.near, self.p, self.q, self.c, self.det)
        excess = self.law.excess
        if layer == 0:
            differences_of_norms(
                self.one.points, self.other.points, *self.places(self.near), excess
            )
            excess *= scale
        elif known is not None and before.size:
            # Both lists ascend.
            at = np.searchsorted(before, self.near)
            kept = np.flatnonzero(before[np.minimum(at, before.size - 1)] == self.near)
            excess[kept] = known.excess[at[kept]]

    def lack(self, side: str) -> Float:
        """Return the variance at the row, or at the column, less the covariance."""
        result = (self.p if side == "row" else self.q) - self.c
        if self.law is not None:
            excess = self.law.excess if side == "row" else -self.law.excess
            close = self.law.sign > 0
            result[self.near[close]] = 0.5 * (self.law.distance + excess)[close]
        return result

    def place(self, k: int) -> tuple[int, int]:
        """Return the row and the column of a point."""
        i, j = self.places(np.array([k]))
        return int(i[0]), int(j[0])

    def places(self, which: NDArray[np.intp]) -> tuple[Int, Int]:
        """Return the rows and the columns of some points."""
        ends = np.cumsum(self.stop - self.starts)
        r = np.searchsorted(ends, which, side="right")
        return self.rows[r], self.stop - (ends[r] - which)

    def take(self, matrix: Float) -> Float:
        """Return the entries of a matrix at the points."""
        rows = zip(self.rows, self.starts, strict=True)
        return np.concatenate([matrix[i, start : self.stop] for i, start in rows])


class Recursion:
    """The layers of an architecture, ready for points.

    Parameters
    ----------
    arch, dimension
        The network and the number of its inputs' entries.
    kinds
        The kernels that can be asked for.
    lattice
        The first layer, where that is exact and not Gaussian.
    near
        Below which 1 - rho^2 a pair goes its own way, without cancellation.
    """

    def __init__(
        self, arch: Architecture, dimension: int, kinds: Sequence[Kind], lattice: Lattice | None,
        near: float = NEAR,
    ) -> None:  # fmt: skip
        self.layers, self.affine = arch.layers, affine(arch, dimension)
        self._near = near, 0.0 if near > NEAR else NOISY * _noise(self.layers)

        def moment_of(layer: int, f: Activation, g: Activation) -> Moment:
            exact = layer == 1 and lattice is not None
            return Moment(f, g, lattice) if exact else moment(f, g)

        self._values = [
            moment_of(index, layer.activation, layer.activation)
            for index, layer in enumerate(self.layers, start=1)
        ]
        self._slopes = {
            (index, pair): moment_of(index, *(layer.derivative(side) for side in pair))
            for index, layer in enumerate(self.layers, start=1)
            for pair in {kind.pair for kind in kinds if not kind.layer}
        }

    @property
    def nanoseconds(self) -> float:
        """Roughly what the Gaussian expectations of a point cost, in all layers."""
        return sum(moment.nanoseconds for moment in (*self._values, *self._slopes.values()))

    @property
    def numbers(self) -> int:
        """Numbers that are kept of an input, beside its entries, in all layers."""
        tables = sum(moment.numbers for moment in (*self._values, *self._slopes.values()))
        return tables + 4 * len(self.layers) + 8

    def run(
        self, points: Points, kinds: Sequence[Kind], mirrored: Sequence[Kind] = ()
    ) -> dict[Kind, Float]:
        """Return the entries of every kernel at the points; of ``mirrored`` ones, wanted at the mirrored places.

        Raises
        ------
        UndefinedKernelError
            If one is infinite.
        """
        found = dict(zip((*kinds, *mirrored), points.results, strict=False))
        tangents = {kind: theta for kind, theta in found.items() if not kind.layer}
        points.begin()
        for layer, (scale, shift) in enumerate(self.affine):
            features = None
            if layer == 0:
                for kind, theta in tangents.items():
                    weight, bias = kind.blocks[0]
                    np.multiply(points.values, weight, out=theta)
                    theta += bias
                points.enter(0)
                close, flat = first(
                    points.values, points.det, points.apart, scale, shift,
                    points.p, points.q, points.c, *self._near,
                )  # fmt: skip
            else:
                features = self._hidden(layer, points, tangents, mirrored)
                points.enter(layer)
                close, flat = advance(
                    points.values, scale, shift,
                    points.p, points.q, points.c, points.det, *self._near,
                )  # fmt: skip
            points.flat = flat > 0
            if features is not None:
                points.near, points.law = features[0], features[1].affine(scale, shift)
                points.det[points.near] = points.law.determinant
                points.flat = not points.det.all()
            else:
                points.law = None
            if close or points.near.size:
                points.find_near(layer, scale, *self._near)
            for kind, result in found.items():
                if kind.layer == layer + 1:
                    result[:] = points.lack(kind.less) if kind.less else points.c
        return found

    def diagonal(self, inputs: Inputs, kind: Kind) -> Float:
        """Return the entries of every input with itself.

        Raises
        ------
        UndefinedKernelError
            If one is infinite.
        """
        if kind.layer:
            variances = inputs.variances[kind.layer - 1]
            return np.zeros_like(variances) if kind.less else variances
        weight, bias = kind.blocks[0]
        theta = weight * inputs.squares + bias
        for layer, features in enumerate(inputs.features, start=1):
            p = inputs.variances[layer - 1]
            slopes = self._slopes[layer, kind.pair].on_diagonal(layer, inputs)
            if not np.all(np.isfinite(slopes)):
                i = int(np.flatnonzero(~np.isfinite(slopes))[0])
                here = self.layers[layer - 1]
                raise infinite(layer, here, kind.pair, (i, i), (p[i], p[i], p[i]))
            weight, bias = kind.blocks[layer]
            theta = (weight * features + bias) + theta * (self.affine[layer][0] * slopes)
        return theta

    def _hidden(
        self, layer: int, points: Points, tangents: dict[Kind, Float], mirrored: Sequence[Kind]
    ) -> tuple[Near, Law] | None:
        """Fill E[sigma(u) sigma(v)] of a hidden layer, and let the tangent kernels go through it.

        Returns the law of the features of near pairs, where it is known better than from the values.
        """
        value = self._values[layer - 1]
        slopes = value.slopes
        if slopes is not None and all(
            self._slopes[layer, kind.pair] is not slopes for kind in tangents
        ):
            slopes = None
        features = value.features(
            layer, points, points.values, None if slopes is None else points.slopes
        )
        scale, bad = self.affine[layer][0], []
        for kind, theta in tangents.items():
            needed = self._slopes[layer, kind.pair]
            if needed is not slopes:
                slopes = needed
                slopes(layer, points, points.slopes)
            k = grow(theta, points.slopes, scale, points.values, *kind.blocks[layer])
            if k >= 0:
                place = points.place(k)
                if kind in mirrored:
                    bad.append((place[::-1], kind.reversed.pair, (points.q[k], points.p[k]), k))
                else:
                    bad.append((place, kind.pair, (points.p[k], points.q[k]), k))
        if bad:
            place, jacobians, variances, k = min(bad)
            here = self.layers[layer - 1]
            raise infinite(layer, here, jacobians, place, (*variances, points.c[k]))
        return features


def _noise(layers: Sequence[Layer]) -> float:
    """Return the least variance by which a kink of any layer is smoothed; 0 for a sharp one."""
    forms = [kinks(f) for layer in layers for f in (layer.activation, layer.surrogate)]
    return min((e2 for form in forms if form is not None for e2, _, _ in form.scales), default=0.0)


def infinite(
    layer: int, here: Layer, pair: Pair, place: tuple[int, int], law: tuple[float, float, float]
) -> UndefinedKernelError:
    """Return the error that says where a tangent kernel is infinite, and what to do."""
    first, second = (here.derivative(side) for side in pair)
    return UndefinedKernelError(
        f"the {pair} tangent kernel of {here.activation} is infinite at row {place[0]} and column {place[1]}: "
        f"hidden layer {layer} has variances {law[0]:.6g} and {law[1]:.6g}, "
        f"covariance {law[2]:.6g}, so E[{first}(u) {second}(v)] meets a Dirac mass with itself "
        f"(coincident or parallel inputs, or a zero input without bias). Use distinct inputs, a bias, or a "
        f'continuous surrogate with jacobians=("true", "surrogate")'
    )
