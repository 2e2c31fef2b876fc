"""The direct coupling bound: a sampled conditional covariance against the limit."""

import math
from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import GAUSSIAN_READOUT, HIDDEN
from theory.bounds.setting import Setting


@network_bound(
    distance="W2",
    rate=Fraction(-1, 2),
    needs=(GAUSSIAN_READOUT, HIDDEN),
    source="claim B6(ii): one noise for the finite network and for its limit",
)
def coupling(setting: Setting) -> Terms:
    """Upper bound sqrt(m E d_B^2(S, K)) on W2(f(X), G(X)), valid with the given confidence.

    Any activations, jumps included, and any hidden weights. Terms: the sampled mean, and the
    margin up to its confidence limit, a betting limit where the last activation is
    bounded and labelled asymptotic where it is not. ``details``: the mean cost, its standard
    error, the draws.

    Notes
    -----
    Of order n^(-1/2), while the distance itself is of order 1/n. Source: claims B6(ii), B79.
    """
    sampled = setting.coupling
    limit = setting.mean_limit(sampled.costs, setting.confidence, sampled.span)
    mean = float(sampled.costs.mean())
    value, centre = math.sqrt(setting.outputs * limit.value), math.sqrt(setting.outputs * mean)
    return Terms(
        {"mean coupling": centre, "confidence margin": value - centre},
        {
            "mean cost": mean,
            "stderr": float(sampled.costs.std(ddof=1)) / math.sqrt(sampled.costs.size),
            "draws": float(sampled.costs.size),
        },
        (f"holds with confidence {setting.confidence:g}: {limit.method}",),
    )
