"""Ball arithmetic (Arb through python-flint): every result contains the true value."""

from collections.abc import Callable, Mapping
from math import ceil, lgamma, log
from typing import Any

import flint
import sympy as sp
from flint import acb, arb

from theory.arithmetic.exact import exact
from theory.arithmetic.lowering import lower
from theory.errors import DomainError


class Balls:
    """The number system of Arb balls, at the precision of the enclosing ``working`` block."""

    name = "balls"

    def rational(self, numerator: int, denominator: int) -> arb:
        """Return the ball of an exact rational."""
        return arb(numerator) / denominator

    def pi(self) -> arb:
        """Return pi."""
        return arb.pi()

    def infinity(self) -> arb:
        """Return plus infinity."""
        return arb.pos_inf()

    def add(self, terms: list[arb]) -> arb:
        """Return a sum."""
        return sum(terms, arb(0))

    def mul(self, factors: list[arb]) -> arb:
        """Return a product."""
        result = arb(1)
        for factor in factors:
            result *= factor
        return result

    def power(self, base: arb, exponent: sp.Rational) -> arb:
        """Return an integer or half-integer power."""
        root = base if exponent.q == 1 else base.sqrt()
        # Repeated products: python-flint's ** is NaN on a ball that contains 0.
        result = self.mul([root] * abs(int(exponent.p)))
        return result if exponent.p > 0 else 1 / result

    def apply(self, function: str, arguments: list[arb]) -> arb:
        """Return a function value."""
        return _RULES[function](*arguments)


def _normal_cdf(x: arb) -> arb:
    return (-x / arb(2).sqrt()).erfc() / 2


def _normal_density(x: arb) -> arb:
    return (-(x * x) / 2).exp() / (2 * arb.pi()).sqrt()


# The alternating series of Owen's T at x = h^2/2 loses x log2(e) bits, and beats the integral while x is
# below this share of the precision.
_SERIES_SHARE = 0.1
_SHORT_SERIES = 4.0


def _owen_t(h: arb, a: arb) -> arb:
    if a < 0:
        return -_owen_t(h, -a)
    h = abs(h)
    if a > 1:
        # Owen (1956), eq. (2.3), with complements so that no digit of the tails is lost.
        k = a * h
        tails = _normal_cdf(-h) * _normal_cdf(k) + _normal_cdf(h) * _normal_cdf(-k)
        return tails / 2 - _owen_t(k, 1 / a)
    x = h * h / 2
    if x < max(_SHORT_SERIES, _SERIES_SHARE * flint.ctx.prec):
        with flint.ctx.workprec(flint.ctx.prec + int(1.45 * float(x)) + 8):
            return _owen_series(x, a)
    k = h * a
    square = k * k / 2

    def integrand(t: acb, _: bool) -> acb:
        return (-acb(square) * t * t).exp() / (1 + acb(a * a) * t * t)

    scale = a * (-(h * h) / 2).exp() / (2 * arb.pi())
    return scale * acb.integral(integrand, 0, 1).real


def _owen_series(x: arb, a: arb) -> arb:
    """Return T(sqrt(2x), a), 0 <= a <= 1, by Owen (1956), eq. (3.1): faster than its integral for small x."""
    power, square, total = a, a * a, a.atan()
    # Poisson weights e^-x x^j/j!, and the sum of all later ones.
    weight = (-x).exp()
    rest = 1 - weight
    terms = _owen_terms(float(x.upper()))
    for j in range(terms):
        term = power * rest / (2 * j + 1)
        total = total + term if j % 2 else total - term
        weight = weight * x / (j + 1)
        rest -= weight
        power *= square
    # The first term left out, at most |a|^(2j+1) x^(j+1)/(j+1)!, and the geometric series above the others:
    # its ratio is below x/(j+2) < 1/2.
    bound = abs(power).upper() * (x.upper() ** (terms + 1)) / arb.fac_ui(terms + 1)
    return (total + arb(0, (2 * bound).upper())) / (2 * arb.pi())


def _owen_terms(x: float) -> int:
    """Return j > 2x so that x^(j+1)/(j+1)! is below 2^-prec."""
    wanted = -flint.ctx.prec * log(2)
    terms = ceil(2 * x) + 1
    if x > 0:
        while (terms + 1) * log(x) - lgamma(terms + 2) > wanted:
            terms += 1 + terms // 16
    return terms


def _phi_complex(x: arb, y: arb) -> acb:
    z = acb(x, y)
    return (-z / arb(2).sqrt()).erfc() / 2 * (-(y * y) / 2).exp()


def _voigt(x: arb, y: arb) -> arb:
    z = acb(x, y)
    return ((-(z * z)).exp() * (acb(0, -1) * z).erfc()).real


def _phi2(h: arb, k: arb, r: arb) -> arb:
    """Bivariate normal distribution function of any signs; at 0, Plackett's integral in the angle."""
    root = ((1 - r) * (1 + r)).sqrt()
    if abs(h) > 0 and abs(k) > 0:  # Owen's formula, where the quadrant is known
        tails = _owen_t(h, (k / h - r) / root) + _owen_t(k, (h / k - r) / root)
        half = (_normal_cdf(h) + _normal_cdf(k)) / 2
        return half - tails - (0 if h * k > 0 else arb("0.5"))
    angle = arb.atan2(r, root)

    def integrand(t: acb, _: bool) -> acb:
        sine, cosine = (acb(angle) * t).sin(), (acb(angle) * t).cos()
        square = acb(h * h + k * k) - acb(2 * h * k) * sine
        return (-square / (2 * cosine * cosine)).exp()

    return _normal_cdf(h) * _normal_cdf(k) + angle * acb.integral(integrand, 0, 1).real / (
        2 * arb.pi()
    )


def _heaviside(x: arb, at_zero: arb) -> arb:
    if x.contains(0):
        return at_zero if x.is_exact() else arb("0.5", "0.5")
    return arb(1) if x > 0 else arb(0)


def _coincidence(x: arb) -> arb:
    """Infinite at 0, else 0; nothing is known while a ball holds both."""
    if x.contains(0):
        return arb.pos_inf() if x.is_exact() else arb.nan()
    return arb(0)


def _arc(P: arb, Q: arb, c: arb) -> arb:
    return arb.atan2(c, (P * Q - c * c).sqrt())


_RULES: dict[str, Callable[..., arb]] = {
    "Phi": _normal_cdf,
    "phi": _normal_density,
    "OwenT": _owen_t,
    "Phi2": _phi2,
    "PhiCos": lambda x, y: _phi_complex(x, y).real,
    "PhiSin": lambda x, y: _phi_complex(x, y).imag,
    "Voigt": _voigt,
    "Cross": lambda a, b, c, d: a * b - c * d,
    "Arc": _arc,
    "Heaviside": _heaviside,
    "Coincidence": _coincidence,
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "erf": lambda x: x.erf(),
    "erfc": lambda x: x.erfc(),
    "tanh": lambda x: x.tanh(),
    "cosh": lambda x: x.cosh(),
    "asin": lambda x: x.asin(),
    "acos": lambda x: x.acos(),
    "atan": lambda x: x.atan(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "Abs": abs,
    "Max": lambda first, *rest: _fold(arb.max, first, rest),
    "Min": lambda first, *rest: _fold(arb.min, first, rest),
}


def _fold(operation: Callable[[arb, arb], arb], first: arb, rest: tuple[arb, ...]) -> arb:
    for other in rest:
        first = operation(first, other)
    return first


def ball(expr: sp.Expr, values: Mapping[sp.Symbol, Any] | None = None, bits: int = 128) -> arb:
    """Evaluate ``expr`` as one ball at a fixed working precision.

    Parameters
    ----------
    expr
        SymPy expression; see ``theory.arithmetic.lowering.lower``.
    values
        Exact numbers (int, Fraction, decimal string, SymPy number) or balls for the free symbols.
    bits
        Working precision; the radius tells what came of it.

    Raises
    ------
    InexactInputError
        For a float.
    """
    with flint.ctx.workprec(bits):
        return lower(expr, {s: _as_ball(v, s) for s, v in (values or {}).items()}, Balls())


def accurate_ball(
    expr: sp.Expr, values: Mapping[sp.Symbol, Any] | None = None, bits: int = 128, floor: int = 4096
) -> arb:
    """Evaluate ``expr`` so that ``bits`` bits come out good, raising the precision as needed.

    Where the value is 0, or so small that its relative accuracy cannot be had, the loop ends when the
    radius is below ``2**-floor``.

    Raises
    ------
    DomainError
        If the value is not finite, or the expression is too ill-conditioned to settle.
    """
    working = bits + 32
    while True:
        result = ball(expr, values, working)
        small = bool(result.rad() < arb(2) ** -floor)
        if result.is_finite() and (result.rel_accuracy_bits() >= bits or small):
            return result
        if working > 2 * (bits + floor):
            raise DomainError(
                f"{sp.sstr(expr)[:120]} at {dict(values or {})} does not settle to a finite number "
                f"at {working} bits; the value is infinite or undefined there"
            )
        working = working * 3 // 2 + 32


def _as_ball(value: Any, symbol: sp.Symbol) -> arb:
    if isinstance(value, arb):
        return value
    if isinstance(value, sp.Rational):
        return arb(int(value.p)) / int(value.q)
    return lower(exact(value, str(symbol)), {}, Balls())
