"""The second-order Poincare bounds of Bordino, Favaro and Fortini: one hidden layer, one input, smooth activation."""

import math
from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import ALL_GAUSSIAN, ONE_HIDDEN, ONE_INPUT, ONE_OUTPUT, SMOOTH
from theory.bounds.setting import Setting
from theory.bounds.smooth_moments import smooth_moments

NEEDS = (ALL_GAUSSIAN, ONE_HIDDEN, ONE_INPUT, ONE_OUTPUT, SMOOTH)
RATE = Fraction(-1, 2)
SOURCE = "Bordino, Favaro, Fortini, Theorems 4 and 5 (display in the proof); claims B25, B26"


@network_bound(distance="W1", rate=RATE, needs=NEEDS, source=SOURCE)
def bordino_wasserstein1(setting: Setting) -> Terms:
    r"""Upper bound :math:`\sqrt{8/(\pi s^2)}\,D/\sqrt n` on W1.

    With tau(z) = s_w sigma(Gamma z), s^2 = E tau^2 and D the display of `poincare`: a network with any
    first-layer scale is one of Theorem 4 after this change of variable, which keeps the factor
    s_w^2 that the printed Theorem 5 lost (claim B26). The output bias does not increase the distance.
    """
    size, spread = poincare(setting)
    return Terms({"second-order Poincare": math.sqrt(8 / (math.pi * size)) * spread}, {"s^2": size})


@network_bound(distance="TV", rate=RATE, needs=NEEDS, source=SOURCE, most=1.0)
def bordino_total_variation(setting: Setting) -> Terms:
    r"""Upper bound :math:`(4/s^2)\,D/\sqrt n` on TV; as `bordino_wasserstein1`."""
    size, spread = poincare(setting)
    return Terms({"second-order Poincare": 4 / size * spread}, {"s^2": size})


@network_bound(distance="Kolmogorov", rate=RATE, needs=NEEDS, source=SOURCE, most=1.0)
def bordino_kolmogorov(setting: Setting) -> Terms:
    r"""Upper bound :math:`(2/s^2)\,D/\sqrt n` on d_K; as `bordino_wasserstein1`."""
    size, spread = poincare(setting)
    return Terms({"second-order Poincare": 2 / size * spread}, {"s^2": size})


def poincare(setting: Setting) -> tuple[float, float]:
    r"""Return s^2 and D / sqrt n, D^2 the display of claim B25.

    .. math:: D^2 = 2\sqrt{E\tau'^2\tau''^2\,E\tau^2\tau'^2} + \sqrt{E\tau'^4\,E\tau^4}
              + \sqrt{3E\tau'^4\,(E\tau'^4+2E\tau'^2\tau''^2+3E\tau''^4)}.
    """
    deviation = math.sqrt(float(setting.covariances[0][0, 0]))
    scale = setting.arch.weight_stds[-1]
    e = smooth_moments(setting.arch.layers[0].activation, scale, deviation)
    square = 2 * math.sqrt(e["d^2 c^2"] * e["t^2 d^2"]) + math.sqrt(e["d^4"] * e["t^4"])
    square += math.sqrt(3 * e["d^4"] * (e["d^4"] + 2 * e["d^2 c^2"] + 3 * e["c^4"]))
    return e["t^2"], math.sqrt(square / setting.widths[0])
