"""How far ln det S lies from its tangent at K, sampled: what total variation bounds are made of."""

import math

import numpy as np
from numpy.typing import NDArray

from theory.bounds.scale_mixture import excess
from theory.bounds.setting import Setting
from theory.confidence import Limit

FloatArray = NDArray[np.float64]


def whitened_eigenvalues(setting: Setting) -> tuple[FloatArray, FloatArray]:
    """Eigenvalues mu of K^(-1/2) (S - K) K^(-1/2), shape (M, k), and |v_i|^2 with S - K = V diag(mu) V^T."""
    values, vectors = np.linalg.eigh(setting.limit)
    basis = vectors / np.sqrt(values)
    white = basis.T @ (setting.coupling.covariances - setting.limit) @ basis
    mu, turns = np.linalg.eigh(white)
    # V = K^(1/2) U in the eigenbasis of K.
    lengths: FloatArray = np.einsum("a,nai->ni", values, turns**2)
    return np.maximum(mu, -1.0), lengths


def log_gap(setting: Setting, level: float) -> Limit:
    """Upper confidence limit for J = E sum(mu - ln(1 + mu)) >= 0, the log-det gap around K.

    With one input and a bias the variable is bounded: a betting limit; else asymptotic.
    """
    mu, _ = whitened_eigenvalues(setting)
    return setting.mean_limit(excess(mu).sum(axis=1), level, _span(setting))


def _span(setting: Setting) -> float | None:
    bias, width = setting.arch.bias_stds[-1] ** 2, setting.variance_span
    if setting.inputs > 1 or bias == 0 or width is None:
        return None
    limit = float(setting.limit[0, 0])
    ends = np.array([bias, bias + width]) / limit - 1
    return max(float(excess(ends).max()), math.ulp(1.0))
