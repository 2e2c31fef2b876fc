"""Total variation of one output at rate 1/n, from sampled conditional variances."""

import math

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import GAUSSIAN_READOUT, HIDDEN, ONE_INPUT, ONE_OUTPUT, REGULAR
from theory.bounds.logarithmic import log_gap
from theory.bounds.scale_mixture import C4
from theory.bounds.setting import Setting

PHI1 = math.exp(-0.5) / math.sqrt(2 * math.pi)


@network_bound(
    distance="TV",
    rate=-1,
    needs=(GAUSSIAN_READOUT, HIDDEN, ONE_INPUT, ONE_OUTPUT, REGULAR),
    source="claims B10, B15, expanded around K instead of E A",
    most=1.0,
)
def logarithmic_total_variation(setting: Setting) -> Terms:
    r"""Upper bound on TV: :math:`\frac{c_4}8E[A/K-1-\ln(A/K)]+\varphi(1)\,|E A/K-1|`.

    Infinite logarithms (dead ReLU networks without bias) make it 1. Each summand takes half of the
    risk. Source: claims B10, B15, B79; E (Z^2 - 1)_+ = 2 phi(1).
    """
    level = 1 - (1 - setting.confidence) / 2
    gap, shift = log_gap(setting, level), setting.relative_shift(level)
    return Terms(
        {"logarithmic gap": C4 / 8 * gap.value, "shift of the mean": PHI1 * shift.value},
        {"J": gap.value},
        (f"holds with confidence {setting.confidence:g}: {gap.method}; {shift.method}",),
    )
