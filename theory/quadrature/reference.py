"""E[f(u)] and E[f(u) g(v)] by quadrature of the definitions alone."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import inf, log, log2, sqrt

import mpmath
import sympy as sp
from flint import arb, ctx

from theory.checks import positive_int
from theory.errors import DomainError
from theory.quadrature import ends, plane
from theory.quadrature.axis import axis
from theory.quadrature.certify import Sum
from theory.quadrature.covariance import Covariance, Number, covariance, variance
from theory.quadrature.definition import Defined, Definition, Shape, define
from theory.quadrature.errors import QuadratureError
from theory.quadrature.line import gaussian_sums
from theory.quadrature.numeric import number
from theory.quadrature.waves import negligible, wave

# Where erf is so many digits beyond those asked for from its limit, the limit stands for it.
_SETTLED = 10
# Widths of a wave where the mass is; more are not worth the hours they take.
_MOST_WAVES = 1000


@dataclass(frozen=True)
class Reference:
    """A value, a radius within which the true value lies by proof, and E|f g| to a few digits."""

    value: mpmath.mpf
    radius: mpmath.mpf
    mass: mpmath.mpf


def expectation(
    f: Defined, g: Defined, p: Number, q: Number, c: Number, digits: int = 20
) -> mpmath.mpf:
    """Return E[f(u) g(v)] for centred Gaussian (u, v) with variances p, q and covariance c.

    Parameters
    ----------
    f, g
        Activations or derivatives; only ``expr`` and ``breakpoints`` are read.
    p, q, c
        Any numbers; floats and mpf are taken as the dyadic rationals that they are. The ends
        p = 0, q = 0 and c = +-sqrt(p q) are recognised exactly; values at jumps are midpoints.
    digits
        The value is proved to within 10**-digits E|f(u) g(v)|.

    Returns
    -------
    mpmath.mpf
        The value, carrying five digits more than asked for.

    Raises
    ------
    InputError
        If p, q, c is not a covariance or ``digits`` not a positive integer.
    ActivationError
        If an expression is outside what can be read or evaluated.
    DomainError
        If the value is infinite: a Dirac delta meets variance 0, or another delta, at its place.
    QuadratureError
        If that accuracy is not reached.

    Notes
    -----
    Product Gauss-Legendre rules in ball arithmetic on panels of the plane. Rounding is enclosed; the error
    of every rule is bounded by the integrand on complex ellipses around its panel, and what is cut off by
    the tail of the Gaussian: the radius is a proof. Source: claim G6.
    """
    (result,) = expectations([(f, g)], p, q, c, digits)
    if isinstance(result, Reference):
        return result.value
    raise result


def expectations(
    pairs: Sequence[tuple[Defined, Defined]], p: Number, q: Number, c: Number, digits: int = 20
) -> list[Reference | DomainError | QuadratureError]:
    """Return E[f(u) g(v)] of many pairs at one (p, q, c); they share the nodes of the integrals.

    Arguments, ends and accuracy as for ``expectation``, but a pair without a value, or whose value
    was not settled, gives its exception in place of a ``Reference`` and leaves the others alone.

    Raises
    ------
    InputError, ActivationError
        As for ``expectation``.
    """
    digits = positive_int(digits, "digits")
    moments = covariance(p, q, c)
    defined = [(define(f), define(g)) for f, g in pairs]
    if moments.p == 0 or moments.q == 0 or moments.determinant == 0:
        return [_collapsed(f, g, moments, digits) for f, g in defined]
    groups: dict[tuple[Hashable, ...], list[int]] = {}
    for index, (f, g) in enumerate(defined):
        # The inner function is evaluated far more often than the outer one: polynomials go there.
        key = (
            f.polynomial and not g.polynomial,
            f.polynomial or g.polynomial,
            _turning(f, moments.p),
            _turning(g, moments.q),
        )
        groups.setdefault(key, []).append(index)
    flipped = Covariance(moments.q, moments.p, moments.c, moments.determinant)
    results: dict[int, Reference | QuadratureError] = {}
    for kind, group in groups.items():
        found = (
            _inside([defined[index][::-1] for index in group], flipped, digits)
            if kind[0] is True
            else _inside([defined[index] for index in group], moments, digits)
        )
        results.update(zip(group, found, strict=True))
    return [_named(results[index], pair, (p, q, c)) for index, pair in enumerate(pairs)]


def _turning(f: Definition, spread: sp.Expr) -> bool:
    """Whether a function bends everywhere within a Gaussian; who does not need not pay for those who do."""
    return any(
        feature.shape is Shape.WAVE and bool(4 * feature.width**2 < spread)
        for feature in f.features
    )


def _inside(
    pairs: list[tuple[Definition, Definition]], moments: Covariance, digits: int
) -> list[Reference | QuadratureError]:
    """Integrate pairs on common nodes, at full rank."""
    known = {pair: _damped(*pair, moments, digits) for pair in dict.fromkeys(pairs)}
    followed = [
        pair for pair, part in known.items() if part is None and _can_follow(*pair, moments)
    ]
    firsts = tuple(dict.fromkeys(f for f, _ in followed))
    seconds = tuple(dict.fromkeys(g for _, g in followed))
    keys = {(f, g): (firsts.index(f), seconds.index(g)) for f, g in followed}
    sums: dict[plane.Pair, Sum] = {}
    bits = _bits(digits, (*firsts, *seconds), moments)
    with ctx.workprec(bits):
        p_, q_ = number(moments.p), number(moments.q)
        scales = plane.Whitened(
            p_.sqrt(),
            q_.sqrt(),
            number(moments.c) / (p_ * q_).sqrt(),
            (number(moments.determinant) / (p_ * q_)).sqrt(),
        )
        us, vs = (axis(functions, bits, _settled(digits)) for functions in (firsts, seconds))
        if keys:
            sums = plane.expectations(us, vs, list(keys.values()), scales, digits)
        found = {pair: sums.get(key) for pair, key in keys.items()}
        return [_judged(known[pair] or found.get(pair), digits) for pair in pairs]


def _damped(f: Definition, g: Definition, moments: Covariance, digits: int) -> Sum | None:
    """Bound what a fast wave averages to nothing."""
    flipped = Covariance(moments.q, moments.p, moments.c, moments.determinant)
    for one, other, at in ((f, g, moments), (g, f, flipped)):
        if wave(one) is None:
            continue
        bits = _bits(digits, (other,), moments)
        with ctx.workprec(bits):
            part = negligible(one, other, at, bits, _settled(digits), digits)
        if part is not None:
            return part
    return None


def _can_follow(f: Definition, g: Definition, moments: Covariance) -> bool:
    """Whether waves turn seldom enough where the partner leaves something."""
    flipped = Covariance(moments.q, moments.p, moments.c, moments.determinant)
    for one, other, at in ((f, g, moments), (g, f, flipped)):
        if not any(feature.shape is Shape.WAVE for feature in one.features):
            continue
        p, q, c, free = (float(sp.N(x, 15)) for x in (at.p, at.q, at.c, at.determinant / at.q))
        span = 12 * min(sqrt(p), abs(c) / q * _extent(other) / 12 + sqrt(free))
        for feature in one.features:
            if feature.shape is Shape.WAVE and 2 * span > _MOST_WAVES * feature.width:
                return False
    return True


def _extent(f: Definition) -> float:
    """How far from 0 a function has something, roughly."""
    extent = max((abs(float(place)) for place, _ in f.diracs), default=0.0)
    for piece in f.pieces:
        for end, sign in ((piece.lo, -1), (piece.hi, 1)):
            far = float(end)
            if not end.is_finite:
                settled = (abs(float(s.centre)) + 60 * float(s.width) for s in f.features)
                far = max(settled, default=1.0)
                left = abs(complex(sp.N(piece.expr.subs(f.x, sign * far), 15)))
                far = far if left < 1e-20 else inf
            extent = max(extent, abs(far))
    return extent


def moment(f: Defined, p: Number, digits: int = 20) -> mpmath.mpf:
    """Return E[f(u)] for u ~ N(0, p).

    Parameters
    ----------
    f
        Activation or derivative.
    p
        Variance; 0 gives f(0).
    digits
        The value is proved to within 10**-digits E|f(u)|.

    Raises
    ------
    InputError, ActivationError, DomainError, QuadratureError
        As for ``expectation``.
    """
    return _moment(define(f), variance(p, "p"), positive_int(digits, "digits")).value


def _collapsed(
    f: Definition, g: Definition, moments: Covariance, digits: int
) -> Reference | DomainError | QuadratureError:
    try:
        if moments.p == 0:
            return _moment(ends.constant_times(f, g), moments.q, digits)
        if moments.q == 0:
            return _moment(ends.constant_times(g, f), moments.p, digits)
        slope = sp.simplify(moments.c / moments.p)
        return _moment(ends.product_on_line(f, g, slope), moments.p, digits)
    except (DomainError, QuadratureError) as error:
        return error


def _named(
    result: Reference | QuadratureError,
    pair: tuple[Defined, Defined],
    point: tuple[Number, Number, Number],
) -> Reference | QuadratureError:
    if isinstance(result, Reference):
        return result
    p, q, c = point
    return QuadratureError(
        f"E[({pair[0].expr}) ({pair[1].expr})] at p = {p}, q = {q}, c = {c}: {result}"
    )


def _moment(f: Definition, p: sp.Expr, digits: int) -> Reference:
    if p == 0:
        with ctx.workprec(_working_bits(digits)):
            value = number(ends.value_at_zero(f))
            middle = _mpf(value.mid(), digits)
            return Reference(middle, _mpf(value.rad(), digits), abs(middle))
    bits = _bits(digits, (f,), Covariance(p, p, sp.S.Zero, p**2))
    with ctx.workprec(bits):
        (found,) = gaussian_sums(
            axis((f,), bits, _settled(digits)), arb(0), number(p).sqrt(), digits
        )
        result = _judged(found, digits)
    if isinstance(result, Reference):
        return result
    raise QuadratureError(f"E[f(u)] at variance {p}, f made of {f.pieces}, {f.diracs}: {result}")


def _judged(found: Sum | None, digits: int) -> Reference | QuadratureError:
    if found is None:
        return QuadratureError("the integrand bends too often where its mass is")
    value, mass = found.value, found.mass
    allowed = mass * arb(10) ** -digits
    if value.rad() == 0 or value.rad() < allowed:
        middle = _mpf(value.mid(), digits)
        # What printing with fewer bits than the ball has leaves out.
        with ctx.workprec(4 * ctx.prec):
            rounding = abs(value.mid() - _arb(middle))
        radius = (arb(value.rad()) + rounding).upper()
        return Reference(middle, _mpf(radius, digits, "c"), _mpf(mass.mid(), digits))
    return QuadratureError(
        f"the value is known within {value.rad().str(3, radius=False)} where "
        f"{allowed.str(3, radius=False)} was asked for; "
        f"the integrand bends on a scale that its expression does not show"
    )


def _settled(digits: int) -> float:
    return (digits + _SETTLED) * log(10)


def _working_bits(digits: int) -> int:
    return int(digits * log2(10)) + 48


def _bits(digits: int, definitions: tuple[Definition, ...], moments: Covariance) -> int:
    """Return the precision that keeps exponents (threshold / conditional deviation)^2 accurate."""
    places = [
        end
        for f in definitions
        for end in (
            *(side for piece in f.pieces for side in (piece.lo, piece.hi)),
            *(place for place, _ in f.diracs),
        )
        if end.is_finite
    ]
    smallest = min(
        moments.determinant / moments.q,
        moments.determinant / moments.p,
        key=lambda size: sp.N(size, 15),
    )
    largest = max((abs(sp.N(place, 15)) for place in places), default=sp.S.Zero)
    ratio = sp.N((1 + largest**2 / smallest) * moments.p * moments.q / moments.determinant, 15)
    return _working_bits(digits) + max(0, int(sp.N(sp.log(ratio, 2), 15)))


def _mpf(number_: arb, digits: int, direction: str = "n") -> mpmath.mpf:
    """Round an exact number to five digits more than asked for; direction c is upwards."""
    mantissa, exponent = number_.man_exp()
    bits = int((digits + 5) * log2(10)) + 1
    rounded = mpmath.libmp.from_man_exp(int(mantissa), int(exponent), bits, direction)
    return mpmath.mp.make_mpf(rounded)


def _arb(number_: mpmath.mpf) -> arb:
    sign, mantissa, exponent, _ = number_._mpf_
    return arb(int(mantissa) * (-1) ** sign) * arb(2) ** int(exponent)
