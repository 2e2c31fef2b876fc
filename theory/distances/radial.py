"""Several outputs at one input: both laws are invariant under rotations, and one dimension is left (claim B19)."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal
from scipy.special import chdtr, chdtrc, chdtri, gammaincinv, gammaln

from theory.checks import positive_int
from theory.distances.exact import limit_variance
from theory.distances.mixture import ScaleMixture
from theory.distances.quantile import MEAN_NODES, MEAN_WEIGHTS, PANEL_NODES, PANEL_WEIGHTS, order_of
from theory.errors import DomainError

FloatArray = NDArray[np.float64]

NEWTON_STEPS = 8
SMALL_SHIFT = 0.5
BLOCK = 1_000_000
PANELS = 48
# Cells of the logarithm of the variance, nodes in each, and what counts as a breakdown of Lanczos.
CELL, NODES, BREAKDOWN = 0.25, 8, 1e-13


def radial_wasserstein(mixture: ScaleMixture, s2: float, outputs: int, order: float = 2) -> float:
    """Wasserstein distance between m outputs at one input and their limit N(0, s2 I_m).

    Parameters
    ----------
    mixture
        Law of one output: the outputs are independent given the variance A that they share.
    s2
        Variance of the limit, positive.
    outputs
        Number m of outputs.
    order
        p >= 1, at most 32.

    Returns
    -------
    float
        W_p of sqrt(A) chi_m and sqrt(s2) chi_m on the line, Euclidean norm. For p = 2 relative accuracy 1e-7
        while the distance exceeds 1e-7 sqrt(s2); 1e-4 for p = 1, whose integrand has corners.

    Raises
    ------
    DomainError
        If some variance is 0: the law of the radius then has an atom.
    InputError
        For a bad variance, number of outputs or order.

    Notes
    -----
    Source: claim B19.
    """
    s2, m, p = limit_variance(mixture, s2), positive_int(outputs, "outputs"), order_of(order)
    if s2 == 0 or mixture.variances.min() == 0:
        raise DomainError(
            f"s2 is {s2:g} and the least variance {mixture.variances.min():g}; radial laws need positive variances"
        )
    ratio, weights = compressed(mixture.variances / s2, mixture.weights)
    # Panels between quantiles of the widest and the narrowest component, and tails beyond them.
    low = math.sqrt(float(ratio.min()) * float(chdtri(m, 1 - 1e-14)))
    high = math.sqrt(float(ratio.max()) * float(chdtri(m, 1e-18)))
    edges = np.concatenate([[0.0], np.linspace(low, high, PANELS + 1)])
    half = 0.5 * np.diff(edges)[:, None]
    r = (edges[:-1, None] + half * (1 + PANEL_NODES)).ravel()
    lengths = (half * PANEL_WEIGHTS).ravel()
    gap, tail, density = np.empty(r.size), np.empty(r.size), np.empty(r.size)
    rows = max(1, BLOCK // ratio.size)
    for start in range(0, r.size, rows):
        part = slice(start, start + rows)
        square = r[part, None] ** 2
        # Differences of the smaller tail keep their digits on both sides of the median.
        inner = chdtr(m, square / ratio) - chdtr(m, square)
        outer = chdtrc(m, square) - chdtrc(m, square / ratio)
        gap[part] = np.where(square < m, inner, outer) @ weights
        below = np.where(square < m, chdtr(m, square / ratio), chdtrc(m, square / ratio))
        tail[part] = below @ weights
        density[part] = (_chi_density(np.sqrt(square / ratio), m) / np.sqrt(ratio)) @ weights
    shift = _displacement(r, gap, tail, m)
    cost = float(lengths @ (np.abs(shift) ** p * density))
    return float(math.sqrt(s2) * cost ** (1 / p))


def compressed(values: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a Gauss rule of at most NODES nodes for the measure in each cell of a logarithmic grid.

    It keeps 2 NODES moments a cell (Lanczos): functions smooth on the scale of a value keep 1e-13.
    """
    cells = np.floor(np.log(values) / CELL)
    nodes, masses = [], []
    for cell in np.unique(cells):
        inside = cells == cell
        a, w = values[inside], weights[inside]
        if a.size > NODES:
            a, w = _gauss_rule(a, w)
        nodes.append(a)
        masses.append(w)
    return np.concatenate(nodes), np.concatenate(masses)


def _gauss_rule(values: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lanczos on the diagonal matrix of the values, started from the roots of the weights."""
    centre, total = float(weights @ values / weights.sum()), float(weights.sum())
    offsets = values - centre
    scale = float(np.abs(offsets).max())
    if scale == 0:
        return values[:1], np.array([total])
    offsets = offsets / scale
    basis = [np.sqrt(weights / total)]
    diagonal, side = [], []
    for _ in range(NODES):
        image = offsets * basis[-1]
        diagonal.append(float(basis[-1] @ image))
        # Twice, so that the basis stays orthogonal to the last digit.
        for _ in range(2):
            image = image - sum(float(image @ one) * one for one in basis)
        norm = float(np.linalg.norm(image))
        if norm < BREAKDOWN:
            break
        side.append(norm)
        basis.append(image / norm)
    found, vectors = eigh_tridiagonal(np.array(diagonal), np.array(side[: len(diagonal) - 1]))
    return centre + scale * found, total * vectors[0] ** 2


def _displacement(r: FloatArray, gap: FloatArray, tail: FloatArray, m: int) -> FloatArray:
    """Return S(r) - r, S the increasing map with P(chi_m <= S(r)) = P(radius <= r).

    ``tail`` is the lower tail of the radius where r^2 < m, the upper one elsewhere.
    """
    below = r**2 < m
    safe = np.clip(tail, 1e-300, 1.0)
    far = np.where(below, np.sqrt(2 * gammaincinv(m / 2, safe)), np.sqrt(chdtri(m, safe))) - r
    # The density of chi_m changes by a factor e over 1 / |(m - 1)/r - r|, or over 1 at its top.
    near = np.abs(far) * (1 + np.abs((m - 1) / r - r)) < SMALL_SHIFT
    x, target, step = r[near], gap[near], far[near]
    for _ in range(NEWTON_STEPS):
        middle = 0.5 * step[:, None] * (1 + MEAN_NODES)
        increment = 0.5 * step * (_chi_density(x[:, None] + middle, m) @ MEAN_WEIGHTS)
        density = np.maximum(_chi_density(x + step, m), 1e-300)
        step = np.clip(step - (increment - target) / density, -0.5 * x, x + 1)
    far[near] = step
    return far


def _chi_density(r: FloatArray, m: int) -> FloatArray:
    with np.errstate(divide="ignore"):
        log = (m - 1) * np.log(np.maximum(r, 0.0)) if m > 1 else np.zeros_like(r)
    constant = (m / 2 - 1) * math.log(2) + float(gammaln(m / 2))
    value: FloatArray = np.exp(log - 0.5 * r * r - constant)
    return value
