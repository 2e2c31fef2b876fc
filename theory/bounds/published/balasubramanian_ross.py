"""Balasubramanian and Ross's theorem: weights of any law with moments."""

from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import GAUSSIAN_FIRST, HIDDEN, LIPSCHITZ
from theory.bounds.published.implicit import sum_over_layers
from theory.bounds.setting import Setting


@network_bound(
    distance="W1",
    rate=Fraction(0),
    needs=(HIDDEN, GAUSSIAN_FIRST, LIPSCHITZ),
    source="Balasubramanian and Ross, arXiv:2507.12686; claim B35",
)
def balasubramanian_ross(setting: Setting) -> Terms:
    """W1 <= C n^{-(1/6)^{L-1} + e} for equal widths, C unstated. Source: claim B35."""
    exponent = -((1 / 6) ** (len(setting.widths) - 1))
    found = sum_over_layers(setting, exponent)
    return Terms(found.terms, {**found.details, "exponent": exponent})
