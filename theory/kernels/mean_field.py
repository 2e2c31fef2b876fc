"""Mean-field theory of deep networks: how lengths, angles and gradients pass from layer to layer.

Lengths follow q -> s_w^2 E[sigma(u)^2] + s_b^2, u ~ N(0, q); at a length q the correlation follows
rho -> (s_w^2 E[sigma(u) sigma(v)] + s_b^2) / (s_w^2 E[sigma^2] + s_b^2); squared gradients are multiplied layer by
layer by chi_tt = s_w^2 E[sigma'^2] with the true derivative, chi_ss = s_w^2 E[tau^2] with the surrogate one, and
the tangent kernel's diagonal by chi_ts = s_w^2 E[sigma' tau]. Source: claim T64.

Stochastic weights of variance 1 have a mean m that stays and a rest that is drawn anew for every input. Lengths do not
notice; what two inputs share, and what gradients pass through, is m: s_w^2 is multiplied by E[m^2] there. Two inputs
may be one, seen twice. Source: claim T66.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import flint
import numpy as np
from flint import arb
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from theory.activations import Activation
from theory.activations.atoms import step
from theory.checks import finite, number, positive
from theory.errors import ArchitectureError, DomainError, InputError
from theory.gaussian import Expectation, expectation
from theory.kernels.brackets import fmpq, sign_change

Float = NDArray[np.float64]
PAIRS = ("tt", "ts", "ss")

# Lengths looked at: below, the activation is its value and slope at 0; above, its behaviour at infinity.
_SMALLEST, _LARGEST, _GRID = 1e-8, 1e8, 321


@dataclass(frozen=True)
class FixedPoint:
    """A value that a layer maps to itself, and the slope of the map there.

    ``depth_scale`` is the number of layers in which a deviation shrinks (or grows) by the factor e.
    """

    value: float
    slope: float

    @property
    def is_stable(self) -> bool:
        """Whether nearby values approach it."""
        return abs(self.slope) < 1

    @property
    def depth_scale(self) -> float:
        """1 / |ln |slope||: 0 for slope 0 or infinity, infinite at criticality."""
        return depth_scale(self.slope)


def depth_scale(factor: float) -> float:
    """Return 1/|ln |factor||, the layers after which powers of ``factor`` have changed by e."""
    if factor == 0 or np.isinf(factor):
        return 0.0
    rate = abs(np.log(abs(factor)))
    return np.inf if rate == 0 else float(1 / rate)


@dataclass(frozen=True)
class MeanField:
    """A deep network of equal layers, seen layer by layer in the limit of infinite width.

    Parameters
    ----------
    activation
        sigma.
    surrogate
        Function whose derivative tau replaces sigma' in the backward pass; default: the activation.
    weight_std, bias_std
        s_w > 0, s_b >= 0.
    mean_square
        E[m^2] in (0, 1] of weights of variance 1 with mean m, drawn anew for each input; 1 for weights that stay.

    Raises
    ------
    ArchitectureError
        If a function holds Dirac masses, or is none.
    InputError
        For standard deviations or a mean square out of range.
    """

    activation: Activation
    surrogate: Activation | None = None
    weight_std: float = 1.0
    bias_std: float = 0.0
    mean_square: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight_std", positive(self.weight_std, "weight_std"))
        object.__setattr__(self, "bias_std", number(self.bias_std, "bias_std"))
        if self.bias_std < 0:
            raise InputError(f"bias_std must be at least 0, got {self.bias_std}")
        object.__setattr__(self, "mean_square", positive(self.mean_square, "mean_square"))
        if self.mean_square > 1:
            raise InputError(
                f"mean_square is E[m^2] of weights of variance 1 and at most 1, got {self.mean_square}"
            )
        if self.surrogate is None:
            object.__setattr__(self, "surrogate", self.activation)
        for function in (self.activation, self.surrogate):
            if not isinstance(function, Activation) or function.has_dirac:
                raise ArchitectureError(
                    f"a mean-field layer needs functions without Dirac masses, such as th.sign() and "
                    f"th.hardtanh(1), got {function!r}"
                )

    # -- maps --------------------------------------------------------------------------------------

    def length_map(self, q: ArrayLike) -> Float:
        """Return s_w^2 E[sigma(u)^2] + s_b^2 for u ~ N(0, q), elementwise."""
        p = _lengths(q)
        return self.weight_std**2 * _on_line(_square(self.activation), p) + self.bias_std**2

    def length_slope(self, q: ArrayLike) -> Float:
        """Return the derivative of the length map, s_w^2 E[u sigma'(u) sigma(u)] / q, for q > 0."""
        p = _lengths(q)
        slope = expectation(_line() * self.activation.derivative, self.activation)
        return self.weight_std**2 * _on_line(slope, p) / p

    def correlation_map(self, rho: ArrayLike, q: float) -> Float:
        """Return the correlation after a layer of two inputs of length q and correlation ``rho`` in [-1, 1]."""
        length, values = positive(q, "q"), finite(rho, "rho")
        if np.any(np.abs(values) > 1):
            raise InputError(f"rho must lie in [-1, 1], got {rho!r}")
        p = np.full_like(values, length)
        product = _square(self.activation).float64(p, p, values * length)
        following = self._shared * product + self.bias_std**2
        return np.asarray(following / self.length_map(length))

    def correlation_slope(self, rho: ArrayLike, q: float) -> Float:
        """Return the derivative of the correlation map: E[m^2] s_w^2 q E[sigma' sigma'] / q_next (Price)."""
        length, values = positive(q, "q"), finite(rho, "rho")
        slope = self.activation.derivative
        p = np.full_like(values, length)
        product = expectation(slope, slope).float64(p, p, values * length)
        return np.asarray(self._shared * length * product / self.length_map(length))

    def chi(self, pair: str, q: ArrayLike) -> Float:
        """Return chi_tt, chi_ts or chi_ss at length q; infinite where two jumps meet."""
        return self._shared * self._moment(pair, _lengths(q))

    # -- fixed points ------------------------------------------------------------------------------

    @cached_property
    def lengths(self) -> tuple[FixedPoint, ...]:
        """All fixed points of the length map from 1e-8 to 1e8 that a grid of 20 points a decade tells apart, and 0.

        0 is one where s_b = 0 and sigma(0) = 0 without a jump there. ``certified_length`` proves them.
        """
        grid = np.geomspace(_SMALLEST, _LARGEST, _GRID)
        roots = _roots(lambda q: self.length_map(q) - q, grid)
        found = [FixedPoint(root, float(self.length_slope(root))) for root in roots]
        if float(self.length_map(0.0)) == 0 and float(self.length_map(_SMALLEST)) < 1e-3:
            found.insert(0, FixedPoint(0.0, float(self.length_slope(_SMALLEST))))
        return tuple(found)

    @cached_property
    def length(self) -> FixedPoint:
        """The stable fixed point of the length map that large inputs reach.

        Raises
        ------
        DomainError
            Where there is none: lengths grow without bound.
        """
        stable = [point for point in self.lengths if point.is_stable]
        if not stable or float(self.length_map(_LARGEST)) > _LARGEST:
            raise DomainError(
                f"lengths of {self.activation} at s_w = {self.weight_std:g}, s_b = {self.bias_std:g} have no stable "
                f"fixed point below {_LARGEST:g}: they grow or stand; use a smaller weight_std"
            )
        return stable[-1]

    def correlations(self, q: float | None = None) -> tuple[FixedPoint, ...]:
        """All fixed points of the correlation map at length q (default: the stable one), in increasing order.

        The map is a power series with non-negative coefficients whose sum is at most 1. On [0, 1] it is convex: at
        most two fixed points, 1 being one. On [-1, 0) it lies above the diagonal, but for odd functions without
        bias at -1. A slope at 1 above 1 means chaos: nearby inputs part. With stochastic weights 1 is none, and the
        only one on [0, 1] has a slope below 1 (claim T66). The identity without bias, which fixes all, counts as odd.
        """
        length = self._length_or(q)
        ends = [-1.0] if abs(float(self.correlation_map(-1.0, length)) + 1) < 1e-14 else []
        values = [*ends, *self._inner(length), *([1.0] if self.mean_square == 1 else [])]
        return tuple(FixedPoint(v, float(self.correlation_slope(v, length))) for v in values)

    def _inner(self, length: float) -> list[float]:
        """Return the fixed correlation in [0, 1), where there is one below 1 - 1e-9."""

        def excess(rho: float) -> float:
            return float(self.correlation_map(rho, length)) - rho

        if excess(0.0) == 0:
            return [0.0]
        if self.mean_square == 1 and float(self.correlation_slope(1.0, length)) <= 1:
            return []
        # Convex, and 0 at 1: below the diagonal from the fixed point on.
        beyond = (1.0 - 0.5**k for k in range(1, 31))
        end = 1.0 if self.mean_square < 1 else next((r for r in beyond if excess(r) <= 0), None)
        return [] if end is None else [brentq(excess, 0.0, end, xtol=1e-300, rtol=1e-15)]

    def certified_length(self, point: FixedPoint, digits: int = 30) -> arb:
        """Return a ball that contains a fixed point of the length map near ``point``, from a change of sign.

        Raises
        ------
        DomainError
            Where the sign does not change within a relative 1e-9: a double root, or none.

        Notes
        -----
        Standard deviations count as the binary numbers that they are.
        """
        scale, shift = (Fraction(std) ** 2 for std in (self.weight_std, self.bias_std))
        F = _square(self.activation)

        def excess(q: Fraction) -> arb:
            with flint.ctx.workprec(4 * digits + 64):
                square = F.ball(q, q, q, bits=4 * digits + 32)
                return square * fmpq(scale) + fmpq(shift) - fmpq(q)

        value, width = Fraction(point.value), Fraction(1, 10**9)
        return sign_change(excess, value * (1 - width), value * (1 + width), digits)

    @property
    def correlation(self) -> FixedPoint:
        """The fixed point that pairs of different inputs reach, at the stable length.

        1 in the ordered phase (depth scale: how fast inputs merge), below 1 in the chaotic one.
        """
        points = self.correlations()
        return next((p for p in reversed(points) if p.is_stable and p.value > -1), points[-1])

    @property
    def phase(self) -> str:
        """``"ordered"`` or ``"chaotic"``, as the largest fixed correlation is stable or not; ``"critical"`` at slope 1.

        With stochastic weights there is the ordered phase alone: the stable correlation is below 1.
        """
        slope = self.correlations()[-1].slope if self.mean_square < 1 else self._slope_at_one()
        if slope == 1:
            return "critical"
        return "ordered" if slope < 1 else "chaotic"

    def depth_scales(self) -> dict[str, float]:
        """Return the layers over which lengths, correlations and the three gradient products change by e."""
        q = self._length_or(None)
        return {
            "length": self.length.depth_scale,
            "correlation": self.correlation.depth_scale,
            **{pair: depth_scale(float(self.chi(pair, q))) for pair in PAIRS},
        }

    # -- critical lines ----------------------------------------------------------------------------

    def critical_line(self, pair: str, q: ArrayLike) -> tuple[Float, Float]:
        """Return (s_w^2, s_b^2) at which q is a fixed length and chi = 1: the critical line, by its length.

        ``"tt"`` is the edge of chaos, ``"ss"`` the line on which surrogate gradients neither explode nor
        vanish, ``"ts"`` that of a tangent kernel growing linearly with depth. s_b^2 < 0 means that no bias
        reaches this length; s_w^2 = 0 that chi is infinite. Standard deviations of this object do not enter.
        """
        p = _lengths(q)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            variance = 1 / (self.mean_square * self._moment(pair, p))
            bias = p - variance * _on_line(_square(self.activation), p)
        # Where chi vanishes no weight variance makes it 1.
        return variance, np.where(np.isinf(variance), -np.inf, bias)

    def critical_weight_std(self, pair: str) -> float:
        """Return the least s_w with chi = 1 at a fixed length, at this object's bias_std.

        Raises
        ------
        DomainError
            Where the critical line does not meet this bias.
        """
        grid = np.geomspace(_SMALLEST, _LARGEST, _GRID)

        def excess(q: Float) -> Float:
            variance, bias = self.critical_line(pair, q)
            return np.where(variance > 0, bias - self.bias_std**2, np.nan)

        roots = _roots(excess, grid)
        stds = [float(np.sqrt(self.critical_line(pair, root)[0])) for root in roots]
        if not stds:
            raise DomainError(
                f"chi_{pair} = 1 is not met at s_b = {self.bias_std:g} for any length from {_SMALLEST:g} to "
                f"{_LARGEST:g}: {self.activation} with surrogate {self.surrogate} has no such critical point there"
            )
        return min(stds)

    @property
    def _shared(self) -> float:
        """The weight variance that two inputs share."""
        return self.mean_square * self.weight_std**2

    def _slope_at_one(self) -> float:
        return float(self.correlation_slope(1.0, self._length_or(None)))

    def _moment(self, pair: str, p: Float) -> Float:
        if pair not in PAIRS:
            raise InputError(f'pair must be one of "tt", "ts", "ss", got {pair!r}')
        by_side = {"t": self.activation, "s": self.surrogate}
        first, second = (by_side[side].derivative for side in pair)  # type: ignore[union-attr]
        return _on_line(expectation(first, second), p)

    def _length_or(self, q: float | None) -> float:
        length = self.length.value if q is None else positive(q, "q")
        if length == 0:
            raise DomainError(
                f"lengths of {self.activation} at s_w = {self.weight_std:g} without bias shrink to 0, where "
                f"correlations have no limit map; give q, or add a bias"
            )
        return length


def _line() -> Activation:
    return Activation.of([step(1, 1)], "identity")


def _square(f: Activation) -> Expectation:
    return expectation(f, f)


def _on_line(F: Expectation, p: Float) -> Float:
    return F.float64(p, p, p)


def _lengths(q: ArrayLike) -> Float:
    values = finite(q, "q")
    if np.any(values < 0):
        raise InputError(f"q is a length and must be at least 0, got {q!r}")
    return values


def _roots(excess: Callable[[Any], Float], grid: Float) -> list[float]:
    """Return the sign changes of a function on a grid, refined; a grid point that is a root counts once."""
    values = excess(grid)
    exact = [float(x) for x in grid[values == 0]]
    with np.errstate(invalid="ignore"):
        turns = np.flatnonzero(values[:-1] * values[1:] < 0)
    refined = [
        brentq(
            lambda x: float(excess(np.float64(x))), grid[i], grid[i + 1], xtol=1e-300, rtol=1e-15
        )
        for i in turns
    ]
    return sorted([*exact, *refined])
