"""Wasserstein-2 at rate 1/n in closed form, for one hidden layer of a bounded activation."""

import math

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import ALL_GAUSSIAN, BOUNDED, ONE_HIDDEN, REGULAR
from theory.bounds.setting import Setting
from theory.coupling import chi_square_bound


@network_bound(
    distance="W2",
    rate=-1,
    needs=(ALL_GAUSSIAN, ONE_HIDDEN, BOUNDED, REGULAR),
    source="claim B18, cut off where concentration makes the rest exponentially small",
)
def chi_square(setting: Setting) -> Terms:
    """Upper bound on W2 through the chi-square distance, of order 1/n, without sampling.

    Proof and formula: `theory.coupling.chi_square`. For one input and output 2.83 times the
    distance to leading order; infinite at small widths.
    """
    found = chi_square_bound(setting.arch, setting.x, setting.widths[0], setting.outputs)
    terms = {"typical covariances": found.typical}
    if math.isfinite(found.value):
        terms["rare covariances"] = found.value - found.typical
    return Terms(terms, {"radius": found.radius, "E |H|^2": found.second})
