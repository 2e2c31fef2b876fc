"""Sums of bounded independent neurons, given the layer before: what is common to the theorems about them."""

import math

from theory.bounds.base import Terms
from theory.bounds.setting import Setting


def with_conditional_limit(setting: Setting, theorem: float) -> Terms:
    """Add to a central limit theorem over the last layer's neurons the distance of its limit to K.

    Given S of the layer before, neurons are independent with covariance T = c_w E[sigma sigma^T | S];
    the limit N(0, c_b + T) is then coupled to N(0, K). One hidden layer: T is exact, and nothing is added.
    """
    terms = {"sum over neurons": theorem}
    if len(setting.widths) == 1:
        return Terms(terms)
    costs = setting.costs_given_layer_before
    limit = setting.mean_limit(costs, setting.confidence, setting.coupling_span)
    terms["limit given the layer before"] = math.sqrt(setting.outputs * limit.value)
    return Terms(
        terms,
        {"draws": float(setting.draws)},
        (f"holds with confidence {setting.confidence:g}: {limit.method}",),
    )
