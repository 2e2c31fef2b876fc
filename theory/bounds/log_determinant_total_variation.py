"""Total variation by the log-det gap, for any number of inputs and outputs."""

import math

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import GAUSSIAN_READOUT, HIDDEN, REGULAR
from theory.bounds.logarithmic import log_gap
from theory.bounds.setting import Setting


@network_bound(
    distance="TV",
    rate=-1,
    needs=(GAUSSIAN_READOUT, HIDDEN, REGULAR),
    source="claims B12, B15, expanded around K instead of E S",
    most=1.0,
)
def log_determinant_total_variation(setting: Setting) -> Terms:
    r"""Upper bound on TV, the convex distance included, by J = E[tr S~ - k - ln det S~], S~ = K^{-1/2} S K^{-1/2}.

    The lesser of :math:`\tfrac18\sqrt{8m^2+16m}\,J+\tfrac{\sqrt{2m}}4|E\tilde S-I|_F` (of order 1/n) and
    :math:`\tfrac12\sqrt{mJ}` (convexity of the relative entropy and Pinsker's inequality). Invariant
    under linear maps of the outputs. Source: claims B12, B15; the second order term is a sum of
    He4, the shift one of He2, of variance 2 m |.|_F^2.
    """
    m = setting.outputs
    level = 1 - (1 - setting.confidence) / 2
    gap, shift = log_gap(setting, level), setting.relative_shift(level)
    second = math.sqrt(8 * m * m + 16 * m) / 8 * gap.value
    first = math.sqrt(2 * m) / 4 * shift.value
    entropic = math.sqrt(m * gap.value) / 2
    note = f"holds with confidence {setting.confidence:g}: {gap.method}; {shift.method}"
    if entropic < second + first:
        return Terms({"relative entropy": entropic}, {"J": gap.value}, (note,))
    return Terms({"log-det gap": second, "shift of the mean": first}, {"J": gap.value}, (note,))
