"""Sums of bounded independent neurons, given the layer before: what is common to the theorems about them."""

import math

import numpy as np

from theory.bounds.base import Terms
from theory.bounds.setting import Setting
from theory.covariance import bures_squared
from theory.gaussian import expectation
from theory.kernels import Architecture
from theory.networks import sample_covariances


def with_conditional_limit(setting: Setting, theorem: float) -> Terms:
    """Add to a central limit theorem over the last layer's neurons the distance of its limit to K.

    Given S of the layer before, neurons are independent with covariance T = c_w E[sigma sigma^T | S];
    the limit N(0, c_b + T) is then coupled to N(0, K). One hidden layer: T is exact, and nothing is added.
    """
    arch, k = setting.arch, setting.inputs
    terms = {"sum over neurons": theorem}
    if arch.hidden_layers == 1:
        return Terms(terms)
    # A shallower network, read out into the last hidden layer.
    shallow = Architecture(
        arch.hidden_layers - 1,
        [layer.activation for layer in arch.layers[:-1]],
        weight_std=list(arch.weight_stds[:-1]),
        bias_std=list(arch.bias_stds[:-1]),
    )
    before = sample_covariances(
        shallow, setting.x, setting.widths[:-1], setting.draws, seed=setting.seed
    )
    rows, columns = np.triu_indices(k)
    f = arch.layers[-1].activation
    diagonal = np.einsum("nii->ni", before)
    moments = expectation(f, f).float64(
        diagonal[:, rows], diagonal[:, columns], before[:, rows, columns]
    )
    covariances = np.empty_like(before)
    covariances[:, rows, columns] = covariances[:, columns, rows] = moments
    covariances *= setting.weight_variance(arch.hidden_layers)
    covariances += arch.bias_stds[-1] ** 2
    costs = bures_squared(covariances, setting.limit)
    limit = setting.mean_limit(costs, setting.confidence, setting.coupling_span)
    terms["limit given the layer before"] = math.sqrt(setting.outputs * limit.value)
    return Terms(
        terms,
        {"draws": float(setting.draws)},
        (f"holds with confidence {setting.confidence:g}: {limit.method}",),
    )
