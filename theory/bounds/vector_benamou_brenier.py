"""Wasserstein-2 of a mixture of Gaussian vectors by a path of mixtures: nearly sharp, in two and three dimensions."""

from numpy.typing import ArrayLike

from theory.bounds.base import Bound, bound
from theory.bounds.vector_mixture import QUADRATURE, vector_mixture
from theory.coupling import path_length


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
    found, limit, w = vector_mixture(covariances, limit, weights)
    value = path_length(found, w, limit) * QUADRATURE
    return Bound(
        value, {"length of the path": value}, ("F is Gaussian given its covariance S",), "claim B17"
    )
