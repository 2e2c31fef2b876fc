"""Identities: an exact residual of zero, and balls that agree with it at rational points."""

from collections.abc import Mapping
from dataclasses import dataclass

import flint
import sympy as sp

from proofs_check.methods.canonical import TRUSTS as CANONICAL_TRUSTS
from proofs_check.methods.canonical import vanishes
from proofs_check.methods.domain import Domain, written
from proofs_check.verdict import Grade, Verdict
from theory.arithmetic import ball, readable

BITS = 160
# A residual of balls narrower than this cannot hide an error that matters in any digit printed.
NARROW = 2.0**-80
TRUSTS = (*CANONICAL_TRUSTS, "Arb for the check at rational points")


@dataclass(frozen=True)
class Along:
    """Proof by integration: equal at ``base``, and equal derivatives, up to ``order`` times.

    The domain has to be star-shaped in ``variable`` about ``base``, and both sides differentiable
    there: then this is the fundamental theorem of calculus.
    """

    variable: sp.Symbol
    base: sp.Expr = sp.S.Zero
    order: int = 2


def identity(
    left: sp.Expr,
    right: sp.Expr,
    *,
    on: Domain,
    chart: Mapping[sp.Symbol, sp.Expr] | None = None,
    along: Along | None = None,
    points: int = 8,
    seed: int = 0,
) -> Verdict:
    """Prove ``left == right`` on a domain, or refute it at a rational point.

    Parameters
    ----------
    left, right
        SymPy expressions whose free symbols are those of ``on``.
    on
        Where the identity is stated to hold.
    chart
        See ``canonical.vanishes``: has to map onto the domain.
    along
        How to integrate, where both sides hold functions (Phi2, OwenT, asin) that only their
        derivatives reveal as equal.
    points, seed
        Rational points of the ball check.

    Notes
    -----
    PROVED: the normal form of the residual is 0 *and* narrow balls contain 0 at every point.
    REFUTED: a ball excludes 0; the point is the witness. UNDECIDED: anything else.
    """
    left, right = readable(sp.sympify(left)), readable(sp.sympify(right))
    residual = left - right
    symbols = left.free_symbols | right.free_symbols
    stray = symbols - set(on.box)
    if stray:
        return Verdict(Grade.UNDECIDED, f"the domain says nothing about {stray}", None, TRUSTS)
    looked = 0
    for point in on.points(points if symbols else 1, seed):
        values = {symbol: value for symbol, value in point.items() if symbol in symbols}
        # The two sides one by one: a residual may have simplified itself away unseen.
        sides = ball(left, values, BITS), ball(right, values, BITS)
        with flint.ctx.workprec(BITS):
            gap = sides[0] - sides[1]
            excluded, narrow = bool(gap > 0 or gap < 0), bool(gap.rad() < NARROW)
        if excluded:
            return Verdict(
                Grade.REFUTED,
                f"the two sides differ by {gap.str(8)}",
                f"{written(values)}: {sides[0].str(12)} against {sides[1].str(12)}",
                TRUSTS,
            )
        if not narrow:
            return Verdict(
                Grade.UNDECIDED,
                f"the residual is only known as {gap.str(8)} at {written(values)}",
                None,
                TRUSTS,
            )
        looked += 1
    route = _route(residual, chart, along)
    if route is None:
        return Verdict(
            Grade.UNDECIDED,
            f"balls at {looked} rational points contain 0, but no exact zero was reached",
            None,
            TRUSTS,
        )
    return Verdict(
        Grade.PROVED,
        f"exact residual 0 ({route}); balls of {BITS} bits contain 0 at {looked} rational points",
        None,
        TRUSTS,
    )


def _route(
    residual: sp.Expr, chart: Mapping[sp.Symbol, sp.Expr] | None, along: Along | None
) -> str | None:
    """Say how the residual was shown to vanish; None if it was not."""
    if vanishes(residual, chart):
        return "normal form"
    if along is None:
        return None
    for order in range(1, along.order + 1):
        if not vanishes(residual.subs(along.variable, along.base), chart):
            return None
        residual = sp.diff(residual, along.variable)
        if vanishes(residual, chart):
            return (
                f"value at {along.variable} = {along.base} and derivative"
                + ("" if order == 1 else f" up to order {order}")
                + f" in {along.variable}, normal forms"
            )
    return None
