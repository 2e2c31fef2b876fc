r"""Outputs under gradient flow and gradient descent with a fixed kernel that need not be symmetric.

With loss (1/2) sum r^2, r = f(X) - y, and a kernel whose rows are evaluation points (true Jacobian) and
whose columns are training points (surrogate Jacobian), df_t(x)/dt = -Theta(x, X) r_t. Such a kernel is
in general not normal: everything here goes through the Schur form, never through eigenvectors.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import expm, schur

from theory.checks import finite, non_negative_int, positive
from theory.dynamics.arguments import Float, outputs, residual, square, times
from theory.dynamics.stability import Stability, stability
from theory.errors import DomainError, InputError

Complex = NDArray[np.complex128]

# exp beyond this leaves float64.
_LARGEST_EXPONENT = 700.0


class Propagator:
    r"""exp(-Theta t) and its integral over [0, t], by the complex Schur form of Theta (n, n)."""

    def __init__(self, kernel: Float) -> None:
        self.kernel = kernel
        # SciPy's Schur form of a 1 x 1 matrix is fine, and that of a triangular one is itself.
        self._triangle, self._basis = schur(kernel.astype(np.complex128), output="complex")

    def exponential(self, t: float) -> Float:
        """Return exp(-Theta t), shape (n, n), for finite t >= 0."""
        self._check_range(t)
        return self._back(expm(-t * self._triangle))

    def integral(self, t: float) -> Float:
        """Return the integral of exp(-Theta s) over [0, t]: (I - exp(-Theta t)) / Theta, also where singular."""
        if np.isinf(t):
            require_convergence(self.kernel)
            return np.asarray(np.linalg.inv(self.kernel), dtype=np.float64)
        self._check_range(t)
        n = len(self.kernel)
        block = np.zeros((2 * n, 2 * n), dtype=np.complex128)
        block[:n, :n] = -t * self._triangle
        block[:n, n:] = t * np.eye(n)
        return self._back(expm(block)[:n, n:])

    def _check_range(self, t: float) -> None:
        smallest = float(np.diag(self._triangle).real.min())
        if -smallest * t > _LARGEST_EXPONENT:
            raise DomainError(
                f"at t = {t:g} the mode with Re lambda = {smallest:.6g} has grown by exp({-smallest * t:.3g}), "
                f"beyond float64; this kernel diverges (th.dynamics.stability says how), so ask for earlier times"
            )

    def _back(self, triangle: Complex) -> Float:
        product: Float = (self._basis @ triangle @ self._basis.conj().T).real
        return product


def flow(kernel: ArrayLike, y: ArrayLike, f0: ArrayLike, t: ArrayLike) -> Float:
    r"""Return the outputs on the training inputs at time t: y + exp(-Theta t) (f0 - y).

    Parameters
    ----------
    kernel
        Theta(X, X), shape (n, n); not necessarily symmetric, definite or invertible.
    y, f0
        Targets, and outputs at time 0: shape (n,) or (n, outputs).
    t
        Times >= 0, a number or a list of k; infinity where training converges.

    Returns
    -------
    ndarray
        Shape of ``y``, after (k,) where ``t`` is a list.

    Raises
    ------
    InputError
        For shapes that do not fit, NaN, or negative times.
    DomainError
        For t = infinity with a kernel under which training does not converge (the message is the
        verdict of ``stability``), and where the outputs leave float64.

    Notes
    -----
    The loss is (1/2) sum r^2; divide the kernel by n for a mean. Error about
    n eps (1 + |Theta| t) |f0 - y| sup_s |exp(-Theta s)|. Source: claim T34.
    """
    theta = square(kernel)
    target, start = residual(y, f0, len(theta))
    steps = Propagator(theta)

    def at(time: float) -> Float:
        if np.isinf(time):
            require_convergence(theta)
            return target.copy()
        return target + steps.exponential(time) @ start

    return _at_times(at, times(t))


def predict(
    kernel: ArrayLike,
    cross: ArrayLike,
    y: ArrayLike,
    f0: ArrayLike,
    cross_f0: ArrayLike,
    t: ArrayLike,
) -> Float:
    r"""Return the outputs on other inputs at time t, those of the interpolant at t = infinity.

    .. math:: f_t(x) = f_0(x) - \Theta(x,X)\int_0^t e^{-\Theta s}ds\,(f_0(X)-y)

    Parameters
    ----------
    kernel, y, f0, t
        As for ``flow``.
    cross
        Theta(x, X), shape (m, n): rows are the new inputs.
    cross_f0
        Outputs at time 0 on the new inputs, shape (m,) or (m, outputs).

    Returns
    -------
    ndarray
        Shape of ``cross_f0``, after (k,) where ``t`` is a list.

    Raises
    ------
    InputError, DomainError
        As for ``flow``. At finite times a singular kernel is no obstacle.

    Notes
    -----
    Source: claims T34, T35 (f_inf = f_0(x) + Theta(x, X) Theta^{-1} (y - f_0)).
    """
    theta = square(kernel)
    rows = finite(cross, "cross")
    if rows.ndim != 2 or rows.shape[1] != len(theta):
        raise InputError(f"cross must have shape (new inputs, {len(theta)}), got {rows.shape}")
    _, start = residual(y, f0, len(theta))
    before = outputs(cross_f0, len(rows), "cross_f0")
    if before.shape[1:] != start.shape[1:]:
        raise InputError(f"cross_f0 has shape {before.shape} where y and f0 have {start.shape}")
    steps = Propagator(theta)
    return _at_times(lambda time: before - rows @ (steps.integral(time) @ start), times(t))


def gradient_descent(
    kernel: ArrayLike, y: ArrayLike, f0: ArrayLike, steps: int, rate: float
) -> Float:
    """Return the outputs on the training inputs after gradient descent: y + (I - rate Theta)^steps (f0 - y).

    Parameters
    ----------
    kernel, y, f0
        As for ``flow``.
    steps
        Number of steps >= 0; the work grows with its logarithm.
    rate
        Learning rate > 0.

    Raises
    ------
    InputError
        As for ``flow``.
    DomainError
        Where the outputs leave float64.

    Notes
    -----
    Source: claim T34, discrete form.
    """
    theta = square(kernel)
    target, start = residual(y, f0, len(theta))
    count, eta = non_negative_int(steps, "steps"), positive(rate, "rate")
    with np.errstate(over="ignore", invalid="ignore"):
        power = np.linalg.matrix_power(np.eye(len(theta)) - eta * theta, count)
        result: Float = target + power @ start
    if not np.all(np.isfinite(result)):
        raise DomainError(
            f"after {count} steps of rate {eta:g} the outputs leave float64; stay below "
            f"th.dynamics.stability(kernel).rate_limit, or ask for fewer steps"
        )
    return result


def require_convergence(kernel: Float) -> Stability:
    """Return the verdict, or raise ``DomainError`` with it in words unless every residual dies out under the flow."""
    verdict = stability(kernel)
    if verdict.converges is not True:
        raise DomainError(f"there is no limit as t grows. {verdict}")
    return verdict


def _at_times(at: Callable[[float], Float], t: Float) -> Float:
    if t.ndim == 0:
        return at(float(t))
    return np.array([at(float(time)) for time in t])
