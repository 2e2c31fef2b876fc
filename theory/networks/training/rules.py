"""Update rules: gradient descent, with momentum, and Adam; each one elementwise, in strict IEEE arithmetic."""

from dataclasses import dataclass
from math import inf, sqrt
from typing import NamedTuple

import numpy as np

from theory import checks
from theory.errors import InputError
from theory.networks.training.compiling import compiled

PLAIN, MOMENTUM, ADAM = range(3)


class Rule(NamedTuple):
    """An update rule for the compiled engine; its kind is also the number of vectors that it remembers."""

    kind: int
    rate: float
    first: float  # momentum, or the decay of Adam's mean
    second: float  # decay of Adam's mean square
    epsilon: float
    clip: float  # bound of binarized latent weights; infinite: none


@dataclass(frozen=True)
class SGD:
    """Gradient descent: v <- momentum v + g, theta <- theta - rate v.

    Parameters
    ----------
    rate
        Learning rate > 0.
    momentum
        In [0, 1).

    Raises
    ------
    InputError
        For values outside these ranges.
    """

    rate: float
    momentum: float = 0.0

    def __post_init__(self) -> None:
        checks.positive(self.rate, "rate")
        _decay(self.momentum, "momentum")

    def compiled(self, clip: float | None) -> Rule:
        """Return the rule for the compiled engine."""
        kind = MOMENTUM if self.momentum else PLAIN
        bound = inf if clip is None else clip
        return Rule(kind, float(self.rate), float(self.momentum), 0.0, 0.0, bound)


@dataclass(frozen=True)
class Adam:
    """Adam with bias correction (Kingma and Ba 2015): theta <- theta - rate m / (sqrt(v) + epsilon).

    Parameters
    ----------
    rate
        Learning rate > 0.
    beta1, beta2
        Decay of the mean and of the mean square of the gradient, in [0, 1).
    epsilon
        Positive.

    Raises
    ------
    InputError
        For values outside these ranges.
    """

    rate: float
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        checks.positive(self.rate, "rate")
        checks.positive(self.epsilon, "epsilon")
        _decay(self.beta1, "beta1")
        _decay(self.beta2, "beta2")

    def compiled(self, clip: float | None) -> Rule:
        """Return the rule for the compiled engine."""
        bound = inf if clip is None else clip
        rate, mean, square, epsilon = map(float, (self.rate, self.beta1, self.beta2, self.epsilon))
        return Rule(ADAM, rate, mean, square, epsilon, bound)


def _decay(value: object, name: str) -> None:
    if not 0 <= checks.number(value, name) < 1:
        raise InputError(f"{name} must lie in [0, 1), got {value!r}")


@compiled
def update(rule, parameters, gradient, slots, start, scale, gain, bound, step):  # type: ignore[no-untyped-def]
    """Change parameters ``start``, ... by step ``step`` (from 0), and keep them within ``bound``.

    The rule works on the parameter divided by ``gain``; ``scale`` times ``gradient`` is its gradient there.
    """
    number, count = parameters.dtype.type, gradient.shape[0]
    values, rate, scale = parameters[start:], number(rule.rate * gain), number(scale)
    first, second = number(rule.first), number(rule.second)
    if rule.kind == PLAIN:
        for i in range(count):
            values[i] -= rate * (scale * gradient[i])
    elif rule.kind == MOMENTUM:
        velocity = slots[0, start:]
        for i in range(count):
            velocity[i] = first * velocity[i] + scale * gradient[i]
            values[i] -= rate * velocity[i]
    else:
        mean, square = slots[0, start:], slots[1, start:]
        # 1 - beta^t of the two decays, for the t-th step from 1.
        rate = number(rule.rate * gain / (1.0 - rule.first ** (step + 1)))
        correction = number(sqrt(1.0 - rule.second ** (step + 1)))
        one, epsilon = number(1.0), number(rule.epsilon)
        for i in range(count):
            g = scale * gradient[i]
            mean[i] = first * mean[i] + (one - first) * g
            square[i] = second * square[i] + (one - second) * g * g
            values[i] -= rate * mean[i] / (np.sqrt(square[i]) / correction + epsilon)
    if bound < np.inf:
        for i in range(count):
            values[i] = number(min(max(values[i], -bound), bound))
