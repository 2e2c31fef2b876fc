r"""Products of signs, smoothed or sharp, in vectorised float64: arcsines, and one integral of them for four (claim J4).

Sums of orthants P(s > 0) with s = u + noise; no power, no threshold but 0. The path integral is taken by
Gauss-Legendre panels that shrink towards its end, at two orders, whose difference is part of the error bound.
"""

from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from theory.activations import Activation
from theory.arithmetic.float64 import cross
from theory.gaussian.several_moments import NONE, Mark, Sign, Term, expanded

Float = NDArray[np.float64]

_PANELS, _SHRINK = 10, 4.0
_ORDERS = (12, 16)
_EPS = float(np.finfo(np.float64).eps)
# Rounding of the entries moves an arcsine by at most this over the root of the smallest eigenvalue of the
# correlations, and an arcsine of partial correlations by at most that over the eigenvalue.
_ARCSINE, _PARTIAL = 4 * _EPS, 16 * _EPS
_CHUNK = 1024


def terms_of(
    functions: tuple[Activation, ...], variables: tuple[int, ...]
) -> tuple[Term, ...] | None:
    """Return a product as a sum of products of at most four steps at 0; None if it is none."""
    if not all(f.is_plain for f in functions):
        return None
    terms = expanded(functions, variables)
    return terms if all(map(_is_centred, terms)) else None


def _is_centred(term: Term) -> bool:
    steps = [mark for mark in term.marks if mark != NONE]
    return not any(term.powers) and all(mark == Mark(Sign.STEP) for mark in steps)


def evaluate(terms: tuple[Term, ...], matrices: Float) -> tuple[Float, Float]:
    """Return values and bounds of their errors at matrices of shape (N, n, n); a bound may be infinite."""
    values, errors = np.zeros(len(matrices)), np.zeros(len(matrices))
    for start in range(0, len(matrices), _CHUNK):
        part = slice(start, start + _CHUNK)
        for term in terms:
            steps = [k for k, mark in enumerate(term.marks) if mark != NONE]
            rows = [term.variables[k] for k in steps]
            noise = np.diag([float(term.scales[k]) ** 2 for k in steps])
            covariance = matrices[part][:, rows][:, :, rows] + noise
            value, error = _orthant(covariance)
            weight = float(term.coefficient)
            values[part] += weight * value
            errors[part] += abs(weight) * error
    return values, errors


def _orthant(S: Float) -> tuple[Float, Float]:
    size = S.shape[-1]
    if size < 2:
        return np.full(len(S), 0.5**size), np.zeros(len(S))
    deviations = np.sqrt(np.diagonal(S, axis1=1, axis2=2))
    correlation = S / deviations[:, :, None] / deviations[:, None, :]
    smallest = np.maximum(np.linalg.eigvalsh(correlation)[:, 0], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        pairs = list(combinations(range(size), 2))
        share = 1 / (2 ** (size - 1) * np.pi)
        value = 0.5**size + share * sum(_arcsine(S, i, j) for i, j in pairs)
        error = _EPS + share * len(pairs) * _ARCSINE / np.sqrt(smallest)
        if size == 4:
            coarse, fine = (_four(S, order) for order in _ORDERS)
            value = value + fine / 16
            error = error + (_PARTIAL / smallest + np.abs(fine - coarse)) / 16
    return value, np.where(np.isfinite(value), error, np.inf)


def _arcsine(S: Float, i: int, j: int) -> Float:
    p, q, c = S[..., i, i], S[..., j, j], S[..., i, j]
    return np.asarray(np.arctan2(c, np.sqrt(np.maximum(cross(p, q, c, c), 0.0))))


def _four(S: Float, order: int) -> Float:
    """Return E of the product of four signs."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    edges = np.append(_SHRINK ** -np.arange(_PANELS, dtype=np.float64), 0.0)
    halves, middles = -np.diff(edges) / 2, (edges[:-1] + edges[1:]) / 2
    rest = (middles[:, None] + halves[:, None] * nodes).ravel()
    weight = (halves[:, None] * weights).ravel()
    t = 1 - rest
    between = np.array([[(i < 2) != (j < 2) for j in range(4)] for i in range(4)])
    switched = S[:, None] * np.where(between, t[:, None, None], 1.0)
    total = np.zeros(len(S))
    for i, j in product((0, 1), (2, 3)):
        k, l = 1 - i, 5 - j
        given = _given(_given(switched, i), j)
        share = _arcsine(given, k, l) * S[:, i, j, None]
        spread = cross(
            S[:, i, i, None], S[:, j, j, None], S[:, i, j, None] * t, S[:, i, j, None] * t
        )
        total += (share / np.sqrt(spread)) @ weight
    apart = _arcsine(S, 0, 1) * _arcsine(S, 2, 3)
    return np.asarray(4 / np.pi**2 * (apart + total))


def _given(S: Float, k: int) -> Float:
    """Return the covariance given variable k."""
    column = S[..., :, k]
    return np.asarray(S - column[..., :, None] * column[..., None, :] / S[..., k, k, None, None])
