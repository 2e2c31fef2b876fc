"""Second moments of the inputs, with the parallel pairs told apart exactly.

On parallel inputs the correlation is exactly +-1, and sign-like kernels jump there by the square root of
any rounding: whether two rows are parallel is therefore decided in exact arithmetic, not from rounded inner products.
"""

from fractions import Fraction
from math import fsum, sqrt

import numpy as np
from numpy.typing import NDArray

from theory.arithmetic.float64 import two_product

Float = NDArray[np.float64]

# Pairs closer to parallel than this get their inner product correctly rounded.
_NEAR_PARALLEL = 1e-6


def second_moments(x: Float, y: Float) -> tuple[Float, Float, Float]:
    """Return <x, x>/d of shape (n, 1), <y, y>/d of shape (1, m) and <x, y>/d of shape (n, m).

    Norms are correctly rounded, and so are inner products of nearly parallel rows; those of exactly
    parallel rows are +-sqrt of the product of the norms, so that duplicates give equal numbers.
    """
    d = x.shape[1]
    xx = np.array([_dot(row, row) for row in x])
    yy = xx if y is x else np.array([_dot(row, row) for row in y])
    xy = x @ y.T
    product = np.outer(xx, yy)
    close = np.argwhere((xy**2 >= (1 - _NEAR_PARALLEL) * product) & (product > 0))
    for i, j in close:
        if y is x and j < i:
            continue
        value = _near_dot(x[i], y[j], xx[i], yy[j])
        xy[i, j] = value
        if y is x:
            xy[j, i] = value
    xy[product == 0] = 0.0
    return xx[:, None] / d, yy[None, :] / d, xy / d


def _near_dot(a: Float, b: Float, aa: float, bb: float) -> float:
    if np.array_equal(a, b):
        return aa
    value = _dot(a, b)
    return float(np.copysign(sqrt(aa) * sqrt(bb), value)) if _parallel(a, b) else value


def _parallel(a: Float, b: Float) -> bool:
    pivot = int(np.argmax(np.abs(a)))
    ratio = Fraction(float(b[pivot])) / Fraction(float(a[pivot]))
    return all(Fraction(float(s)) * ratio == Fraction(float(t)) for s, t in zip(a, b, strict=True))


def _dot(a: Float, b: Float) -> float:
    high, low = two_product(a, b)
    return fsum([*high, *low])
