r"""Length of a path from a Gaussian to a mixture of Gaussians in two or three dimensions (claim B17).

With H = S - K the laws nu_t of (K + t H)^{1/2} Z lead from N(0, K) to the mixture, and the velocity
:math:`v_t(x)=E[\tfrac12H\Sigma_t^{-1}X_t|X_t=x]` moves nu_t; Wasserstein-2 is at most the integral of its root mean
square (Benamou and Brenier). The conditional mean is a sum over the components, so that groups of them add up, and a
jackknife costs no more than one evaluation.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.errors import DomainError

FloatArray = NDArray[np.float64]

TIMES, ON_TIMES = np.polynomial.legendre.leggauss(8)
RADII, ON_RADII = np.polynomial.legendre.leggauss(10)
FIRST, GROWTH, REACH = 0.4, 1.5, 11.0
BLOCK = 500_000
COARSEST, FINEST, AGREEMENT = 16, 512, 1e-6


@dataclass(frozen=True)
class Flow:
    """Density and flux of the path on a polar grid, one row a group; they add up over groups.

    Parameters
    ----------
    density
        Shape (groups, times, directions, radii), times the measure of the grid.
    flux
        Shape (groups, times, directions, radii, k): density times velocity.
    """

    density: FloatArray
    flux: FloatArray

    def squared_lengths(self) -> tuple[float, FloatArray]:
        """Square of the length for all groups together, and without each group in turn."""
        groups = self.density.shape[0]
        whole = _length(self.density.sum(axis=0), self.flux.sum(axis=0)) ** 2
        # Sums over the others, never differences: in the tails one group may be all there is.
        scale = groups / max(1, groups - 1)
        left = []
        for group in range(groups if groups > 1 else 0):
            others = np.arange(groups) != group
            density, flux = self.density[others].sum(axis=0), self.flux[others].sum(axis=0)
            left.append(_length(scale * density, scale * flux) ** 2)
        return whole, np.array(left)


def path_length(covariances: FloatArray, weights: FloatArray, limit: FloatArray) -> float:
    """Length of the path, directions doubled until it moves by less than 1e-6 of itself; see `path_flow`.

    Raises
    ------
    DomainError
        If the components are too flat for 512 directions.
    """
    return refined(
        lambda count: math.sqrt(
            path_flow(covariances, weights, limit, 1, count).squared_lengths()[0]
        )
    )


def refined(at: Callable[[int], float]) -> float:
    """Double the number of directions until a value moves by less than 1e-6 of itself; errors as `path_length`."""
    before = math.inf
    directions = COARSEST
    while directions <= FINEST:
        value = at(directions)
        if abs(value - before) <= AGREEMENT * value:
            return value
        before, directions = value, 2 * directions
    raise DomainError(
        f"an integral over the plane still moves at {FINEST} directions: some covariances are nearly singular in "
        f"units of the limit; leave out components of negligible weight"
    )


def path_flow(
    covariances: FloatArray,
    weights: FloatArray,
    limit: FloatArray,
    groups: int = 1,
    directions: int = 16,
) -> Flow:
    """Density and flux of the path from N(0, K) to the mixture of N(0, S_i).

    Parameters
    ----------
    covariances, weights
        S_i >= 0, shape (N, k, k), k = 2 or 3, and their probabilities.
    limit
        K, shape (k, k), regular.
    groups
        Into how many consecutive parts the components are split.
    directions
        Angles on a half circle (k = 2); a quarter of them squared, times 2, on a half sphere (k = 3).
    """
    k = len(limit)
    values, vectors = np.linalg.eigh(limit)
    root = (vectors * np.sqrt(values)) @ vectors.T
    inverse = (vectors / np.sqrt(values)) @ vectors.T
    white = inverse @ covariances @ inverse
    spectra, frames = np.linalg.eigh(0.5 * (white + np.swapaxes(white, 1, 2)))
    offsets = np.maximum(spectra, 0.0) - 1
    units, on_units = rays(k, directions)
    times, on_times = 0.5 * (1 + TIMES), 0.5 * ON_TIMES
    shape = (groups, times.size, len(units))
    parts = [
        slice(int(part[0]), int(part[-1]) + 1)
        for part in np.array_split(np.arange(len(white)), groups)
    ]
    radii, on_radii = shells(1 + times[-1] * offsets)
    measure = on_radii * radii ** (k - 1) * (2 * math.pi) ** (-k / 2)
    density = np.empty((*shape, radii.size))
    flux = np.empty((*shape, radii.size, k))
    for place, t in enumerate(times):
        variances = 1 + t * offsets
        factor = weights / np.sqrt(np.prod(variances, axis=1))
        for turn, (unit, on_unit) in enumerate(zip(units, on_units, strict=True)):
            turned = np.einsum("nji,j->ni", frames, unit)
            forms = (turned**2 / variances).sum(axis=1)
            speeds = np.einsum("nij,nj->ni", frames, turned * offsets / variances) @ root / 2
            columns = np.column_stack([np.ones(len(forms)), speeds]) * factor[:, None]
            for group, part in enumerate(parts):
                sums = damped_sums(forms[part], columns[part], radii)
                scaled = (on_unit * measure)[:, None] * sums
                density[group, place, turn] = scaled[:, 0]
                flux[group, place, turn] = scaled[:, 1:] * radii[:, None]
    return Flow(density, flux * np.sqrt(on_times)[None, :, None, None, None])


def damped_sums(forms: FloatArray, columns: FloatArray, radii: FloatArray) -> FloatArray:
    """Sums over components of exp(-r^2 q / 2) times each column, shape (radii, columns)."""
    total = np.zeros((radii.size, columns.shape[1]))
    step = max(1, BLOCK // radii.size)
    for start in range(0, forms.size, step):
        part = slice(start, start + step)
        total += np.exp(-0.5 * np.outer(radii**2, forms[part])) @ columns[part]
    return total


def _length(density: FloatArray, flux: FloatArray) -> float:
    """Integral over t of (E |v_t|^2)^{1/2}; the flux carries the root of the weight in t."""
    square = (flux**2).sum(axis=-1) / np.maximum(density, 1e-300)
    each = square.sum(axis=(1, 2))
    return float(np.sqrt(each * 0.5 * ON_TIMES).sum())


def rays(k: int, count: int) -> tuple[FloatArray, FloatArray]:
    """Directions of a half circle or half sphere, and weights that sum to the measure of the whole."""
    if k == 2:
        angles = math.pi * (np.arange(count) + 0.5) / count
        return np.stack([np.cos(angles), np.sin(angles)], axis=1), np.full(
            count, 2 * math.pi / count
        )
    turns = max(2, count // 2)
    heights, on_heights = np.polynomial.legendre.leggauss(max(2, count // 4))
    heights, on_heights = 0.5 * (1 + heights), 0.5 * on_heights
    angles = 2 * math.pi * (np.arange(turns) + 0.5) / turns
    flat = np.sqrt(1 - heights**2)
    units = np.stack(
        [
            np.outer(flat, np.cos(angles)),
            np.outer(flat, np.sin(angles)),
            np.outer(heights, np.ones(turns)),
        ],
        axis=-1,
    ).reshape(-1, 3)
    return units, np.repeat(4 * math.pi / turns * on_heights, turns)


def shells(variances: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre panels that grow from the smallest scale to beyond the largest."""
    first, last = (
        FIRST * math.sqrt(float(variances.min())),
        REACH * math.sqrt(float(variances.max())),
    )
    count = max(1, math.ceil(math.log(last / first) / math.log(GROWTH)))
    edges = np.concatenate([[0.0], np.geomspace(first, last, count + 1)])
    half = 0.5 * np.diff(edges)[:, None]
    return (edges[:-1, None] + half * (1 + RADII)).ravel(), (half * ON_RADII).ravel()
