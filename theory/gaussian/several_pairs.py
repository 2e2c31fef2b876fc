r"""The orthant of two variables with complex parameters, analytic in them: what a path integral integrates.

``analytic`` asks for a ball that is not finite where a branch cut is near, ``wide`` for a cheap enclosure over boxes.
"""

from collections.abc import Callable

from flint import acb, arb

# Where parameters are boxes, not points, an integral is enclosed by this many rectangles.
_RECTANGLES = 8


def tail(gap: acb, variance: acb, analytic: bool) -> acb:
    """Return P(X > gap), X ~ N(0, variance)."""
    return (gap * (2 * variance).rsqrt(analytic=analytic)).erfc() / 2


def pair_orthant(
    gaps: list[acb], moments: list[acb], det: acb, analytic: bool, wide: bool, singular: bool
) -> acb:
    """Return the orthant of two variables with complex parameters, analytic in them; ``det`` is PQ - c^2."""
    P, _, Q = moments
    dependent = singular or 16 * abs(det.mid()) < abs((P * Q).mid())
    return (_by_owen if dependent else _by_path)(gaps, moments, det, analytic, wide)


def _by_path(gaps: list[acb], moments: list[acb], det: acb, analytic: bool, wide: bool) -> acb:
    (x, y), (P, c, Q) = gaps, moments
    cross, squared = x * y * c, c * c
    form = x * x * Q - 2 * cross + y * y * P

    def integrand(v: acb, inner: bool) -> acb:
        D = det + squared * v * (2 - v)
        return (-(form + 2 * cross * v) / (2 * D)).exp() * D.rsqrt(analytic=inner or analytic)

    mixed = c * _unit_integral(integrand, wide) / (2 * arb.pi())
    return tail(x, P, analytic) * tail(y, Q, analytic) + mixed


def _unit_integral(integrand: Callable[[acb, bool], acb], wide: bool) -> acb:
    if not wide:
        return acb.integral(integrand, 0, 1)
    side = arb(1) / (2 * _RECTANGLES)
    stretches = [acb(arb((2 * k + 1) * side, side)) for k in range(_RECTANGLES)]
    return sum((integrand(s, False) for s in stretches), acb(0)) / _RECTANGLES


def _by_owen(gaps: list[acb], moments: list[acb], det: acb, analytic: bool, wide: bool) -> acb:
    """Owen's formula (1956), whose integrals stay smooth where the two variables become dependent."""
    (x, y), (P, c, Q) = gaps, moments
    sides = []
    for near, far, V in ((x, y, P), (y, x, Q)):
        root = V.rsqrt(analytic=analytic)
        sides.append((near * root, (far * V - c * near) * root * det.rsqrt(analytic=analytic)))
    total, steep = acb(0), []
    for z, over in sides:
        total += (z / arb(2).sqrt()).erfc() / 4
        steep.append(bool(abs(over.mid()) > abs(z.mid())))
        if steep[-1]:
            total += (z / arb(2).sqrt()).erf() * (over / arb(2).sqrt()).erf() / 4
            total += _owen(over, z / over, wide)
        else:
            total -= _owen(z, over / z, wide)
    constant = _constant([z for z, _ in sides], [over for _, over in sides], steep)
    if constant is None:
        # Both thresholds vanish near here: a probability, and no statement about analyticity.
        return acb("nan") if analytic else acb(arb(0.5, 0.5))
    return total + constant


def _constant(thresholds: list[acb], overs: list[acb], steep: list[bool]) -> arb | None:
    """Return the part of Owen's formula that signs decide; None where they are unknown.

    A threshold that crosses 0 moves two terms of it, by amounts that cancel.
    """
    signs = [_sign(z) for z in thresholds]
    total = arb(0)
    if 0 not in signs:
        total -= arb(1) / 2 if signs[0] != signs[1] else arb(0)
        decided = [0, 1]
    else:
        crossing = signs.index(0)
        other = signs[1 - crossing]
        if not other or not steep[crossing] or _sign(overs[crossing]) != other:
            return None
        total -= arb(1) / 4
        decided = [1 - crossing]
    for k in decided:
        if steep[k]:
            over = _sign(overs[k])
            if not over:
                return None
            total -= arb(signs[k] * over) / 4
    return total


def _sign(z: acb) -> int:
    return 1 if z.real > 0 else -1 if z.real < 0 else 0


def _owen(h: acb, a: acb, wide: bool) -> acb:
    """Return T(h, a) for |a| not much above 1."""
    square, slope = h * h / 2, a * a

    def integrand(s: acb, _: bool) -> acb:
        stretched = 1 + slope * s * s
        return (-square * stretched).exp() / stretched

    return a * _unit_integral(integrand, wide) / (2 * arb.pi())
