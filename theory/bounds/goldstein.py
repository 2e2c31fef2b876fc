"""Goldstein's central limit theorem in Wasserstein-1, for one hidden layer and any readout weights."""

import math
from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import GAUSSIAN_FIRST, ONE_HIDDEN, ONE_INPUT, ONE_OUTPUT
from theory.bounds.readout import contribution
from theory.bounds.setting import Setting


@network_bound(
    distance="W1",
    rate=Fraction(-1, 2),
    needs=(GAUSSIAN_FIRST, ONE_HIDDEN, ONE_INPUT, ONE_OUTPUT),
    source="Goldstein, Ann. Probab. 38 (2010) 1672; claim B38",
)
def goldstein(setting: Setting) -> Terms:
    r"""Upper bound :math:`n^{-1/2}E|X|^3/E X^2` on W1, X one neuron's contribution.

    The output bias is independent and Gaussian: adding it does not increase W1. Source: claim B38.
    """
    x = contribution(setting)
    value = x.third / (x.second * math.sqrt(setting.widths[0]))
    return Terms({"third moment": value}, {"E|X|^3": x.third, "E X^2": x.second})
