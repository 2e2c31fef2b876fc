"""Wasserstein-2 of a mixture of Gaussian vectors by a path of mixtures: nearly sharp, in two and three dimensions."""

import numpy as np
from numpy.typing import ArrayLike

from theory import checks
from theory.bounds.base import Bound, bound
from theory.coupling import path_length
from theory.covariance import range_and_slack, semidefinite
from theory.errors import InputError

QUADRATURE = 1 + 1e-5


@bound
def vector_benamou_brenier(
    covariances: ArrayLike, limit: ArrayLike, weights: ArrayLike | None = None
) -> Bound:
    r"""Upper bound :math:`\int_0^1(E|E[\tfrac12H\Sigma_t^{-1}X_t\,|\,X_t]|^2)^{1/2}dt` on W2(F, N(0, K)).

    F is N(0, S_i) with probability w_i; H = S - K and Sigma_t = K + t H, so that E S = K is not needed.

    Parameters
    ----------
    covariances, weights
        S_i, shape (N, k, k) with k = 2 or 3, and probabilities, equal if omitted.
    limit
        K, shape (k, k), regular.

    Raises
    ------
    InputError
        For shapes that do not fit, matrices that are not covariances, a singular limit, or weights without mass.
    DomainError
        If components are too flat for the quadrature.

    Notes
    -----
    Quadrature to 1e-6, rounded outward by ten times that. Exact to leading order. Source: claim B17 (menu U3).
    """
    limit, found = semidefinite(limit, "limit"), semidefinite(covariances, "covariances")
    if limit.ndim != 2 or limit.shape[0] not in (2, 3) or found.shape[1:] != limit.shape:
        raise InputError(
            f"covariances of shape {found.shape} and limit {limit.shape}: they must be (N, k, k) and (k, k) with "
            f"k = 2 or 3; for k = 1 take mixture_benamou_brenier"
        )
    if range_and_slack(limit)[0] != np.linalg.eigvalsh(limit)[0]:
        raise InputError("limit is singular; leave out directions that carry no mass")
    w = np.ones(len(found)) if weights is None else checks.finite(weights, "weights")
    if w.shape != (len(found),) or w.min() < 0 or w.sum() <= 0:
        raise InputError(
            f"weights must be {len(found)} numbers >= 0 with a positive sum, got shape {w.shape}"
        )
    kept = w > 0
    value = path_length(found[kept], w[kept] / w.sum(), limit) * QUADRATURE
    return Bound(
        value, {"length of the path": value}, ("F is Gaussian given its covariance S",), "claim B17"
    )
