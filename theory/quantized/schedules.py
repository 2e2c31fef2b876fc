"""Step sizes and sharpness as functions of the step number, and the directions made of gradients."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from math import cos, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.errors import InexactInputError, InputError

Array = NDArray[Any]
State = dict[str, Any]


class Schedule(ABC):
    """A number for every step 0, 1, 2, ...; float, or exact where it was given as int or Fraction."""

    @abstractmethod
    def __call__(self, step: int) -> Any:
        """Return the number of this step."""


@dataclass(frozen=True)
class Constant(Schedule):
    """The same number at every step."""

    value: Any

    def __call__(self, step: int) -> Any:  # noqa: ARG002 - the same for all
        """Return it."""
        return self.value


@dataclass(frozen=True)
class Linear(Schedule):
    """start + slope * step."""

    start: Any
    slope: Any

    def __call__(self, step: int) -> Any:
        """Return the number of this step."""
        return self.start + self.slope * step


@dataclass(frozen=True)
class Power(Schedule):
    """value * (step + 1) ** exponent: -1/2 is the rate of the regret bounds (S6)."""

    value: float
    exponent: float

    def __call__(self, step: int) -> float:
        """Return the number of this step."""
        return float(self.value * (step + 1.0) ** self.exponent)


@dataclass(frozen=True)
class Geometric(Schedule):
    """start * ratio ** step, kept at ``limit`` where it passes it."""

    start: float
    ratio: float
    limit: float

    def __call__(self, step: int) -> float:
        """Return the number of this step."""
        bound = min if self.ratio > 1 else max
        # The logarithm first: a sharpness that grows for ever would overflow.
        exponent = min(step * abs(np.log(self.ratio)), 700.0)
        reached = self.start * np.exp(exponent if self.ratio > 1 else -exponent)
        return float(bound(reached, self.limit))


@dataclass(frozen=True)
class Cosine(Schedule):
    """From ``start`` to ``end`` on half a cosine over ``steps`` steps, then ``end``."""

    start: float
    end: float
    steps: int

    def __call__(self, step: int) -> float:
        """Return the number of this step."""
        share = min(step / self.steps, 1.0)
        return float(self.end + (self.start - self.end) * (1 + cos(pi * share)) / 2)


def schedule(value: Any, name: str) -> Schedule:
    """Return a schedule as it is, and a number as a constant one.

    Raises
    ------
    InputError
        If it is neither.
    """
    if isinstance(value, Schedule):
        return value
    if isinstance(value, int | float | Fraction | np.number) and not isinstance(value, bool):
        return Constant(value)
    raise InputError(
        f"{name} must be a number or a schedule such as Power(0.1, -0.5), got {value!r}"
    )


def fitting(value: Any, array: Array, name: str) -> Any:
    """Return a constant in the arithmetic of an array: a float, or as it is for arrays of ``Fraction``.

    Raises
    ------
    InexactInputError
        For a float beside exact numbers, which would turn them into floats one by one.
    """
    if array.dtype != object:
        return float(value)
    if isinstance(value, float | np.floating):
        raise InexactInputError(
            f"{name} = {value!r} is a float and the weights are exact; give a Fraction or an integer"
        )
    return value


class Direction(ABC):
    """What a trainer subtracts, times its step size: made of gradients, with a memory in the state."""

    bits: float = 0.0
    """Bits a weight of this memory, at 32 bits a real number."""

    def start(self, dim: int) -> State:  # noqa: ARG002 - only memories need it
        """Return the memory before the first step."""
        return {}

    @abstractmethod
    def __call__(self, memory: State, gradient: Array, step: int) -> tuple[Array, State]:
        """Return the direction of this step and the new memory."""


@dataclass(frozen=True)
class Gradient(Direction):
    """The gradient itself."""

    def __call__(self, memory: State, gradient: Array, step: int) -> tuple[Array, State]:  # noqa: ARG002
        """Return the gradient."""
        return gradient, {}


@dataclass(frozen=True)
class Adam(Direction):
    """Adam (Kingma and Ba 2015) with bias correction: two real numbers a weight."""

    first: float = 0.9
    second: float = 0.999
    epsilon: float = 1e-8
    bits = 64.0

    def start(self, dim: int) -> State:
        """Return zero moments."""
        return {"adam_mean": np.zeros(dim), "adam_square": np.zeros(dim)}

    def __call__(self, memory: State, gradient: Array, step: int) -> tuple[Array, State]:
        """Return the direction of this step and the new moments."""
        mean = self.first * memory["adam_mean"] + (1 - self.first) * gradient
        square = self.second * memory["adam_square"] + (1 - self.second) * gradient**2
        unbiased = square / (1 - self.second ** (step + 1))
        moved = mean / (1 - self.first ** (step + 1)) / (np.sqrt(unbiased) + self.epsilon)
        return moved, {"adam_mean": mean, "adam_square": square}
