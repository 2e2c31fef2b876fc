"""Positive semidefinite matrices, one or a batch of them: square roots, Bures distance, range."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.checks import finite
from theory.errors import InputError

FloatArray = NDArray[np.float64]

# Symmetry and definiteness are tested against rounding: this many units in the last place of the
# largest entry, per row.
ROUNDING = 64 * np.finfo(np.float64).eps


def semidefinite(values: ArrayLike, name: str) -> FloatArray:
    """Return matrices of shape (..., k, k), symmetric and positive semidefinite to rounding.

    Raises
    ------
    InputError
        If the shape is not square, or an asymmetry or a negative eigenvalue exceeds rounding.
    """
    matrix = finite(values, name)
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2] or matrix.shape[-1] == 0:
        raise InputError(f"{name} must have shape (..., k, k) with k >= 1, got {matrix.shape}")
    slack = ROUNDING * matrix.shape[-1] * np.abs(matrix).max(axis=(-1, -2), initial=0.0)
    asymmetry = np.abs(matrix - matrix.swapaxes(-1, -2)).max(axis=(-1, -2), initial=0.0)
    if np.any(asymmetry > slack):
        raise InputError(
            f"{name} is not symmetric: entries differ from their mirror images by up to {asymmetry.max()}"
        )
    smallest = np.linalg.eigvalsh(matrix)[..., 0]
    if np.any(smallest < -slack):
        raise InputError(
            f"{name} is not positive semidefinite: it has the eigenvalue {smallest.min()}"
        )
    return matrix


def square_root(matrix: FloatArray) -> FloatArray:
    """Return the positive semidefinite square root; eigenvalues below 0 by rounding count as 0."""
    values, vectors = np.linalg.eigh(matrix)
    roots = np.sqrt(np.maximum(values, 0.0))
    product: FloatArray = (vectors * roots[..., None, :]) @ vectors.swapaxes(-1, -2)
    return product


def bures_squared(first: FloatArray, second: FloatArray) -> FloatArray:
    r"""Squared Bures distance tr A + tr B - 2 tr (A^{1/2} B A^{1/2})^{1/2}, batched.

    Parameters
    ----------
    first, second
        Positive semidefinite, shapes (..., k, k) that broadcast; singular ones allowed.

    Returns
    -------
    array
        W2(N(0, A), N(0, B))^2, shape (...), never negative.

    Notes
    -----
    Formed as |A^{1/2} - B^{1/2} U|_F^2 with U the polar factor of B^{1/2} A^{1/2}, so that no
    traces cancel: relative error eps / |A - B| for well-conditioned matrices, absolute error k
    eps (tr A + tr B) for singular ones.
    """
    a, b = square_root(first), square_root(second)
    left, _, right = np.linalg.svd(b @ a)
    difference = a - b @ (left @ right)
    squared: FloatArray = np.einsum("...ij,...ij->...", difference, difference)
    return squared


def range_and_slack(matrix: FloatArray) -> tuple[float, float]:
    """Return the smallest eigenvalue that rounding cannot have made, and the mass that it could have.

    Returns
    -------
    smallest
        Smallest eigenvalue above the threshold ``k * ROUNDING * largest eigenvalue``; 0 for the
        zero matrix.
    slack
        Number of eigenvalues below the threshold, times the threshold: an upper bound on their
        exact sum.
    """
    values = np.linalg.eigvalsh(matrix)
    threshold = values.size * ROUNDING * max(float(values[-1]), 0.0)
    positive = values[values > threshold]
    smallest = float(positive[0]) if positive.size else 0.0
    return smallest, float((values.size - positive.size) * threshold)
