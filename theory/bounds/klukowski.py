"""Klukowski's explicit bound for polynomial networks on the sphere, all inputs at once."""

import math
from collections.abc import Sequence

import numpy as np

from theory import checks
from theory.bounds.base import ROUND_UP, Bound, bound
from theory.errors import InputError


@bound
def klukowski(coefficients: Sequence[float], dimension: int, width: int) -> Bound:
    r"""Upper bound C / sqrt n on functional W2 over the whole sphere, signs as readout.

    The network is n^{-1/2} sum_j s_j phi(w_j . x / sqrt d) with fair signs s_j and w_j uniform on the sphere of
    radius sqrt d: no law of ``th.Architecture``, whence its own arguments.

    Parameters
    ----------
    coefficients
        Of the polynomial phi, lowest degree first.
    dimension, width
        d >= 2 and n.

    Returns
    -------
    Bound
        :math:`C^2=\frac{6d(d+k)^{d-2}}{(d-1)!}E\varphi'(N)^2`, k the degree. Source: claim B30 (COLT 2022, Theorem 1).

    Raises
    ------
    InputError
        For an empty or non-finite polynomial, E phi != 0 on the sphere, d < 2 or n < 1.
    """
    c = checks.finite(coefficients, "coefficients")
    if c.ndim != 1 or c.size == 0:
        raise InputError(f"coefficients must have shape (degree + 1,), got {c.shape}")
    d, n = checks.positive_int(dimension, "dimension"), checks.positive_int(width, "width")
    if d < 2:
        raise InputError(f"dimension must be at least 2, got {d}")
    degree = int(np.flatnonzero(c)[-1]) if np.any(c) else 0
    mean = float(c @ [_sphere_moment(j, d) for j in range(c.size)])
    if abs(mean) > 1e-12 * float(np.abs(c) @ [_sphere_moment(j + j % 2, d) for j in range(c.size)]):
        raise InputError(
            f"E phi = {mean:g} on the sphere, but has to vanish; subtract it from the polynomial"
        )
    slope = c[1:] * np.arange(1, c.size)
    square = np.convolve(slope, slope) if slope.size else np.zeros(1)
    energy = float(square @ [_normal_moment(j) for j in range(square.size)])
    scale = math.exp(math.log(6 * d) + (d - 2) * math.log(d + degree) - math.lgamma(d))
    value = math.sqrt(scale * energy / n) * ROUND_UP
    return Bound(
        value,
        {"Stein kernel": value},
        ("fair signs as readout", "hidden weights uniform on the sphere", "polynomial activation"),
        "Klukowski, COLT 2022, Theorem 1; claim B30",
        {"E phi'^2": energy},
    )


def _normal_moment(j: int) -> float:
    return 0.0 if j % 2 else float(math.prod(range(1, j, 2)))


def _sphere_moment(j: int, d: int) -> float:
    """E x_1^j on the sphere of radius sqrt d."""
    if j % 2:
        return 0.0
    return math.prod(d * (0.5 + i) / (d / 2 + i) for i in range(j // 2))
