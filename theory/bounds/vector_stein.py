"""Wasserstein-2 of a mixture of Gaussian vectors through its Stein kernel, in two and three dimensions."""

from numpy.typing import ArrayLike

from theory.bounds.base import Bound, bound
from theory.bounds.vector_mixture import QUADRATURE, vector_mixture
from theory.coupling import stein_discrepancy


@bound
def vector_stein(
    covariances: ArrayLike, limit: ArrayLike, weights: ArrayLike | None = None
) -> Bound:
    r"""Upper bound :math:`(E\,\mathrm{tr}(\tau(F)-K)K^{-1}(\tau(F)-K))^{1/2}` on W2(F, N(0, K)), tau(x) = E[S | F = x].

    Parameters and errors as for `vector_benamou_brenier`, and a ``DomainError`` for singular components.
    Of the order of the distance; 2.31 times it to leading order if S varies in one direction.
    Source: claim B16 (Klukowski, Lemma 7; menu U3).
    """
    found, limit, w = vector_mixture(covariances, limit, weights)
    value = stein_discrepancy(found, w, limit) * QUADRATURE
    return Bound(
        value, {"Stein discrepancy": value}, ("F is Gaussian given its covariance S",), "claim B16"
    )
