"""Kolmogorov distance with +-1 readout at any depth: Berry-Esseen given the features, then the mixture over S."""

import math
from fractions import Fraction

import numpy as np

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import (
    BOUNDED,
    HIDDEN,
    ONE_INPUT,
    ONE_OUTPUT,
    REGULAR,
    TWO_POINT_READOUT,
)
from theory.bounds.logarithmic import log_gap
from theory.bounds.logarithmic_total_variation import PHI1
from theory.bounds.scale_mixture import CK
from theory.bounds.setting import Setting

NOT_IDENTICAL = 0.56


@network_bound(
    distance="Kolmogorov",
    rate=Fraction(-1, 2),
    needs=(HIDDEN, TWO_POINT_READOUT, BOUNDED, ONE_INPUT, ONE_OUTPUT, REGULAR),
    source="claims B39 (constant 0.5600), B43",
    most=1.0,
)
def binary_readout_kolmogorov(setting: Setting) -> Terms:
    r"""Upper bound :math:`.56\,B\,E[(n\,\overline{a^2})^{-1/2}]+\frac{c_K}4J+\frac{\varphi(1)}2|E S/K-1|` on d_K.

    Given the features a_j, sum|a|^3/(sum a^2)^{3/2} <= B / sqrt(sum a^2); the rest is the mixture over
    S of claim B10. The three sampled parts share the risk. Source: claim B43.
    """
    level = 1 - (1 - setting.confidence) / 3
    reach = math.sqrt(setting.weight_variance(len(setting.widths)))
    reach *= setting.arch.layers[-1].activation.bound
    free = setting.coupling.covariances[:, 0, 0] - setting.arch.bias_stds[-1] ** 2
    with np.errstate(divide="ignore"):
        ratios = np.minimum(reach / np.sqrt(np.maximum(free, 0.0)), math.sqrt(setting.widths[-1]))
    # One neuron at least carries the sum: sum|a|^3 <= (sum a^2)^{3/2}.
    each = setting.mean_limit(ratios, level, math.sqrt(setting.widths[-1]))
    gap, shift = log_gap(setting, level), setting.relative_shift(level)
    return Terms(
        {
            "sum over neurons": NOT_IDENTICAL * each.value / math.sqrt(setting.widths[-1]),
            "logarithmic gap": CK / 4 * gap.value,
            "shift of the mean": PHI1 / 2 * shift.value,
        },
        {"J": gap.value},
        (f"holds with confidence {setting.confidence:g}: {gap.method}; {shift.method}",),
    )
