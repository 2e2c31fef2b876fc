"""Whether training with a kernel converges, how fast one may step, and what goes wrong, in words."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cholesky, eig, eigh, solve_triangular

from theory.dynamics import transient
from theory.dynamics.arguments import Float, form, square, weighted
from theory.dynamics.transient import Between

Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class Mode:
    """An eigenvalue of the kernel, its rounding error, and the unit target (n,) that belongs to it.

    Under the flow a target along ``direction``, from f0 = 0, is learned as 1 - exp(-eigenvalue t).
    """

    eigenvalue: complex
    error: float
    direction: Complex

    @property
    def growth_rate(self) -> float:
        """How fast the residual along this mode grows under the flow; negative where it decays."""
        return -self.eigenvalue.real

    @property
    def is_real(self) -> bool:
        """Whether the eigenvalue is real: no spiral, only growth or decay."""
        return abs(self.eigenvalue.imag) <= self.error


@dataclass(frozen=True)
class Stability:
    """What training does with a kernel Theta (n, n) and the loss (1/2) r^T W r; ``str`` is the verdict.

    Attributes
    ----------
    kernel
        R Theta R^T with W = R^T R: that of the residuals R r, half the sum of whose squares is the loss. Theta itself
        without weights. Norms, growth and distances below are those of this matrix, so of the root of the loss.
    modes
        All n modes, by increasing real part of the eigenvalue.

    Notes
    -----
    Errors of eigenvalues are first-order bounds n eps |Theta| / |y* x|, with unit left and right
    eigenvectors. A real part within its error counts as zero, unless the pseudospectrum of that size
    stays clear of the imaginary axis (defective modes, whose first-order bound is infinite). Source: claims T35, T36.
    """

    kernel: Float
    modes: tuple[Mode, ...]

    # -- asymptotic ------------------------------------------------------------------------------

    @cached_property
    def diverging(self) -> tuple[Mode, ...]:
        """Modes with Re lambda < 0: residuals along them grow, under the flow and at every learning rate."""
        return tuple(mode for mode in self.modes if mode.eigenvalue.real < -mode.error)

    @property
    def learning_negative(self) -> tuple[Mode, ...]:
        """Diverging modes with real eigenvalue: a target along them is answered by its negative, growing."""
        return tuple(mode for mode in self.diverging if mode.is_real)

    @cached_property
    def standing(self) -> tuple[Mode, ...]:
        """Modes whose real part is zero as far as float64 can tell: not learned, not forgotten."""
        return tuple(mode for mode in self.modes if abs(mode.eigenvalue.real) <= mode.error)

    @property
    def converges(self) -> bool | None:
        """Whether every residual dies out under the flow; None where a standing mode leaves it open."""
        if self.diverging:
            return False
        return None if self.standing else True

    @property
    def rate_limit(self) -> float:
        """Gradient descent converges for learning rates below this: min 2 Re(lambda) / |lambda|^2.

        0 where a mode diverges; standing modes are left out, which no rate moves.
        """
        if self.diverging:
            return 0.0
        moving = [mode.eigenvalue for mode in self.modes if mode.eigenvalue.real > mode.error]
        return min((2 * value.real / abs(value) ** 2 for value in moving), default=np.inf)

    # -- transient -------------------------------------------------------------------------------

    @cached_property
    def growth_rate(self) -> float:
        """Numerical abscissa of -Theta: the fastest initial growth rate of any residual's norm."""
        return transient.abscissa(-self.kernel)

    @property
    def monotone(self) -> bool | None:
        """Whether the loss decreases from every start: (Theta + Theta^T)/2 >= 0; None within rounding of 0."""
        slack = 4 * len(self.kernel) * np.finfo(np.float64).eps * np.linalg.norm(self.kernel, 2)
        if abs(self.growth_rate) <= slack:
            return None
        return bool(self.growth_rate < 0)

    @cached_property
    def monotone_rate_limit(self) -> float:
        """Below this rate each step of gradient descent decreases the loss from every start.

        The largest eta with eta Theta^T Theta <= Theta + Theta^T; 0 unless the flow is monotone.
        """
        if self.monotone is not True:
            return 0.0
        square_part = self.kernel.T @ self.kernel
        largest = eigh(square_part, self.kernel + self.kernel.T, eigvals_only=True)[-1]
        return float(1 / largest)

    def transient_growth(self, tolerance: float = 0.01) -> Between:
        """Bound the largest amplification of a residual's norm at any time, sup_t |exp(-Theta t)|.

        Bounds within ``tolerance`` of each other, relatively, up to rounding; infinite where training does
        not converge. Each evaluation costs one matrix exponential.
        """
        if self.converges is not True:
            return Between(np.inf if self.diverging else 1.0, np.inf, 0.0)
        return transient.growth(-self.kernel, tolerance)

    def kreiss_constant(self) -> Between:
        """Bound the Kreiss constant of -Theta, K <= sup_t |exp(-Theta t)| <= e n K.

        The lower bound is attained at the point ``at`` of the right half-plane; the upper one is that of
        ``transient_growth``.
        """
        if self.converges is not True:
            return Between(np.inf if self.diverging else 1.0, np.inf, 0.0)
        return transient.kreiss(-self.kernel, self.transient_growth().upper)

    def distance_to_divergence(self, tolerance: float = 0.01) -> Between:
        """Bound the 2-norm of the smallest change of the kernel under which a mode stops decaying.

        This is where the pseudospectrum of -Theta meets the imaginary axis, at ``at``; 0 where training
        does not converge.
        """
        if self.converges is not True:
            return Between(0.0, 0.0, 0.0)
        return transient.distance(-self.kernel, tolerance)

    def resolvent_norm(self, z: complex) -> float:
        """Return |(z + Theta)^{-1}|: above 1/e inside the e-pseudospectrum of -Theta."""
        smallest = transient.least_singular(z * np.eye(len(self.kernel)) + self.kernel)
        return 1 / smallest if smallest > 0 else np.inf

    # -- in words --------------------------------------------------------------------------------

    def __str__(self) -> str:
        return " ".join([self._convergence(), *self._wrong_way(), *self._standing(), self._loss()])

    def _convergence(self) -> str:
        n = len(self.kernel)
        if self.diverging:
            worst = self.diverging[0]
            return (
                f"Training diverges: {len(self.diverging)} of {n} modes grow, the fastest with lambda = "
                f"{_written(worst)}, e-fold every {1 / worst.growth_rate:.4g} units of time, at every "
                f"learning rate."
            )
        if self.standing:
            return (
                f"No mode grows, but convergence cannot be claimed; gradient descent is stable below the "
                f"learning rate {self.rate_limit:.6g}."
            )
        slowest = self.modes[0]
        return (
            f"Training converges: all {n} modes decay, the slowest with lambda = {_written(slowest)}; gradient "
            f"descent needs a learning rate below {self.rate_limit:.6g}."
        )

    def _wrong_way(self) -> list[str]:
        count = len(self.learning_negative)
        if not count:
            return []
        values = ", ".join(f"{mode.eigenvalue.real:.6g}" for mode in self.learning_negative[:4])
        return [
            f"{count} mode{'s learn' if count > 1 else ' learns'} the negative of the target (lambda = "
            f"{values}{', ...' if count > 4 else ''})."
        ]

    def _standing(self) -> list[str]:
        count = len(self.standing)
        if not count:
            return []
        return [
            f"{count} mode{'s have' if count > 1 else ' has'} a real part that is zero to rounding: the target's "
            f"part along {'them' if count > 1 else 'it'} is not learned."
        ]

    def _loss(self) -> str:
        if self.monotone is None:
            return "Whether the loss can rise at first is within rounding of the boundary."
        if self.monotone:
            return "The loss decreases from every start."
        return (
            f"The loss can rise at first: some residuals grow at the rate {self.growth_rate:.6g} "
            f"(transient_growth() says how far)."
        )


def stability(kernel: ArrayLike, *, weights: ArrayLike | None = None) -> Stability:
    """Judge training with a kernel, from its spectrum and its symmetric part.

    Parameters
    ----------
    kernel
        Theta(X, X), shape (n, n); not necessarily symmetric or definite.
    weights
        Of the loss (1/2) r^T W r: one positive number a sample, (n,), such as 1/n for a mean, or W itself, (n, n),
        positive definite. Default: the identity.

    Returns
    -------
    Stability
        Modes, learning-rate limits, transient growth; ``str`` gives the verdict in words.

    Raises
    ------
    InputError
        For a matrix that is not square, NaN or infinity, or weights without a minimum of the loss.

    Notes
    -----
    Residuals follow dr/dt = -Theta W r, and R r follows -R Theta R^T. Source: claims T28, T35, T36.
    """
    theta, targets = _measured(square(kernel), weights)
    values, left, right = eig(theta, left=True, right=True)
    overlap = np.abs(np.einsum("ij,ij->j", left.conj(), right))
    size = len(theta) * np.finfo(np.float64).eps * np.linalg.norm(theta, 2)
    errors = size / np.maximum(overlap, np.finfo(np.float64).tiny)
    if np.any(np.abs(values.real) <= errors) and transient.distance(-theta, 0.5).lower > size:
        # No matrix within rounding of Theta has an eigenvalue on the axis: every sign is certain.
        errors = np.minimum(errors, np.abs(values.real) / 2)
    order = np.lexsort((values.imag, values.real))
    return Stability(
        theta,
        tuple(Mode(complex(values[k]), float(errors[k]), targets(right[:, k])) for k in order),
    )


def _measured(
    theta: Float, weights: ArrayLike | None
) -> tuple[Float, Callable[[Complex], Complex]]:
    """Return R Theta R^T of the weights W = R^T R, and what makes a unit target r of an eigenvector R r."""
    shape = form(weights, len(theta))
    if shape is None:
        return theta, partial(np.asarray, dtype=np.complex128)
    if shape.ndim == 1:
        root = np.sqrt(shape)
        return weighted(root[:, None] * theta, root), lambda vector: _unit(vector / root)
    upper = np.asarray(cholesky(shape))
    return weighted(upper @ theta, upper.T), lambda vector: _unit(solve_triangular(upper, vector))


def _unit(vector: Complex) -> Complex:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.complex128)


def _written(mode: Mode) -> str:
    real, imag = mode.eigenvalue.real, mode.eigenvalue.imag
    return f"{real:.6g}" if mode.is_real else f"{real:.6g}{imag:+.6g}i"
