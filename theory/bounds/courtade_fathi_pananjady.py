"""The central limit theorem of Courtade, Fathi and Pananjady under a Poincare inequality."""

import math

from theory import checks
from theory.bounds.base import ROUND_UP, Bound, bound
from theory.errors import InputError


@bound
def courtade_fathi_pananjady(poincare: float, dimension: int, terms: int) -> Bound:
    r"""Upper bound :math:`\sqrt{(C_P-1)N/n}` on W2 of n^{-1/2} times a sum of n iid vectors to N(0, I_N).

    Parameters
    ----------
    poincare
        Poincare constant C_P >= 1 of one summand, whose covariance is I_N; 1 only for the Gaussian.
    dimension, terms
        N and n.

    Raises
    ------
    InputError
        For a constant below 1, or counts below 1.

    Notes
    -----
    Fair signs satisfy no Poincare inequality: no bound for binary readout. Source: claim B48.
    """
    constant = checks.number(poincare, "poincare")
    size, count = checks.positive_int(dimension, "dimension"), checks.positive_int(terms, "terms")
    if constant < 1:
        raise InputError(
            f"poincare is {constant:g}; the Poincare constant of a law with covariance I is at least 1"
        )
    value = math.sqrt((constant - 1) * size / count) * ROUND_UP
    return Bound(
        value,
        {"Poincare": value},
        ("iid summands", "covariance I", "Poincare inequality"),
        "Courtade, Fathi and Pananjady (2019); claim B48",
    )
