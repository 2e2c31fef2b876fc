"""The Basteri-Trevisan recursion with each layer's coupling sampled instead of bounded."""

import math
from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import ALL_GAUSSIAN, HIDDEN, LIPSCHITZ_LATER
from theory.bounds.setting import Setting
from theory.confidence import Limit, upper_mean
from theory.covariance import bures_squared, square_root
from theory.kernels import Architecture
from theory.networks import sample_covariances


@network_bound(
    distance="W2",
    rate=Fraction(-1, 2),
    needs=(ALL_GAUSSIAN, HIDDEN, LIPSCHITZ_LATER),
    source="claim B6(i)",
)
def layer_coupling(setting: Setting) -> Terms:
    r"""Upper bound on W2 by w_{l+1} = s_w Lip(sigma_l) w_l + (E d_B^2(T_l, Sigma^{l+1}))^{1/2}.

    T_l is the covariance that n_l independent neurons with preactivations N(0, Sigma^l) hand on: a
    network of one hidden layer, sampled. One term a hidden layer. Every layer takes its share of
    the risk. Source: claims B6(i), B79.
    """
    arch = setting.arch
    each = 1 - (1 - setting.confidence) / len(setting.widths)
    shares: list[float] = []
    for index, layer in enumerate(arch.layers):
        std = arch.weight_stds[index + 1]
        limit = _one_layer(setting, index, each)
        shares = [share * std * layer.activation.lipschitz for share in shares]
        shares.append(math.sqrt(limit.value))
        method = limit.method
    scale = math.sqrt(setting.outputs)
    return Terms(
        {f"hidden layer {i + 1}": scale * share for i, share in enumerate(shares)},
        {"draws": float(setting.draws)},
        (f"holds with confidence {setting.confidence:g}: {method}",),
    )


def _one_layer(setting: Setting, index: int, level: float) -> Limit:
    """Upper confidence limit for E d_B^2(T, Sigma^{l+1}), T from neurons that are exactly Gaussian."""
    arch, k = setting.arch, setting.inputs
    layer, sigma = arch.layers[index], setting.covariances[index]
    weight, bias = arch.weight_stds[index + 1], arch.bias_stds[index + 1]
    # Inputs whose second moments are Sigma^l: the rows of its square root times sqrt(k).
    rows = math.sqrt(k) * square_root(sigma)
    one = Architecture(1, layer.activation, weight_std=[1.0, weight], bias_std=[0.0, bias])
    seed = setting.seed + 1 + index
    drawn = sample_covariances(one, rows, setting.widths[index], setting.draws, seed=seed)
    target = setting.covariances[index + 1]
    bound = layer.activation.bound
    span = None
    if math.isfinite(bound):
        span = float(k * weight**2 * bound**2 + target.trace() - k * bias**2)
    return upper_mean(bures_squared(drawn, target), level, span)
