"""The Gaussian process of an ensemble of infinitely wide networks at times of their training."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from theory.checks import inputs, paired_inputs
from theory.dynamics.arguments import Float, form, outputs, times, weighted
from theory.dynamics.flow import accumulated, predict_descent, require_limits
from theory.kernels import Architecture, nngp, ntk

_ROWS = 256
"""Test inputs whose own variances are computed at a time."""


@dataclass(frozen=True)
class TrainedProcess:
    """The law of the outputs on the test inputs, over draws of the start; several outputs are independent.

    Parameters
    ----------
    arch, X, x_test
        The network, its training inputs (n, d), and the test inputs (m, d).
    responses
        A_t(x), what each target adds to each output: (m, n), or (k, m, n) for k times.
    mean
        Shape (m,) or (m, outputs), after (k,) for k times.
    """

    arch: Architecture
    X: Float
    x_test: Float
    responses: Float
    mean: Float

    @cached_property
    def covariance(self) -> Float:
        """Covariance of each output, (m, m), or (k, m, m) for k times."""
        prior = nngp(self.arch, self.x_test)
        cross = self.responses @ nngp(self.arch, self.X, self.x_test)
        start = self.responses @ nngp(self.arch, self.X)
        found = start @ np.swapaxes(self.responses, -1, -2)
        found += prior
        found -= cross
        found -= np.swapaxes(cross, -1, -2)
        symmetric: Float = (found + np.swapaxes(found, -1, -2)) / 2
        return symmetric

    @cached_property
    def std(self) -> Float:
        """Standard deviation at each test input, (m,) or (k, m); forms no covariance of them."""
        parts = [self.x_test[start : start + _ROWS] for start in range(0, len(self.x_test), _ROWS)]
        prior = np.concatenate([np.diag(nngp(self.arch, part)) for part in parts])
        cross, start = nngp(self.arch, self.x_test, self.X), nngp(self.arch, self.X)
        change = np.sum((self.responses @ start - 2 * cross) * self.responses, axis=-1)
        return np.sqrt(np.maximum(prior + change, 0.0))


def trained_process(
    arch: Architecture,
    X: ArrayLike,
    y: ArrayLike,
    x_test: ArrayLike,
    t: ArrayLike,
    *,
    weights: ArrayLike | None = None,
) -> TrainedProcess:
    r"""Return the law of f_t(x) under surrogate-gradient flow from a random start, in the kernel limit.

    .. math:: A_t y,\quad \Sigma - A_t\Sigma(X,x') - \Sigma(x,X)A_t'^T + A_t\Sigma(X,X)A_t'^T,\quad
              A_t(x) = \Theta(x,X)W\int_0^t e^{-\Theta Ws}ds

    Parameters
    ----------
    arch
        The network; Theta is its ("true", "surrogate") kernel, Sigma its NNGP kernel.
    X, y
        Training inputs (n, d) and targets (n,) or (n, outputs).
    x_test
        Test inputs (m, d); training inputs among them are fine.
    t
        Times >= 0, a number or a list of k; infinity where training converges.
    weights
        Of the loss (1/2) r^T W r, as for ``flow``; default: the identity.

    Returns
    -------
    TrainedProcess
        Mean, covariance and standard deviation on ``x_test``.

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
    O(n^3 log(|Theta| t) + m n^2) operations a time; the covariance, O(m^2 n), is computed when it is asked for.
    Limits first in width, then in time: sign networks of practical width fluctuate far more (claims T47-T49).
    Source: claim T37.
    """
    x, target, new, shape = _taught(X, y, x_test, weights)
    when = times(t)
    kernel = ntk(arch, x)
    require_limits(kernel, shape, when)
    kernel, cross = weighted(kernel, shape), weighted(ntk(arch, new, x), shape)
    identity = np.eye(len(x))
    found = [cross @ accumulated(kernel, identity, float(time)) for time in when.ravel()]
    responses = np.array(found).reshape(*when.shape, *cross.shape)
    return TrainedProcess(arch, x, new, responses, responses @ target)


def descended_process(
    arch: Architecture,
    X: ArrayLike,
    y: ArrayLike,
    x_test: ArrayLike,
    steps: int | Sequence[int],
    rate: float,
    *,
    weights: ArrayLike | None = None,
) -> TrainedProcess:
    r"""Return the law of f_k(x) after k steps of surrogate-gradient descent from a random start, in the kernel limit.

    .. math:: A_k(x) = \eta\Theta(x,X)W\sum_{j<k}(I-\eta\Theta W)^j

    in place of the A_t of ``trained_process``.

    Parameters
    ----------
    arch, X, y, x_test, weights
        As for ``trained_process``.
    steps
        Number of steps >= 0, or a list of k.
    rate
        Learning rate > 0.

    Returns
    -------
    TrainedProcess
        Mean, covariance and standard deviation on ``x_test``.

    Raises
    ------
    InputError, UndefinedKernelError
        As for ``trained_process``.
    DomainError
        Where outputs leave float64.

    Notes
    -----
    O(n^3 log(steps) + m n^2) operations a number of steps. Source: claims T34, T37, discrete form.
    """
    x, target, new, _ = _taught(X, y, x_test, weights)
    n, m = len(x), len(new)
    responses = predict_descent(
        ntk(arch, x), ntk(arch, new, x), np.eye(n), np.zeros((n, n)), np.zeros((m, n)), steps, rate,
        weights=weights,
    )  # fmt: skip
    return TrainedProcess(arch, x, new, responses, responses @ target)


def _taught(
    X: ArrayLike, y: ArrayLike, x_test: ArrayLike, weights: ArrayLike | None
) -> tuple[Float, Float, Float, Float | None]:
    """Return the training inputs, the targets, the test inputs and the matrix of the loss."""
    x = inputs(X)
    target = outputs(y, len(x), "y")
    new, _ = paired_inputs(x_test, x)
    return x, target, new, form(weights, len(x))
