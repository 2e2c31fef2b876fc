"""Zhai's central limit theorem for bounded vectors: +-1 readout, any number of inputs."""

import math
from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.bounded_neurons import with_conditional_limit
from theory.bounds.hypotheses import BOUNDED, GAUSSIAN_HIDDEN, HIDDEN, TWO_POINT_READOUT
from theory.bounds.setting import Setting


@network_bound(
    distance="W2",
    rate=Fraction(-1, 2),
    needs=(HIDDEN, GAUSSIAN_HIDDEN, TWO_POINT_READOUT, BOUNDED),
    source="Zhai, PTRF 170 (2018), constant from memory; claim B47",
)
def zhai(setting: Setting) -> Terms:
    r"""Upper bound :math:`5\sqrt{c_w}\,B\,km(1+\ln n)/\sqrt n` on W2, plus a shift.

    |sigma| <= B; the shift is that of the limit given layer L-1.
    A factor log n above the order n^(-1/2). Source: claim B47.
    """
    n, size = setting.widths[-1], setting.inputs * setting.outputs
    reach = math.sqrt(setting.weight_variance(len(setting.widths)))
    reach *= setting.arch.layers[-1].activation.bound
    return with_conditional_limit(setting, 5 * reach * size * (1 + math.log(n)) / math.sqrt(n))
