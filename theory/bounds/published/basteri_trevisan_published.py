"""Basteri and Trevisan's theorem as published: the dependence on the widths."""

from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import ALL_GAUSSIAN, LIPSCHITZ
from theory.bounds.published.implicit import sum_over_layers
from theory.bounds.setting import Setting


@network_bound(
    distance="W2",
    rate=Fraction(-1, 2),
    needs=(ALL_GAUSSIAN, LIPSCHITZ),
    source="Basteri and Trevisan, arXiv:2203.07379, as published; claim B1",
)
def basteri_trevisan_published(setting: Setting) -> Terms:
    """W2 <= C sqrt(m) sum_l n_l^{-1/2}, C free of the widths and unstated. Source: claim B1."""
    return sum_over_layers(setting, -0.5, 0.5)
