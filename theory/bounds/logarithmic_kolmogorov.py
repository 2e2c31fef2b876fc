"""Kolmogorov distance of one output at rate 1/n, from sampled conditional variances."""

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import GAUSSIAN_READOUT, HIDDEN, ONE_INPUT, ONE_OUTPUT, REGULAR
from theory.bounds.logarithmic import log_gap
from theory.bounds.logarithmic_total_variation import PHI1
from theory.bounds.scale_mixture import CK
from theory.bounds.setting import Setting


@network_bound(
    distance="Kolmogorov",
    rate=-1,
    needs=(GAUSSIAN_READOUT, HIDDEN, ONE_INPUT, ONE_OUTPUT, REGULAR),
    source="claims B10, B15, expanded around K instead of E A",
    most=0.5,
)
def logarithmic_kolmogorov(setting: Setting) -> Terms:
    r"""Upper bound on d_K: :math:`\frac{c_K}4E[A/K-1-\ln(A/K)]+\frac{\varphi(1)}2|E A/K-1|`.

    Each summand takes half of the risk. Source: claims B10, B15, B79; max |z| phi(z) = phi(1).
    """
    level = 1 - (1 - setting.confidence) / 2
    gap, shift = log_gap(setting, level), setting.relative_shift(level)
    return Terms(
        {"logarithmic gap": CK / 4 * gap.value, "shift of the mean": PHI1 / 2 * shift.value},
        {"J": gap.value},
        (f"holds with confidence {setting.confidence:g}: {gap.method}; {shift.method}",),
    )
