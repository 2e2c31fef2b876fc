"""A formula: one expression, evaluated in float64 or in balls, each value to stated accuracy."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from flint import arb
from numpy.typing import NDArray

from theory.arithmetic.balls import accurate_ball
from theory.arithmetic.float64 import Float64, Tracked
from theory.arithmetic.lowering import Program, program
from theory.errors import DomainError

Float = NDArray[np.float64]

# A float64 value is kept when its running error bound, a pessimist by one or two digits, is below this
# share of it or of the natural scale of the quantity; else a ball decides.
BUDGET = 2e-13
_DENORMAL_BITS = 1100


@dataclass(frozen=True)
class Formula:
    """An expression in named symbols.

    Parameters
    ----------
    expr
        In the raw functions of ``theory.arithmetic.functions``.
    symbols
        The free symbols, in the order of the arguments.
    """

    expr: sp.Expr
    symbols: tuple[sp.Symbol, ...]

    @cached_property
    def _program(self) -> Program:
        # Kept here: to find it by its expression would take as long as to run it.
        return program(self.expr)

    def bounded(self, *values: Float) -> tuple[Float, Float]:
        """Evaluate arrays in plain float64, with a bound of the error at each point (NaN: none is known)."""
        with np.errstate(all="ignore"):
            known = {s: Tracked.exact(v) for s, v in zip(self.symbols, values, strict=True)}
            result = self._program.run(known, Float64())
        shape = np.broadcast_shapes(*(np.shape(v) for v in values), np.shape(result.value))
        value = np.array(np.broadcast_to(result.value, shape), dtype=np.float64)
        return value, np.broadcast_to(result.error, shape)

    def float64(self, *values: Float, scale: Callable[..., Float] | None = None) -> Float:
        """Evaluate one-dimensional arrays of equal length.

        Parameters
        ----------
        values
            One array a symbol.
        scale
            Natural size of the quantity at given values, asked for only at doubtful points.

        Notes
        -----
        Error at most 2e-13 (|value| + scale). A running error bound decides; a point where plain
        float64 would lose more digits is recomputed in ball arithmetic and rounded once, which costs
        milliseconds instead of nanoseconds.
        """
        value, error = self.bounded(*values)
        shape = value.shape
        doubtful = ~(error <= BUDGET * np.abs(value))
        if scale is not None and np.any(doubtful):
            sizes = scale(*(np.broadcast_to(v, shape)[doubtful] for v in values))
            with np.errstate(all="ignore"):
                doubtful[doubtful] = ~(error[doubtful] <= BUDGET * sizes)
        if np.any(doubtful):
            points = np.stack([np.broadcast_to(v, shape)[doubtful] for v in values], axis=-1)
            distinct, where = np.unique(points, axis=0, return_inverse=True)
            rounded = np.array([self._rounded(point) for point in distinct])
            value[doubtful] = rounded[where.reshape(-1)]
        return value

    def ball(self, *values: Any, bits: int) -> arb:
        """Evaluate as a ball with ``bits`` good bits; exact input only."""
        return accurate_ball(self.expr, dict(zip(self.symbols, values, strict=True)), bits)

    def _rounded(self, point: Float) -> float:
        exact = {s: arb(float(v)) for s, v in zip(self.symbols, point, strict=True)}
        try:
            return float(accurate_ball(self.expr, exact, 60, floor=_DENORMAL_BITS).mid())
        except DomainError:
            return float("nan")
