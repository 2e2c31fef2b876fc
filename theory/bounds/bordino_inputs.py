"""The second-order Poincare bound of Bordino, Favaro and Fortini for several inputs."""

import math
from fractions import Fraction

import numpy as np

from theory.activations import Activation
from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import ALL_GAUSSIAN, ONE_HIDDEN, ONE_OUTPUT, REGULAR, SMOOTH
from theory.bounds.setting import Setting

ABSOLUTE_MOMENTS = (1.0, math.sqrt(2 / math.pi), 1.0, 2 * math.sqrt(2 / math.pi), 3.0)


@network_bound(
    distance="W1",
    rate=Fraction(-1, 2),
    needs=(ALL_GAUSSIAN, ONE_HIDDEN, ONE_OUTPUT, SMOOTH, REGULAR),
    source="Bordino, Favaro, Fortini, Theorem 6; claim B27",
)
def bordino_inputs(setting: Setting) -> Terms:
    r"""Upper bound :math:`2s_w^2\tilde K\,(\lambda_{\max}/\lambda_{\min})\sqrt{k/n}` on W1.

    The eigenvalues are those of K, and tilde K^2 sums, over pairs of inputs,
    :math:`(\Gamma_i^2+\sqrt{3(1+2\Gamma_i^2+3\Gamma_i^4)}\,\Gamma_{ij}^2+2\Gamma_i^2\Gamma_{ij})\,e_ie_j`,
    :math:`\Gamma_{ij}=s_w^2\overline{|x_ix_j|}+s_b^2` of the first layer,
    :math:`e_i=(E(a+b\Gamma_i|Z|)^4)^{1/2}` with sigma, sigma', sigma'' at most a + b|x|. Source: claim B27.
    """
    arch, x, k = setting.arch, setting.x, setting.inputs
    variance = np.diag(setting.covariances[0])
    mixed = arch.weight_stds[0] ** 2 * np.abs(x) @ np.abs(x).T / x.shape[1] + arch.bias_stds[0] ** 2
    a, b = envelope(arch.layers[0].activation)
    size = np.array([math.sqrt(_fourth(a, b * math.sqrt(v))) for v in variance])
    inner = variance[:, None] + 2 * variance[:, None] * mixed
    inner = inner + np.sqrt(3 * (1 + 2 * variance + 3 * variance**2))[:, None] * mixed**2
    tilde = math.sqrt(float((inner * np.outer(size, size)).sum()))
    condition = float(setting.eigenvalues[-1] / setting.eigenvalues[0])
    value = 2 * arch.weight_stds[1] ** 2 * tilde * condition * math.sqrt(k / setting.widths[0])
    return Terms({"second-order Poincare": value}, {"condition": condition, "a": a, "b": b})


def envelope(f: Activation) -> tuple[float, float]:
    """Return a, b >= 0 with |f|, |f'|, |f''| <= a + b |x|; b = 0 for bounded f."""
    slopes = max(f.lipschitz, f.derivative.lipschitz)
    if math.isfinite(f.bound):
        return max(f.bound, slopes), 0.0
    return max(abs(float(f(0.0))), slopes), f.lipschitz


def _fourth(a: float, b: float) -> float:
    return sum(math.comb(4, j) * a ** (4 - j) * b**j * ABSOLUTE_MOMENTS[j] for j in range(5))
