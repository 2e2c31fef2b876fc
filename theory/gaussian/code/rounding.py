"""How far rounding can carry a float64 formula: a running error bound on a grid of the stated region."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory.activations import Activation
from theory.arithmetic import lower
from theory.arithmetic.float64 import EPS, Float64, Tracked
from theory.errors import InputError
from theory.gaussian.code.routine import Centre, Meeting, Routine, Step, Tail
from theory.gaussian.expectation import Expectation, c, expectation, p, q

Float = NDArray[np.float64]
Profile = tuple[Float, Float]

_VARIANCES = 10.0 ** np.arange(-3, 3.01, 0.5)
_GAPS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
_MODERATE = (1e-2, 0.1, 0.3, 0.5, 0.8, 1 - 1e-4, 1 - 1e-8)
# The worst point lies between those of the grid.
_MARGIN = 4.0
# A formula with less than six digits left is not worth exporting.
_USELESS = 1e-6


@dataclass(frozen=True)
class Accuracy:
    """Bounds of error/(|value| + S): for 1 - |rho| >= 1e-2, and down to 1e-8 and on the line.

    They hold for variances from 1e-3 to ``largest``, S being the product of ``size`` of f and g.
    """

    largest: float
    apart: float
    near: float


def accuracy(routines: Sequence[Routine]) -> Accuracy:
    """Return what float64 keeps of all these formulas, on the largest region where it is at least 6 digits.

    First order in the unit roundoff, each function of the library being right to a few ulp.

    Raises
    ------
    InputError
        Where not even variances up to 1 leave six digits.
    """
    profiles = [_profile(routine) for routine in routines]
    for largest in _VARIANCES[::-1]:
        apart, near = (
            max(
                float(np.max(errors[reach <= largest]))
                for one in profiles
                for reach, errors in one[i]
            )
            for i in (0, 1)
        )
        if largest >= 1 and max(apart, near) <= _USELESS:
            return Accuracy(float(largest), apart, max(apart, near))
    titles = ", ".join(routine.title for routine in routines)
    raise InputError(
        f"float64 keeps less than six digits of {titles} as one formula; choose the target "
        f"python-mpmath or mathematica, or let hardlimit evaluate it"
    )


def _profile(routine: Routine) -> tuple[list[Profile], list[Profile]]:
    """Return relative errors with the larger variance of each point: away from the line, and near it."""
    F = routine.expectation
    means = [
        _relative(mean.expr, {p: _VARIANCES}, size(h, _VARIANCES))
        for mean, h in zip(routine.means, (F.f, F.g), strict=False)
    ]
    if routine.inside is None:
        return [(_VARIANCES, means[0])], [(_VARIANCES, means[0])]
    inside: list[Profile] = []
    for gaps in (_MODERATE, _GAPS):
        rho = np.array([sign * (1 - gap) for gap in gaps for sign in (1, -1)])
        P, Q, R = (a.ravel() for a in np.meshgrid(_VARIANCES, _VARIANCES, rho, indexing="ij"))
        at = {p: P, q: Q, c: R * np.sqrt(P) * np.sqrt(Q)}
        errors = _relative(routine.inside, at, _scale(F, P, Q))
        inside.append((np.maximum(P, Q), errors))
    P, Q = (a.ravel() for a in np.meshgrid(_VARIANCES, _VARIANCES, indexing="ij"))
    reach = np.maximum(P, Q)
    line = [
        (reach, _relative(e, {p: P, q: Q}, _scale(F, P, Q), infinite=True)) for e in routine.line
    ]
    # A product has the sum of the relative errors of its factors.
    product = (reach, np.add.outer(*means).ravel())
    return [inside[0], product], [inside[1], *line]


def size(f: Activation, variance: Float) -> Float:
    """Return sqrt(E[f(u)^2]), a Dirac mass counting by its absolute value: E|m delta(u - a)|."""
    if not f.has_dirac:
        return np.asarray(np.sqrt(expectation(f, f).float64(variance, variance, variance)))
    # Expectations are kept by function: parts that are functions of their own keep the name.
    masses = [replace(atom, coef=abs(atom.coef)) for atom in f.atoms if atom.is_dirac]
    regular = [atom for atom in f.atoms if not atom.is_dirac]
    heavy, light = (Activation.of(a, f.name, f.parameters, f.label) for a in (masses, regular))
    return size(light, variance) + expectation(heavy).float64(variance)


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


def _relative(
    expr: sp.Expr, values: dict[sp.Symbol, Float], scale: Float, *, infinite: bool = False
) -> Float:
    with np.errstate(all="ignore"):
        result = lower(expr, {s: Tracked.exact(v) for s, v in values.items()}, _Portable())
        error = np.broadcast_to(result.error / (np.abs(result.value) + scale), scale.shape)
    value = np.broadcast_to(result.value, scale.shape)
    # Only on the line may a value be infinite: elsewhere that is an overflow.
    meant = np.isinf(value) if infinite else np.zeros(value.shape, dtype=bool)
    return np.where(meant, 0.0, np.where(np.isfinite(error), _MARGIN * error, np.inf))
