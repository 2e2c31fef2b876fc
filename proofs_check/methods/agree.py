"""Agreement of independent routes at listed points, to a stated number of digits."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flint
import mpmath
import sympy as sp

from proofs_check.methods.domain import written
from proofs_check.verdict import Grade, Verdict

TRUSTS = (
    "that the routes share no formula",
    "Arb where a route returns balls; elsewhere the route's own claim to its digits",
)


def agree(
    routes: Mapping[str, Callable[..., Any]],
    points: Sequence[Mapping[str, Any]],
    *,
    digits: int,
) -> Verdict:
    """Compare routes at points: AGREES if all differ from the first by at most ``3 * 10**-digits``.

    One unit is the difference itself, the other two are the radii that the two balls may have.

    Parameters
    ----------
    routes
        Name -> function of a point's entries as keywords; returns a number, mpf or ball.
    points
        Each a mapping name -> exact value.
    digits
        Relative to the larger of 1 and the value's size; a ball must be narrower than this, since
        overlap of a wide ball is no agreement (UNDECIDED).
    """
    if len(routes) < 2 or not points:
        return Verdict(
            Grade.VACUOUS,
            f"{len(routes)} routes at {len(points)} points compare nothing",
            None,
            TRUSTS,
        )
    # Thirty guard bits: conversions must not add to the differences that are judged.
    with flint.ctx.workprec(int(digits * 3.33) + 40):
        allowed = flint.arb(10) ** -digits
        worst = flint.arb(0)
        for point in points:
            values = {name: as_ball(route(**point)) for name, route in routes.items()}
            for name, value in values.items():
                if not value.rad() <= allowed * _scale(value):
                    return Verdict(
                        Grade.UNDECIDED,
                        f"{name} gives the wide ball {value.str(15)} at {written(point)}",
                        None,
                        TRUSTS,
                    )
            (first, reference), *others = values.items()
            for name, value in others:
                gap = abs(value - reference) / _scale(reference)
                if not gap <= 3 * allowed:
                    return Verdict(
                        Grade.REFUTED,
                        f"{first} and {name} differ by {gap.str(3, radius=False)}, relatively",
                        f"{written(point)}: {first} = {reference.str(digits, radius=False)}, "
                        f"{name} = {value.str(digits, radius=False)}",
                        TRUSTS,
                    )
                worst = max(worst, gap.upper(), key=float)
    return Verdict(
        Grade.AGREES,
        f"{', '.join(routes)} at {len(points)} points to {digits} digits "
        f"(largest relative difference {float(worst):.1e})",
        None,
        TRUSTS,
    )


def as_ball(value: Any) -> flint.arb:
    """Return a number as a ball at the current precision; mpf and float count as exact."""
    if isinstance(value, flint.arb):
        return value
    if isinstance(value, sp.Basic):
        value = sp.Rational(value)
        return flint.arb(flint.fmpq(int(value.p), int(value.q)))
    if isinstance(value, mpmath.mpf):
        sign, mantissa, exponent, _ = value._mpf_
        return flint.arb(int(-mantissa if sign else mantissa)) * flint.arb(2) ** exponent
    if hasattr(value, "numerator"):
        return flint.arb(flint.fmpq(int(value.numerator), int(value.denominator)))
    return flint.arb(float(value))


def _scale(value: flint.arb) -> flint.arb:
    """Return max(1, |value|): absolute comparison of small values, relative of large ones."""
    size: flint.arb = max(flint.arb(1), abs(value.mid()), key=float)
    return size
