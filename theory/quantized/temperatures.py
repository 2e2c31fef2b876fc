"""Temperatures of simulated annealing beside the schedules of step sizes: logarithmic and adaptive (S25).

A geometric one is ``Geometric(start, ratio, limit)``.
"""

from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from theory.checks import positive
from theory.errors import InputError
from theory.quantized.schedules import Schedule

COLDEST = 1e-300
"""A temperature stays positive however long it falls."""


@dataclass(frozen=True)
class Logarithmic(Schedule):
    """scale / log(1 + t) at step t = 1, 2, ...: finds the minimum from everywhere where scale >= d* (Hajek 1988)."""

    scale: float

    def __post_init__(self) -> None:
        positive(self.scale, "scale")

    def __call__(self, step: int) -> float:
        """Return the temperature of step t = ``step`` + 1."""
        return self.scale / log(2.0 + step)

    def between(self, first: int, last: int) -> NDArray[np.float64]:
        """Return the temperatures of steps ``first``, ..., ``last`` - 1."""
        return np.asarray(self.scale / np.log(2.0 + np.arange(first, last)))


@dataclass(frozen=True)
class Adaptive:
    """T -> T exp(-speed T / sd), but at least T/2; sd is the deviation of the energy at T (Huang et al. 1986).

    The mean energy falls by about ``speed`` deviations each time; where it does not vary, T halves.

    Parameters
    ----------
    start
        The first temperature.
    speed
        Positive.
    """

    start: float
    speed: float = 0.1

    def __post_init__(self) -> None:
        positive(self.start, "start")
        positive(self.speed, "speed")

    def after(self, temperature: float, deviation: float) -> float:
        """Return the temperature that follows one at which the energy had this standard deviation."""
        if not deviation >= 0:
            raise InputError(f"a deviation is a number of at least 0, got {deviation}")
        factor = exp(-self.speed * temperature / deviation) if deviation else 0.0
        return max(temperature * max(factor, 0.5), COLDEST)
