"""The optimal Berry-Esseen constant of fair signs: sign networks with +-1 readout at one input."""

import math
from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import HIDDEN, ONE_INPUT, ONE_OUTPUT, SIGNS_LAST, TWO_POINT_READOUT
from theory.bounds.setting import Setting


@network_bound(
    distance="Kolmogorov",
    rate=Fraction(-1, 2),
    needs=(HIDDEN, SIGNS_LAST, TWO_POINT_READOUT, ONE_INPUT, ONE_OUTPUT),
    source="Hipp and Mattner 2007; claims B40, B54",
    most=1.0,
)
def hipp_mattner(setting: Setting) -> Terms:
    """Upper bound 1/sqrt(2 pi n_L) on d_K: the output is a sum of n_L fair signs, at any depth.

    Hidden weights are arbitrary, provided that no preactivation is 0 (or sign(0) = +-1); an output
    bias does not increase d_K. Source: claim B40.
    """
    return Terms({"lattice": 1 / math.sqrt(2 * math.pi * setting.widths[-1])})
