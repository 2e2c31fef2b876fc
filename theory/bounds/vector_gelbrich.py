"""Lower bounds on Wasserstein-2 of a mixture of Gaussian vectors by its covariance and its absolute values."""

import math

import numpy as np
from numpy.typing import ArrayLike

from theory import checks
from theory.bounds.base import ROUND_UP, Bound, bound
from theory.covariance import bures_squared, semidefinite
from theory.errors import InputError


@bound
def vector_gelbrich(
    covariances: ArrayLike,
    limit: ArrayLike,
    weights: ArrayLike | None = None,
    outputs: int = 1,
) -> Bound:
    r"""Lower bound max(L1, L2) on W2 between m outputs that share S and N(0, K), any number k of inputs.

    L1 (Gelbrich): :math:`\sqrt m\,d_B(E S, K)`, which sees the shift of the mean alone. L2: the same for absolute
    values, which no map of Lipschitz constant 1 carries further apart,
    :math:`(\tfrac{2m}\pi\sum_i(\sqrt{K_{ii}}-E\sqrt{S_{ii}})^2)^{1/2}`, of order 1/n also where E S = K.

    Parameters
    ----------
    covariances, weights
        S_i, shape (N, k, k), and probabilities, equal if omitted.
    limit, outputs
        K, shape (k, k), singular or not; m.

    Raises
    ------
    InputError
        For shapes that do not fit, matrices that are not covariances, or weights without mass.
    """
    limit, found = semidefinite(limit, "limit"), semidefinite(covariances, "covariances")
    m = checks.positive_int(outputs, "outputs")
    w = np.ones(found.shape[:1]) if weights is None else checks.finite(weights, "weights")
    if limit.ndim != 2 or found.ndim != 3 or found.shape[1:] != limit.shape:
        raise InputError(
            f"covariances of shape {found.shape} and limit {limit.shape} must be (N, k, k) and (k, k)"
        )
    if w.shape != found.shape[:1] or w.min() < 0 or w.sum() <= 0:
        raise InputError(
            f"weights must be {len(found)} numbers >= 0 with a positive sum, got shape {w.shape}"
        )
    w = w / w.sum()
    mean = np.einsum("n,nij->ij", w, found)
    shift = math.sqrt(m * float(bures_squared(mean, limit)))
    diagonal = np.sqrt(np.maximum(np.einsum("nii->ni", found), 0.0))
    gaps = np.sqrt(np.diag(limit)) - w @ diagonal
    absolute = math.sqrt(2 * m / math.pi * float(gaps @ gaps))
    value = max(shift, absolute) / ROUND_UP
    return Bound(
        value,
        {"Gelbrich" if shift >= absolute else "absolute values": value},
        ("F is Gaussian given its covariance S",),
        "bounds.md, section 7, L1 and L2",
        {"L1": shift, "L2": absolute},
    )
