"""Wasserstein-1 of one output at rate 1/n, from sampled conditional variances."""

import math

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import GAUSSIAN_READOUT, HIDDEN, ONE_INPUT, ONE_OUTPUT
from theory.bounds.scale_mixture import C3
from theory.bounds.setting import Setting


@network_bound(
    distance="W1",
    rate=-1,
    needs=(GAUSSIAN_READOUT, HIDDEN, ONE_INPUT, ONE_OUTPUT),
    source="claims B9, B15, expanded around K instead of E A",
)
def one_output_wasserstein1(setting: Setting) -> Terms:
    r"""Upper bound on W1: :math:`\frac{c_3}{2\sqrt K}E(\sqrt A-\sqrt K)^2+\frac{|E A-K|}{\sqrt{2\pi K}}`.

    The first summand is the mean of a variable >= 0 of relative deviation independent of n; the
    second vanishes where E A = K is known. Each takes half of the risk. Source: claims B9, B15,
    B79.
    """
    limit = float(setting.limit[0, 0])
    level = 1 - (1 - setting.confidence) / 2
    sampled = setting.coupling
    spread = setting.mean_limit(sampled.costs, level, sampled.span)
    shift = setting.relative_shift(level)
    sigma = math.sqrt(limit)
    return Terms(
        {
            "fluctuation": C3 / (2 * sigma) * spread.value,
            "shift of the mean": sigma * shift.value / math.sqrt(2 * math.pi),
        },
        {"draws": float(setting.draws)},
        (f"holds with confidence {setting.confidence:g}: {spread.method}; {shift.method}",),
    )
