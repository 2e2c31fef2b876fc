"""Trevisan's theorem: rate 1/n for regular limits."""

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import ALL_GAUSSIAN, LIPSCHITZ, REGULAR
from theory.bounds.published.implicit import sum_over_layers
from theory.bounds.setting import Setting


@network_bound(
    distance="W2",
    rate=-1,
    needs=(ALL_GAUSSIAN, LIPSCHITZ, REGULAR),
    source="Trevisan, arXiv:2312.11737 (every W_p); claim B21",
)
def trevisan(setting: Setting) -> Terms:
    """W_p <= C sum_l 1/n_l, C unstated. Source: claim B21."""
    return sum_over_layers(setting, -1.0)
