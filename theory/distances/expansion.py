"""Leading order of the Wasserstein-2 distance of a conditionally Gaussian vector to its limit."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.checks import finite, positive_int
from theory.covariance import range_and_slack
from theory.distances.recursion import leading_covariance
from theory.errors import InputError
from theory.kernels import Architecture

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
    eigen, basis = _whitening(limit)
    rank = eigen.size
    if rank > LARGEST_RANK:
        return None
    white = basis.T @ covariances @ basis - np.eye(rank)
    draws = white.shape[0]
    mean = np.zeros((rank, rank)) if centred else white.mean(axis=0)
    flat = (white - mean).reshape(draws, -1)
    spread = (flat.T @ flat / (draws - (not centred))).reshape(rank, rank, rank, rank)
    noise = np.zeros(()) if centred else np.einsum("ijij->ij", spread) / draws
    return _second_order(eigen, spread, mean**2 - noise, outputs)


def leading_wasserstein2(
    arch: Architecture, X: ArrayLike, widths: int | Sequence[int], outputs: int = 1
) -> float:
    """Leading order of W2 between the outputs of a finite network on X and their limit, without sampling.

    Parameters
    ----------
    arch, X, widths
        As for `leading_covariance`: Gaussian weights, hidden widths.
    outputs
        Number m of independent outputs.

    Returns
    -------
    float
        Claim B20 on the moments of claim B58; relative error of order 1/width. One input, one
        hidden layer: (sqrt 6 / 8) s_w^4 Var(sigma(u)^2) / (K^{3/2} n) (claim T45).

    Raises
    ------
    DomainError, InputError
        As `leading_covariance`; also for a limit of rank above 16.
    """
    outputs = positive_int(outputs, "outputs")
    found = leading_covariance(arch, X, widths)
    eigen, basis = _whitening(found.limit)
    if eigen.size > LARGEST_RANK:
        raise InputError(f"the limit has rank {eigen.size}, at most {LARGEST_RANK} is supported")
    spread = np.einsum("abcd,ai,bj,ck,dl->ijkl", found.covariance, *[basis] * 4)
    return _second_order(eigen, spread, (basis.T @ found.bias @ basis) ** 2, outputs)


def _whitening(limit: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Eigenvalues of the range of K, and the matrix that whitens it."""
    smallest, _ = range_and_slack(limit)
    values, vectors = np.linalg.eigh(limit)
    kept = values >= smallest if smallest > 0 else np.zeros(values.size, dtype=bool)
    return values[kept], vectors[:, kept] / np.sqrt(values[kept])


def _second_order(
    eigen: FloatArray, spread: FloatArray, shift_squared: FloatArray, outputs: int
) -> float:
    """Claim B20 from covariances and squared shifts of the whitened S."""
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
    sizes = np.outer(eigen, eigen) / (2 * (eigen[:, None] + eigen[None, :]))
    second = outputs * (sizes * shift_squared).sum()
    return math.sqrt(max(0.0, float(fourth / 24 + second)))
