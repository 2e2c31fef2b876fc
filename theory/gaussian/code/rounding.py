"""How far rounding can carry a float64 formula: a running error bound on a grid of the stated region."""

from dataclasses import replace

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory.activations import Activation
from theory.arithmetic import lower
from theory.arithmetic.float64 import EPS, Float64, Tracked
from theory.gaussian.code.routine import Centre, Meeting, Routine, Step, Tail
from theory.gaussian.expectation import Expectation, c, expectation, p, q

Float = NDArray[np.float64]

_VARIANCES = 10.0 ** np.arange(-3, 3.01, 0.5)
_GAPS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
_MODERATE = (1e-2, 0.1, 0.3, 0.5, 0.8, 1 - 1e-4, 1 - 1e-8)
# The worst point lies between those of the grid.
_MARGIN = 4.0


def bounds(routine: Routine) -> tuple[float, float]:
    """Return bounds of error/(|value| + S) for 1 - |rho| >= 1e-2, and down to 1e-8 and on the line.

    Variances from 1e-3 to 1e3. ``S`` is the product of ``size`` of f and g. First order in the unit
    roundoff, each function of the library being right to a few ulp.
    """
    F = routine.expectation
    results = [
        _relative(mean.expr, {p: _VARIANCES}, size(h, _VARIANCES))
        for mean, h in zip(routine.means, (F.f, F.g), strict=False)
    ]
    if routine.inside is None:
        return results[0], results[0]
    for gaps in (_MODERATE, _GAPS):
        rho = np.array([sign * (1 - gap) for gap in gaps for sign in (1, -1)])
        P, Q, R = (a.ravel() for a in np.meshgrid(_VARIANCES, _VARIANCES, rho, indexing="ij"))
        at = {p: P, q: Q, c: R * np.sqrt(P) * np.sqrt(Q)}
        results.append(_relative(routine.inside, at, _scale(F, P, Q)))
    P, Q = (a.ravel() for a in np.meshgrid(_VARIANCES, _VARIANCES, indexing="ij"))
    results += [_relative(expr, {p: P, q: Q}, _scale(F, P, Q)) for expr in routine.line]
    return max(results[0] + results[1], results[2]), max(results)


def size(f: Activation, variance: Float) -> Float:
    """Return sqrt(E[f(u)^2]), a Dirac mass counting by its absolute value: E|m delta(u - a)|."""
    masses = [replace(atom, coef=abs(atom.coef)) for atom in f.atoms if atom.is_dirac]
    regular = Activation.of([atom for atom in f.atoms if not atom.is_dirac])
    square = expectation(regular, regular).float64(variance, variance, variance)
    return np.asarray(np.sqrt(square) + expectation(Activation.of(masses)).float64(variance))


class _Portable(Float64):
    """The number system of running error bounds, with the functions that ``portable`` makes."""

    def apply(self, function: str, arguments: list[Tracked]) -> Tracked:
        (x, *_) = arguments
        if function == Tail.__name__:
            return super().apply("Phi", [Tracked(-x.value, x.error)])
        if function == Centre.__name__:
            twice = super().apply("erf", [self.mul([x, Tracked(np.array(2**-0.5), np.array(EPS))])])
            return Tracked(twice.value / 2, twice.error / 2)
        if function == Step.__name__:
            return super().apply("Heaviside", [x, Tracked.exact(0.5)])
        if function == Meeting.__name__:
            return super().apply("Coincidence", [x])
        return super().apply(function, arguments)


def _scale(F: Expectation, P: Float, Q: Float) -> Float:
    one, other = (size(h, _VARIANCES) for h in (F.f, F.g))
    return np.asarray(one[np.searchsorted(_VARIANCES, P)] * other[np.searchsorted(_VARIANCES, Q)])


def _relative(expr: sp.Expr, values: dict[sp.Symbol, Float], scale: Float) -> float:
    with np.errstate(all="ignore"):
        result = lower(expr, {s: Tracked.exact(v) for s, v in values.items()}, _Portable())
        error = result.error / (np.abs(result.value) + scale)
    finite = np.isfinite(result.value) & np.isfinite(scale)
    return _MARGIN * float(np.max(np.where(finite, error, 0.0)))
