"""Leading order of the Wasserstein-2 distance of a conditionally Gaussian vector to its limit."""

import math

import numpy as np
from numpy.typing import NDArray

from theory.checks import finite
from theory.covariance import range_and_slack
from theory.errors import InputError

FloatArray = NDArray[np.float64]

# The expansion sums over quadruples of directions of the range.
LARGEST_RANK = 16


def sharp_wasserstein2(
    covariances: FloatArray, limit: FloatArray, outputs: int = 1, centred: bool = False
) -> float | None:
    r"""Estimate W2 by its second-order expansion (claim B20), from sampled conditional covariances.

    Parameters
    ----------
    covariances
        Independent draws of S, shape (M, k, k), M >= 2.
    limit
        K, shape (k, k); directions in its kernel carry no mass.
    outputs
        Number m of independent outputs that share S.
    centred
        Whether E S = K is known (one hidden layer); otherwise the shift of the mean is estimated,
        less the part that sampling noise adds to its square.

    Returns
    -------
    float or None
        The square root of

        .. math:: \frac1{24}\sum\frac{\kappa^2}{1/l_i+1/l_j+1/l_k+1/l_l}
                  + m\sum\frac{(E S - K)_{ij}^2}{2(l_i+l_j)},

        correct to a factor 1 + O(1/n) + O(1/sqrt M); None if K has rank above 16.

    Raises
    ------
    InputError
        For shapes that do not fit, fewer than two draws, NaN or infinity.
    """
    limit, covariances = finite(limit, "limit"), finite(covariances, "covariances")
    if limit.ndim != 2 or limit.shape[0] != limit.shape[1] or covariances.shape[1:] != limit.shape:
        raise InputError(
            f"covariances of shape {covariances.shape} do not fit a limit of shape {limit.shape}; "
            f"they must be (M, k, k) and (k, k)"
        )
    if covariances.shape[0] < 2:
        raise InputError(
            f"got {covariances.shape[0]} draws of the covariance; at least 2 are needed"
        )
    smallest, _ = range_and_slack(limit)
    values, vectors = np.linalg.eigh(limit)
    kept = values >= smallest if smallest > 0 else np.zeros(values.size, dtype=bool)
    rank = int(kept.sum())
    if rank == 0:
        return 0.0
    if rank > LARGEST_RANK:
        return None
    eigen = values[kept]
    basis = vectors[:, kept] / np.sqrt(eigen)
    white = basis.T @ covariances @ basis - np.eye(rank)
    draws = white.shape[0]
    mean = np.zeros((rank, rank)) if centred else white.mean(axis=0)
    flat = (white - mean).reshape(draws, -1)
    spread = (flat.T @ flat / (draws - (not centred))).reshape(rank, rank, rank, rank)
    inverse = 1 / eigen
    pairs = inverse[:, None] + inverse[None, :]
    weight = 1 / (pairs[:, :, None, None] + pairs[None, None, :, :])
    # kappa has three pairings over the outputs; their squares and cross products sum to these
    # counts.
    crossed = spread.transpose(0, 2, 1, 3)
    fourth = (
        3 * outputs**2 * (weight * spread**2).sum()
        + 6 * outputs * (weight * spread * crossed).sum()
    )
    noise = 0.0 if centred else np.einsum("ijij->ij", spread) / draws
    sizes = np.outer(eigen, eigen) / (2 * (eigen[:, None] + eigen[None, :]))
    second = outputs * (sizes * (mean**2 - noise)).sum()
    return math.sqrt(max(0.0, float(fourth / 24 + second)))
