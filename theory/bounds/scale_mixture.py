r"""Closed sandwiches for F = sqrt(A) Z against the Gaussian of the same variance, with sharp constants.

With He3 = z^3 - 3z, He4 = z^4 - 6z^2 + 3 and Z standard normal,

    c3 = E|He3(Z)| = sqrt(2/pi) (1 + 4 e^{-3/2}),
    c4 = E|He4(Z)| = 4 sqrt 6 (a phi(a) + b phi(b)),   a^2 = 3 - sqrt 6,  b^2 = 3 + sqrt 6,
    cK = max |He3| phi = sqrt 6 a phi(a)

(He3' = 3 He2 and (He3 phi)' = -He4 phi place the extremes at the zeros of He4).
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.bounds.base import Bound, bound
from theory.checks import finite
from theory.errors import DomainError, InputError

FloatArray = NDArray[np.float64]

_INNER, _OUTER = math.sqrt(3 - math.sqrt(6)), math.sqrt(3 + math.sqrt(6))


def _weighted(z: float) -> float:
    return z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


C3 = math.sqrt(2 / math.pi) * (1 + 4 * math.exp(-1.5))
C4 = 4 * math.sqrt(6) * (_weighted(_INNER) + _weighted(_OUTER))
CK = math.sqrt(6) * _weighted(_INNER)

HYPOTHESES = ("F is Gaussian given its variance A", "compared with N(0, E A)")


@bound
def mixture_wasserstein1(
    variances: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Bound, Bound]:
    """Lower and upper bound on W1(F, N(0, E A)): sqrt(2/pi) and c3 times sigma - E sqrt A.

    Parameters
    ----------
    variances, weights
        Values of A >= 0, shape (N,), and their probabilities (equal if omitted).

    Returns
    -------
    (lower, upper)
        Their ratio is 1 + 4 e^{-3/2} for every law of A; the upper one is exact to leading order.

    Raises
    ------
    InputError
        For an empty or non-finite array, a negative variance, a negative weight or weights
        without mass.

    Notes
    -----
    sigma - E sqrt A is formed as E (sqrt A - sigma)^2 / (2 sigma), to full relative accuracy.
    Source: claim B9.
    """
    a, w, mean = law(variances, weights)
    sigma = math.sqrt(mean)
    gap = sigma * float(w @ (a / (1 + np.sqrt(1 + a))) ** 2) / 2 if mean > 0 else 0.0
    return tuple(  # type: ignore[return-value]
        Bound(constant * gap, {"sigma - E sqrt A": constant * gap}, HYPOTHESES, "claim B9")
        for constant in (math.sqrt(2 / math.pi), C3)
    )


@bound
def mixture_total_variation(variances: ArrayLike, weights: ArrayLike | None = None) -> Bound:
    """Upper bound (c4 / 8)(ln E A - E ln A) on the total variation distance to N(0, E A), at most 1.

    Parameters, errors and accuracy as for `mixture_wasserstein1`; a variance 0 makes the
    logarithmic gap infinite and the bound 1. Exact to leading order. Source: claim B10.
    """
    return _logarithmic(variances, weights, C4 / 8, "total variation")


@bound
def mixture_kolmogorov(variances: ArrayLike, weights: ArrayLike | None = None) -> Bound:
    """Upper bound (cK / 4)(ln E A - E ln A) on the Kolmogorov distance to N(0, E A), at most 1/2.

    Parameters, errors and accuracy as for `mixture_wasserstein1`; a variance 0 makes the
    logarithmic gap infinite and the bound 1/2, the most that two symmetric laws can differ by.
    Exact to leading order. Source: claim B10.
    """
    return _logarithmic(variances, weights, CK / 4, "Kolmogorov", most=0.5)


def _logarithmic(
    variances: ArrayLike, weights: ArrayLike | None, constant: float, name: str, most: float = 1.0
) -> Bound:
    a, w, mean = law(variances, weights)
    if mean == 0:
        raise DomainError(
            f"every variance is 0, so that F and its limit are both the Dirac mass at 0 and ln A is undefined; "
            f"the {name} distance is 0"
        )
    gap = float(w @ excess(a))
    value = min(most, constant * gap)
    return Bound(value, {"logarithmic Jensen gap": value}, HYPOTHESES, "claim B10", {"J": gap})


def excess(a: FloatArray) -> FloatArray:
    """Return a - ln(1 + a) for a >= -1, without cancellation near 0."""
    s = a / (2 + a)
    # ln(1 + a) = 2 atanh s, and a - 2 s = a^2 / (2 + a); the rest of the series is below 1e-18 of
    # the sum here.
    series = sum(s ** (2 * k + 1) / (2 * k + 1) for k in range(1, 9))
    with np.errstate(divide="ignore"):
        direct = a - np.log1p(a)
    value: FloatArray = np.where(np.abs(a) < 0.1, a * a / (2 + a) - 2 * series, direct)
    return value


def law(variances: ArrayLike, weights: ArrayLike | None) -> tuple[FloatArray, FloatArray, float]:
    """Return A / E A - 1, the weights and E A."""
    a = finite(variances, "variances")
    w = np.ones(a.shape) if weights is None else finite(weights, "weights")
    if a.ndim != 1 or a.size == 0 or a.shape != w.shape:
        raise InputError(f"variances and weights need one shape (N,), got {a.shape} and {w.shape}")
    if a.min() < 0 or w.min() < 0 or w.sum() <= 0:
        raise InputError(
            f"variances have minimum {a.min()}, weights minimum {w.min()} and sum {w.sum()}; "
            f"variances and weights must be non-negative, and some weight positive"
        )
    a, w = a[w > 0], w[w > 0] / w.sum()
    mean = float(w @ a)
    return ((a - mean) / mean if mean > 0 else a), w, mean
