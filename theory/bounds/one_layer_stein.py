"""Klukowski's central limit theorem by Stein kernels, for one hidden layer with Gaussian readout."""

import math
from fractions import Fraction

import numpy as np

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import ALL_GAUSSIAN, ONE_HIDDEN, REGULAR
from theory.bounds.setting import Setting
from theory.coupling import fourth_moments


@network_bound(
    distance="W2",
    rate=Fraction(-1, 2),
    needs=(ALL_GAUSSIAN, ONE_HIDDEN, REGULAR),
    source="Klukowski, COLT 2022, Corollary 6; claim B31(i)",
)
def one_layer_stein(setting: Setting) -> Terms:
    r"""Upper bound :math:`\sqrt{m\,E\,\mathrm{tr}((T_1-K)K^{-1}(T_1-K))/n}` on W2, in closed form.

    T_1 = s_b^2 + s_w^2 sigma(g) sigma(g)^T is a Stein kernel of one neuron's contribution; the bound
    needs no eigenvalue beside the inverse. Source: claim B31(i).
    """
    inverse = np.linalg.inv(setting.limit)
    moment = setting.feature_moment
    fourth = fourth_moments(setting.arch.layers[0].activation, setting.covariances[0])
    total = float(np.einsum("iijl,jl->", fourth, inverse) - np.trace(moment @ inverse @ moment))
    scale = setting.weight_variance(1)
    value = scale * math.sqrt(setting.outputs * max(total, 0.0) / setting.widths[0])
    return Terms({"Stein discrepancy": value}, {"E tr (T-M) K^-1 (T-M)": total})
