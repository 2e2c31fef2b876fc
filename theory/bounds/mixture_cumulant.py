"""A lower bound on Wasserstein-2 of a scale mixture by its fourth cumulant."""

import math

from numpy.typing import ArrayLike

from theory.bounds.base import ROUND_UP, Bound, bound
from theory.bounds.scale_mixture import HYPOTHESES, law


@bound
def mixture_cumulant(variances: ArrayLike, weights: ArrayLike | None = None) -> Bound:
    r"""Lower bound :math:`3\,\mathrm{Var}A\,/\,(4\sqrt{15\,E A^3})` on W2(F, N(0, E A)).

    |E F^4 - E G^4| <= W2 (E (F^3 + F^2 G + F G^2 + G^3)^2)^{1/2} <= 4 W2 max(E F^6, E G^6)^{1/2}. Parameters and
    errors as for `mixture_wasserstein1`; 63 % of the distance to leading order. Source: menu L4 of bounds.md.
    """
    offsets, w, mean = law(variances, weights)
    spread, third = float(w @ offsets**2), float(w @ (1 + offsets) ** 3)
    value = 0.75 * math.sqrt(mean) * spread / math.sqrt(15 * third) / ROUND_UP if mean > 0 else 0.0
    return Bound(value, {"fourth cumulant": value}, HYPOTHESES, "bounds.md, section 7, L4")
