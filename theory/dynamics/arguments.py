"""What training is asked about: a square kernel, targets, outputs at the start, times."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import LinAlgError, cholesky

from theory.checks import finite, non_negative_int, reals
from theory.errors import DomainError, InputError

Float = NDArray[np.float64]

SMALLEST, LARGEST = 1e-150, 1e150
"""Range of the largest entry of a kernel: squares of smaller and of larger ones leave float64."""


def square(values: ArrayLike, name: str = "kernel") -> Float:
    """Return a real square matrix of shape (n, n), n >= 1, symmetric or not."""
    matrix = finite(values, name)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise InputError(
            f"{name} must have shape (n, n): training inputs against themselves, rows with the true "
            f"Jacobian; got {matrix.shape}"
        )
    return in_range(matrix, name)


def in_range(matrix: Float, name: str) -> Float:
    """Return a matrix, or raise ``InputError`` if it is so small or so large that its squares leave float64."""
    largest = float(np.abs(matrix).max())
    if largest and not SMALLEST <= largest <= LARGEST:
        raise InputError(
            f"the largest entry of {name} is {largest:g}, which must lie between {SMALLEST:g} and {LARGEST:g}; "
            f"divide the kernel by a number, and multiply times and rates by it"
        )
    return matrix


def outputs(values: ArrayLike, rows: int, name: str) -> Float:
    """Return values on ``rows`` inputs, shape (rows,) or (rows, outputs)."""
    array = finite(values, name)
    if array.ndim not in (1, 2) or array.shape[0] != rows or not array.size:
        raise InputError(
            f"{name} must have shape ({rows},) or ({rows}, outputs), got {array.shape}"
        )
    return array


def residual(y: ArrayLike, f0: ArrayLike, rows: int) -> tuple[Float, Float]:
    """Return the targets and f0 - y, both of one shape."""
    target, start = outputs(y, rows, "y"), outputs(f0, rows, "f0")
    if target.shape != start.shape:
        raise InputError(f"y has shape {target.shape} and f0 {start.shape}; both need the same")
    with np.errstate(over="ignore"):
        difference = start - target
    if not np.all(np.isfinite(difference)):
        raise InputError("y and f0 differ by more than float64 holds; divide both by a number")
    return target, difference


def form(values: ArrayLike | None, rows: int) -> Float | None:
    """Return W of a loss (1/2) r^T W r: its diagonal (n,), or all of it (n, n); None is the identity."""
    if values is None:
        return None
    given = finite(values, "weights")
    if given.shape == (rows,):
        if np.any(given <= 0):
            raise InputError(
                f"weights must be positive, got {given.min():g}; leave samples of weight 0 out"
            )
        return given
    if given.shape != (rows, rows) or not np.array_equal(given, given.T):
        raise InputError(
            f"weights must be one number a sample, shape ({rows},), or the symmetric matrix of the loss, "
            f"shape ({rows}, {rows}); got shape {given.shape}"
        )
    try:
        cholesky(given)
    except LinAlgError as error:
        raise InputError("weights must be positive definite, or the loss has no minimum") from error
    return given


def weighted(kernel: Float, shape: Float | None) -> Float:
    """Return the kernel (m, n) times the matrix of the loss, as ``form`` returns it."""
    if shape is None:
        return kernel
    with np.errstate(over="ignore", invalid="ignore"):
        product = kernel * shape if shape.ndim == 1 else kernel @ shape
    return in_range(np.where(np.isnan(product), np.inf, product), "the kernel times weights")


def stepped(kernel: Float, rate: float) -> Float:
    """Return the kernel times a learning rate, or raise ``DomainError`` where that leaves float64."""
    with np.errstate(over="ignore"):
        product = rate * kernel
    if not np.all(np.isfinite(product)):
        raise DomainError(f"the kernel times the rate {rate:g} leaves float64; take a smaller rate")
    return product


def counts(values: int | Sequence[int]) -> tuple[list[int], bool]:
    """Return numbers of steps, and whether they came as a list."""
    many = isinstance(values, Sequence | np.ndarray)
    given = values if isinstance(values, Sequence | np.ndarray) else [values]
    if not len(given):
        raise InputError("steps must hold at least one number, got an empty list")
    return [non_negative_int(count, "steps") for count in given], many


def times(values: ArrayLike) -> Float:
    """Return times of shape () or (k,), at least 0; infinity is a time."""
    array = reals(values, "t")
    if array.ndim > 1 or np.any(np.isnan(array)) or np.any(array < 0):
        raise InputError(f"t must be a time of at least 0, or a list of such, got {values!r}")
    if not array.size:
        raise InputError("t must hold at least one time, got an empty list")
    return array
