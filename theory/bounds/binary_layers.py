"""The Basteri-Trevisan recursion with weights of any symmetric law in every layer, at one input."""

import math

import numpy as np

from theory.bounds.base import Terms, network_bound
from theory.bounds.basteri_trevisan import layer_distance
from theory.bounds.hypotheses import LIPSCHITZ, ONE_INPUT
from theory.bounds.setting import Setting
from theory.bounds.skorokhod import embedding_variance
from theory.coupling.fluctuation import fluctuation
from theory.covariance import range_and_slack
from theory.kernels import gaussian


@network_bound(
    distance="W2",
    rate=0,
    needs=(ONE_INPUT, LIPSCHITZ),
    source="claim B50c, with the embedding of claim B50b",
)
def binary_layers(setting: Setting) -> Terms:
    r"""Upper bound sqrt(m) w_{L+1} on W2, w_{l+1} = s_w Lip(sigma_l) w_l + (Basteri-Trevisan term) + eps_l.

    eps_l = s_w ((5/3 mu_4 - mu_2^2) E sigma^4 / n_l)^{1/4} embeds the weights of layer l (0 for Gaussian
    ones); w_1 = s_w ((5/3 mu_4 - mu_2^2) sum x_i^4 / d^2)^{1/4}, which does **not** vanish with the
    width: a binary first layer has another limit (claim B37), and the rate is then 0; with Gaussian
    first weights it is -1/4. Source: claims B37, B50c.
    """
    arch, x = setting.arch, setting.x[0]
    fourth = float((x**4).sum()) / x.size**2
    shares = [_embedding(setting, 0, fourth)]
    details: dict[str, float] = {}
    for index, (layer, width) in enumerate(zip(arch.layers, setting.widths, strict=True)):
        std = math.sqrt(setting.weight_variance(index + 1))
        variance = setting.covariances[index]
        spread = fluctuation(layer.activation, variance)
        target = setting.covariances[index + 1]
        smallest, slack = range_and_slack(target)
        square = float(target[0, 0] - arch.bias_stds[index + 1] ** 2) / std**2
        shares = [share * std * layer.activation.lipschitz for share in shares]
        step = layer_distance(std, spread, smallest, slack, width, 1)
        shares.append(step + _embedding(setting, index + 1, (spread + square**2) / width))
        details[f"V_{index + 1}"] = spread
    scale = math.sqrt(setting.outputs)
    names = ["first weights", *(f"hidden layer {i + 1}" for i in range(len(shares) - 1))]
    values = np.array(shares) * scale
    return Terms(dict(zip(names, values.tolist(), strict=True)), details)


def _embedding(setting: Setting, layer: int, fourth: float) -> float:
    """Distance of sum_j s_w w_j a_j to its Gaussian, ``fourth`` = E sum_j a_j^4."""
    law = setting.arch.weight_laws[layer]
    if law == gaussian():
        return 0.0
    return float(setting.arch.weight_stds[layer] * (embedding_variance(law) * fourth) ** 0.25)
