"""Moments of one neuron's contribution to one output, for the central limit theorem over neurons."""

import math
from dataclasses import dataclass

from theory.bounds.hypotheses import is_two_point
from theory.bounds.setting import Setting
from theory.kernels import gaussian


@dataclass(frozen=True)
class Contribution:
    """Moments of X = s_w w sigma(g), w the readout weight and g the preactivation in the limit.

    Parameters
    ----------
    second, third, fourth
        E X^2; an upper bound on E|X|^3; E X^4.
    """

    second: float
    third: float
    fourth: float


def contribution(setting: Setting) -> Contribution:
    """Moments of X for one input and one hidden layer.

    E|w|^3 is exact for Gaussian and +-1 weights; else, like E|sigma|^3, at most the geometric mean of
    its neighbours (and at most sup|sigma| E sigma^2).
    """
    law, scale = setting.arch.weight_laws[-1], setting.arch.weight_stds[-1]
    if law == gaussian():
        weight = 2 * math.sqrt(2 / math.pi)
    elif is_two_point(law):
        weight = law.variance**1.5
    else:
        weight = math.sqrt(law.variance * law.kurtosis)
    square = float(setting.feature_moment[0, 0])
    fourth = setting.feature_fluctuation + square**2
    cube = min(math.sqrt(square * fourth), setting.arch.layers[-1].activation.bound * square)
    return Contribution(
        scale**2 * law.variance * square, scale**3 * weight * cube, scale**4 * law.kurtosis * fourth
    )
