"""What a theorem without a constant evaluates to: its dependence on the widths."""

import math

from theory.bounds.base import Terms
from theory.bounds.setting import Setting


def sum_over_layers(setting: Setting, exponent: float, outputs: float = 0.0) -> Terms:
    """An unknown constant times m^outputs sum_l n_l^exponent: the value is infinite, ``details`` keeps the rest."""
    shape = setting.outputs**outputs * sum(n**exponent for n in setting.widths)
    return Terms({"unstated constant": math.inf}, {"dependence": shape})
