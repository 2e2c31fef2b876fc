"""Celli and Peccati's entropic bounds: rate 1/n for regular limits."""

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import ALL_GAUSSIAN, REGULAR
from theory.bounds.published.implicit import sum_over_layers
from theory.bounds.setting import Setting


@network_bound(
    distance="TV",
    rate=-1,
    needs=(ALL_GAUSSIAN, REGULAR),
    source="Celli and Peccati, arXiv:2504.08335 (TV and W2); claim B23",
)
def celli_peccati(setting: Setting) -> Terms:
    """TV and W2 <= C/n for polynomially bounded activations, C unstated. Source: claim B23."""
    return sum_over_layers(setting, -1.0)
