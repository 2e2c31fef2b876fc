"""Second moments of pairs of inputs, with what nearly parallel ones differ by."""

import numpy as np
from numpy.typing import NDArray

from theory.arithmetic.float64 import cross

Float = NDArray[np.float64]
Ints = NDArray[np.intp]

# Below this share, determinants and distances come from differences of the inputs; below that, they are 0.
_NEAR, _PARALLEL = 1e-3, 1e-24


class InputMoments:
    """Second moments of two sets of inputs of dimension d: <x,x>/d (n,), <y,y>/d (m,) and <x,y>/d (n, m)."""

    def __init__(self, x: Float, y: Float) -> None:
        d = x.shape[1]
        self.x, self.y = x, y
        self.xx, self.yy = (np.einsum("ij,ij->i", z, z) / d for z in (x, y))
        self.xy = x @ y.T / d

    def pairs(self, i: Ints, j: Ints) -> tuple[Float, Float, Float]:
        """Return, at some pairs, <x,y>/d, the determinant <x,x><y,y>/d^2 - <x,y>^2/d^2, and |x - y|^2/d.

        Of equal rows the first is the norm, of parallel ones the determinant 0; else all are accurate to rounding.
        """
        p, q, c = self.xx[i], self.yy[j], self.xy[i, j]
        det, apart = cross(p, q, c, c), p + q - 2 * c
        near = np.flatnonzero(det < _NEAR * p * q)
        p, q, x = p[near], q[near], self.x[i[near]]
        # The part of y along x, and the rest of it.
        d, step = x.shape[1], self.y[j[near]] - x
        slope = np.einsum("kd,kd->k", x, step) / (d * p)
        rest = step - slope[:, None] * x
        square = np.einsum("kd,kd->k", rest, rest) / d
        det[near] = np.where(square > _PARALLEL * q, p * square, 0.0)
        apart[near] = np.einsum("kd,kd->k", step, step) / d
        close = apart[near] < _NEAR * p
        bound = np.copysign(np.sqrt(p) * np.sqrt(q), c[near])
        inner = np.where(close, (p + q - apart[near]) / 2, c[near])
        c[near] = np.where(det[near] == 0, np.where(apart[near] == 0, p, bound), inner)
        return c, np.maximum(det, 0.0), apart
