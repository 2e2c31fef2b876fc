"""Chi-square distance of a scale mixture, and Wasserstein-2 through it."""

import math

from numpy.typing import ArrayLike

from theory.bounds.base import ROUND_UP, Bound, bound
from theory.bounds.scale_mixture import HYPOTHESES, law

MOST_TERMS = 4000
NEGLIGIBLE = 1e-18


@bound
def mixture_chi_square(variances: ArrayLike, weights: ArrayLike | None = None) -> Bound:
    r"""Upper bound :math:`\sigma\sqrt{2\ln(1+\chi^2)}` on W2(F, N(0, E A)); infinite if some A >= 2 E A.

    With h = A / E A - 1, :math:`\chi^2=E(1-hh')^{-1/2}-1=\sum_{j\ge2}\binom{2j}j4^{-j}(E h^j)^2`, summed until
    the rest, which is added, is negligible. Parameters and errors as for `mixture_wasserstein1`;
    2.83 times the distance to leading order. ``details``: chi^2, at least 4 TV^2. Source: claim B18.
    """
    h, w, mean = law(variances, weights)
    largest = float(abs(h).max()) if mean > 0 else 0.0
    if largest >= 1:
        return Bound(
            math.inf, {"chi-square": math.inf}, HYPOTHESES, "claim B18", {"chi^2": math.inf}
        )
    total, coefficient, powers = 0.0, 0.5, h.copy()
    rest = 0.0
    for j in range(2, MOST_TERMS):
        coefficient *= (2 * j - 1) / (2 * j)
        powers = powers * h
        moment = float(w @ powers)
        total += coefficient * moment**2
        # Coefficients fall, and |E h^i| <= E|h|^i <= largest^(i - j) E|h|^j.
        rest = coefficient * float(w @ abs(powers)) ** 2 * largest**2 / (1 - largest**2)
        if rest <= NEGLIGIBLE * max(total, 1e-300):
            break
    chi = (total + rest) * ROUND_UP
    value = math.sqrt(2 * mean * math.log1p(chi)) * ROUND_UP
    return Bound(value, {"chi-square": value}, HYPOTHESES, "claim B18", {"chi^2": chi})
