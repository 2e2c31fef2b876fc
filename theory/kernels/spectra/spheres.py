r"""Zonal harmonics of the sphere :math:`S^{d-1}`, d >= 2: multiplicities and normalised Gegenbauer polynomials.

A kernel K(rho) on the sphere has the eigenvalues lambda_k = int K(x, x') P_k(<x, x'>) dmu(x'), mu uniform of mass
1, with P_k(1) = 1, and K(rho) = sum_k N_k lambda_k P_k(rho), N_k their multiplicities (Funk and Hecke).
"""

from fractions import Fraction
from functools import cache
from math import comb

import numpy as np
from numpy.typing import NDArray

from theory.checks import positive_int
from theory.errors import InputError

Float = NDArray[np.float64]
Cosines = tuple[Fraction, ...]


def sphere_dimension(value: object) -> int:
    """Return d >= 2, or raise ``InputError``."""
    d = positive_int(value, "dimension")
    if d < 2:
        raise InputError(
            "dimension must be at least 2: the circle; on a line there are two points of one norm"
        )
    return d


def multiplicity(k: int, d: int) -> int:
    """Return the dimension of the spherical harmonics of degree k in d dimensions."""
    return comb(k + d - 1, d - 1) - (comb(k + d - 3, d - 1) if k >= 2 else 0)


def harmonics(rho: Float, count: int, d: int) -> Float:
    """Return P_0, ..., P_{count-1} at ``rho``, shape (count, *rho.shape), by the three-term recurrence."""
    values = np.ones((count, *rho.shape))
    if count > 1:
        values[1] = rho
    for k in range(1, count - 1):
        values[k + 1] = ((2 * k + d - 2) * rho * values[k] - k * values[k - 1]) / (k + d - 2)
    return values


@cache
def cosine_series(k: int, d: int) -> Cosines:
    """Return a_0, ..., a_k with P_k(cos t) = sum_m a_m cos(m t), exactly; the a_m are >= 0 and sum to 1."""
    if k == 0:
        return (Fraction(1),)
    if k == 1:
        return (Fraction(0), Fraction(1))
    previous, last = cosine_series(k - 2, d), cosine_series(k - 1, d)
    lead, back = Fraction(2 * k + d - 4, k + d - 3), Fraction(k - 1, k + d - 3)
    terms = [lead * a for a in times_cosine(last)]
    for m, a in enumerate(previous):
        terms[m] -= back * a
    return tuple(terms)


def times_cosine(series: Cosines) -> Cosines:
    """Return the cosine series of cos(t) times a cosine series."""
    terms = [Fraction(0)] * (len(series) + 1)
    for m, a in enumerate(series):
        terms[m + 1] += a / 2
        terms[abs(m - 1)] += a / 2
    return tuple(terms)


def weighted(k: int, d: int) -> tuple[Cosines, bool]:
    """Return the series of P_k(cos t) sin(t)^{d-2}, exactly, and whether it is one in sines.

    For even d in cosines, entry m for cos(m t); for odd d in sines, entry m for sin(m t).
    """
    series = cosine_series(k, d)
    for _ in range((d - 2) // 2):
        twice = times_cosine(times_cosine(series))
        padded = [*series, Fraction(0), Fraction(0)]
        series = tuple(a - b for a, b in zip(padded, twice, strict=True))
    if d % 2 == 0:
        return series, False
    # sin(t) cos(m t) = (sin((m+1) t) - sin((m-1) t)) / 2
    sines = [Fraction(0)] * (len(series) + 1)
    for m, a in enumerate(series):
        sines[m + 1] += a / 2
        if m >= 2:
            sines[m - 1] -= a / 2
        elif m == 0:
            sines[1] += a / 2
    return tuple(sines), True
