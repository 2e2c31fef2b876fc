"""Discrete state transition (GXNOR-Net): weights that only ever take the values Z_N, moved by probability (S15-S19).

A change D of a weight is split into kappa whole spacings, toward zero, and a rest nu; the weight moves by kappa, and
by one more with probability tau(|nu| / spacing). ``TanhRule`` is the paper's tau, ``LinearRule`` stochastic rounding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.checks import non_negative_int, positive
from theory.errors import InexactInputError, InputError

Rule = Callable[[Any], Any]
"""tau: from the rest over the spacing, in [0, 1), to a probability; 0 at 0."""


@dataclass(frozen=True)
class LinearRule:
    """tau(s) = s: stochastic rounding, the one rule without bias (S15); exact on Fractions."""

    def __call__(self, part: Any) -> Any:
        """Return ``part``."""
        return part


@dataclass(frozen=True)
class TanhRule:
    """tau(s) = tanh(m s), the paper's rule; float64, in the array library of s.

    Parameters
    ----------
    steepness
        m > 0; the code has 3.
    """

    steepness: float = 3.0

    def __post_init__(self) -> None:
        positive(self.steepness, "steepness")

    def __call__(self, part: Any) -> Any:
        """Return tanh(m part)."""
        if not hasattr(part, "__array_namespace__"):
            part = np.asarray(part, dtype=np.float64)
        return part.__array_namespace__().tanh(self.steepness * part)


def spacing(bits: int) -> Fraction:
    """Return Delta z_N = 2^(1-N): 2 for N = 0 (binary), 1 for N = 1 (ternary), 1/2 for N = 2, ..."""
    return Fraction(2) / 2 ** non_negative_int(bits, "bits")


def states(bits: int) -> tuple[Fraction, ...]:
    """Return Z_N, the 2^N + 1 equidistant values from -1 to 1; for N = 0 they are -1 and 1."""
    step = spacing(bits)
    return tuple(n * step - 1 for n in range(2**bits + 1))


@dataclass(frozen=True)
class Step:
    """Where one weight goes: to ``far`` with probability tau(part), to ``near`` otherwise.

    Parameters
    ----------
    near, far
        Values; equal where nothing is left to chance.
    part
        The rest over the spacing, in [0, 1); 0 where near = far.
    """

    near: Fraction
    far: Fraction
    part: Fraction

    def law(self, rule: Rule) -> dict[Fraction, Any]:
        """Return the probability of every value that can be reached."""
        if self.near == self.far:
            return {self.near: 1}
        chance = rule(self.part)
        return {self.near: 1 - chance, self.far: chance}


def paper_step(weight: Any, change: Any, gap: Any) -> Step:
    """Return the step that clips the change to [-1 - weight, 1 - weight] first, and splits it then.

    Exact: ``weight``, ``change`` and the spacing ``gap`` are int or Fraction; a float raises ``InexactInputError``.
    """
    w, d, dz = _exact(weight, change, gap)
    return _split(w, min(1 - w, d) if d >= 0 else max(-1 - w, d), dz)


def code_step(weight: Any, change: Any, gap: Any) -> Step:
    """Return the step that splits the whole change, and clips what was reached; arguments as in ``paper_step``.

    The same law wherever -1 and 1 are lattice points (S16).
    """
    w, d, dz = _exact(weight, change, gap)
    free = _split(w, d, dz)
    near, far = (max(Fraction(-1), min(Fraction(1), value)) for value in (free.near, free.far))
    return Step(near, far, free.part if near != far else Fraction(0))


def _split(weight: Fraction, change: Fraction, gap: Fraction) -> Step:
    whole = abs(change) // gap
    sign = 1 if change >= 0 else -1
    near, rest = weight + sign * whole * gap, abs(change) / gap - whole
    return Step(near, near + sign * gap if rest else near, rest)


def _exact(*values: Any) -> tuple[Fraction, ...]:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | Fraction):
            raise InexactInputError(
                f"an exact step takes int or Fraction, got {value!r} ({type(value).__name__}); "
                f"for floats use transition"
            )
    return tuple(Fraction(value) for value in values)


@dataclass(frozen=True)
class Moves:
    """One step of many weights at once, in numbers of states: n stands for the value n spacing - 1.

    Parameters
    ----------
    near, far
        Where each weight goes without and with the extra spacing; int64, one shape.
    chance
        Probability of ``far``; 0 where near = far.
    """

    near: NDArray[np.int64]
    far: NDArray[np.int64]
    chance: NDArray[np.float64]

    def draw(self, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the states reached with numbers from [0, 1), of the same shape."""
        return np.where(uniforms < self.chance, self.far, self.near)


def moves(codes: Any, change: Any, bits: int, rule: Rule) -> Moves:
    """Return the steps of weights in states ``codes`` under ``change``, in float64.

    Parameters
    ----------
    codes
        Integers 0 ... 2^N (0 and 1 for N = 0).
    change
        Wanted changes of the values, finite; same shape.
    bits
        N.
    rule
        ``TanhRule(m)`` or ``LinearRule()``.

    Notes
    -----
    Clipped after the split, as in the code; the law is that of the paper (S16).
    """
    start, wanted, top = checked(codes, change, bits)
    return Moves(*split(np, start, wanted, top, rule))


def checked(
    codes: Any, change: Any, bits: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """Return codes, changes over the spacing, and the last code; errors as for ``moves``."""
    top = 2 ** non_negative_int(bits, "bits")
    start = np.asarray(codes)
    if start.dtype.kind not in "iu" or (start.size and (start.min() < 0 or start.max() > top)):
        raise InputError(f"codes must be integers from 0 to {top} for bits = {bits}, got {codes!r}")
    wanted = np.asarray(change, dtype=np.float64) / float(spacing(bits))
    if wanted.shape != start.shape or not np.all(np.isfinite(wanted)):
        raise InputError(
            f"change must be finite and of shape {start.shape}, got {change!r}; rescale the step"
        )
    return start.astype(np.int64), wanted, top


def split(xp: Any, codes: Any, wanted: Any, top: int, rule: Rule) -> tuple[Any, Any, Any]:
    """Return near, far and chance of ``Moves`` by the array library ``xp``; ``wanted``: changes over the spacing."""
    whole = xp.trunc(xp.clip(wanted, -top - 1, top + 1))
    part = xp.abs(wanted - xp.trunc(wanted))
    near = codes + whole.astype(codes.dtype)
    far = near + xp.where(part > 0, xp.sign(wanted), 0).astype(codes.dtype)
    near, far = xp.clip(near, 0, top), xp.clip(far, 0, top)
    return near, far, xp.where(near != far, rule(part), 0.0)


def values(codes: Any, bits: int) -> NDArray[np.float64]:
    """Return the values n spacing - 1 of states; float64, exact."""
    return np.asarray(codes) * float(spacing(bits)) - 1.0
