"""Moments of a smooth activation and its two derivatives, for the second-order Poincare inequalities."""

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from theory.activations import Activation
from theory.errors import DomainError

FloatArray = NDArray[np.float64]

RANGE = 12.0
COARSEST, FINEST = 1 / 8, 1 / 512
AGREEMENT = 1e-10


def smooth_moments(f: Activation, scale: float, deviation: float) -> Mapping[str, float]:
    """Moments of tau(z) = scale f(deviation z), z standard normal, by the trapezoid rule to 1e-10.

    Returns
    -------
    mapping
        "t^a d^b c^e" for E tau^a tau'^b tau''^e, of the products that Bordino, Favaro and Fortini use.

    Raises
    ------
    DomainError
        If f is too steep on the scale of the preactivations for the rule.
    """
    step = COARSEST
    before = _at_step(f, scale, deviation, step)
    while step > FINEST:
        step /= 2
        value = _at_step(f, scale, deviation, step)
        if all(abs(value[key] - before[key]) <= AGREEMENT * abs(value[key]) for key in value):
            return value
        before = value
    raise DomainError(
        f"{f} is too steep for preactivations of standard deviation {deviation:g}: the trapezoid rule still "
        f"moves at step {FINEST:g}; use a less steep function"
    )


def _at_step(f: Activation, scale: float, deviation: float, step: float) -> dict[str, float]:
    z = step * np.arange(-round(RANGE / step), round(RANGE / step) + 1)
    weight = step * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    x = deviation * z
    t = scale * f(x)
    d = scale * deviation * f.derivative(x)
    c = scale * deviation**2 * f.derivative.derivative(x)

    def mean(values: FloatArray) -> float:
        return float(weight @ values)

    products: dict[str, Callable[[], FloatArray]] = {
        "t^2": lambda: t**2,
        "t^4": lambda: t**4,
        "t^2 d^2": lambda: t**2 * d**2,
        "d^4": lambda: d**4,
        "d^2 c^2": lambda: d**2 * c**2,
        "c^4": lambda: c**4,
    }
    return {name: mean(product()) for name, product in products.items()}
