"""Wasserstein-2 through relative entropy: valid at every width, of order n^(-1/2)."""

import math
from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import GAUSSIAN_READOUT, HIDDEN, REGULAR
from theory.bounds.logarithmic import log_gap
from theory.bounds.setting import Setting


@network_bound(
    distance="W2",
    rate=Fraction(-1, 2),
    needs=(GAUSSIAN_READOUT, HIDDEN, REGULAR),
    source="claim B12: convexity of relative entropy and Talagrand's inequality",
)
def talagrand(setting: Setting) -> Terms:
    """Upper bound sqrt(m |K| J) on W2, J = E[tr S~ - k - ln det S~] with S~ = K^{-1/2} S K^{-1/2}.

    Source: claim B12; KL <= m J / 2, and W2^2 <= 2 |K| KL.
    """
    gap = log_gap(setting, setting.confidence)
    value = math.sqrt(setting.outputs * float(setting.eigenvalues[-1]) * gap.value)
    note = f"holds with confidence {setting.confidence:g}: {gap.method}"
    return Terms({"relative entropy": value}, {"J": gap.value}, (note,))
