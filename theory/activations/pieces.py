"""Activations given piece by piece: the user's own, and the clipped lines of the catalogue."""

from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp

from theory.activations.activation import Activation
from theory.activations.atoms import step, x
from theory.arithmetic.exact import exact
from theory.errors import ActivationError

Piece = tuple[Any, tuple[Any, Any]]


def from_piecewise(pieces: Sequence[Piece], name: str = "f") -> Activation:
    """Build an activation from polynomial pieces that tile the real line.

    Parameters
    ----------
    pieces
        Pairs ``(expr, (low, high))`` from left to right: ``expr`` a polynomial in
        ``theory.activations.x`` (or an exact number) with exact coefficients, the first ``low``
        minus infinity, the last ``high`` infinity. Jumps are allowed; the value there is the midpoint.
    name
        Name to print.

    Raises
    ------
    ActivationError
        If the pieces leave a gap, overlap, or are not polynomials.
    InexactInputError
        If a coefficient or an end is a float.
    """
    if not pieces:
        raise ActivationError(f"activation {name!r}: no pieces; give at least one, on (-oo, oo)")
    try:
        given = [(expr, low, high) for expr, (low, high) in pieces]
    except (TypeError, ValueError) as error:
        raise ActivationError(
            f"activation {name!r}: pieces must be pairs (expr, (low, high)), got {pieces!r}"
        ) from error
    ends = [(_end(low), _end(high)) for _, low, high in given]
    chain = [-sp.oo, *(high for _, high in ends)]
    tiles = all(
        low == before and bool(low < high) for (low, high), before in zip(ends, chain, strict=False)
    )
    if not tiles or chain[-1] != sp.oo:
        shown = ", ".join(f"({low}, {high})" for low, high in ends)
        raise ActivationError(
            f"activation {name!r}: pieces {shown} do not tile the real line; each piece must start "
            f"where the last one ends, from -oo to oo"
        )
    polynomials = [_polynomial(expr, name) for expr, _, _ in given]
    atoms = [step(c, k) for (k,), c in polynomials[0].terms()]
    for (low, _), left, right in zip(ends[1:], polynomials, polynomials[1:], strict=False):
        atoms += [step(c, k, low) for (k,), c in (right - left).terms()]
    return Activation.of(atoms, name)


def clipped(
    name: str,
    parameters: Mapping[str, sp.Expr],
    *,
    slope: Any,
    low: Any,
    high: Any,
    bottom: Any,
    label: str,
) -> Activation:
    """Return the line through (low, bottom) with ``slope``, constant outside (low, high)."""
    rising = bottom + slope * (x - low)
    made = from_piecewise(
        [(bottom, (-sp.oo, low)), (rising, (low, high)), (rising.subs(x, high), (high, sp.oo))],
        name,
    )
    return Activation.of(made.atoms, name, parameters, label)


def _end(value: Any) -> sp.Expr:
    if value in (sp.oo, -sp.oo) or (
        isinstance(value, float) and value in (float("inf"), float("-inf"))
    ):
        return sp.oo if value > 0 else -sp.oo
    return exact(value, "end of a piece")


def _polynomial(expr: Any, name: str) -> sp.Poly:
    expr = sp.sympify(expr) if isinstance(expr, sp.Expr) else exact(expr, "piece")
    if expr.has(sp.Float):
        exact(expr, f"piece {expr} of activation {name!r}")
    unknown = expr.free_symbols - {x}
    if unknown or not expr.is_polynomial(x):
        raise ActivationError(
            f"activation {name!r}: the piece {expr} is not a polynomial in theory.activations.x with exact "
            f"numbers; use th.erf, th.gelu or `.smoothed(std)` for smooth functions"
        )
    return sp.Poly(expr, x)
