"""Proximal quantizers as data: the forward map at every sharpness, its levels, and what predicts in the end."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, log2
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory import checks
from theory.activations import Activation
from theory.activations.atoms import curve
from theory.activations.cases.tanh import tanh_atom
from theory.activations.curves import Curve, y
from theory.activations.parameters import positive
from theory.errors import InputError
from theory.quantized.maps import Map, Number

Array = NDArray[Any]
SIGNS = (-1, 1)
TRITS = (-1, 0, 1)


class Quantizer(ABC):
    """A forward map of latent weights that depends on a sharpness mu > 0 (1/pi of ProxConnect)."""

    @abstractmethod
    def __call__(self, latent: Array, mu: Number) -> Array:
        """Return the quantized weights."""

    @abstractmethod
    def final(self, latent: Array) -> Array:
        """Return the weights that predict once training is over."""

    @property
    @abstractmethod
    def bits(self) -> int:
        """Bits a weight of what predicts."""


@dataclass(frozen=True)
class Levels(Quantizer):
    """A quantizer onto finitely many levels; it is what predicts, and what others tend to.

    Parameters
    ----------
    levels
        At least two increasing numbers, exact or float.
    """

    levels: tuple[Number, ...] = SIGNS

    def __post_init__(self) -> None:
        levels = tuple(self.levels)
        if len(levels) < 2 or any(not low < high for low, high in pairwise(levels)):
            raise InputError(f"levels must be at least two increasing numbers, got {self.levels!r}")
        object.__setattr__(self, "levels", levels)

    @abstractmethod
    def map(self, mu: Number) -> Map:
        """Return the forward map as data."""

    def __call__(self, latent: Array, mu: Number) -> Array:
        """Return the quantized weights."""
        return self.map(mu)(latent)

    def final(self, latent: Array) -> Array:
        """Return the nearest levels."""
        return projection(self.levels)(latent)

    @property
    def bits(self) -> int:
        """Bits of a code for the levels."""
        return ceil(log2(len(self.levels)))

    @property
    def gaps(self) -> list[tuple[Number, Number, Number, Number]]:
        """(level, next level, midpoint, half the distance)."""
        pairs = pairwise(self.levels)
        return [(low, high, _half(low + high), _half(high - low)) for low, high in pairs]


def _half(value: Number) -> Number:
    return Fraction(value) / 2 if isinstance(value, int | Fraction) else value / 2


def projection(levels: Sequence[Number]) -> Map:
    """Return the map to the nearest level; a midpoint goes to the level nearer 0, sign(0) = 1."""
    middles = [_half(low + high) for low, high in pairwise(levels)]
    return Map(tuple(middles), (0,) * len(levels), tuple(levels))


@dataclass(frozen=True)
class Projection(Levels):
    """The nearest level at every sharpness: the proximal map of the indicator of the levels (BinaryConnect)."""

    def map(self, mu: Number) -> Map:  # noqa: ARG002 - an indicator times mu is itself
        """Return the projection."""
        return projection(self.levels)


@dataclass(frozen=True)
class PiecewiseLinear(Levels):
    """L_rho^varrho of ProxConnect: flat by rho at every level, a jump that leaves varrho on each side of a midpoint.

    At sharpness mu the flat parts are mu * rho long, the values next to a jump mu * varrho from it, both at most half a
    gap: rho = varrho = 0 is the clipped identity, rho = inf or varrho = inf the projection. Source: section 1.1 (the
    formula is recalled, not read; that both lengths grow with mu is this library's choice).

    Raises
    ------
    InputError
        For a negative rho or varrho.
    """

    rho: Number = 1
    varrho: Number = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in (("rho", self.rho), ("varrho", self.varrho)):
            if value < 0:
                raise InputError(f"{name} must be at least 0, got {value}")

    def map(self, mu: Number) -> Map:
        """Return L at flat length mu * rho and jump mu * varrho."""
        pieces: list[tuple[Number, Number]] = [(0, self.levels[0])]
        breaks: list[Number] = []
        for low, high, middle, half in self.gaps:
            flat, rest = (
                min(mu * value if value else 0, half) for value in (self.rho, self.varrho)
            )
            # From (low + flat, low) up to (middle, middle - rest), and the mirror image above the midpoint.
            if flat == half:
                pieces.append((0, high))
                breaks.append(middle)
                continue
            slope = _ratio(half - rest, half - flat)
            pieces += [
                (slope, low - slope * (low + flat)),
                (slope, high - slope * (high - flat)),
                (0, high),
            ]
            breaks += [low + flat, middle, high - flat]
        return Map.through(pieces, breaks)


def _ratio(above: Number, below: Number) -> Number:
    exact = all(isinstance(value, int | Fraction) for value in (above, below))
    return Fraction(above) / below if exact else above / below


@dataclass(frozen=True)
class PAR(Levels):
    r"""Proximal map of mu * Psi, Psi(w) = max_k a_k (|w| - q_k) + b_k: piecewise-affine regularisation (PARQ).

    Parameters
    ----------
    levels
        Symmetric about a level 0; those of at least 0 are 0 = q_0 < q_1 < ...
    slopes
        a_0 < a_1 < ... of at least 0, one fewer than the q: the last is infinite, so weights stay within the levels.

    Raises
    ------
    InputError
        If levels are not symmetric about a level 0, or slopes do not increase from at least 0 or do not fit them.
    """

    levels: tuple[Number, ...] = TRITS
    slopes: tuple[Number, ...] = (Fraction(1, 2),)

    def __post_init__(self) -> None:
        super().__post_init__()
        mirrored = tuple(-level for level in self.levels[::-1])
        if mirrored != self.levels or 0 not in self.levels:
            raise InputError(f"PAR needs levels symmetric about a level 0, got {self.levels}")
        slopes, wanted = tuple(self.slopes), len(self._magnitudes) - 1
        rising = all(low < high for low, high in pairwise((-1, *slopes)))
        if len(slopes) != wanted or not rising or (slopes and slopes[0] < 0):
            raise InputError(
                f"slopes must be {wanted} increasing numbers of at least 0 for the magnitudes {self._magnitudes}, "
                f"got {self.slopes!r}"
            )
        object.__setattr__(self, "slopes", slopes)

    @property
    def _magnitudes(self) -> tuple[Number, ...]:
        return tuple(level for level in self.levels if level >= 0)

    def penalty(self, w: Number) -> Number:
        """Return Psi at one number; ``inf`` beyond the last level."""
        size, q = abs(w), self._magnitudes
        if size > q[-1]:
            return np.inf
        height, values = 0, []
        for k, slope in enumerate(self.slopes):
            values.append(slope * (size - q[k]) + height)
            height = height + slope * (q[k + 1] - q[k])
        return max(values)

    def map(self, mu: Number) -> Map:
        """Return the proximal map: sgn(u) q_k where |u| - q_k lies between the scaled slopes, else u - sgn(u) a_k."""
        q, scaled = self._magnitudes, [mu * slope for slope in self.slopes]
        pieces: list[tuple[Number, Number]] = []
        breaks: list[Number] = []
        for k, slope in enumerate(scaled):
            breaks += [slope + q[k], slope + q[k + 1]]
            pieces += [(1, -slope), (0, q[k + 1])]
        mirrored = [(slope, -shift) for slope, shift in pieces[::-1]]
        return Map.through([*mirrored, (0, 0), *pieces], [*(-b for b in breaks[::-1]), *breaks])


# ------------------------------------------------------------------- smooth maps


@dataclass(frozen=True)
class Identity(Quantizer):
    """No quantizer: the latent weights themselves."""

    def __call__(self, latent: Array, mu: Number) -> Array:  # noqa: ARG002 - the same at every sharpness
        """Return the latent weights."""
        return latent

    def final(self, latent: Array) -> Array:
        """Return the latent weights."""
        return latent

    @property
    def bits(self) -> int:
        """A real number."""
        return 32


@dataclass(frozen=True)
class SignSwish(Quantizer):
    r"""SS_beta(u) = 2 s (1 + beta u (1 - s)) - 1, s = 1/(1 + exp(-beta u)): the forward map of BNN++ (S9).

    It is not monotone, so it is no proximal map: it passes 1 by 0.1997 at beta u = 2.399. At sharpness mu the
    steepness is mu * beta. In the end sign predicts.
    """

    beta: Number = 5

    def __call__(self, latent: Array, mu: Number) -> Array:
        """Return SS at steepness mu * beta."""
        return sign_swish(latent, float(mu * self.beta))

    def slope(self, latent: Array, mu: Number) -> Array:
        """Return its derivative at steepness mu * beta."""
        return sign_swish_slope(latent, float(mu * self.beta))

    def final(self, latent: Array) -> Array:
        """Return signs, sign(0) = 1."""
        return projection(SIGNS)(latent)

    @property
    def bits(self) -> int:
        """One."""
        return 1

    @property
    def activation(self) -> Activation:
        """The map at mu = 1 for kernels and symbolic work; beta must be exact."""
        return sign_swish_activation(self.beta)


def sign_swish(u: Array, beta: float) -> Array:
    """Return SS_beta = tanh(z) + z/cosh(z)^2, z = beta u/2, in float64."""
    z = beta * np.asarray(u, dtype=np.float64) / 2
    # Beyond 350 the square of cosh would overflow, and the term is below the smallest double.
    near = np.clip(z, -350.0, 350.0)
    return np.tanh(z) + near / np.cosh(near) ** 2


def sign_swish_slope(u: Array, beta: float) -> Array:
    """Return the derivative of SS_beta in u, beta (1 - z tanh z)/cosh(z)^2 with z = beta u/2, in float64."""
    z = np.clip(beta * np.asarray(u, dtype=np.float64) / 2, -350.0, 350.0)
    return beta * (1 - z * np.tanh(z)) / np.cosh(z) ** 2


def sign_swish_activation(beta: Any) -> Activation:
    """Return SS_beta as an activation, ``beta`` > 0 exact: 2 swish' - 1 with swish = x sigmoid(beta x)."""
    beta = positive(beta, "beta")
    root = sp.log(sp.cosh(beta * y / 2)) / (beta / 2)
    shape = Curve("tanh", root, root, sp.S.One, 2 * beta / sp.pi)
    swelling = curve(sp.S.One, 1, sp.S.Zero, shape, 2)
    return Activation.of(
        [tanh_atom(sp.S.One, sp.S.Zero, beta / 2), swelling],
        "sign_swish",
        {"beta": beta},
        rf"\mathrm{{SS}}_{{{sp.latex(beta)}}}",
    )


def k_bit(bits: int, ceiling: Number = 1) -> tuple[Number, ...]:
    """Return 2^bits equidistant levels from -ceiling to ceiling; exact where the ceiling is."""
    count = 2 ** checks.positive_int(bits, "bits") - 1
    return tuple(_ratio((2 * k - count) * ceiling, count) for k in range(count + 1))
