"""Vectorised float64 that carries a running error bound, and asks for balls where it is too wide."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.special import erf, erfc, ndtr, owens_t, wofz

Float = NDArray[np.float64]
# Unit roundoff: the relative error of one correctly rounded operation.
EPS = float(np.finfo(np.float64).eps) / 2
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Tracked:
    """Values and a running bound of their absolute rounding error (first order, Higham 2002, ch. 3)."""

    value: Float
    error: Float

    @classmethod
    def exact(cls, value: Float | float) -> "Tracked":
        """Wrap numbers that are exactly what they store."""
        array = np.asarray(value, dtype=np.float64)
        return cls(array, np.zeros_like(array))


class Float64:
    """The number system of float64 arrays with running error bounds."""

    name = "float64"

    def rational(self, numerator: int, denominator: int) -> Tracked:
        """Return the nearest double."""
        value = numerator / denominator
        rounded = sp.Rational(value) != sp.Rational(numerator, denominator)
        return Tracked(np.float64(value), np.float64(EPS * abs(value) if rounded else 0.0))  # type: ignore[arg-type]

    def pi(self) -> Tracked:
        """Return pi."""
        return Tracked(np.float64(np.pi), np.float64(EPS * np.pi))  # type: ignore[arg-type]

    def infinity(self) -> Tracked:
        """Return plus infinity."""
        return Tracked.exact(np.inf)

    def add(self, terms: list[Tracked]) -> Tracked:
        """Return a sum."""
        value, error = terms[0].value, terms[0].error
        for term in terms[1:]:
            value = value + term.value
            error = error + term.error + EPS * np.abs(value)
        return Tracked(value, error)

    def mul(self, factors: list[Tracked]) -> Tracked:
        """Return a product."""
        result = factors[0]
        for factor in factors[1:]:
            value = result.value * factor.value
            error = (
                np.abs(result.value) * factor.error
                + result.error * (np.abs(factor.value) + factor.error)
                + EPS * np.abs(value)
                + TINY * ((result.value != 0) & (factor.value != 0))
            )
            result = Tracked(value, error)
        return result

    def power(self, base: Tracked, exponent: sp.Rational) -> Tracked:
        """Return an integer or half-integer power."""
        x = base
        if exponent.q == 2:
            root = np.sqrt(np.maximum(x.value, 0.0))
            x = Tracked(root, x.error / np.sqrt(np.maximum(x.value, x.error) + TINY) + EPS * root)
        n = int(exponent.p)
        result = x if abs(n) == 1 else self.mul([x] * abs(n))
        return self._inverse(result) if n < 0 else result

    def apply(self, function: str, arguments: list[Tracked]) -> Tracked:
        """Return a function value."""
        return _RULES[function](*arguments)

    def _inverse(self, x: Tracked) -> Tracked:
        value = 1.0 / x.value
        room = np.maximum(np.abs(x.value) - x.error, 0.0)
        return Tracked(value, x.error * np.abs(value) / room + EPS * np.abs(value))


def cross(a: Float, b: Float, c: Float, d: Float) -> Float:
    """Return ``a*b - c*d`` to 2 ulp: both products are split into exact sums (Dekker 1971)."""
    high, low = two_product(a, b)
    other, rest = two_product(c, d)
    gap = high - other
    # Knuth's two-sum keeps what the subtraction of the high parts rounds away.
    back = gap - high
    lost = (high - (gap - back)) + (-other - back)
    return gap + (lost + (low - rest))


def two_product(a: Float, b: Float) -> tuple[Float, Float]:
    """Return the rounded product and its exact rounding error (Veltkamp and Dekker)."""
    product = np.asarray(a * b)
    a1, a2 = _split(a)
    b1, b2 = _split(b)
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def _split(a: Float) -> tuple[Float, Float]:
    t = 134217729.0 * a
    high = t - (t - a)
    return high, a - high


def _cross(a: Tracked, b: Tracked, c: Tracked, d: Tracked) -> Tracked:
    value = cross(a.value, b.value, c.value, d.value)
    error = (
        np.abs(a.value) * b.error
        + a.error * (np.abs(b.value) + b.error)
        + np.abs(c.value) * d.error
        + c.error * (np.abs(d.value) + d.error)
        + 3 * EPS * np.abs(value)
        + TINY
    )
    return Tracked(value, error)


def _density(x: Float) -> Float:
    return np.asarray(np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi))


def _phi(x: Tracked) -> Tracked:
    value = _density(x.value)
    steepest = _density(np.maximum(np.abs(x.value) - x.error, 0.0)) * (np.abs(x.value) + x.error)
    return Tracked(value, steepest * x.error + EPS * (x.value**2 + 6) * value + TINY)


def _normal_cdf(x: Tracked) -> Tracked:
    value = ndtr(x.value)
    slope = _density(np.maximum(np.abs(x.value) - x.error, 0.0))
    tail = np.where(x.value < 0, x.value**2, 0.0)
    return Tracked(value, slope * x.error + EPS * (2 * tail + 6) * value + TINY)


def _owen_t(h: Tracked, a: Tracked) -> Tracked:
    value = owens_t(h.value, a.value)
    nearest = np.maximum(np.abs(a.value) - a.error, 0.0)
    by_h = _density(np.maximum(np.abs(h.value) - h.error, 0.0)) / 2
    by_a = _density(h.value * np.sqrt(1 + nearest**2)) / np.sqrt(2 * np.pi) / (1 + nearest**2)
    # T lies between -1/4 and 1/4: an unbounded second argument costs no more than the whole range.
    by_a = np.minimum(by_a * a.error, 0.5)
    # Patefield and Tandy (2000): 16 decimals of the leading term exp(-h**2/2)/4; exp loses h**2 ulp.
    rounding = EPS * ((2 * h.value**2 + 8) * np.abs(value) + _density(h.value))
    return Tracked(value, by_h * h.error + by_a + rounding + TINY)


def _phi_complex(x: Tracked, y: Tracked, part: Callable[[Any], Float]) -> Tracked:
    below = -np.abs(x.value)
    side = np.where(x.value > 0, -1.0, 1.0)
    # exp(-y^2/2) Phi(z) by the Faddeeva function where it is bounded, Re z < 0 (Poppe and Wijers 1990).
    turned = np.exp(-1j * below * (side * y.value)) * wofz(
        (side * y.value - 1j * below) / np.sqrt(2)
    )
    damped = np.exp(-(below**2) / 2) * np.abs(turned) / 2
    lower = part(np.exp(-(below**2) / 2) * turned / 2)
    whole = part(np.exp(-(y.value**2) / 2) + 0j)
    value = np.where(x.value > 0, whole - lower, lower)
    # |d/dx| is the density; |d/dy| is E[|Z|] above -x at most. SciPy states 1e-13 for the Faddeeva function.
    moved = _density(np.maximum(np.abs(x.value) - x.error, 0.0)) * x.error + 0.8 * y.error
    angle = EPS * (np.abs(below * y.value) + below**2 + y.value**2 + 8)
    return Tracked(value, moved + (1e-14 + angle) * damped + 4 * EPS * np.abs(value) + TINY)


def _voigt(x: Tracked, y: Tracked) -> Tracked:
    value = np.real(wofz(x.value + 1j * y.value))
    # |w'| <= 2/sqrt(pi) in the upper half plane.
    return Tracked(value, 1.2 * (x.error + y.error) + 1e-13 * np.abs(value) + TINY)


def _arc(P: Tracked, Q: Tracked, c: Tracked) -> Tracked:
    root = Float64().power(_cross(P, Q, c, c), sp.Rational(1, 2))
    return _atan2(c, root)


def _atan2(y: Tracked, x: Tracked) -> Tracked:
    value = np.arctan2(y.value, x.value)
    square = x.value**2 + y.value**2 + TINY
    moved = (np.abs(x.value) * y.error + np.abs(y.value) * x.error) / square
    return Tracked(value, moved + 4 * EPS * np.abs(value))


def _smooth(
    f: Callable[[Float], Float], slope: Callable[[Float], Float]
) -> Callable[[Tracked], Tracked]:
    def rule(x: Tracked) -> Tracked:
        value = np.asarray(f(x.value))
        return Tracked(value, np.abs(slope(x.value)) * x.error + 4 * EPS * np.abs(value) + TINY)

    return rule


def _extreme(choose: Callable[[Float, Float], Float]) -> Callable[..., Tracked]:
    def rule(first: Tracked, *rest: Tracked) -> Tracked:
        for other in rest:
            worst = np.maximum(first.error, other.error)
            first = Tracked(choose(first.value, other.value), worst)
        return first

    return rule


def _heaviside(x: Tracked, middle: Tracked) -> Tracked:
    return Tracked.exact(np.where(np.abs(x.value) <= x.error, middle.value, x.value > 0))


def _coincidence(x: Tracked) -> Tracked:
    return Tracked.exact(np.where(np.abs(x.value) <= x.error, np.inf, 0.0))


_RULES: dict[str, Callable[..., Tracked]] = {
    "Phi": _normal_cdf,
    "phi": _phi,
    "OwenT": _owen_t,
    "PhiCos": lambda x, y: _phi_complex(x, y, np.real),
    "PhiSin": lambda x, y: _phi_complex(x, y, np.imag),
    "Voigt": _voigt,
    "Cross": _cross,
    "Arc": _arc,
    "Heaviside": _heaviside,
    "Coincidence": _coincidence,
    "Max": _extreme(np.maximum),
    "Min": _extreme(np.minimum),
    "atan": _smooth(np.arctan, lambda x: 1 / (1 + x**2)),
    "erf": _smooth(erf, lambda x: 2 / np.sqrt(np.pi) * np.exp(-(x**2))),
    "erfc": _smooth(erfc, lambda x: 2 / np.sqrt(np.pi) * np.exp(-(x**2))),
    "exp": _smooth(np.exp, np.exp),
    "sin": _smooth(np.sin, np.ones_like),
    "cos": _smooth(np.cos, np.ones_like),
}
