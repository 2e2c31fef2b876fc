"""An estimated number and its error, travelling together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.errors import InputError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """Sample mean with its standard error.

    Parameters
    ----------
    value
        The estimate; a number or an array.
    stderr
        Standard error of ``value``, same shape.
    draws
        Number of independent draws behind it, at least 2.
    """

    value: FloatArray
    stderr: FloatArray
    draws: int

    @classmethod
    def of_mean(cls, samples: FloatArray) -> "Estimate":
        """Estimate the mean over the first axis of independent ``samples``.

        Raises
        ------
        InputError
            With fewer than two samples, which carry no error.
        """
        samples = np.asarray(samples, dtype=np.float64)
        if samples.ndim == 0 or samples.shape[0] < 2:
            raise InputError(
                f"an estimate needs at least 2 independent samples along its first axis, "
                f"got shape {samples.shape}; draw more"
            )
        draws = samples.shape[0]
        return cls(samples.mean(axis=0), samples.std(axis=0, ddof=1) / np.sqrt(draws), draws)

    def __add__(self, other: "Estimate") -> "Estimate":
        """Sum of two independent estimates; ``draws`` is the smaller of the two."""
        return Estimate(
            self.value + other.value,
            np.hypot(self.stderr, other.stderr),
            min(self.draws, other.draws),
        )

    def __mul__(self, factor: float) -> "Estimate":
        """Scale by an exactly known factor."""
        return Estimate(self.value * factor, self.stderr * abs(factor), self.draws)

    __rmul__ = __mul__

    def z_score(self, reference: float | FloatArray) -> FloatArray:
        """Distance to an exact ``reference`` in standard errors; 0 where both error and distance are 0."""
        gap = np.asarray(self.value - reference, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(gap == 0.0, 0.0, gap / self.stderr)

    def __str__(self) -> str:
        return f"{self.value} ± {self.stderr} ({self.draws} draws)"
