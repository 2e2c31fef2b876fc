"""The explicit Basteri-Trevisan bound on Wasserstein-2 between a finite network and its Gaussian limit."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from theory import checks
from theory.bounds.base import Bound, bound
from theory.bounds.fluctuation import fluctuation
from theory.coupling import require_gaussian
from theory.covariance import range_and_slack
from theory.errors import DomainError
from theory.kernels import Architecture, layer_covariances
from theory.kernels.architecture import architecture

# Covers the rounding of moments and eigenvalues, so that the float returned is an upper bound too.
ROUND_UP = 1 + 1e-9


@bound
def basteri_trevisan(
    arch: Architecture, X: ArrayLike, widths: int | Sequence[int], outputs: int = 1
) -> Bound:
    r"""Upper bound on W2(f(X), G(X)), f the finite network and G its limit, from closed forms alone.

    Parameters
    ----------
    arch
        Gaussian weights in every layer; activations of hidden layers 2, ..., L Lipschitz.
    X
        Inputs, shape (k, d); parallel and repeated inputs are allowed.
    widths
        Hidden widths: an integer, or one a hidden layer. No lower bound on them.
    outputs
        Number m of outputs.

    Returns
    -------
    Bound
        sqrt(m) w_{L+1} with w_1 = 0 and

        .. math:: w_{l+1} = s_w \mathrm{Lip}(\sigma_l)\, w_l
                  + \min\Bigl(s_w^2\sqrt{V_l/(\lambda_l n_l)},\; s_w (k V_l/n_l)^{1/4}\Bigr),

        V_l the summed variance of :math:`\sigma_l(g)\sigma_l(g)^T` under :math:`\Sigma^l` and
        :math:`\lambda_l` the smallest positive eigenvalue of :math:`\Sigma^{l+1}`. One term a
        hidden layer: its share of the value. Rounded up.

    Raises
    ------
    DomainError
        If a weight law is not Gaussian, or an activation of a hidden layer after the first has a
        jump.
    InputError
        For bad inputs, widths or outputs.

    Notes
    -----
    The first hidden layer is exactly Gaussian, so its activation may have jumps (sign, one hidden
    layer). An eigenvalue that rounding alone could explain counts as 0, and the mass that it
    might carry is added by the triangle inequality: the bound holds whichever it is. Source:
    claims B2, B3, B4; T46 in standard deviations.
    """
    architecture(arch)
    x = checks.inputs(X)
    sizes = checks.widths(widths, arch.hidden_layers)
    outputs = checks.positive_int(outputs, "outputs")
    require_gaussian(arch)
    _require_lipschitz(arch)
    covariances = [np.asarray(sigma) for sigma in layer_covariances(arch, x)]
    shares: list[float] = []
    details: dict[str, float] = {}
    for index, (layer, width) in enumerate(zip(arch.layers, sizes, strict=True)):
        std = arch.weight_stds[index + 1]
        spread = fluctuation(layer.activation, covariances[index])
        smallest, slack = range_and_slack(covariances[index + 1])
        details |= {f"V_{index + 1}": spread, f"lambda_{index + 1}": smallest}
        # w_1 = 0: an infinite Lipschitz constant of the first activation multiplies nothing.
        shares = [share * std * layer.activation.lipschitz for share in shares]
        shares.append(_one_layer(std, spread, smallest, slack, width, x.shape[0]))
    scale = math.sqrt(outputs) * ROUND_UP
    terms = {f"hidden layer {i + 1}": scale * share for i, share in enumerate(shares)}
    return Bound(
        sum(terms.values()),
        terms,
        (
            "Gaussian weights and biases in every layer",
            "Lipschitz activations in hidden layers 2, ..., L",
        ),
        "Basteri and Trevisan, arXiv:2203.07379, with the constants of claims B2-B4",
        details,
    )


def _one_layer(
    std: float, spread: float, smallest: float, slack: float, width: int, inputs: int
) -> float:
    """Distance that one layer adds: by the smallest eigenvalue, or without it at half the rate."""
    free = std * (inputs * spread / width) ** 0.25
    if smallest == 0.0:
        return free
    return min(std**2 * math.sqrt(spread / (smallest * width)) + 2 * math.sqrt(slack), free)


def _require_lipschitz(arch: Architecture) -> None:
    for index, layer in enumerate(arch.layers[1:], start=2):
        if not math.isfinite(layer.activation.lipschitz):
            raise DomainError(
                f"{layer.activation} in hidden layer {index} is not Lipschitz, which this bound needs "
                f"after the first hidden layer; use th.bounds.coupling, which needs no such hypothesis"
            )
