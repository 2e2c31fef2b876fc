"""Values and gradients over boxes: ranges of formulas in several variables, with first derivatives.

A wide ball through a long formula grows with every subtraction, since nothing remembers that two
terms move together. A jet carries the gradient along, so that ``theory.arithmetic.boxes`` can bound
a function by its value at the centre and its slopes, or evaluate it at one end of a side alone.
"""

from collections.abc import Callable
from typing import Any, Union

import flint
import sympy as sp
from flint import arb

from theory.arithmetic.balls import Balls

Range = arb
Slopes = tuple[arb, ...]
Number = Union["Jet", arb, int]


class Jet:
    """The values of a function over a box, and its partial derivatives over the same box.

    Parameters
    ----------
    value
        Ball that contains every value.
    slopes
        One ball a variable, which contains every value of that partial derivative.

    Notes
    -----
    Sums, products and quotients with other jets, balls and integers; methods ``sqrt``, ``exp``,
    ``log``, ``erf``, ``erfc``, ``asin``, ``atan`` as balls have them. A function written for balls
    takes jets unchanged.
    """

    __slots__ = ("slopes", "value")

    def __init__(self, value: arb, slopes: Slopes) -> None:
        self.value, self.slopes = value, slopes

    def __add__(self, other: Number) -> "Jet":
        if isinstance(other, Jet):
            pairs = zip(self.slopes, other.slopes, strict=True)
            return Jet(self.value + other.value, tuple(a + b for a, b in pairs))
        return Jet(self.value + other, self.slopes)

    __radd__ = __add__

    def __neg__(self) -> "Jet":
        return Jet(-self.value, tuple(-slope for slope in self.slopes))

    def __sub__(self, other: Number) -> "Jet":
        return self + (-other)

    def __rsub__(self, other: Number) -> "Jet":
        return (-self) + other

    def __mul__(self, other: Number) -> "Jet":
        if isinstance(other, Jet):
            if other is self:
                return self.square()
            pairs = zip(self.slopes, other.slopes, strict=True)
            slopes = tuple(times(a, other.value) + times(self.value, b) for a, b in pairs)
            return Jet(times(self.value, other.value), slopes)
        return Jet(self.value * other, tuple(slope * other for slope in self.slopes))

    __rmul__ = __mul__

    def __truediv__(self, other: Number) -> "Jet":
        if isinstance(other, Jet):
            return self * other.inverse()
        return Jet(self.value / other, tuple(slope / other for slope in self.slopes))

    def __rtruediv__(self, other: Number) -> "Jet":
        return self.inverse() * other

    def inverse(self) -> "Jet":
        """Return 1/self."""
        value = inverse(self.value)
        square = _square(value)
        return Jet(value, tuple(-times(slope, square) for slope in self.slopes))

    def square(self) -> "Jet":
        """Return self*self, never negative."""
        return Jet(
            _square(self.value), tuple(2 * times(self.value, slope) for slope in self.slopes)
        )

    def sqrt(self) -> "Jet":
        """Return the square root on the part of the range that is not negative."""
        return compose("sqrt", [self])

    def exp(self) -> "Jet":
        """Return the exponential."""
        return compose("exp", [self])

    def log(self) -> "Jet":
        """Return the natural logarithm."""
        return compose("log", [self])

    def erf(self) -> "Jet":
        """Return the error function."""
        return compose("erf", [self])

    def erfc(self) -> "Jet":
        """Return the complementary error function."""
        return compose("erfc", [self])

    def asin(self) -> "Jet":
        """Return the arc sine on the part of the range within [-1, 1]."""
        return compose("asin", [self])

    def atan(self) -> "Jet":
        """Return the arc tangent."""
        return compose("atan", [self])


class Jets(Balls):
    """The number system of jets; plain balls count as constants, and their ranges stay tight too."""

    name = "jets"

    def mul(self, factors: list[Any]) -> Any:
        """Return a product."""
        result = factors[0] if factors else arb(1)
        for factor in factors[1:]:
            both_balls = isinstance(result, arb) and isinstance(factor, arb)
            result = times(result, factor) if both_balls else result * factor
        return result

    def power(self, base: Any, exponent: sp.Rational) -> Any:
        """Return an integer or half-integer power."""
        root = base if exponent.q == 1 else compose("sqrt", [base])
        odd, halves = abs(int(exponent.p)) % 2, abs(int(exponent.p)) // 2
        square = root.square() if isinstance(root, Jet) else _square(root)
        result = self.mul([square] * halves + [root] * odd)
        if exponent.p > 0:
            return result
        return result.inverse() if isinstance(result, Jet) else inverse(result)

    def apply(self, function: str, arguments: list[Any]) -> Any:
        """Return a function value."""
        if function == "Cross":
            a, b, c, d = arguments
            return a * b - c * d
        if function == "Arc":
            P, Q, c = arguments
            return compose("asin", [c / compose("sqrt", [P * Q])])
        return compose(function, arguments)


def compose(function: str, arguments: list[Any]) -> Any:
    """Return a function of jets or balls: its range, and its gradient by the chain rule."""
    values, partials = _RULES[function]
    inner = [x.value if isinstance(x, Jet) else x for x in arguments]
    finite = all(x.is_finite() for x in inner)
    value = values(*inner) if finite else arb.nan()
    slopes: Slopes | None = None
    for x, partial in zip(arguments, partials, strict=True):
        if isinstance(x, Jet):
            outer = partial(*inner) if finite else arb.nan()
            terms = tuple(times(outer, slope) for slope in x.slopes)
            pairs = zip(slopes or terms, terms, strict=True)
            slopes = terms if slopes is None else tuple(a + b for a, b in pairs)
    return value if slopes is None else Jet(value, slopes)


def hull(first: arb, second: arb) -> arb:
    """Return a ball that contains two balls."""
    return first.union(second)


def times(x: arb, y: arb) -> arb:
    """Return the product of two ranges by its corners: a product of wide balls is too wide by far."""
    plain = x * y
    if min(x.rel_accuracy_bits(), y.rel_accuracy_bits()) > _THIN or not plain.is_finite():
        return plain
    a, b, c, d = x.lower(), x.upper(), y.lower(), y.upper()
    if b < 0:
        return -times(-x, y)
    if d < 0:
        return -times(x, -y)
    if a >= 0:
        return hull((a if c >= 0 else b) * c, b * d)
    if c >= 0:
        return hull(d * a, d * b)
    return hull((a * d).min(b * c), (a * c).max(b * d))


def inverse(x: arb) -> arb:
    """Return 1/x by its ends; not finite where x contains 0."""
    return 1 / x if x.contains(0) or x.is_exact() else hull(1 / x.lower(), 1 / x.upper())


def _square(x: arb) -> arb:
    size = abs(x)
    far = size.upper() * size.upper()
    if not x.contains(0):
        near = size.lower() * size.lower()
        return hull(near, far)
    return far * arb(0.5, 0.5)


def _increasing(f: Callable[[arb], arb], low: int | None = None, high: int | None = None) -> Any:
    # Ends beyond the natural domain come from rounding: no value of the formula is taken there.
    def ends(x: arb) -> arb:
        first, last = x.lower(), x.upper()
        if low is not None and first < low:
            first = arb(low)
        if high is not None and last > high:
            last = arb(high)
        return hull(f(first), f(last))

    return ends


def _cdf(x: arb) -> arb:
    return (-x / arb(2).sqrt()).erfc() / 2


def _bell(x: arb) -> arb:
    return (-(x * x) / 2).exp() / (2 * arb.pi()).sqrt()


def _density(x: arb) -> arb:
    size = abs(x)
    near = arb(0) if x.contains(0) else size.lower()
    return hull(_bell(near), _bell(size.upper()))


def _owen(h: arb, a: arb) -> arb:
    # Decreasing in |h| for a > 0, increasing in a: the range is spanned by two corners.
    size = abs(h)
    near, far = (arb(0) if h.contains(0) else size.lower()), size.upper()
    low, high = a.lower(), a.upper()
    with flint.ctx.workprec(_COARSE):
        least = _BALLS.apply("OwenT", [near if low < 0 else far, low])
        most = _BALLS.apply("OwenT", [far if high < 0 else near, high])
        return hull(least, most)


def _owen_by_h(h: arb, a: arb) -> arb:
    return times(-_density(h), _RULES["Phi"][0](times(a, h)) - arb(0.5))


def _owen_by_a(h: arb, a: arb) -> arb:
    return times(times(_density(h), _density(times(a, h))), inverse(1 + _square(a)))


def _ball_of(function: str) -> Callable[..., arb]:
    # No monotonicity to use: the ball's own enclosure, which the centred form makes good.
    return lambda *arguments: _BALLS.apply(function, list(arguments))


def _turned(x: arb, y: arb) -> tuple[arb, arb]:
    """Return phi(x) cos(xy) and phi(x) sin(xy)."""
    density, angle = _density(x), times(x, y)
    return times(density, angle.cos()), times(density, angle.sin())


def _phi_cos_by_y(x: arb, y: arb) -> arb:
    return _turned(x, y)[1] - times(y, _RULES["PhiCos"][0](x, y))


def _phi_sin_by_y(x: arb, y: arb) -> arb:
    return _turned(x, y)[0] - times(y, _RULES["PhiSin"][0](x, y))


def _gauss(x: arb) -> arb:
    return 2 * (-_square(x)).exp() / arb.pi().sqrt()


_BALLS = Balls()

# Products of balls with more good bits than this are as good as those of their ends.
_THIN = 20

# Ends of the range of a costly function need no more bits than the width of a box leaves meaning to.
_COARSE = 40

# Function -> (its range over a box, its partial derivatives over that box).
_RULES: dict[str, tuple[Callable[..., arb], tuple[Callable[..., arb], ...]]] = {
    "sqrt": (
        _increasing(lambda x: x.sqrt(), low=0),
        (lambda x: inverse(2 * _RULES["sqrt"][0](x)),),
    ),
    "exp": (_increasing(lambda x: x.exp()), (lambda x: _RULES["exp"][0](x),)),
    "log": (_increasing(lambda x: x.log(), low=0), (inverse,)),
    "erf": (_increasing(lambda x: x.erf()), (_gauss,)),
    "erfc": (_increasing(lambda x: x.erfc()), (lambda x: -_gauss(x),)),
    "asin": (
        _increasing(lambda x: x.asin(), low=-1, high=1),
        (lambda x: inverse(_RULES["sqrt"][0](1 - _square(x))),),
    ),
    "atan": (_increasing(lambda x: x.atan()), (lambda x: inverse(1 + _square(x)),)),
    "sin": (_ball_of("sin"), (lambda x: x.cos(),)),
    "cos": (_ball_of("cos"), (lambda x: -x.sin(),)),
    "PhiCos": (_ball_of("PhiCos"), (lambda x, y: _turned(x, y)[0], _phi_cos_by_y)),
    "PhiSin": (_ball_of("PhiSin"), (lambda x, y: -_turned(x, y)[1], _phi_sin_by_y)),
    "Phi": (_increasing(_cdf), (_density,)),
    "phi": (_density, (lambda x: times(-x, _density(x)),)),
    "OwenT": (_owen, (_owen_by_h, _owen_by_a)),
}
