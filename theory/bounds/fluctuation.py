"""How much the features of one neuron fluctuate: the fourth moments behind the width-dependent bounds."""

import math

import numpy as np
from numpy.typing import NDArray

from theory.activations import Activation
from theory.errors import ActivationError, DomainError
from theory.gaussian import expectation, joint_expectation

FloatArray = NDArray[np.float64]

# Beyond 9 standard deviations the Gaussian weight is below 3e-18 of its peak.
RANGE = 9.0
COARSEST, FINEST = 1 / 4, 1 / 128
AGREEMENT = 1e-13


def fluctuation(f: Activation, covariance: FloatArray) -> float:
    r"""V = E|f(g)|^4 - |E f(g) f(g)^T|_F^2 for g ~ N(0, covariance): the variance of f(g) f(g)^T, all entries summed.

    Parameters
    ----------
    f
        A function (no Dirac masses).
    covariance
        Shape (k, k), positive semidefinite.

    Returns
    -------
    float
        Sum over i, j of E[f(g_i)^2 f(g_j)^2] - E[f(g_i) f(g_j)]^2, to 1e-12 of the fourth moments. Of a function of
        polynomials, steps and Gaussian bumps (erf, GELU, sums with hardtanh) four factors are taken together; of
        other smooth functions (arctan, tanh), a tensor trapezoid rule, refined until two steps agree to 1e-13.

    Raises
    ------
    ActivationError
        If neither applies: a function with other pieces and breakpoints.
    DomainError
        If f is too steep on the scale of the inputs for the trapezoid rule.
    """
    size = covariance.shape[0]
    rows, columns = np.triu_indices(size)
    variance = np.diag(covariance)
    second = expectation(f, f).float64(variance[rows], variance[columns], covariance[rows, columns])
    try:
        indices = np.stack([rows, columns], axis=-1)
        blocks = covariance[indices[:, :, None], indices[:, None, :]]
        fourth = joint_expectation([f] * 4, variables=(0, 0, 1, 1)).float64(blocks)
    except ActivationError:
        fourth = _entire_fourth(f, covariance)[rows, columns]
    twice = np.where(rows == columns, 1.0, 2.0)
    return float((twice * np.maximum(fourth - second**2, 0.0)).sum())


def _entire_fourth(f: Activation, covariance: FloatArray) -> FloatArray:
    """E[f(g_i)^2 f(g_j)^2] by quadrature."""
    if f.breakpoints:
        raise ActivationError(
            f"E[f^2 f^2] of {f} has no closed form, and its breakpoints {f.breakpoints} spoil the trapezoid "
            f"rule; build it from polynomials between breakpoints, or smoothly from erf"
        )
    size = covariance.shape[0]
    fourth = np.empty((size, size))
    for i in range(size):
        for j in range(i + 1):
            block = covariance[np.ix_([i, j], [i, j])]
            fourth[i, j] = fourth[j, i] = _refined(f, block)
    return fourth


def _refined(f: Activation, block: FloatArray) -> float:
    """Halve the step until the trapezoid sum stands still."""
    step = COARSEST
    before = _trapezoid(f, block, step)
    while step > FINEST:
        step /= 2
        value = _trapezoid(f, block, step)
        if abs(value - before) <= AGREEMENT * abs(value):
            return value
        before = value
    raise DomainError(
        f"{f} is too steep for inputs of variance {block.diagonal().max():g}: the trapezoid rule "
        f"still moves by more than {AGREEMENT:g} at step {FINEST:g}; use a less steep function, "
        f"or the jump itself (sign, heaviside)"
    )


def _trapezoid(f: Activation, block: FloatArray, step: float) -> float:
    z = step * np.arange(-round(RANGE / step), round(RANGE / step) + 1)
    weight = step * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    (p, c), (_, q) = block
    slope = c / p if p > 0 else 0.0
    rest = math.sqrt(max(q - slope * c, 0.0))
    first = weight * f(math.sqrt(p) * z) ** 2
    given = math.sqrt(p) * slope * z[:, None] + rest * z
    return float(first @ (f(given) ** 2 @ weight))
