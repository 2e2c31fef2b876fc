"""Wasserstein-1 of one output at rate 1/n in closed form, for one hidden layer."""

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import (
    GAUSSIAN_FIRST,
    GAUSSIAN_READOUT,
    ONE_HIDDEN,
    ONE_INPUT,
    ONE_OUTPUT,
)
from theory.bounds.scale_mixture import C3
from theory.bounds.setting import Setting


@network_bound(
    distance="W1",
    rate=-1,
    needs=(GAUSSIAN_FIRST, GAUSSIAN_READOUT, ONE_HIDDEN, ONE_INPUT, ONE_OUTPUT),
    source="claim B9, last inequality",
)
def relative_variance_wasserstein1(setting: Setting) -> Terms:
    r"""Upper bound :math:`\tfrac{c_3}2\,\mathrm{Var}(A)/K^{3/2}` on W1, Var(A) = s_w^4 Var(sigma(u)^2)/n.

    Four times the distance to leading order, without sampling. Source: claim B9.
    """
    variance = setting.weight_variance(1) ** 2 * setting.feature_fluctuation / setting.widths[0]
    value = C3 / 2 * variance / float(setting.limit[0, 0]) ** 1.5
    return Terms({"Var(A)": value}, {"Var(A)": variance})
