"""The Gaussian process of an ensemble of infinitely wide networks at a time of their training."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.checks import inputs, paired_inputs, reals
from theory.dynamics.arguments import Float, outputs
from theory.dynamics.flow import Propagator
from theory.errors import InputError
from theory.kernels import Architecture, nngp, ntk


@dataclass(frozen=True)
class TrainedProcess:
    """Mean (m,) or (m, outputs) and covariance (m, m) of the outputs on the test inputs, over draws of the start.

    Several outputs are independent, each with this covariance.
    """

    mean: Float
    covariance: Float

    @property
    def std(self) -> Float:
        """Standard deviation at each test input, shape (m,)."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))


def trained_process(
    arch: Architecture, X: ArrayLike, y: ArrayLike, x_test: ArrayLike, t: float
) -> TrainedProcess:
    r"""Return the law of f_t(x) under surrogate-gradient flow from a random start, in the kernel limit.

    .. math:: A_t y,\quad \Sigma - A_t\Sigma(X,x') - \Sigma(x,X)A_t'^T + A_t\Sigma(X,X)A_t'^T,\quad
              A_t(x) = \Theta(x,X)\int_0^t e^{-\Theta s}ds

    Parameters
    ----------
    arch
        The network; Theta is its ("true", "surrogate") kernel, Sigma its NNGP kernel.
    X, y
        Training inputs (n, d) and targets (n,) or (n, outputs).
    x_test
        Test inputs (m, d); training inputs among them are fine.
    t
        Time >= 0, infinity where training converges; loss (1/2) sum r^2.

    Returns
    -------
    TrainedProcess
        Mean and covariance on ``x_test``.

    Raises
    ------
    InputError
        For shapes that do not fit, NaN or negative times.
    UndefinedKernelError
        Where the tangent kernel is infinite.
    DomainError
        For t = infinity where training does not converge, with the verdict in words; where outputs
        leave float64.

    Notes
    -----
    Limits first in width, then in time: sign networks of practical width fluctuate far more (claims T47-T49).
    Source: claim T37.
    """
    x = inputs(X)
    target = outputs(y, len(x), "y")
    time = reals(t, "t")
    if time.ndim or not float(time) >= 0:
        raise InputError(f"t must be one time of at least 0, got {t!r}")
    new, _ = paired_inputs(x_test, x)
    weights = ntk(arch, new, x) @ Propagator(ntk(arch, x)).integral(float(time))
    cross = weights @ nngp(arch, x, new)
    covariance = nngp(arch, new) - cross - cross.T + weights @ nngp(arch, x) @ weights.T
    return TrainedProcess(weights @ target, (covariance + covariance.T) / 2)
