r"""Outputs under gradient flow and gradient descent with a fixed kernel that need not be symmetric.

With loss (1/2) r^T W r, r = f(X) - y (W the identity unless said), and a kernel whose rows are evaluation points (true
Jacobian) and whose columns are training points (surrogate Jacobian), df_t(x)/dt = -Theta(x, X) W r_t. Such a kernel
is in general not normal: everything here goes through powers of matrices, never through eigenvectors.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import expm

from theory.checks import finite, positive
from theory.dynamics.arguments import (
    Float,
    counts,
    form,
    outputs,
    residual,
    square,
    stepped,
    times,
    weighted,
)
from theory.dynamics.stability import Stability, stability
from theory.errors import DomainError, InputError

# Taylor coefficients of (exp(a) - 1)/a; where |a| <= 3/4 the rest is below 3e-17.
_TAYLOR = 1 / np.cumprod(np.arange(1.0, 17.0))
_REACH = 0.75

# A product of a matrix with fewer columns than this costs as much as with this many: memory is what it waits for.
_COLUMNS = 20


def decay(kernel: Float, t: float) -> Float:
    """Return exp(-Theta t), shape (n, n), for finite t >= 0."""
    with np.errstate(over="ignore", invalid="ignore"):
        return _in_range(np.asarray(expm(-t * kernel)), kernel, t)


def accumulated(kernel: Float, start: Float, t: float) -> Float:
    r"""Return the integral of exp(-Theta s) over [0, t] times ``start`` (n, m), also where Theta is singular.

    For t = infinity training has to converge: see ``require_convergence``.

    By Taylor's series at t/2^q, and doublings: with D = exp(-Theta s) - I, the integral over [0, 2s] is that over
    [0, s] times 2 I + D. For few columns the last doublings are steps of D on them, which cost less than its squares.
    """
    if np.isinf(t):
        return np.asarray(np.linalg.solve(kernel, start), dtype=np.float64)
    n, columns = start.shape[0], start[0].size
    size = t * float(np.linalg.norm(kernel, 1)) / _REACH
    doublings = int(np.ceil(np.log2(size))) if size > 1 else 0
    stepped = min(doublings, max(0, int(np.log2(n / max(columns, _COLUMNS)))))
    a = kernel * (-t / 2**doublings)
    powers = [np.eye(n), a, a @ a]
    powers.append(powers[2] @ a)
    fourth, series = powers[2] @ powers[2], np.zeros_like(a)
    for i in (12, 8, 4, 0):
        block = sum(c * power for c, power in zip(_TAYLOR[i : i + 4], powers, strict=True))
        series = block + fourth @ series if i < 12 else block
    grown, result = a @ series, (t / 2**doublings) * (series @ start)
    with np.errstate(over="ignore", invalid="ignore"):
        for doubling in range(doublings - stepped):
            result = 2 * result + grown @ result
            if doubling < doublings - 1:
                grown = 2 * grown + grown @ grown
        later = result
        for _ in range(2**stepped - 1):
            later = later + grown @ later
            result = result + later
    return _in_range(result, kernel, t)


def _in_range(values: Float, kernel: Float, t: float) -> Float:
    if not np.all(np.isfinite(values)):
        smallest = float(np.linalg.eigvals(kernel).real.min())
        raise DomainError(
            f"at t = {t:g} the mode with Re lambda = {smallest:.6g} has grown by exp({-smallest * t:.3g}), "
            f"beyond float64; this kernel diverges (th.dynamics.stability says how), so ask for earlier times"
        )
    return values


def flow(
    kernel: ArrayLike,
    y: ArrayLike,
    f0: ArrayLike,
    t: ArrayLike,
    *,
    weights: ArrayLike | None = None,
) -> Float:
    r"""Return the outputs on the training inputs at time t: y + exp(-Theta W t) (f0 - y).

    Parameters
    ----------
    kernel
        Theta(X, X), shape (n, n); not necessarily symmetric, definite or invertible.
    y, f0
        Targets, and outputs at time 0: shape (n,) or (n, outputs).
    t
        Times >= 0, a number or a list of k; infinity where training converges.
    weights
        Of the loss (1/2) r^T W r: one positive number a sample, (n,), or W itself, (n, n), positive definite.

    Returns
    -------
    ndarray
        Shape of ``y``, after (k,) where ``t`` is a list.

    Raises
    ------
    InputError
        For shapes that do not fit, NaN, negative times, or weights without a minimum of the loss.
    DomainError
        For t = infinity with a kernel under which training does not converge (the message is the
        verdict of ``stability``), and where the outputs leave float64.

    Notes
    -----
    Without weights the loss is (1/2) sum r^2; divide the kernel by n for a mean. Error about
    n eps (1 + |Theta| t) |f0 - y| sup_s |exp(-Theta s)|. Source: claim T34.
    """
    theta = square(kernel)
    target, start = residual(y, f0, len(theta))
    shape, when = form(weights, len(theta)), times(t)
    require_limits(theta, shape, when)
    theta = weighted(theta, shape)

    def at(time: float) -> Float:
        return target.copy() if np.isinf(time) else target + decay(theta, time) @ start

    return _at_times(at, when)


def predict(
    kernel: ArrayLike,
    cross: ArrayLike,
    y: ArrayLike,
    f0: ArrayLike,
    cross_f0: ArrayLike,
    t: ArrayLike,
    *,
    weights: ArrayLike | None = None,
) -> Float:
    r"""Return the outputs on other inputs at time t, those of the interpolant at t = infinity.

    .. math:: f_t(x) = f_0(x) - \Theta(x,X)W\int_0^t e^{-\Theta Ws}ds\,(f_0(X)-y)

    Parameters
    ----------
    kernel, y, f0, t, weights
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
    O(n^3 log(|Theta| t)) operations a time, and O(m n) for m new inputs. Source: claims T34, T35
    (f_inf = f_0(x) + Theta(x, X) Theta^{-1} (y - f_0)).
    """
    theta = square(kernel)
    rows, start, before = _elsewhere(cross, y, f0, cross_f0, len(theta))
    shape, when = form(weights, len(theta)), times(t)
    require_limits(theta, shape, when)
    theta, rows = weighted(theta, shape), weighted(rows, shape)
    return _at_times(lambda time: before - rows @ accumulated(theta, start, time), when)


def gradient_descent(
    kernel: ArrayLike,
    y: ArrayLike,
    f0: ArrayLike,
    steps: int | Sequence[int],
    rate: float,
    *,
    weights: ArrayLike | None = None,
) -> Float:
    """Return the outputs on the training inputs after gradient descent: y + (I - rate Theta W)^steps (f0 - y).

    Parameters
    ----------
    kernel, y, f0, weights
        As for ``flow``.
    steps
        Number of steps >= 0, or a list of k; the work grows with its logarithm.
    rate
        Learning rate > 0.

    Returns
    -------
    ndarray
        Shape of ``y``, after (k,) where ``steps`` is a list.

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
    theta = stepped(weighted(theta, form(weights, len(theta))), positive(rate, "rate"))
    given, many = counts(steps)
    found = [_finite(target + _descended(theta, start, count)[0], count, rate) for count in given]
    return np.array(found) if many else found[0]


def predict_descent(
    kernel: ArrayLike,
    cross: ArrayLike,
    y: ArrayLike,
    f0: ArrayLike,
    cross_f0: ArrayLike,
    steps: int | Sequence[int],
    rate: float,
    *,
    weights: ArrayLike | None = None,
) -> Float:
    r"""Return the outputs on other inputs after gradient descent.

    .. math:: f_k(x) = f_0(x) - \eta\Theta(x,X)W\sum_{j<k}(I-\eta\Theta W)^j(f_0(X)-y)

    Parameters
    ----------
    kernel, cross, y, f0, cross_f0, weights
        As for ``predict``.
    steps, rate
        As for ``gradient_descent``.

    Returns
    -------
    ndarray
        Shape of ``cross_f0``, after (k,) where ``steps`` is a list.

    Raises
    ------
    InputError, DomainError
        As for ``gradient_descent``.

    Notes
    -----
    Source: claim T34, discrete form.
    """
    theta, eta = square(kernel), positive(rate, "rate")
    rows, start, before = _elsewhere(cross, y, f0, cross_f0, len(theta))
    shape = form(weights, len(theta))
    theta, rows = stepped(weighted(theta, shape), eta), stepped(weighted(rows, shape), eta)
    given, many = counts(steps)
    found = [
        _finite(before - rows @ _descended(theta, start, count)[1], count, rate) for count in given
    ]
    return np.array(found) if many else found[0]


def _descended(theta: Float, start: Float, count: int) -> tuple[Float, Float]:
    """Return (I - theta)^count start, and the sum of all lower powers times start."""
    after, total = start, np.zeros_like(start)
    with np.errstate(over="ignore", invalid="ignore"):
        if count <= len(theta):
            for _ in range(count):
                after, total = after - theta @ after, total + after
            return after, total
        step = np.eye(len(theta)) - theta
        power = np.eye(len(theta))
        for bit in format(count, "b"):
            # From the highest bit: double the number of steps, then take one more.
            after, total, power = power @ after, total + power @ total, power @ power
            if bit == "1":
                after, total, power = step @ after, total + after, step @ power
    return after, total


def _finite(values: Float, count: int, rate: float) -> Float:
    if not np.all(np.isfinite(values)):
        raise DomainError(
            f"after {count} steps of rate {rate:g} the outputs leave float64; stay below "
            f"th.dynamics.stability(kernel).rate_limit, or ask for fewer steps"
        )
    return values


def _elsewhere(
    cross: ArrayLike, y: ArrayLike, f0: ArrayLike, cross_f0: ArrayLike, n: int
) -> tuple[Float, Float, Float]:
    """Return the cross kernel (m, n), the residual at time 0, and outputs at time 0 on the new inputs."""
    rows = finite(cross, "cross")
    if rows.ndim != 2 or rows.shape[1] != n:
        raise InputError(f"cross must have shape (new inputs, {n}), got {rows.shape}")
    _, start = residual(y, f0, n)
    before = outputs(cross_f0, len(rows), "cross_f0")
    if before.shape[1:] != start.shape[1:]:
        raise InputError(f"cross_f0 has shape {before.shape} where y and f0 have {start.shape}")
    return rows, start, before


def require_limits(kernel: Float, shape: Float | None, when: Float) -> None:
    """Refuse, before any work, times beyond float64, and infinity where training does not converge."""
    longest = float(np.max(when, initial=0.0, where=np.isfinite(when)))
    with np.errstate(over="ignore"):
        size = longest * float(np.linalg.norm(weighted(kernel, shape), 1))
    if not np.isfinite(size):
        raise DomainError(
            f"t = {longest:g} times a kernel of this size leaves float64; ask for t = infinity, or for earlier times"
        )
    if np.any(np.isinf(when)):
        require_convergence(kernel, shape)


def require_convergence(kernel: Float, weights: Float | None = None) -> Stability:
    """Return the verdict, or raise ``DomainError`` with it in words unless every residual dies out under the flow."""
    verdict = stability(kernel, weights=weights)
    if verdict.converges is not True:
        raise DomainError(f"there is no limit as t grows. {verdict}")
    return verdict


def _at_times(at: Callable[[float], Float], t: Float) -> Float:
    if t.ndim == 0:
        return at(float(t))
    return np.array([at(float(time)) for time in t])
