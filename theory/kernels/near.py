"""Pairs close to |rho| = 1: E[f(u) f(v)] and what it lacks to its bound, without cancellation (claim G4).

With m = sqrt(pq), P = E f(u)^2 and Q = E f(v)^2, and f odd or even where rho < 0,

    sqrt(P Q) - |E[f(u) f(v)]| = (what f at two variances of one variable lacks) + (what correlation 1 - delta lacks),

both sums of positive terms (``dilation``, ``gaps``). So 1 - |rho| of the next layer keeps its digits, and with it
E(f(u) - f(v))^2 and P - Q, however close u and v are.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from theory.activations import Activation
from theory.gaussian.dilation import dilations
from theory.gaussian.gaps import RULES, gap_moments
from theory.gaussian.kinks import Half, Kinks, halves, kinks
from theory.gaussian.lanes import DONE
from theory.gaussian.origin import angle_gaps

Float = NDArray[np.float64]


@dataclass
class Law:
    """(u, v) ~ N(0, [[p, c], [c, q]]) of some pairs.

    Attributes
    ----------
    p, q
        Variances.
    excess
        p - q, known better than from p and q.
    delta
        1 - |rho|.
    sign
        The sign of c.
    """

    p: Float
    q: Float
    excess: Float
    delta: Float
    sign: Float

    def of(self, which: NDArray[np.intp]) -> "Law":
        """Return some of the pairs."""
        return Law(*(part[which] for part in vars(self).values()))

    @property
    def size(self) -> Float:
        """sqrt(pq)."""
        return np.sqrt(self.p) * np.sqrt(self.q)

    @property
    def covariance(self) -> Float:
        """E[u v]."""
        return self.sign * self.size * (1.0 - self.delta)

    @property
    def determinant(self) -> Float:
        """P q - c^2."""
        return self.p * self.q * self.delta * (2.0 - self.delta)

    @property
    def distance(self) -> Float:
        """E(u - v)^2, every term positive."""
        out = np.empty(self.p.size)
        _distances(self.p, self.q, self.excess, self.delta, self.sign, out)
        return out

    def affine(self, scale: float, shift: float) -> "Law":
        """Return the law of scale * covariance + shift: pre-activations with a common bias."""
        p, q, excess, delta, sign = np.empty((5, self.p.size))
        _affine(
            self.p, self.q, self.excess, self.delta, self.sign, scale, shift,
            p, q, excess, delta, sign,
        )  # fmt: skip
        return Law(p, q, excess, delta, sign)

    @staticmethod
    def at(which: NDArray[np.intp], p: Float, q: Float, c: Float, det: Float) -> "Law":
        """Return the law of some points, p - q as it comes from p and q."""
        law = Law(*np.empty((5, which.size)))
        _at(which, p, q, c, det, law.p, law.q, law.excess, law.delta, law.sign)
        return law


# Pairs are few, and many small arrays would cost more than the arithmetic: these are compiled.


@njit(nogil=True, error_model="numpy")
def _distance(p: float, q: float, excess: float, delta: float, sign: float) -> float:
    size = math.sqrt(p) * math.sqrt(q)
    if sign > 0.0:
        step = excess / (math.sqrt(p) + math.sqrt(q))
        return step * step + 2.0 * size * delta
    return p + q + 2.0 * size * (1.0 - delta)


@njit(nogil=True, error_model="numpy")
def _one_minus_correlation(p: float, q: float, det: float) -> float:
    """Return 1 - |rho| from the determinant p q - c^2."""
    square = min(det / (p * q), 1.0)
    return square / (1.0 + math.sqrt(1.0 - square))


@njit(nogil=True, cache=True, error_model="numpy")
def _distances(p: Float, q: Float, excess: Float, delta: Float, sign: Float, out: Float) -> None:
    for i in range(p.size):
        out[i] = _distance(p[i], q[i], excess[i], delta[i], sign[i])


@njit(nogil=True, cache=True, error_model="numpy")
def _affine(
    p: Float, q: Float, excess: Float, delta: Float, sign: Float, scale: float, shift: float,
    to_p: Float, to_q: Float, to_excess: Float, to_delta: Float, to_sign: Float,
) -> None:  # fmt: skip
    for i in range(p.size):
        to_p[i], to_q[i] = scale * p[i] + shift, scale * q[i] + shift
        to_excess[i] = scale * excess[i]
        det = p[i] * q[i] * delta[i] * (2.0 - delta[i])
        apart = _distance(p[i], q[i], excess[i], delta[i], sign[i])
        to_delta[i] = _one_minus_correlation(
            to_p[i], to_q[i], scale * (scale * det + shift * apart)
        )
        c = sign[i] * (math.sqrt(p[i]) * math.sqrt(q[i])) * (1.0 - delta[i])
        to_sign[i] = 1.0 if scale * c + shift >= 0.0 else -1.0


@njit(nogil=True, cache=True, error_model="numpy")
def _at(
    which: NDArray[np.intp], p: Float, q: Float, c: Float, det: Float,
    to_p: Float, to_q: Float, to_excess: Float, to_delta: Float, to_sign: Float,
) -> None:  # fmt: skip
    for i in range(which.size):
        k = which[i]
        to_p[i], to_q[i], to_excess[i] = p[k], q[k], p[k] - q[k]
        to_delta[i] = _one_minus_correlation(p[k], q[k], det[k])
        to_sign[i] = 1.0 if c[k] >= 0.0 else -1.0


@dataclass(frozen=True)
class _Homogeneous:
    """What becomes of 1 - |rho| and of p - q under f of degree 1 or 0, a jump plus a constant included.

    Attributes
    ----------
    lack
        1 - |rho| of the next layer: a delta + b t + c J(t), as ``angle_gaps``.
    rise
        (P - Q)/(p - q).
    """

    lack: tuple[float, float, float]
    rise: float

    @staticmethod
    def of(form: Kinks) -> "_Homogeneous | None":
        if form.slopes is not None:
            right, left = form.slopes
            square = right**2 + left**2
            return _Homogeneous((1.0, 0.0, -((right + left) ** 2) / (square * np.pi)), square / 2)
        if form.step is not None and form.step[2] == 0.0:
            constant, weight, _ = form.step
            return _Homogeneous((0.0, 2 / np.pi * weight**2 / (constant**2 + weight**2), 0.0), 0.0)
        return None


@dataclass(frozen=True)
class _Tables:
    """An activation as arrays, and by its halves."""

    poly: Float
    kinks: Float
    scales: Float
    parts: tuple[Half, ...]
    homogeneous: _Homogeneous | None


@cache
def _tables(f: Activation) -> _Tables | None:
    """Return what is needed of f, or None if it has other kinks than jumps, or changes of slope, in each half."""
    form, parts = kinks(f), halves(f)
    if form is None or parts is None or any(len(np.unique(h.table[:, 0])) > 1 for h in parts):
        return None
    poly, scales = np.array([form.constant, form.slope]), np.array(form.scales).reshape(-1, 3)
    return _Tables(poly, form.table, scales, parts, _Homogeneous.of(form))


def is_covered(f: Activation) -> bool:
    """Whether ``image`` knows the function."""
    return _tables(f) is not None


def image(f: Activation, law: Law, P: Float, Q: Float) -> tuple[Law, NDArray[np.bool_]]:
    """Return the law of (f(u), f(v)), and where it is good; P and Q are E f(u)^2 and E f(v)^2.

    Relative error of 1 - |rho|, of P - Q and of E(f(u) - f(v))^2 about 1e-13, for one layer, where it is good.
    """
    found = _tables(f)
    assert found is not None
    good = (law.sign > 0) | (f.parity != 0)
    good &= (law.delta > 0) & (law.delta <= 1.0) & (P > 0) & (Q > 0)
    sign = np.ones_like(law.sign) if f.parity == 1 else law.sign
    if found.homogeneous is not None:
        delta = np.empty_like(law.delta)
        angle_gaps(law.delta, *found.homogeneous.lack, delta)
        good &= law.delta <= 0.25
        return Law(P, Q, found.homogeneous.rise * law.excess, delta, sign), good
    # Exchange changes no bit: the larger variance comes first.
    swap = law.excess < 0
    p, q = np.where(swap, law.q, law.p), np.where(swap, law.p, law.q)
    one, other = np.where(swap, Q, P), np.where(swap, P, Q)
    excess, lack, difference = np.abs(law.excess), np.zeros_like(p), np.zeros_like(p)
    some = np.flatnonzero((excess > 0) & good)
    if some.size:
        rise, short = np.empty(some.size), np.empty(some.size)
        dilations(
            p[some], q[some], excess[some], one[some], other[some],
            found.poly, found.kinks, found.scales, rise, short,
        )  # fmt: skip
        difference[some], lack[some] = rise, short
    for equal in (True, False):
        these = np.flatnonzero(((excess > 0) != equal) & good)
        for half in found.parts if these.size else ():
            value, status = np.empty(these.size), np.empty(these.size, np.int8)
            gap_moments(
                p[these], q[these], excess[these], law.delta[these], value, status,
                half.slope, half.table, half.scales, half.odd, equal, *RULES,
            )  # fmt: skip
            # Between far norms a gap may be too small for its own digits, and then counts no more.
            good[these] &= (status == DONE) | (np.abs(value) <= 1e-16 * lack[these])
            lack[these] += value
    with np.errstate(invalid="ignore", divide="ignore"):
        delta = lack / (np.sqrt(one) * np.sqrt(other))
        # Beyond, the product itself would be the difference of nearly equal numbers.
        good &= delta <= 0.5
    return Law(P, Q, np.where(swap, -difference, difference), delta, sign), good
