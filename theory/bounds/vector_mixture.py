"""Mixtures of Gaussian vectors in two and three dimensions, as the bounds on them take them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import checks
from theory.covariance import range_and_slack, semidefinite
from theory.errors import InputError

FloatArray = NDArray[np.float64]

# Outward rounding of integrals that are known to 1e-6.
QUADRATURE = 1 + 1e-5


def vector_mixture(
    covariances: ArrayLike, limit: ArrayLike, weights: ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return S_i of positive probability, the regular limit K, and probabilities that add up to 1.

    Raises
    ------
    InputError
        For shapes that do not fit, matrices that are not covariances, a singular limit, or weights without mass.
    """
    limit, found = semidefinite(limit, "limit"), semidefinite(covariances, "covariances")
    if limit.ndim != 2 or limit.shape[0] not in (2, 3) or found.shape[1:] != limit.shape:
        raise InputError(
            f"covariances of shape {found.shape} and limit {limit.shape}: they must be (N, k, k) and (k, k) with "
            f"k = 2 or 3; for k = 1 there are mixture_benamou_brenier and mixture_stein"
        )
    if range_and_slack(limit)[0] != np.linalg.eigvalsh(limit)[0]:
        raise InputError("limit is singular; leave out directions that carry no mass")
    w = np.ones(len(found)) if weights is None else checks.finite(weights, "weights")
    if w.shape != (len(found),) or w.min() < 0 or w.sum() <= 0:
        raise InputError(
            f"weights must be {len(found)} numbers >= 0 with a positive sum, got shape {w.shape}"
        )
    kept = w > 0
    return found[kept], limit, w[kept] / w.sum()
