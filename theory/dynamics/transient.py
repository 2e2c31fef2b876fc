"""How far a non-normal matrix lets residuals grow before they decay, between two bounds.

Each number comes as a pair of bounds that hold up to rounding: norms of exponentials and resolvents
are evaluated at points, and between points growth rates or Lipschitz constants bound them.
"""

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.optimize import minimize

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Between:
    """A number between two bounds, and the time or the complex point where the lower one is attained."""

    lower: float
    upper: float
    at: complex

    def __contains__(self, value: float) -> bool:
        return self.lower <= value <= self.upper

    def __str__(self) -> str:
        return f"between {self.lower:.6g} and {self.upper:.6g}"


def norm(matrix: NDArray[Any]) -> float:
    """Return the largest singular value."""
    return float(np.linalg.norm(matrix, 2))


def least_singular(matrix: NDArray[Any]) -> float:
    """Return the smallest singular value."""
    return float(np.linalg.svd(matrix, compute_uv=False)[-1])


def abscissa(matrix: Float) -> float:
    """Return the numerical abscissa: the largest eigenvalue of the symmetric part."""
    return float(np.linalg.eigvalsh((matrix + matrix.T) / 2)[-1])


def growth(generator: Float, tolerance: float) -> Between:
    """Bound sup_t |exp(A t)|_2 over t >= 0 for a stable A, (n, n); infinite where no decay was found.

    On an interval from s the norm is at most |exp(A s)| exp(omega (t - s)), omega the numerical
    abscissa; past a time T with |exp(A T)| <= 1 nothing new happens, as norms multiply.
    """
    omega = abscissa(generator)
    if omega <= 0:
        return Between(1.0, 1.0, 0.0)
    horizon = _horizon(generator)
    if horizon is None:
        return Between(1.0, np.inf, 0.0)
    best, place = 1.0, 0.0
    queue = [(-np.exp(min(omega * horizon, 700.0)), 0.0, horizon, 1.0)]
    while -queue[0][0] > (1 + tolerance) * best:
        _, low, high, at_low = heapq.heappop(queue)
        middle = (low + high) / 2
        at_middle = norm(expm(middle * generator))
        if at_middle > best:
            best, place = at_middle, middle
        for start, end, size in ((low, middle, at_low), (middle, high, at_middle)):
            reach = size * np.exp(min(omega * (end - start), 700.0))
            heapq.heappush(queue, (-reach, start, end, size))
    return Between(best, max(best, -queue[0][0]), place)


def _horizon(generator: Float) -> float | None:
    """Return a time by which exp(A t) has norm at most 1, or None if 60 doublings find none."""
    time = 1.0 / norm(generator)
    power = expm(time * generator)
    for _ in range(60):
        if norm(power) <= 1:
            return time
        power, time = power @ power, 2 * time
        if not np.all(np.isfinite(power)) or norm(power) > 1e100:
            return None
    return None


def kreiss(generator: Float, upper: float) -> Between:
    """Bound the Kreiss constant sup Re z |(z - A)^{-1}| over Re z > 0 of a stable A, given sup |exp(A t)|.

    The lower bound is the value at the point found by a search; the upper one is the theorem
    K <= sup_t |exp(A t)|.
    """
    n, size = len(generator), norm(generator)
    identity = np.eye(n)

    def value(x: float, y: float) -> float:
        return x / max(least_singular(complex(x, y) * identity - generator), np.finfo(float).tiny)

    heights = np.unique(np.abs(np.linalg.eigvals(generator).imag))
    heights = heights[np.linspace(0, len(heights) - 1, min(len(heights), 12)).astype(int)]
    starts = [(x, y) for x in size * np.logspace(-8, 1, 28) for y in {0.0, *map(float, heights)}]
    x0, y0 = max(starts, key=lambda point: value(*point))
    found = minimize(
        lambda z: -value(float(np.exp(z[0])), float(z[1]) * size),
        [np.log(x0), y0 / size],
        method="Nelder-Mead",
        options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 400},
    )
    x, y = float(np.exp(found.x[0])), float(found.x[1]) * size
    best, place = max(
        (value(x, y), complex(x, y)), (value(x0, y0), complex(x0, y0)), key=lambda v: v[0]
    )
    # Far out on the real axis the value tends to 1.
    return Between(max(1.0, best), max(1.0, best, upper), place)


def distance(generator: Float, tolerance: float) -> Between:
    """Bound the 2-norm of the smallest complex perturbation that puts an eigenvalue of A on the imaginary axis.

    It is the minimum of sigma_min(i w - A) over real w, a function with Lipschitz constant 1. The bounds
    meet within ``tolerance``, within rounding, or as far as 4000 evaluations bring them.
    """
    n, size = len(generator), norm(generator)
    identity = np.eye(n)

    def value(w: float) -> float:
        return least_singular(1j * w * identity - generator)

    # sigma_min(i w - A) >= w - |A|, and conjugation makes it even in w.
    first, last = value(0.0), value(2 * size)
    best, place = min((first, 0.0), (last, 2 * size))
    queue = [((first + last - 2 * size) / 2, 0.0, 2 * size, first, last)]
    floor = 16 * n * np.finfo(np.float64).eps * size
    for _ in range(4000):
        if best <= floor or best - queue[0][0] <= max(tolerance * best, floor):
            break
        _, low, high, at_low, at_high = heapq.heappop(queue)
        middle = (low + high) / 2
        here = value(middle)
        best, place = min((best, place), (here, middle))
        for a, b, left, right in ((low, middle, at_low, here), (middle, high, here, at_high)):
            heapq.heappush(queue, ((left + right - (b - a)) / 2, a, b, left, right))
    return Between(max(0.0, queue[0][0]), best, complex(0.0, place))
