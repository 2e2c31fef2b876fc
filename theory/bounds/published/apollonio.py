"""The theorem of Apollonio, De Canditiis, Franzina, Stolfi and Torrisi: activations with jumps allowed."""

from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import ALL_GAUSSIAN
from theory.bounds.published.implicit import sum_over_layers
from theory.bounds.setting import Setting


@network_bound(
    distance="W1",
    rate=Fraction(-1, 2),
    needs=(ALL_GAUSSIAN,),
    source="Apollonio et al., arXiv:2307.04434 (W1 and convex distance); claim B24",
)
def apollonio(setting: Setting) -> Terms:
    """W1 and convex distance <= C n^{-1/2}; its explicit constants are not at hand. Source: claim B24."""
    return sum_over_layers(setting, -0.5)
