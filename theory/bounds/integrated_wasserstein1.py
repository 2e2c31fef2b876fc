"""Wasserstein-1 at rate 1/n for any number of inputs and outputs."""

import math

import numpy as np

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import GAUSSIAN_READOUT, HIDDEN, REGULAR
from theory.bounds.logarithmic import whitened_eigenvalues
from theory.bounds.setting import Setting

NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


@network_bound(
    distance="W1",
    rate=-1,
    needs=(GAUSSIAN_READOUT, HIDDEN, REGULAR),
    source="claims B13, B15, expanded around K instead of E S",
)
def integrated_wasserstein1(setting: Setting) -> Terms:
    r"""Upper bound on W1 (Euclidean norm), smoothness of the activation not needed.

    With H = S - K, Sigma_t = K + t H and H_t = Sigma_t^{-1/2} H Sigma_t^{-1/2}, the mean of

    .. math:: \int_0^1\tfrac{1-t}4\sqrt{2m^2\|H_t\|_F^2\,\mathrm{tr}(H\Sigma_t^{-1}H)
              + 4m\,\mathrm{tr}(H_t\Sigma_tH_t^3)}\,dt

    plus sqrt(m |K|)/2 times |K^{-1/2}(E S - K)K^{-1/2}|_F. In the eigenbasis H = V diag(mu) V^T the
    traces are sums of mu_i^2/(1 + t mu_i) |v_i|^2 and mu_i^4/(1 + t mu_i)^3 |v_i|^2. Each part
    takes half of the risk. Source: claims B13, B15.
    """
    m = setting.outputs
    level = 1 - (1 - setting.confidence) / 2
    mu, lengths = whitened_eigenvalues(setting)
    # 1 - t = s^2 removes the root singularity that a vanishing eigenvalue makes at t = 1.
    s = 0.5 * (1 + NODES)
    weights = 0.5 * WEIGHTS * 2 * s
    total = np.zeros(mu.shape[0])
    for root, weight in zip(s, weights, strict=True):
        scaled = mu / (1 + (1 - root * root) * mu)
        size = (scaled**2).sum(axis=1)
        square = 2 * m * m * size * (mu * scaled * lengths).sum(axis=1)
        square += 4 * m * (mu * scaled**3 * lengths).sum(axis=1)
        total += weight * root * root / 4 * np.sqrt(square)
    spread, shift = setting.mean_limit(total, level, None), setting.relative_shift(level)
    linear = 0.5 * math.sqrt(m * float(setting.eigenvalues[-1])) * shift.value
    note = f"holds with confidence {setting.confidence:g}: {spread.method}; {shift.method}"
    return Terms({"fluctuation": spread.value, "shift of the mean": linear}, {}, (note,))
