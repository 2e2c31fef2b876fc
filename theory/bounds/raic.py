"""Raic's multivariate Berry-Esseen theorem over convex sets, for one hidden layer."""

import math
from fractions import Fraction

from theory.bounds.base import Terms, network_bound
from theory.bounds.hypotheses import GAUSSIAN_FIRST, ONE_HIDDEN, ONE_OUTPUT, REGULAR
from theory.bounds.setting import Setting
from theory.covariance import range_and_slack


@network_bound(
    distance="convex",
    rate=Fraction(-1, 2),
    needs=(GAUSSIAN_FIRST, ONE_HIDDEN, ONE_OUTPUT, REGULAR),
    source="Raic, Bernoulli 25 (2019) 2824, constants from memory; claim B49",
    most=1.0,
)
def raic(setting: Setting) -> Terms:
    r"""Upper bound :math:`(42k^{1/4}+16)\,E|C^{-1/2}X|^3/\sqrt n` over convex sets, C = Cov(X).

    :math:`E|C^{-1/2}X|^3\le(k\,E w^4E|\sigma|^4/(E w^2)^2)^{1/2}/\lambda_{\min}(E\sigma\sigma^T)`; the
    output bias does not increase the distance. Source: claim B49.
    """
    k, law = setting.inputs, setting.arch.weight_laws[-1]
    moment = setting.feature_moment
    smallest = range_and_slack(moment)[0]
    fourth = setting.feature_fluctuation + float((moment**2).sum())
    third = math.sqrt(k * law.kurtosis * fourth) / (law.variance * smallest)
    value = (42 * k**0.25 + 16) * third / math.sqrt(setting.widths[0])
    return Terms({"third moment": value}, {"E|C^(-1/2) X|^3 at most": third})
