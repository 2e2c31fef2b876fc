"""Expectations of products on several Gaussian variables in float64."""

from functools import partial

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory.activations import Activation
from theory.covariance import ROUNDING
from theory.errors import InputError
from theory.gaussian import several_signs
from theory.gaussian.expectation import expectation
from theory.gaussian.several_balls import value
from theory.gaussian.several_factors import Factors, Reduced, reduced, require_semidefinite

Float = NDArray[np.float64]

# Inputs rounded to float64 move p*q - c*c by up to 2 ulp of p*q.
_ON_LINE = 2.0**-51
_BITS = 60
_BUDGET = 1e-12


def evaluate(factors: Factors, matrices: Float) -> Float:
    """Evaluate at matrices of shape (..., n, n), positive semidefinite to rounding."""
    size = matrices.shape[-1]
    functions, variables = [f for f, _ in factors], [k for _, k in factors]
    if len(set(variables)) == len(variables) <= 2:
        return _at_most_two(functions, variables, matrices)
    flat = matrices.reshape(-1, size, size)
    values, doubtful = _by_signs(functions, variables, flat)
    if np.any(doubtful):
        distinct, where = np.unique(flat[doubtful], axis=0, return_inverse=True)
        rounded = np.array([_rounded(factors, matrix) for matrix in distinct])
        values[doubtful] = rounded[where.reshape(-1)]
    return values.reshape(matrices.shape[:-2])


def _by_signs(
    functions: list[Activation], variables: list[int], matrices: Float
) -> tuple[Float, NDArray[np.bool_]]:
    """Return vectorised values where there are any, and where their error bound does not do."""
    terms = several_signs.terms_of(tuple(functions), tuple(variables))
    if terms is None:
        return np.empty(len(matrices)), np.ones(len(matrices), dtype=bool)
    values, errors = several_signs.evaluate(terms, matrices)
    return values, ~(errors <= _BUDGET * np.abs(values))


def _at_most_two(functions: list[Activation], variables: list[int], matrices: Float) -> Float:
    if len(functions) == 1:
        return expectation(functions[0]).float64(matrices[..., 0, 0])
    i, j = variables
    p, q, c = matrices[..., i, i], matrices[..., j, j], matrices[..., i, j]
    return expectation(*functions).float64(p, q, c)


def _rounded(factors: Factors, matrix: Float) -> float:
    """Return the value at one matrix, by balls."""
    entries = sp.Matrix(
        *matrix.shape,
        lambda i, j: sp.Rational(*float(matrix[min(i, j), max(i, j)]).as_integer_ratio()),
    )
    given = reduced(factors, entries, partial(_tied, matrix))
    regular = Reduced(given.constant, given.factors, _semidefinite(given.covariance))
    return float(value(regular, _BITS).mid())


def _tied(matrix: Float, i: int, j: int) -> bool:
    p, q, c = matrix[i, i], matrix[j, j], matrix[i, j]
    return bool(abs(1 - (c / p) * (c / q)) <= _ON_LINE)


def _semidefinite(covariance: sp.Matrix) -> sp.Matrix:
    """Return an exact matrix whose rounding errors do not make it indefinite."""
    lift = sp.Rational(ROUNDING) * covariance.rows
    while True:
        try:
            require_semidefinite(covariance)
        except InputError:
            covariance = covariance + lift * sp.diag(*covariance.diagonal())
            lift *= 2
        else:
            return covariance
