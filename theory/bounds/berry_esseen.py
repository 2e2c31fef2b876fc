"""The Berry-Esseen theorem, for one hidden layer and any readout weights."""

import math
from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import GAUSSIAN_FIRST, ONE_HIDDEN, ONE_INPUT, ONE_OUTPUT
from theory.bounds.readout import contribution
from theory.bounds.setting import Setting

IDENTICAL = 0.4748


@network_bound(
    distance="Kolmogorov",
    rate=Fraction(-1, 2),
    needs=(GAUSSIAN_FIRST, ONE_HIDDEN, ONE_INPUT, ONE_OUTPUT),
    source="Shevtsova 2011, constant 0.4748; claim B39",
    most=1.0,
)
def berry_esseen(setting: Setting) -> Terms:
    r"""Upper bound :math:`0.4748\,E|X|^3/((E X^2)^{3/2}\sqrt n)` on d_K, X one neuron's contribution.

    The output bias is independent and Gaussian: adding it does not increase d_K. Source: claim B39.
    """
    x = contribution(setting)
    value = IDENTICAL * x.third / (x.second**1.5 * math.sqrt(setting.widths[0]))
    return Terms({"third moment": value}, {"E|X|^3": x.third, "E X^2": x.second})
