"""Conditionally Gaussian laws on the line: F = sum_i w_i N(0, A_i)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.checks import finite, positive
from theory.errors import InputError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, init=False, eq=False)
class ScaleMixture:
    """Law of sqrt(A) Z for a random variance A >= 0 independent of a standard normal Z.

    This is the law of one output of a network with Gaussian readout: A is the conditional
    variance given the last hidden layer, and a sample of networks is a sample of A.

    Parameters
    ----------
    variances
        Values of A, shape (N,), N >= 1, finite and non-negative; 0 is an atom of F at 0.
    weights
        Their probabilities, shape (N,), non-negative with a positive sum, normalised here;
        equal weights where omitted.

    Raises
    ------
    InputError
        If a variance or a weight is negative or not finite, or the shapes differ.
    """

    variances: FloatArray
    weights: FloatArray

    def __init__(self, variances: ArrayLike, weights: ArrayLike | None = None) -> None:
        a = finite(variances, "variances")
        if a.ndim != 1 or a.size == 0:
            raise InputError(f"variances must have shape (N,) with N >= 1, got shape {a.shape}")
        if a.min() < 0:
            raise InputError(f"variances[{int(a.argmin())}] is {a.min()}; a variance is at least 0")
        w = np.full(a.size, 1.0) if weights is None else finite(weights, "weights")
        if w.shape != a.shape:
            raise InputError(
                f"got {a.size} variances and weights of shape {w.shape}; give one weight a variance"
            )
        with np.errstate(over="ignore"):
            total = w.sum()
        if w.min() < 0 or not 0 < total < np.inf:
            raise InputError(
                f"weights have minimum {w.min()} and sum {total}; they must be non-negative with a positive, finite sum"
            )
        kept = w > 0
        a, w = a[kept].copy(), w[kept] / w.sum()
        a.setflags(write=False)
        w.setflags(write=False)
        object.__setattr__(self, "variances", a)
        object.__setattr__(self, "weights", w)

    @property
    def mean_variance(self) -> float:
        """E A, the variance of F."""
        return float(self.weights @ self.variances)

    def recentred(self, mean_variance: float) -> "ScaleMixture":
        """Rescale A so that E A is exactly the known ``mean_variance``.

        Where E A is known (one hidden layer; bias-free ReLU with critical weights) the sampled
        mean only adds noise of order (n M)^(-1/2) to distances of order 1/n: this ratio control
        variate removes it and leaves a relative error of order M^(-1/2) at every width n.

        Raises
        ------
        InputError
            If the mixture is a Dirac mass at 0, which no factor can rescale.
        """
        target = positive(mean_variance, "mean_variance")
        if self.mean_variance == 0:
            raise InputError(
                "every variance is 0; a Dirac mass at 0 cannot be rescaled to a positive variance"
            )
        return ScaleMixture(self.variances * (target / self.mean_variance), self.weights)
