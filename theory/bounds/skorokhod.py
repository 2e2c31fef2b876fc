"""Skorokhod embedding of symmetric readout weights: Wasserstein-2 with every constant known."""

import math
from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import BOUNDED, HIDDEN, ONE_INPUT, ONE_OUTPUT
from theory.bounds.setting import Setting
from theory.kernels import WeightLaw


def embedding_variance(law: WeightLaw) -> float:
    """Variance of the stopping time that embeds a symmetric weight: (5/3) E w^4 - (E w^2)^2.

    Brownian motion leaves [-|w|, |w|] after a time of mean w^2 and variance (2/3) w^4.
    """
    return 5 / 3 * law.kurtosis - law.variance**2


@network_bound(
    distance="W2",
    rate=Fraction(-1, 4),
    needs=(HIDDEN, BOUNDED, ONE_INPUT, ONE_OUTPUT),
    source="claim B50b, for symmetric weights of any law",
)
def skorokhod(setting: Setting) -> Terms:
    r"""Upper bound :math:`s_wB((\tfrac53\mu_4-\mu_2^2)/n)^{1/4}` on W2, plus the coupling of S to K.

    Given the features a_j, W2^2(sum alpha_j w_j, N) <= E|T - E T| <= (sum alpha_j^4 ((5/3) mu_4 -
    mu_2^2))^{1/2}, alpha_j = s_w a_j / sqrt n, |a_j| <= B; fair signs: 0.904 s_w B n^{-1/4}. Hidden
    weights of any law. Source: claim B50b.
    """
    law, bound = setting.arch.weight_laws[-1], setting.arch.layers[-1].activation.bound
    scale = setting.arch.weight_stds[-1] * bound
    theorem = scale * (embedding_variance(law) / setting.widths[-1]) ** 0.25
    sampled = setting.coupling
    limit = setting.mean_limit(sampled.costs, setting.confidence, sampled.span)
    return Terms(
        {"sum over neurons": theorem, "coupling of S to K": math.sqrt(limit.value)},
        {"draws": float(setting.draws)},
        (f"holds with confidence {setting.confidence:g}: {limit.method}",),
    )
