"""Wasserstein-2 of a scale mixture by a path of mixtures: nearly sharp."""

import math

import numpy as np
from numpy.typing import ArrayLike

from theory.bounds.base import ROUND_UP, Bound, bound
from theory.bounds.posterior import posterior_means
from theory.bounds.scale_mixture import HYPOTHESES, law

NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)


@bound
def mixture_benamou_brenier(variances: ArrayLike, weights: ArrayLike | None = None) -> Bound:
    r"""Upper bound :math:`\int_0^1(E|E[\tfrac{H}{2\Sigma_t}X_t\,|\,X_t]|^2)^{1/2}dt` on W2(F, N(0, E A)).

    X_t is the mixture of variances Sigma_t = sigma^2 + t H, H = A - sigma^2: its velocity field moves the
    Gaussian to F. Parameters and errors as for `mixture_wasserstein1`. To 1e-8 by quadrature; exact
    to leading order. Source: claim B17.
    """
    offsets, w, mean = law(variances, weights)
    if mean == 0:
        return Bound(0.0, {"length of the path": 0.0}, HYPOTHESES, "claim B17")
    length = 0.0
    for t, weight in zip(0.5 * (1 + NODES), 0.5 * WEIGHTS, strict=True):
        scaled = offsets / (2 * (1 + t * offsets))
        nodes, mass, means = posterior_means(1 + t * offsets, w, scaled)
        length += weight * math.sqrt(2 * float(mass @ (nodes * means) ** 2))
    value = math.sqrt(mean) * length * ROUND_UP
    return Bound(value, {"length of the path": value}, HYPOTHESES, "claim B17")
