r"""Which pairs of a forward and a backward quantizer ProxConnect++ covers: :math:`P=\int dF/B` decides (S7, S8)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

import flint
import sympy as sp

from theory.activations import Activation, x
from theory.activations.evaluation import pieces
from theory.arithmetic import ball, readable

BITS = 128


class Fit(Enum):
    """How a pair stands to the condition that F and B are functions of a proximal P.

    COMPATIBLE      they are
    WEAK            they are, once P is chosen where dF = B = 0
    INCOMPATIBLE    they are not: the witness says where
    UNDECIDED       a sign could not be shown
    """

    COMPATIBLE = "compatible"
    WEAK = "weakly compatible"
    INCOMPATIBLE = "incompatible"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Compatibility:
    """The verdict on a pair.

    Parameters
    ----------
    fit
        See ``Fit``.
    reason
        One line; for an incompatible pair with the place and the values, enclosed by balls.
    potential
        P as SymPy in ``theory.activations.x``, 0 at the first break, where it was integrated; with slope 1 where it is
        free. None otherwise.
    """

    fit: Fit
    reason: str
    potential: sp.Expr | None = None


@dataclass(frozen=True)
class _Interval:
    """Between two breaks: F', B, and the slope of P; None where P is free."""

    low: sp.Expr
    high: sp.Expr
    forward: sp.Expr
    backward: sp.Expr
    slope: sp.Expr | None

    @property
    def flat(self) -> bool:
        """Whether P is constant here."""
        return self.slope is not None and self.slope == 0


def compatibility(forward: Activation, backward: Activation) -> Compatibility:
    r"""Decide whether (F, B) is ProxConnect on a transformed loss: F and B functions of a proximal P = int dF/B.

    Where F is constant and B is not 0, P is constant, so B has to be; where F moves, F'/B must not be negative; where
    F jumps, B must not vanish, and must have the sign of the jump; where both vanish, P is free. Isolated zeros that
    F' and B share are removed by cancelling (S10).

    ``forward``, ``backward``: activations without Dirac masses; B is the multiplier itself, such as
    ``th.hardtanh(1).derivative``. Source: the decomposition theorem as recalled in section 1.1; claims S7, S8.
    """
    intervals = list(_intervals(forward, backward))
    weak = False
    for part in intervals:
        verdict = _inside(part)
        if verdict is not None:
            return verdict
        weak = weak or part.slope is None
    undecided = None
    for left, right in pairwise(intervals):
        verdict = _across(left, right)
        if verdict is not None and verdict.fit is Fit.INCOMPATIBLE:
            return verdict
    for part in intervals:
        undecided = undecided or _unsigned(part)
    if undecided is not None:
        return undecided
    potential = _integrated(intervals)
    if weak:
        free = next(part for part in intervals if part.slope is None)
        return Compatibility(
            Fit.WEAK, f"dF = B = 0 on ({free.low}, {free.high}), where P is chosen", potential
        )
    return Compatibility(Fit.COMPATIBLE, "F and B are functions of a nondecreasing P", potential)


def _intervals(forward: Activation, backward: Activation) -> Iterator[_Interval]:
    parts = [pieces(function.atoms) for function in (forward, backward)]
    inner = {end for part in parts for low, high, _ in part for end in (low, high)}
    places = sorted((end for end in inner if end.is_finite), key=float)
    for low, high in pairwise([-sp.oo, *places, sp.oo]):
        f, b = (_on(part, low, high) for part in parts)
        slope = _simple(sp.diff(f, x))
        if b == 0:
            yield _Interval(low, high, f, b, None if slope == 0 else sp.zoo)
        else:
            yield _Interval(low, high, f, b, _simple(slope / b))


def _on(parts: list[tuple[sp.Expr, sp.Expr, sp.Expr]], low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """Return the analytic expression that holds on (low, high)."""
    for start, stop, expr in parts:
        if bool(start <= low) and bool(high <= stop):
            return _simple(expr)
    return sp.S.Zero


def _simple(expr: sp.Expr) -> sp.Expr:
    """Cancel; hyperbolic functions as exponentials, where they become rational."""
    if expr.is_polynomial(x):
        return sp.expand(expr)
    if not expr.has(sp.tanh, sp.cosh, sp.sinh, sp.exp):
        return sp.cancel(expr)
    flat = expr.rewrite([sp.tanh, sp.cosh, sp.sinh], sp.exp)
    return sp.simplify(sp.cancel(sp.together(flat)))


def _inside(part: _Interval) -> Compatibility | None:
    """Return what makes a pair fail between two breaks; None if nothing does."""
    span = f"({part.low}, {part.high})"
    if part.slope is sp.zoo:
        return Compatibility(Fit.INCOMPATIBLE, f"F moves on {span}, where B = 0")
    if part.flat:
        seen = [(point, ball(readable(part.backward), {x: point}, BITS)) for point in _points(part)]
        for (one, first), (other, second) in pairwise(seen):
            if not first.overlaps(second):
                return Compatibility(
                    Fit.INCOMPATIBLE,
                    f"F is constant on {span} and B is not: B({one}) = {_shown(first)}, "
                    f"B({other}) = {_shown(second)}",
                )
    if part.slope is not None and not part.flat:
        for end, side in ((part.low, "+"), (part.high, "-")):
            primitive = _primitive(part) if end.is_finite else None
            if primitive is not None and not sp.limit(primitive, x, end, side).is_finite:
                return Compatibility(
                    Fit.INCOMPATIBLE, f"P is infinite at {end}: F'/B = {part.slope} beside it"
                )
        for point in _points(part):
            value = ball(readable(part.slope), {x: point}, BITS)
            if value < 0:
                return Compatibility(
                    Fit.INCOMPATIBLE,
                    f"P falls: F'/B = {_shown(value)} at {point}",
                )
    return None


def _across(left: _Interval, right: _Interval) -> Compatibility | None:
    """Return what makes a pair fail at a break; None if nothing does."""
    place = left.high
    jump = sp.simplify(right.forward.subs(x, place) - left.forward.subs(x, place))
    sides = [sp.simplify(part.backward.subs(x, place)) for part in (left, right)]
    if jump != 0:
        for side in sides:
            if not bool(side / jump > 0):
                return Compatibility(
                    Fit.INCOMPATIBLE,
                    f"F jumps by {jump} at {place}, where a one-sided limit of B is {side}",
                )
        return None
    if left.flat and right.flat and sp.simplify(sides[0] - sides[1]) != 0:
        return Compatibility(
            Fit.INCOMPATIBLE,
            f"F is constant across {place}, where B goes from {sides[0]} to {sides[1]}",
        )
    return None


def _unsigned(part: _Interval) -> Compatibility | None:
    """Return UNDECIDED where nothing shows that P rises, or that B is constant on its flats."""
    if part.flat and _simple(sp.diff(part.backward, x)) != 0:
        return Compatibility(
            Fit.UNDECIDED, f"B on ({part.low}, {part.high}) was not shown to be constant"
        )
    if part.slope is None or part.flat:
        return None
    numerator, denominator = sp.fraction(sp.together(part.slope))
    if part.slope.is_rational_function(x):
        # _inside has seen the sign at points: without a root between the ends it is the same everywhere.
        roots = sp.real_roots(sp.Poly(numerator * denominator, x)) if part.slope.has(x) else []
        if not any(bool(part.low < root) and bool(root < part.high) for root in roots):
            return None
    hyperbolic = sp.simplify(part.slope.rewrite(sp.cosh))
    if hyperbolic.is_nonnegative and sp.fraction(hyperbolic)[1].is_nonzero:
        return None
    return Compatibility(
        Fit.UNDECIDED, f"F'/B on ({part.low}, {part.high}) was not shown to be nonnegative"
    )


def _points(part: _Interval) -> list[sp.Rational]:
    """Rational points inside an interval, a few units beyond its ends where it is infinite."""
    low, high = part.low, part.high
    if low == -sp.oo:
        low = (high if high != sp.oo else sp.S.Zero) - 4
    if high == sp.oo:
        high = low + 4 if part.low != -sp.oo else sp.Integer(4)
    ends = [sp.Rational(int(sp.floor(end * 2**20)), 2**20) for end in (low, high)]
    return [ends[0] + (ends[1] - ends[0]) * sp.Rational(k, 24) for k in range(1, 24)]


def _integrated(intervals: list[_Interval]) -> sp.Expr | None:
    """Return P, adding F's jumps over B; None where B has two limits at a jump, or SymPy knows no primitive."""
    total: sp.Expr = sp.S.Zero
    branches: list[tuple[sp.Expr, sp.Basic]] = []
    for k, part in enumerate(intervals):
        primitive = _primitive(part)
        if primitive is None:
            return None
        anchor = part.low if part.low != -sp.oo else part.high
        start = primitive.subs(x, anchor) if anchor.is_finite else sp.S.Zero
        branches.append((primitive - start + total, x < part.high))
        if k + 1 == len(intervals):
            break
        after = intervals[k + 1]
        if part.low != -sp.oo:
            total += primitive.subs(x, part.high) - start
        jump = sp.simplify((after.forward - part.forward).subs(x, part.high))
        if jump != 0:
            sides = [one.backward.subs(x, part.high) for one in (part, after)]
            if sp.simplify(sides[0] - sides[1]) != 0:
                return None
            total += jump / sides[0]
    return sp.piecewise_fold(sp.Piecewise(*branches[:-1], (branches[-1][0], True)))


def _primitive(part: _Interval) -> sp.Expr | None:
    """Return a primitive of the slope of P; None where that would take more than rational functions."""
    slope = sp.S.One if part.slope is None else part.slope
    if not part.backward.has(x) and part.slope is not None:
        return part.forward / part.backward
    return sp.integrate(slope, x) if slope.is_rational_function(x) else None


def _shown(value: flint.arb) -> str:
    return str(value.str(6, radius=False))
