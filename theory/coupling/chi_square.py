r"""Wasserstein-2 at rate 1/n without sampling: one hidden layer of a bounded activation (claim B18).

H = K^{-1/2} S K^{-1/2} - I is a mean of n independent centred matrices. Restricted to |H| <= r < 1
(Frobenius), an event of probability P, and with x = r^2,

    chi^2 <= P^{-2} ((m/2) |E[H; |H| > r]|^2 + ((1 - x)^{-m/2} - 1 - (m/2) x) / x^2 (E|H|^2)^2),

because -ln det(I - H H') is a sum of traces, each at most a power of |H||H'|. W2^2 is convex and at
most 2 |K| times the relative entropy (Talagrand), so it is at most 2 |K| ln(1 + chi^2) plus the
largest cost m d_B^2 times P(|H| > r), which McDiarmid's inequality for |H| makes exponentially small.
"""

import math
from typing import NamedTuple

import numpy as np

from theory.coupling.fluctuation import fluctuation
from theory.kernels import Architecture, layer_covariances

# Any radius is valid; the best of these is taken.
RADII = tuple(0.05 * i for i in range(1, 20))


class ChiSquare(NamedTuple):
    """An upper bound on W2, its part from typical covariances, the radius r, and E|H|^2."""

    value: float
    typical: float
    radius: float
    second: float


def chi_square_bound(arch: Architecture, x: np.ndarray, n: int, outputs: int) -> ChiSquare:
    """Bound W2 for one hidden layer of n neurons, bounded activation, regular limit, Gaussian weights."""
    covariances = layer_covariances(arch, x)
    limit, k = np.asarray(covariances[1]), len(x)
    eigenvalues = np.linalg.eigvalsh(limit)
    least, largest = float(eigenvalues[0]), float(eigenvalues[-1])
    activation = arch.layers[0].activation
    weight, bias = arch.weight_stds[1] ** 2, arch.bias_stds[1] ** 2
    # c_w |K^(-1/2) sigma|^2 <= step: another neuron moves |H| by sqrt 2 step / n.
    step = weight * k * activation.bound**2 / least
    spread = fluctuation(activation, np.asarray(covariances[0]))
    second = weight**2 * spread / (least**2 * n)
    cost = outputs * (weight * k * activation.bound**2 + float(limit.trace()) - k * bias)
    return min(_at_radius(r, step, second, cost, largest, outputs, n) for r in RADII)


def _at_radius(
    r: float, step: float, second: float, cost: float, largest: float, m: int, n: int
) -> ChiSquare:
    excess = max(r - math.sqrt(second), 0.0)
    rare = math.exp(-n * (excess / step) ** 2)
    if rare > 0.5:
        return ChiSquare(math.inf, math.inf, r, second)
    linear = 0.5 * m * second * rare  # |E[H; out]|^2 <= E|H|^2 P(out)
    x = r * r
    series = ((1 - x) ** (-m / 2) - 1 - 0.5 * m * x) / x**2
    chi = (linear + series * second**2) / (1 - rare) ** 2
    inside = 2 * largest * math.log1p(chi)
    return ChiSquare(math.sqrt(inside + cost * rare), math.sqrt(inside), r, second)
