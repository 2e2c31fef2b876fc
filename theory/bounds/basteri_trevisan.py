"""The explicit Basteri-Trevisan bound on Wasserstein-2 between a finite network and its Gaussian limit."""

import math
from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import ALL_GAUSSIAN, LIPSCHITZ_LATER
from theory.bounds.setting import Setting
from theory.coupling.fluctuation import fluctuation
from theory.covariance import range_and_slack


@network_bound(
    distance="W2",
    rate=Fraction(-1, 2),
    needs=(ALL_GAUSSIAN, LIPSCHITZ_LATER),
    source="Basteri and Trevisan, arXiv:2203.07379, with the constants of claims B2-B4, T46",
)
def basteri_trevisan(setting: Setting) -> Terms:
    r"""Upper bound on W2(f(X), G(X)), f the finite network and G its limit, from closed forms alone.

    The value is sqrt(m) w_{L+1} with w_1 = 0 and

    .. math:: w_{l+1} = s_w \mathrm{Lip}(\sigma_l)\, w_l
              + \min\Bigl(s_w^2\sqrt{V_l/(\lambda_l n_l)},\; s_w (k V_l/n_l)^{1/4}\Bigr),

    V_l the summed variance of :math:`\sigma_l(g)\sigma_l(g)^T` under :math:`\Sigma^l` and
    :math:`\lambda_l` the smallest positive eigenvalue of :math:`\Sigma^{l+1}`. One term a hidden
    layer: its share of the value. No lower bound on widths; parallel and repeated inputs are
    allowed.

    Notes
    -----
    The first hidden layer is exactly Gaussian, so its activation may have jumps (sign, one hidden
    layer). An eigenvalue that rounding alone could explain counts as 0, and the mass that it
    might carry is added by the triangle inequality: the bound holds whichever it is. Source:
    claims B2, B3, B4; T46 in standard deviations.
    """
    arch = setting.arch
    shares: list[float] = []
    details: dict[str, float] = {}
    for index, (layer, width) in enumerate(zip(arch.layers, setting.widths, strict=True)):
        std = arch.weight_stds[index + 1]
        spread = fluctuation(layer.activation, setting.covariances[index])
        smallest, slack = range_and_slack(setting.covariances[index + 1])
        details |= {f"V_{index + 1}": spread, f"lambda_{index + 1}": smallest}
        # w_1 = 0: an infinite Lipschitz constant of the first activation multiplies nothing.
        shares = [share * std * layer.activation.lipschitz for share in shares]
        shares.append(layer_distance(std, spread, smallest, slack, width, setting.inputs))
    scale = math.sqrt(setting.outputs)
    return Terms(
        {f"hidden layer {i + 1}": scale * share for i, share in enumerate(shares)}, details
    )


def layer_distance(
    std: float, spread: float, smallest: float, slack: float, width: int, inputs: int
) -> float:
    """Distance that one layer adds: by the smallest eigenvalue, or without it at half the rate."""
    free = std * (inputs * spread / width) ** 0.25
    if smallest == 0.0:
        return free
    return min(std**2 * math.sqrt(spread / (smallest * width)) + 2 * math.sqrt(slack), free)
