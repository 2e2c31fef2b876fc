"""Bures distance: Wasserstein-2 between centred Gaussian vectors."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.covariance import bures_squared, semidefinite
from theory.errors import InputError

FloatArray = NDArray[np.float64]


def bures(first: ArrayLike, second: ArrayLike) -> FloatArray:
    """Wasserstein-2 distance between N(0, A) and N(0, B).

    Parameters
    ----------
    first, second
        Covariance matrices A and B, shapes (..., k, k) that broadcast; singular ones allowed.

    Returns
    -------
    array
        d_B(A, B), shape (...).

    Raises
    ------
    InputError
        If a matrix is not square, not finite, not symmetric or not positive semidefinite, or the
        shapes do not broadcast.

    Notes
    -----
    Relative error eps / |A - B| for well-conditioned matrices. At a singular matrix d_B is only
    Hoelder continuous of order 1/2 in the entries, and so is the error: sqrt(k eps (tr A + tr
    B)). Source: claim B5(a).
    """
    a, b = semidefinite(first, "first"), semidefinite(second, "second")
    if a.shape[-1] != b.shape[-1]:
        raise InputError(
            f"first has {a.shape[-1]} rows and second {b.shape[-1]}; both need the same number"
        )
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError as error:
        raise InputError(f"batches of shapes {a.shape} and {b.shape} do not broadcast") from error
    return np.sqrt(bures_squared(a, b))
