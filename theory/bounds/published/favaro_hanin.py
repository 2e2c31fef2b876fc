"""The theorem of Favaro, Hanin, Marinucci, Nourdin and Peccati: one input, matching lower bound."""

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import ALL_GAUSSIAN, ONE_INPUT, SMOOTH
from theory.bounds.published.implicit import sum_over_layers
from theory.bounds.setting import Setting


@network_bound(
    distance="TV",
    rate=-1,
    needs=(ALL_GAUSSIAN, ONE_INPUT, SMOOTH),
    source="Favaro, Hanin, Marinucci, Nourdin, Peccati, PTRF 191 (2025); claim B22",
)
def favaro_hanin(setting: Setting) -> Terms:
    """TV and W1 are between c/n and C/n, neither stated. Source: claim B22."""
    return sum_over_layers(setting, -1.0)
