"""Conditional means given the value of a scale mixture, on a grid that resolves every scale of it."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)
GROWTH, FIRST, REACH = 1.4, 0.25, 13.0
BLOCK = 2_000_000


def posterior_means(
    variances: FloatArray, weights: FloatArray, values: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return x > 0, the probability that a Gauss-Legendre node stands for, and E[values | X = x].

    Parameters
    ----------
    variances, weights, values
        Shape (N,): X is N(0, variances[i]) with probability weights[i], and carries values[i];
        variances 0 are left out.
    """
    kept = variances > 0
    variances, weights, values = variances[kept], weights[kept], values[kept]
    if variances.size == 0:
        return np.empty(0), np.empty(0), np.empty(0)
    scales = np.sqrt(variances)
    first, last = FIRST * float(scales.min()), REACH * float(scales.max())
    count = max(1, int(np.ceil(np.log(last / first) / np.log(GROWTH))))
    edges = np.concatenate([[0.0], np.geomspace(first, last, count + 1)])
    half = 0.5 * np.diff(edges)[:, None]
    x = (edges[:-1, None] + half * (1 + NODES)).ravel()
    lengths = (half * WEIGHTS).ravel()
    density, mean = np.empty(x.size), np.empty(x.size)
    rows = max(1, BLOCK // variances.size)
    factor = weights / scales / np.sqrt(2 * np.pi)
    # Relative to the widest component, so that tails keep a posterior where densities underflow.
    widest = float(variances.max())
    for start in range(0, x.size, rows):
        part = slice(start, start + rows)
        square = x[part, None] ** 2
        relative = np.exp(0.5 * square * (1 / widest - 1 / variances)) * factor
        total = relative.sum(axis=1)
        mean[part] = (relative @ values) / total
        density[part] = total * np.exp(-0.5 * square[:, 0] / widest)
    return x, lengths * density, mean
