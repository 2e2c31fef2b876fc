"""Wasserstein-1 with +-1 readout at any depth: Goldstein given the features, then the mixture over S."""

import math
from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import BOUNDED, HIDDEN, ONE_INPUT, ONE_OUTPUT, TWO_POINT_READOUT
from theory.bounds.scale_mixture import C3
from theory.bounds.setting import Setting


@network_bound(
    distance="W1",
    rate=Fraction(-1, 2),
    needs=(HIDDEN, TWO_POINT_READOUT, BOUNDED, ONE_INPUT, ONE_OUTPUT),
    source="claims B38, B43",
)
def binary_readout_wasserstein1(setting: Setting) -> Terms:
    r"""Upper bound :math:`s_wBn^{-1/2}+\frac{c_3}{2\sqrt K}E(\sqrt S-\sqrt K)^2+\frac{|E S-K|}{\sqrt{2\pi K}}` on W1.

    Given the features a_j, mean|a|^3 / mean a^2 <= B = sup|sigma|; the rest is the mixture over S of
    claim B9. Hidden weights of any law. Each sampled part takes half of the risk. Source: claim B43.
    """
    level = 1 - (1 - setting.confidence) / 2
    reach = math.sqrt(setting.weight_variance(len(setting.widths)))
    reach *= setting.arch.layers[-1].activation.bound
    sigma = math.sqrt(float(setting.limit[0, 0]))
    sampled = setting.coupling
    spread = setting.mean_limit(sampled.costs, level, sampled.span)
    shift = setting.relative_shift(level)
    return Terms(
        {
            "sum over neurons": reach / math.sqrt(setting.widths[-1]),
            "fluctuation": C3 / (2 * sigma) * spread.value,
            "shift of the mean": sigma * shift.value / math.sqrt(2 * math.pi),
        },
        {"draws": float(setting.draws)},
        (f"holds with confidence {setting.confidence:g}: {spread.method}; {shift.method}",),
    )
