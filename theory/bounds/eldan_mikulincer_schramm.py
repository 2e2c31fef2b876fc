"""Eldan, Mikulincer and Schramm's functional bound for polynomial activations, with the constant of its proof."""

import math
from collections.abc import Sequence

import numpy as np

from theory import checks
from theory.bounds.base import ROUND_UP, Bound, bound
from theory.errors import InputError


@bound
def eldan_mikulincer_schramm(coefficients: Sequence[float], dimension: int, width: int) -> Bound:
    r"""Upper bound on functional W2 over the unit sphere, fair signs as readout; vacuous at every width in use.

    The network is n^{-1/2} sum_j s_j p(w_j . x), w_j ~ N(0, I), |x| = 1, with a polynomial p of degree d.

    Parameters
    ----------
    coefficients
        Of p, lowest degree first.
    dimension, width
        Of the inputs, and n.

    Returns
    -------
    Bound
        :math:`W_2^2\le16\max|a_m|^2\,(110d)!\,(D^{5d-1/2}/n)^{1/3}`, D the dimension; infinite beyond float64. The
        proof displays max|a_m|, which does not scale with p; the theorem has the square. Source: claim B29 (Theorem 2).

    Raises
    ------
    InputError
        For an empty, constant or non-finite polynomial, or counts below 1.
    """
    c = checks.finite(coefficients, "coefficients")
    if c.ndim != 1 or not np.any(c[1:]):
        raise InputError(
            f"coefficients must be those of a polynomial of degree 1 or more, got {coefficients!r}"
        )
    size, n = checks.positive_int(dimension, "dimension"), checks.positive_int(width, "width")
    degree = int(np.flatnonzero(c)[-1])
    logarithm = math.log(16) + 2 * math.log(float(np.abs(c).max())) + math.lgamma(110 * degree + 1)
    logarithm += ((5 * degree - 0.5) * math.log(size) - math.log(n)) / 3
    try:
        value = math.exp(logarithm / 2) * ROUND_UP
    except OverflowError:
        value = math.inf
    return Bound(
        value,
        {"polynomial": value},
        ("fair signs as readout", "Gaussian hidden weights", "polynomial activation", "|x| = 1"),
        "Eldan, Mikulincer and Schramm, COLT 2021, Theorem 2; claim B29",
        {"ln W2": logarithm / 2},
    )
