"""Inputs of one norm: every kernel is a function of their angle, whatever the depth, and is tabulated once.

Of the first pre-activations, of variance p each, the table's variable is s = sqrt((1 - |rho|)/2) = sin(angle/2), for
rho >= 0 and for rho < 0: in s a kernel has at most a branch point at 0. Panels that halve towards 0 keep that at a
constant distance, so that polynomials of degree 15 converge to the last digits; panels where they do not are divided.
Every panel is compared, at points between its nodes, with the recursion itself.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from theory.arithmetic.simd import fma, wide
from theory.errors import UndefinedKernelError
from theory.kernels.inputs import Inputs
from theory.kernels.layers import Kind, Points, Recursion
from theory.kernels.points import first

Float = NDArray[np.float64]
Int = NDArray[np.int64]

OCTAVES = 40
"""The table reaches down to s = 2^-40; closer pairs, and exactly parallel ones, take the recursion."""

TERMS = 16
FINEST = 64
"""Parts of an octave at most."""

TOLERANCE = 1e-13
"""Error of a panel between its nodes, beside the largest value on it."""

SAME = 2.0**-49
"""Variances that differ by less, relatively, are one: the rounding of inputs of one norm."""

_NODES = np.cos((2 * np.arange(TERMS) + 1) * np.pi / (2 * TERMS))
_BETWEEN = np.cos((2 * np.arange(TERMS) + 2) * np.pi / (2 * TERMS))
# Values at the nodes to coefficients in Chebyshev polynomials, and these to powers, in integers.
_TRANSFORM = 2.0 / TERMS * np.cos(np.outer(np.arange(TERMS), np.arccos(_NODES)))
_TRANSFORM[0] /= 2
_POWERS = np.zeros((TERMS, TERMS))
for _k, _row in enumerate(np.eye(TERMS)):
    _POWERS[_k, : _k + 1] = np.polynomial.chebyshev.cheb2poly(_row[: _k + 1])


class Circle(Points):
    """Pairs of inputs of one norm, given by the sign of rho and by s."""

    def __init__(
        self, one: Inputs, scale: float, shift: float, sign: Float, s: Float, results: int
    ) -> None:
        n = s.size
        # Every point is a row of its own, and made of the one input.
        rows = np.zeros(n, np.int64)
        super().__init__(
            one, one, rows, rows, 1, np.empty((self.FIELDS + results, n)), np.empty(n, np.int8)
        )
        self._scale, self._shift, self._sign, self._s = scale, shift, sign, s

    def begin(self) -> None:
        """Fill what the first layer turns into the law that is meant."""
        p, square = self.one.variances[0][0], self._s * self._s
        self.values[:] = (self._sign * (p * (1.0 - 2.0 * square)) - self._shift) / self._scale
        self.det[:] = (p / self._scale) ** 2 * (4.0 * square * (1.0 - square))
        self.apart[:] = 0.0


class Angles:
    """Tables of kernels of inputs that have the norm of ``one``, a single input.

    Kinds that no table settles are left out of ``kinds``.
    """

    def __init__(self, recursion: Recursion, one: Inputs, kinds: Sequence[Kind]) -> None:
        self._recursion, self._one = recursion, one
        self._tables: dict[Kind, tuple[Int, Float, Float]] = {}
        for kind in kinds:
            # With equal variances the two Jacobians exchange.
            table = self._tables.get(kind.reversed) or self._tabulate(kind)
            if table is not None:
                self._tables[kind] = table

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kernels that are tabulated."""
        return tuple(self._tables)

    def run(
        self, points: Points, kinds: Sequence[Kind], mirrored: Sequence[Kind]
    ) -> dict[Kind, Float]:
        """Return the entries of every kernel at the points, as ``Recursion.run`` does."""
        asked = (*kinds, *mirrored)
        found = dict(zip(asked, points.results, strict=False))
        points.begin()
        points.enter(0)
        scale, shift = self._recursion.affine[0]
        first(
            points.values, points.det, points.apart, scale, shift,
            points.p, points.q, points.c, 0.0, 0.0,
        )  # fmt: skip
        halved_sines(points.p, points.q, points.c, points.det, points.slopes)
        for kind in asked:
            look_up(points.slopes, points.c, *self._tables[kind], found[kind])
        close = np.flatnonzero(points.slopes < 2.0**-OCTAVES)
        if close.size:
            self._settle(points, close, asked, found)
        return found

    def _settle(
        self,
        points: Points,
        close: NDArray[np.intp],
        kinds: Sequence[Kind],
        found: dict[Kind, Float],
    ) -> None:
        """Replace the entries of pairs that are parallel, or closer to it than the tables reach."""
        equal = (points.det[close] == 0) & (points.c[close] == points.p[close])
        i, _ = points.places(close[equal])
        rest = close[~equal]
        try:
            for kind in kinds if equal.any() else ():
                found[kind][close[equal]] = self._recursion.diagonal(points.one, kind)[i]
            if rest.size:
                law, sign = self._recursion.affine[0], np.sign(points.c[rest])
                circle = Circle(self._one, *law, sign, points.slopes[rest], len(kinds))
                some = self._recursion.run(circle, kinds)
                for kind in kinds:
                    found[kind][rest] = some[kind]
        except UndefinedKernelError:
            # The recursion itself names the inputs.
            self._recursion.run(points, kinds)
            raise

    def _tabulate(self, kind: Kind) -> tuple[Int, Float, Float] | None:
        """Return the number of the panel of every part of an octave, and center, 2/width and coefficients of panels."""
        where = np.zeros(2 * OCTAVES * FINEST, np.int64)
        panels: list[Float] = []
        for side in (0, 1):
            # [3/4, 1) lies beyond the right angle, where the other sign takes over.
            left = [(octave, 2, part) for octave in range(OCTAVES) for part in range(2)]
            left = [panel for panel in left if panel != (0, 2, 1)]
            while left:
                ends = np.array([_ends(*panel) for panel in left])
                fits = self._fit(kind, 1.0 - 2.0 * side, ends)
                again = []
                for panel, fit in zip(left, fits, strict=True):
                    octave, parts, part = panel
                    if fit is not None:
                        step = FINEST // parts
                        at = (side * OCTAVES + octave) * FINEST + part * step
                        where[at : at + step] = len(panels)
                        panels.append(fit)
                    elif parts == FINEST:
                        return None
                    else:
                        again += [(octave, 2 * parts, 2 * part + i) for i in (0, 1)]
                left = again
        table = np.array(panels)
        return where, table[:, :2].copy(), table[:, 2:].copy()

    def _fit(self, kind: Kind, sign: float, ends: Float) -> list[Float | None]:
        """Return panels, or None for those that differ from the recursion between their nodes."""
        center, half = ends.mean(axis=1), (ends[:, 1] - ends[:, 0]) / 2
        places = np.concatenate([_NODES, _BETWEEN])
        s = center[:, None] + half[:, None] * places
        law = self._recursion.affine[0]
        circle = Circle(self._one, *law, np.full(s.size, sign), s.ravel(), 1)
        values = self._recursion.run(circle, [kind])[kind].reshape(s.shape)
        coefficients = values[:, :TERMS] @ _TRANSFORM.T @ _POWERS
        between = np.polynomial.polynomial.polyval(_BETWEEN, coefficients.T, tensor=True)
        error = np.abs(between - values[:, TERMS:]).max(axis=1)
        good = error <= TOLERANCE * np.abs(values).max(axis=1)
        return [
            np.concatenate([[c, 1.0 / h], row]) if fine else None
            for c, h, row, fine in zip(center, half, coefficients, good, strict=True)
        ]


def _ends(octave: int, parts: int, part: int) -> tuple[float, float]:
    """Return the ends of a panel: octave 0 is [1/2, 1)."""
    low = 2.0 ** -(octave + 1)
    return low * (1 + part / parts), low * (1 + (part + 1) / parts)


@njit(nogil=True, cache=True, error_model="numpy")
def halved_sines(p: Float, q: Float, c: Float, det: Float, s: Float) -> None:
    """Fill sqrt((1 - |rho|)/2) from p q - c^2."""
    wide()
    for k in range(s.size):
        root = np.sqrt(p[k] * q[k])
        s[k] = np.sqrt(0.5 * (det[k] / (root * (root + abs(c[k])))))


@njit(nogil=True, cache=True, error_model="numpy")
def look_up(s: Float, c: Float, where: Int, panels: Float, coefficients: Float, out: Float) -> None:
    """Evaluate a table."""
    bits = s.view(np.int64)
    for k in range(s.size):
        octave = 1022 - (bits[k] >> 52)
        part = (bits[k] >> 46) & 63
        octave = min(octave, OCTAVES - 1)
        side = OCTAVES if c[k] < 0.0 else 0
        row = where[(side + octave) * FINEST + part]
        t = (s[k] - panels[row, 0]) * panels[row, 1]
        a = coefficients[row]
        t2 = t * t
        t4 = t2 * t2
        one = fma(fma(a[3], t, a[2]), t2, fma(a[1], t, a[0]))
        two = fma(fma(a[7], t, a[6]), t2, fma(a[5], t, a[4]))
        three = fma(fma(a[11], t, a[10]), t2, fma(a[9], t, a[8]))
        four = fma(fma(a[15], t, a[14]), t2, fma(a[13], t, a[12]))
        out[k] = fma(fma(four, t4, three), t4 * t4, fma(two, t4, one))
