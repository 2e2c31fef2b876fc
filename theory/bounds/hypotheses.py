"""Hypotheses of bounds as data: a phrase, and the reason why it fails in a setting."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from theory.bounds.setting import Setting
from theory.covariance import range_and_slack
from theory.kernels import WeightLaw, gaussian


@dataclass(frozen=True)
class Hypothesis:
    """What a bound assumes.

    Parameters
    ----------
    phrase
        The assumption.
    failure
        Takes a setting; says what breaks the assumption and what to do, or returns None.
    """

    phrase: str
    failure: Callable[[Setting], str | None]


def is_two_point(law: WeightLaw) -> bool:
    """Whether |weight| is constant: +-1 weights, latent ones seen through sign included."""
    return abs(law.kurtosis - law.variance**2) <= 1e-12 * law.variance**2


def _foreign(setting: Setting, which: slice, role: str) -> str | None:
    names = sorted({law.name for law in setting.arch.weight_laws[which] if law != gaussian()})
    if not names:
        return None
    return f"{role} weights are {', '.join(names)}, not Gaussian"


def _hidden(setting: Setting) -> str | None:
    if setting.widths:
        return None
    return "without a hidden layer the outputs are exactly Gaussian; there is nothing to couple"


def _one_hidden(setting: Setting) -> str | None:
    if len(setting.widths) == 1:
        return None
    return f"the network has {len(setting.widths)} hidden layers; this theorem is about one"


def _lipschitz(setting: Setting, first: int) -> str | None:
    for index, layer in enumerate(setting.arch.layers[first - 1 :], start=first):
        if not math.isfinite(layer.activation.lipschitz):
            return f"{layer.activation} in hidden layer {index} is not Lipschitz"
    return None


def _bounded(setting: Setting) -> str | None:
    if not setting.arch.layers or math.isfinite(setting.arch.layers[-1].activation.bound):
        return None
    return f"{setting.arch.layers[-1].activation} in the last hidden layer is not bounded"


def _one_input(setting: Setting) -> str | None:
    if setting.inputs == 1:
        return None
    return f"{setting.inputs} inputs are given; this bound is for one"


def _one_output(setting: Setting) -> str | None:
    return None if setting.outputs == 1 else f"{setting.outputs} outputs are asked for, not one"


def _regular(setting: Setting) -> str | None:
    values = setting.eigenvalues
    if range_and_slack(setting.limit)[0] == values[0] > 0:
        return None
    return f"the limit covariance is singular: eigenvalues from {values[0]:.3g} to {values[-1]:.3g}"


def _regular_features(setting: Setting) -> str | None:
    if not setting.arch.layers:
        return "there is no hidden layer"
    values = np.linalg.eigvalsh(setting.feature_moment)
    if range_and_slack(setting.feature_moment)[0] == values[0] > 0:
        return None
    return f"the features have a singular covariance: eigenvalues from {values[0]:.3g} to {values[-1]:.3g}"


def _smooth(setting: Setting) -> str | None:
    for layer in setting.arch.layers:
        derivative = layer.activation.derivative
        if derivative.has_dirac or not derivative.is_continuous:
            return f"{layer.activation} is not twice continuously differentiable"
        second = derivative.derivative
        if second.has_dirac or not second.is_continuous:
            return f"{layer.activation} is not twice continuously differentiable"
    return None


def _two_point_readout(setting: Setting) -> str | None:
    law = setting.arch.weight_laws[-1]
    return None if is_two_point(law) else f"readout weights are {law.name}, not +-1"


def _signs_last(setting: Setting) -> str | None:
    if setting.arch.layers and str(setting.arch.layers[-1].activation) == "sign":
        return None
    return "the last activation is not sign"


def _no_output_bias(setting: Setting) -> str | None:
    bias = setting.arch.bias_stds[-1]
    return None if bias == 0 else f"the output bias has standard deviation {bias:g}, not 0"


HIDDEN = Hypothesis("at least one hidden layer", _hidden)
ONE_HIDDEN = Hypothesis("one hidden layer", _one_hidden)
ALL_GAUSSIAN = Hypothesis(
    "Gaussian weights and biases in every layer", lambda s: _foreign(s, slice(None), "some")
)
GAUSSIAN_READOUT = Hypothesis("Gaussian readout", lambda s: _foreign(s, slice(-1, None), "readout"))
GAUSSIAN_HIDDEN = Hypothesis(
    "Gaussian weights into every hidden layer", lambda s: _foreign(s, slice(None, -1), "hidden")
)
GAUSSIAN_FIRST = Hypothesis(
    "Gaussian weights in the first layer", lambda s: _foreign(s, slice(0, 1), "first-layer")
)
LIPSCHITZ = Hypothesis("Lipschitz activations", lambda s: _lipschitz(s, 1))
LIPSCHITZ_LATER = Hypothesis(
    "Lipschitz activations in hidden layers 2, ..., L", lambda s: _lipschitz(s, 2)
)
BOUNDED = Hypothesis("bounded activation in the last hidden layer", _bounded)
ONE_INPUT = Hypothesis("one input", _one_input)
ONE_OUTPUT = Hypothesis("one output", _one_output)
REGULAR = Hypothesis("regular limit covariance", _regular)
REGULAR_FEATURES = Hypothesis("regular covariance of the features", _regular_features)
SMOOTH = Hypothesis("twice continuously differentiable activations", _smooth)
TWO_POINT_READOUT = Hypothesis("+-1 readout", _two_point_readout)
SIGNS_LAST = Hypothesis("sign in the last hidden layer", _signs_last)
NO_OUTPUT_BIAS = Hypothesis("no output bias", _no_output_bias)
