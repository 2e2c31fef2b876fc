"""The theorem of Favaro, Hanin, Marinucci, Nourdin and Peccati for several inputs: convex distance."""

from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import ALL_GAUSSIAN, REGULAR, SMOOTH
from theory.bounds.published.implicit import sum_over_layers
from theory.bounds.setting import Setting


@network_bound(
    distance="convex",
    rate=Fraction(-1, 2),
    needs=(ALL_GAUSSIAN, SMOOTH, REGULAR),
    source="Favaro, Hanin, Marinucci, Nourdin, Peccati, PTRF 191 (2025); claim B22",
)
def favaro_hanin_inputs(setting: Setting) -> Terms:
    """Convex distance <= C n^{-1/2}, C unstated. Source: claim B22."""
    return sum_over_layers(setting, -0.5)
