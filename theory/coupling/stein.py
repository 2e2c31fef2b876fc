r"""Stein discrepancy of a mixture of Gaussians in two or three dimensions (claim B16).

The posterior mean tau(x) = E[S | X = x] is a Stein kernel of X = S^{1/2} Z. With G ~ N(0, K) and
X_t = e^{-t} X + (1 - e^{-2t})^{1/2} G, the velocity of the Ornstein-Uhlenbeck flow to N(0, K) is

    v_t = e^{-2t} (1 - e^{-2t})^{-1/2} E[(tau(X) - K) K^{-1} G | X_t],

so that E|v_t|^2 <= e^{-4t} (1 - e^{-2t})^{-1} E tr (tau - K) K^{-1} (tau - K), and the integral over t is 1. Neither
E S = K nor smooth activations are needed.
"""

import math

import numpy as np
from numpy.typing import NDArray

from theory.coupling.path import damped_sums, rays, refined, shells
from theory.errors import DomainError

FloatArray = NDArray[np.float64]

# Smaller eigenvalues in units of the limit put mass on lines that no polar grid resolves.
FLATTEST = 1e-6


def stein_discrepancy(covariances: FloatArray, weights: FloatArray, limit: FloatArray) -> float:
    """(E tr (tau(X) - K) K^{-1} (tau(X) - K))^{1/2}, to 1e-6 of itself.

    Parameters
    ----------
    covariances, weights
        S_i, shape (N, k, k), k = 2 or 3, and their probabilities.
    limit
        K, shape (k, k), regular.

    Raises
    ------
    DomainError
        If a component is singular in units of the limit, or too flat for 512 directions.
    """
    k = len(limit)
    values, vectors = np.linalg.eigh(limit)
    root = (vectors * np.sqrt(values)) @ vectors.T
    inverse = (vectors / np.sqrt(values)) @ vectors.T
    white = inverse @ covariances @ inverse
    spectra, frames = np.linalg.eigh(0.5 * (white + np.swapaxes(white, 1, 2)))
    if spectra.min() < FLATTEST:
        raise DomainError(
            f"a component has the eigenvalue {spectra.min():.3g} in units of the limit, below {FLATTEST:g}: its Stein "
            f"kernel lives on a line; vector_benamou_brenier and coupling take singular components"
        )
    # tau - K is K^{1/2} times this times its transpose: traces in units of the limit.
    carried = ((white - np.eye(k)) @ root).reshape(len(white), k * k)
    columns = np.column_stack([np.ones(len(white)), carried])
    columns *= (weights / np.sqrt(spectra.prod(axis=1)))[:, None]
    points, lengths = shells(spectra)
    measure = lengths * points ** (k - 1) * (2 * math.pi) ** (-k / 2)

    def at(directions: int) -> float:
        total = 0.0
        for unit, on_unit in zip(*rays(k, directions), strict=True):
            turned = np.einsum("nji,j->ni", frames, unit)
            found = damped_sums((turned**2 / spectra).sum(axis=1), columns, points)
            square = (found[:, 1:] ** 2).sum(axis=1) / np.maximum(found[:, 0], 1e-300)
            total += float(on_unit * (measure @ square))
        return math.sqrt(total)

    return refined(at)
