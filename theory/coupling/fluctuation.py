"""How much the features of one neuron fluctuate: the fourth moments behind the width-dependent bounds."""

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import combinations_with_replacement, permutations

import numpy as np
from numpy.typing import NDArray

from theory.activations import Activation
from theory.coupling.product_moments import product_moment
from theory.errors import ActivationError, DomainError
from theory.gaussian import expectation, joint_expectation

FloatArray = NDArray[np.float64]

# Beyond 9 standard deviations the Gaussian weight is below 3e-18 of its peak.
RANGE = 9.0
COARSEST, FINEST = 1 / 4, 1 / 128
AGREEMENT = 1e-13
# Moments of the limit do not depend on the width: tables over widths ask for the same ones again.
REMEMBERED = 128


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
        other smooth functions (arctan, tanh), a tensor trapezoid rule, refined until two steps agree to 1e-13; of
        the rest (softsign) `product_moment`.

    Raises
    ------
    DomainError
        If f is too steep on the scale of the inputs for the trapezoid rule, or as `product_moment`.
    """
    return _fluctuation(f, covariance.tobytes(), len(covariance))


@lru_cache(REMEMBERED)
def _fluctuation(f: Activation, entries: bytes, size: int) -> float:
    covariance = np.frombuffer(entries).reshape(size, size)
    rows, columns = np.triu_indices(size)
    variance = np.diag(covariance)
    second = expectation(f, f).float64(variance[rows], variance[columns], covariance[rows, columns])
    indices = np.stack([rows, columns], axis=-1)
    blocks = covariance[indices[:, :, None], indices[:, None, :]]
    fourth = power_moment(f, 2, 2, blocks)
    twice = np.where(rows == columns, 1.0, 2.0)
    return float((twice * np.maximum(fourth - second**2, 0.0)).sum())


def fourth_moments(f: Activation, covariance: FloatArray) -> FloatArray:
    """E[f(g_i) f(g_j) f(g_k) f(g_l)] for g ~ N(0, covariance), shape (k, k, k, k), read-only.

    Accuracy as for `fluctuation`; without closed forms 1e-10 at more than two inputs, half a second to ten seconds at
    every four different ones (`product_moment`).

    Raises
    ------
    DomainError
        As `fluctuation` and `product_moment`.
    """
    return _fourth_moments(f, covariance.tobytes(), len(covariance))


@lru_cache(REMEMBERED)
def _fourth_moments(f: Activation, entries: bytes, size: int) -> FloatArray:
    covariance = np.frombuffer(entries).reshape(size, size)
    fourth = np.empty((size,) * 4)
    for places in combinations_with_replacement(range(size), 4):
        where = sorted(set(places))
        variables = [where.index(place) for place in places]
        value = _fourth(f, variables, covariance[np.ix_(where, where)])
        for order in set(permutations(places)):
            fourth[order] = value
    fourth.setflags(write=False)
    return fourth


def _fourth(f: Activation, variables: list[int], block: FloatArray) -> float:
    """E of four factors, of the variables that they read."""
    if len(block) > 2:
        try:
            return float(joint_expectation([f] * 4, variables=variables).float64(block))
        except ActivationError:
            return product_moment(f, [variables.count(i) for i in range(len(block))], block)
    if len(block) == 1:
        return float(power_moment(f, 2, 2, np.full((2, 2), block[0, 0])))
    return float(power_moment(f, variables.count(0), variables.count(1), block))


def power_moment(f: Activation, first: int, second: int, blocks: FloatArray) -> FloatArray:
    """E[f(u)^first f(v)^second] for covariances of (u, v), shape (..., 2, 2); four factors together.

    Accuracy and errors as for `fluctuation`.
    """
    variables = (0,) * first + (1,) * second
    try:
        return np.asarray(
            joint_expectation([f] * len(variables), variables=variables).float64(blocks)
        )
    except ActivationError:
        flat = [_by_quadrature(f, first, second, block) for block in blocks.reshape(-1, 2, 2)]
        return np.array(flat).reshape(blocks.shape[:-2])


def _by_quadrature(f: Activation, first: int, second: int, block: FloatArray) -> float:
    """The same by quadrature: between breakpoints, or without any."""
    if f.breakpoints:
        (p, c), (_, q) = block
        if p == q == c:
            total = first + second
            return product_moment(f, (total,), block[:1, :1]) if p > 0 else float(f(0.0)) ** total
        return product_moment(f, (first, second), block)
    return _refined(lambda step: _trapezoid(f, first, second, block, step), f, block)


def _refined(rule: Callable[[float], float], f: Activation, block: FloatArray) -> float:
    """Halve the step until the trapezoid sum stands still."""
    step = COARSEST
    before = rule(step)
    while step > FINEST:
        step /= 2
        value = rule(step)
        if abs(value - before) <= AGREEMENT * abs(value):
            return value
        before = value
    raise DomainError(
        f"{f} is too steep for inputs of variance {block.diagonal().max():g}: the trapezoid rule "
        f"still moves by more than {AGREEMENT:g} at step {FINEST:g}; use a less steep function, "
        f"or the jump itself (sign, heaviside)"
    )


def _trapezoid(f: Activation, first: int, second: int, block: FloatArray, step: float) -> float:
    z = step * np.arange(-round(RANGE / step), round(RANGE / step) + 1)
    weight = step * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    (p, c), (_, q) = block
    slope = c / p if p > 0 else 0.0
    rest = math.sqrt(max(q - slope * c, 0.0))
    near = weight * f(math.sqrt(p) * z) ** first
    given = math.sqrt(p) * slope * z[:, None] + rest * z
    return float(near @ (f(given) ** second @ weight))
