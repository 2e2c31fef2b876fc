"""E[f(u)^2] - E[f(u) f(v)] in float64: vector code where it keeps its digits, balls elsewhere."""

from functools import cache
from typing import TYPE_CHECKING

import flint
import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from theory.checks import finite
from theory.errors import DomainError, InputError
from theory.gaussian.evaluation import broadcast, variance
from theory.gaussian.fused import in_slices
from theory.gaussian.gaps import RULES, gap_moments
from theory.gaussian.kinks import Half, halves
from theory.gaussian.lanes import DONE, OTHER_WAY

if TYPE_CHECKING:
    from theory.gaussian.expectation import Expectation

Float = NDArray[np.float64]
Status = NDArray[np.int8]

# A gap that is smaller than 2**-4096 of E[f^2] is 0 in float64.
_MOST_BITS = 4096


def gap(F: "Expectation", p: ArrayLike, delta: ArrayLike, threads: int) -> Float:
    """Evaluate E[f(u)^2] - E[f(u) f(v)] at equal variances p and correlation 1 - delta."""
    parts = _halves(F)
    P, D = broadcast(variance(finite(p, "p"), "p"), finite(delta, "delta"))
    if np.any((D < 0) | (D > 2)):
        raise InputError(
            f"delta = 1 - correlation must lie in [0, 2], got {D[(D < 0) | (D > 2)][0]}"
        )
    P, D, shape = P.ravel(), D.ravel(), P.shape
    values, status = np.zeros(P.shape), np.full(P.shape, OTHER_WAY, np.int8)
    status[(P == 0) | (D == 0)] = DONE
    if parts is not None:
        inside = np.flatnonzero(status == OTHER_WAY)
        values[inside], status[inside] = _sum(parts, P[inside], D[inside], threads)
    left = np.flatnonzero(status == OTHER_WAY)
    if left.size:
        points, where = np.unique(np.stack([P[left], D[left]]), axis=1, return_inverse=True)
        values[left] = np.array([_ball_gap(F, p, d) for p, d in points.T])[where.reshape(-1)]
    return values.reshape(shape)


@cache
def _halves(F: "Expectation") -> tuple[Half, ...] | None:
    """Return the odd and the even part of f, or None where one has kinks of both orders or of another."""
    if F.f != F.g:
        raise InputError(f"a gap is between two values of one function; got {F.f} and {F.g}")
    if F.f.has_dirac:
        raise DomainError(f"E[{F.f}(u)^2] is infinite: {F.f} holds Dirac masses")
    parts = halves(F.f)
    if parts is None or any(len(np.unique(half.table[:, 0])) > 1 for half in parts):
        return None
    return parts


def _sum(parts: tuple[Half, ...], p: Float, delta: Float, threads: int) -> tuple[Float, Status]:
    """Add the gaps of both parts. At -v an even part has its value at v, an odd one the opposite."""
    values, status = np.zeros(p.shape), np.full(p.shape, DONE, np.int8)
    near = np.minimum(delta, 2.0 - delta)
    beyond = delta > 1.0
    for half in parts:
        here, state = _part(half, p, near, threads)
        if half.odd and np.any(beyond):
            # E f^2 = the gap at delta = 1, and E[f f](-c) = -E[f f](c)
            square, other = _part(half, p[beyond], np.ones(beyond.sum()), threads)
            here[beyond] = 2.0 * square - here[beyond]
            state[beyond] = np.maximum(state[beyond], other)
        values += here
        status = np.maximum(status, state)
    return values, status


def _part(half: Half, p: Float, delta: Float, threads: int) -> tuple[Float, Status]:
    out, status = np.zeros(p.shape), np.full(p.shape, DONE, np.int8)
    some = np.flatnonzero(delta > 0)
    one, other, none = p[some], delta[some], np.zeros(some.size)
    value, state = np.empty(some.size), np.empty(some.size, np.int8)

    def work(s: slice) -> None:
        gap_moments(
            one[s], one[s], none[s], other[s], value[s], state[s],
            half.slope, half.table, half.scales, half.odd, True, *RULES,
        )  # fmt: skip

    in_slices(work, some.size, threads)
    out[some], status[some] = value, state
    return out, status


def _ball_gap(F: "Expectation", p: float, delta: float) -> float:
    P, D = sp.Rational(p), sp.Rational(delta)
    bits = 128
    while True:
        top, inside = F.ball(P, P, P, bits=bits), F.ball(P, P, P * (1 - D), bits=bits)
        with flint.ctx.workprec(bits):
            difference = top - inside
        if difference.rel_accuracy_bits() >= 56 or bits > _MOST_BITS:
            return float(difference.mid())
        bits *= 2
