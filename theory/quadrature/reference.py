"""E[f(u)] and E[f(u) g(v)] by quadrature of the definitions alone."""

from collections.abc import Callable
from math import log, log2

import mpmath
import sympy as sp
from flint import arb, ctx

from theory.checks import positive_int
from theory.quadrature import ends, line, plane
from theory.quadrature.covariance import Covariance, Number, covariance, variance
from theory.quadrature.definition import Defined, Definition, define
from theory.quadrature.errors import QuadratureError
from theory.quadrature.line import Sum
from theory.quadrature.numeric import number, numeric
from theory.quadrature.panels import Resolution

# Extra nodes, extra reach, longest panel. The two resolutions differ in all of them at once, so
# that no source of error is common to both.
_COARSE, _FINE = (0, 0.0, 5.0), (4, 4.0, 4.5)
_REFINEMENTS = 4


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
    digits = positive_int(digits, "digits")
    second_moments = covariance(p, q, c)
    first, second = define(f), define(g)
    if second_moments.p == 0:
        return _moment(ends.constant_times(first, second), second_moments.q, digits)
    if second_moments.q == 0:
        return _moment(ends.constant_times(second, first), second_moments.p, digits)
    if second_moments.determinant == 0:
        slope = sp.simplify(second_moments.c / second_moments.p)
        return _moment(ends.product_on_line(first, second, slope), second_moments.p, digits)
    growth = first.growth + second.growth
    bits = _bits(digits, (first, second), second_moments)

    def integrate(resolution: Resolution) -> Sum:
        p_, q_ = number(second_moments.p), number(second_moments.q)
        scales = plane.Whitened(
            p_.sqrt(),
            q_.sqrt(),
            number(second_moments.c) / (p_ * q_).sqrt(),
            (number(second_moments.determinant) / (p_ * q_)).sqrt(),
        )
        return plane.expectation(numeric(first, bits), numeric(second, bits), scales, resolution)

    return _agreed(
        integrate, digits, bits, growth, f"E[({f.expr}) ({g.expr})] at p = {p}, q = {q}, c = {c}"
    )


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
    return _moment(define(f), variance(p, "p"), positive_int(digits, "digits"))


def _moment(f: Definition, p: sp.Expr, digits: int) -> mpmath.mpf:
    if p == 0:
        with ctx.workprec(_working_bits(digits)):
            return _mpf(number(ends.value_at_zero(f)), digits)
    bits = _bits(digits, (f,), Covariance(p, p, sp.S.Zero, p**2))

    def integrate(resolution: Resolution) -> Sum:
        return line.gaussian_integral(numeric(f, bits), arb(0), number(p).sqrt(), resolution)

    return _agreed(
        integrate,
        digits,
        bits,
        f.growth,
        f"E[f(u)] at variance {p}, f made of {f.pieces}, {f.diracs}",
    )


def _agreed(
    integrate: Callable[[Resolution], Sum], digits: int, bits: int, growth: int, what: str
) -> mpmath.mpf:
    """Integrate at two resolutions; halve the panels while they disagree, and give up loudly."""
    reach = _reach(digits, growth)
    nodes = 8 + (3 * digits + 3) // 4
    with ctx.workprec(bits):
        for refinement in range(_REFINEMENTS):
            coarse, fine = (
                integrate(Resolution(nodes + more, reach + further, step / 2**refinement))
                for more, further, step in (_COARSE, _FINE)
            )
            if fine.mass == 0:
                return mpmath.mpf(0)
            error = abs(fine.value - coarse.value).upper()
            if error < fine.mass * arb(10) ** -digits:
                return _mpf(fine.value, digits)
        raise QuadratureError(
            f"{what}: two resolutions differ by {error.str(3, radius=False)} where "
            f"{(fine.mass * arb(10) ** -digits).str(3, radius=False)} was asked for; "
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


def _mpf(ball: arb, digits: int) -> mpmath.mpf:
    mantissa, exponent = ball.mid().man_exp()
    bits = int((digits + 5) * log2(10)) + 1
    rounded = mpmath.libmp.from_man_exp(int(mantissa), int(exponent), bits, "n")
    return mpmath.mp.make_mpf(rounded)
