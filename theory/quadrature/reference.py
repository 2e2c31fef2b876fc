"""E[f(u)] and E[f(u) g(v)] by quadrature of the definitions alone."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import log, log2
from typing import TypeVar

import mpmath
import sympy as sp
from flint import arb, ctx

from theory.checks import positive_int
from theory.errors import DomainError
from theory.quadrature import ends, plane
from theory.quadrature.axis import axis
from theory.quadrature.covariance import Covariance, Number, covariance, variance
from theory.quadrature.definition import Defined, Definition, Feature, Shape, define
from theory.quadrature.errors import QuadratureError
from theory.quadrature.line import Sum, gaussian_sums
from theory.quadrature.numeric import number
from theory.quadrature.panels import Resolution

Key = TypeVar("Key", bound=Hashable)
Integrate = Callable[[list[Key], Resolution], dict[Key, Sum]]

# Extra digits, extra reach, longest panel, largest fall, first graded cut. The two resolutions differ in all of them at
# once, so that no source of error is common to both.
_COARSE, _FINE = (1, 0.0, 14.0, 60.0, 1.0), (4, 4.0, 12.0, 50.0, 0.8)
_REFINEMENTS = 4


@dataclass(frozen=True)
class Reference:
    """A value, how far two independent resolutions and the enclosed rounding leave it open, and E|f g|."""

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
        Two resolutions must agree to 10**-digits E|f(u) g(v)|.

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
        If two independent resolutions disagree.

    Notes
    -----
    Nested Gauss-Legendre panels in ball arithmetic: rounding is enclosed, the error of the
    quadrature is judged by the disagreement, usually far above that of the finer value returned.
    Source: claim G6.
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
    groups: dict[tuple[bool, *tuple[Hashable, ...]], list[int]] = {}
    for index, (f, g) in enumerate(defined):
        # The inner function is evaluated far more often than the outer one: polynomials go there.
        flip = f.polynomial and not g.polynomial
        inner = f.polynomial or g.polynomial
        key = (flip, inner, _lasting(f, moments.p), _lasting(g, moments.q))
        groups.setdefault(key, []).append(index)
    flipped = Covariance(moments.q, moments.p, moments.c, moments.determinant)
    results: dict[int, Reference | QuadratureError] = {}
    for (flip, *_), group in groups.items():
        found = (
            _inside([defined[index][::-1] for index in group], flipped, digits)
            if flip
            else _inside([defined[index] for index in group], moments, digits)
        )
        results.update(zip(group, found, strict=True))
    return [_named(results[index], pair, (p, q, c)) for index, pair in enumerate(pairs)]


def _lasting(f: Definition, spread: sp.Expr) -> tuple[Feature, ...]:
    """Features that ask for panels far out; who has none need not pay for those who have."""
    return tuple(
        feature
        for feature in f.features
        if feature.shape is not Shape.BELL and bool(4 * feature.width**2 < spread)
    )


def _inside(
    pairs: list[tuple[Definition, Definition]], moments: Covariance, digits: int
) -> list[Reference | QuadratureError]:
    """Integrate pairs on common nodes, at full rank."""
    firsts = tuple(dict.fromkeys(f for f, _ in pairs))
    seconds = tuple(dict.fromkeys(g for _, g in pairs))
    keys = [(firsts.index(f), seconds.index(g)) for f, g in pairs]
    bits = _bits(digits, (*firsts, *seconds), moments)

    def integrate(wanted: list[plane.Pair], resolution: Resolution) -> dict[plane.Pair, Sum]:
        p_, q_ = number(moments.p), number(moments.q)
        scales = plane.Whitened(
            p_.sqrt(),
            q_.sqrt(),
            number(moments.c) / (p_ * q_).sqrt(),
            (number(moments.determinant) / (p_ * q_)).sqrt(),
        )
        us, vs = axis(firsts, bits), axis(seconds, bits)
        return plane.expectations(us, vs, wanted, scales, resolution)

    growth = max(f.growth + g.growth for f, g in pairs)
    found = _agreed(integrate, dict.fromkeys(keys), digits, bits, growth)
    return [found[key] for key in keys]


def moment(f: Defined, p: Number, digits: int = 20) -> mpmath.mpf:
    """Return E[f(u)] for u ~ N(0, p).

    Parameters
    ----------
    f
        Activation or derivative.
    p
        Variance; 0 gives f(0).
    digits
        Two resolutions must agree to 10**-digits E|f(u)|.

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

    def integrate(wanted: list[int], resolution: Resolution) -> dict[int, Sum]:
        sums = gaussian_sums(axis((f,), bits), arb(0), number(p).sqrt(), resolution)
        return {key: sums[key] for key in wanted}

    result = _agreed(integrate, [0], digits, bits, f.growth)[0]
    if isinstance(result, Reference):
        return result
    raise QuadratureError(f"E[f(u)] at variance {p}, f made of {f.pieces}, {f.diracs}: {result}")


def _agreed(
    integrate: Integrate[Key], keys: Iterable[Key], digits: int, bits: int, growth: int
) -> dict[Key, Reference | QuadratureError]:
    """Integrate at two resolutions; halve the panels where they disagree, and give up loudly."""
    reach = _reach(digits, growth)
    wanted = list(keys)
    hopeless = QuadratureError("the integrand bends too often where its mass is")
    found: dict[Key, Reference | QuadratureError] = dict.fromkeys(wanted, hopeless)
    with ctx.workprec(bits):
        for refinement in range(_REFINEMENTS):
            part = 2.0**refinement
            sums: list[dict[Key, Sum]] = []
            for more, further, step, fall, grade in (_COARSE, _FINE):
                resolution = Resolution(
                    digits + more + refinement,
                    reach + further,
                    step / part,
                    fall / part,
                    grade / part,
                )
                sums.append(integrate(wanted, resolution))
                # What bends too often to be followed does so at every resolution.
                wanted = [key for key in wanted if key in sums[-1]]
            for key in wanted:
                found[key] = _judged(sums[0][key], sums[1][key], digits)
            wanted = [key for key in wanted if not isinstance(found[key], Reference)]
            if not wanted:
                break
    return found


def _judged(coarse: Sum, fine: Sum, digits: int) -> Reference | QuadratureError:
    radius = abs(fine.value - coarse.value).upper()
    allowed = fine.mass * arb(10) ** -digits
    if fine.mass == 0 or radius < allowed:
        rounding = abs(_mpf(fine.value.rad(), digits))
        return Reference(
            _mpf(fine.value.mid(), digits),
            _mpf(radius, digits) + rounding,
            _mpf(fine.mass.mid(), digits),
        )
    return QuadratureError(
        f"two resolutions differ by {radius.str(3, radius=False)} where "
        f"{allowed.str(3, radius=False)} was asked for; "
        f"the integrand bends on a scale that its expression does not show"
    )


def _reach(digits: int, growth: int) -> float:
    """Exponent at which to cut.

    Near a corner of the support the integrand is a polynomial of degree at most ``growth`` times
    exp(-e), in the exponent e above the smallest one, and one more degree comes from the area: what
    lies beyond L is below L^(growth + 1) exp(-L) of the whole.
    """
    wanted = (digits + 1) * log(10)
    reach = wanted
    for _ in range(5):
        reach = wanted + (growth + 1) * log(reach)
    return reach


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


def _mpf(number_: arb, digits: int) -> mpmath.mpf:
    mantissa, exponent = number_.man_exp()
    bits = int((digits + 5) * log2(10)) + 1
    rounded = mpmath.libmp.from_man_exp(int(mantissa), int(exponent), bits, "n")
    return mpmath.mp.make_mpf(rounded)
