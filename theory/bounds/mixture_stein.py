"""Wasserstein-2 of a scale mixture through its Stein kernel."""

import math

from numpy.typing import ArrayLike

from theory.bounds.base import ROUND_UP, Bound, bound
from theory.bounds.posterior import posterior_means
from theory.bounds.scale_mixture import HYPOTHESES, law


@bound
def mixture_stein(variances: ArrayLike, weights: ArrayLike | None = None) -> Bound:
    r"""Upper bound :math:`\sigma^{-1}(E(\tau(F)-\sigma^2)^2)^{1/2}` on W2(F, N(0, E A)), tau(x) = E[A | F = x].

    Parameters and errors as for `mixture_wasserstein1`. To 1e-8 by quadrature; of order Var(A), 2.31
    times the distance to leading order. Source: claim B16 (Klukowski, Lemma 7).
    """
    offsets, w, mean = law(variances, weights)
    if mean == 0:
        return Bound(0.0, {"Stein discrepancy": 0.0}, HYPOTHESES, "claim B16")
    nodes, mass, means = posterior_means(1 + offsets, w, offsets)
    atom = float(w[offsets <= -1].sum())
    value = math.sqrt(mean * (2 * float(mass @ means**2) + atom)) * ROUND_UP
    return Bound(
        value, {"Stein discrepancy": value}, HYPOTHESES, "claim B16", {"nodes": float(nodes.size)}
    )
