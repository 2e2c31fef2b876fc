"""How large a piece of a definition can become, which bounds what is cut far out."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import comb

import sympy as sp
from flint import arb

from theory.errors import ActivationError
from theory.quadrature.definition import Definition, Piece
from theory.quadrature.numeric import number

_BOUNDED = {sp.erf: 1, sp.erfc: 2, sp.sin: 1, sp.cos: 1, sp.tanh: 1, sp.atan: 2}


@dataclass(frozen=True)
class Growth:
    """The majorant sum_k powers[k] |x|^k exp(rate |x|)."""

    powers: tuple[arb, ...]
    rate: arb

    def __add__(self, other: "Growth") -> "Growth":
        """Bound a sum."""
        size = max(len(self.powers), len(other.powers))
        return Growth(
            tuple(_at(self.powers, k) + _at(other.powers, k) for k in range(size)),
            _larger(self.rate, other.rate),
        )

    def __mul__(self, other: "Growth") -> "Growth":
        """Bound a product."""
        powers = [arb(0)] * (len(self.powers) + len(other.powers) - 1)
        for k, a in enumerate(self.powers):
            for m, b in enumerate(other.powers):
                powers[k + m] += a * b
        return Growth(tuple(powers), self.rate + other.rate)

    def of_normal(self, mean: arb, std: arb) -> "Growth":
        """Return a majorant in |z| of the same function at x = mean + std z."""
        far, powers = abs(mean), [arb(0)] * len(self.powers)
        for k, a in enumerate(self.powers):
            for m in range(k + 1):
                powers[m] += a * comb(k, m) * far ** (k - m) * std**m
        lift = (self.rate * far).exp()
        return Growth(tuple(a * lift for a in powers), self.rate * std)

    def beyond(self, cap: arb) -> arb:
        """Bound the integral of the majorant, at |x| = sqrt(2 E), times exp(-E) dE from E = cap on.

        This is what a standard normal plane holds beyond the exponent ``cap``, and more than what a
        standard normal line holds there, for a cap of at least 1.

        Notes
        -----
        rate sqrt(2 E) <= rate^2 + E/2, and (E/cap)^h <= exp(h (E - cap)/cap).
        """
        tilted = self.rate != 0
        pace = arb("0.5") if tilted else arb(1)
        total = arb(0)
        for k, a in enumerate(self.powers):
            room = pace - arb(k) / 2 / cap
            if not (room > 0 and cap >= 1):
                return arb("inf")
            total += a * (2 * cap).sqrt() ** k / room
        return total * (self.rate * self.rate - pace * cap).exp()


def growth(f: Definition) -> Growth:
    """Bound the smooth pieces of a definition on the whole line."""
    return largest(_piece(piece, f.x) for piece in f.pieces)


def largest(parts: Iterable[Growth]) -> Growth:
    """Return a common majorant."""
    found = Growth((arb(0),), arb(0))
    for part in parts:
        size = max(len(part.powers), len(found.powers))
        found = Growth(
            tuple(_larger(_at(part.powers, k), _at(found.powers, k)) for k in range(size)),
            _larger(part.rate, found.rate),
        )
    return found


def _piece(piece: Piece, x: sp.Symbol) -> Growth:
    return _bound(piece.expr, piece, x)


def _bound(expr: sp.Expr, piece: Piece, x: sp.Symbol) -> Growth:
    if not expr.has(x):
        return _constant(abs(number(expr)))
    if expr == x:
        return Growth((arb(0), arb(1)), arb(0))
    if isinstance(expr, sp.Add | sp.Mul):
        first, *rest = (_bound(argument, piece, x) for argument in expr.args)
        for part in rest:
            first = first + part if isinstance(expr, sp.Add) else first * part
        return first
    if isinstance(expr, sp.Pow) and expr.exp.is_Integer:
        if expr.exp.is_negative:
            return _inverse(sp.factor(expr.base), -int(expr.exp), piece, x)
        base = _bound(expr.base, piece, x)
        power = base
        for _ in range(int(expr.exp) - 1):
            power = power * base
        return power
    if expr.func in _BOUNDED:
        return _constant(arb(_BOUNDED[expr.func]))
    if isinstance(expr, sp.exp):
        return _exponential(expr.args[0], piece, x)
    if isinstance(expr, sp.cosh):
        return _exponential(expr.args[0], Piece(-sp.oo, sp.oo, expr), x)
    if isinstance(expr, sp.log):
        # |log y| <= y + 1/y
        inside = expr.args[0]
        return _bound(inside, piece, x) + _constant(1 / _least(inside, piece, x))
    raise ActivationError(
        f"no bound is known for {expr.func.__name__} in {expr} far out; "
        f"add it to theory/quadrature/growth.py"
    )


def _inverse(base: sp.Expr, times: int, piece: Piece, x: sp.Symbol) -> Growth:
    """Bound base**-times."""
    total = _constant(arb(1))
    for part in sp.Mul.make_args(base):
        inside, power = part.as_base_exp()
        if isinstance(part, sp.exp):
            total = total * _exponential(-times * part.args[0], piece, x)
        elif not part.has(x):
            total = total * _constant(1 / abs(number(part)) ** times)
        else:
            total = total * _constant(_least(inside, piece, x) ** -(times * int(power)))
    return total


def _exponential(argument: sp.Expr, piece: Piece, x: sp.Symbol) -> Growth:
    """Bound exp(argument) by its maximum on the piece, or by an exponential."""
    if argument.is_polynomial(x):
        poly = sp.Poly(argument, x)
        leading, degree = poly.LC(), poly.degree()
        falls_right = piece.hi.is_finite or bool(leading < 0)
        falls_left = piece.lo.is_finite or bool(leading * (-1) ** degree < 0)
        if falls_right and falls_left:
            turns = poly.diff(x).real_roots() if degree > 1 else []
            places = [*turns, *(end for end in (piece.lo, piece.hi) if end.is_finite)]
            top = arb("-inf")
            for place in places:
                top = _larger(top, number(argument.subs(x, place)))
            return _constant(top.exp())
        if degree == 1:
            shift = number(abs(argument.subs(x, 0)))
            return Growth((shift.exp(),), number(abs(leading)))
    raise ActivationError(
        f"exp({argument}) grows too fast for a Gaussian expectation to be bounded"
    )


def _least(base: sp.Expr, piece: Piece, x: sp.Symbol) -> arb:
    """Bound the absolute value of a polynomial or a cosh from below on a piece."""
    if isinstance(base, sp.cosh):
        return arb(1)
    if base.is_polynomial(x):
        poly = sp.Poly(base, x)
        inside = (
            [r for r in poly.diff(x).real_roots() if piece.lo < r < piece.hi]
            if (poly.degree() > 1)
            else []
        )
        places = [*inside, *(end for end in (piece.lo, piece.hi) if end.is_finite)]
        values = [number(abs(base.subs(x, place))) for place in places]
        clear = not any(piece.lo <= root <= piece.hi for root in poly.real_roots())
        if clear and values:
            return min(values, key=lambda value: float(value.lower())).lower()
    raise ActivationError(f"no positive lower bound of {base} is known on ({piece.lo}, {piece.hi})")


def _constant(size: arb) -> Growth:
    return Growth((size,), arb(0))


def _at(powers: tuple[arb, ...], k: int) -> arb:
    return powers[k] if k < len(powers) else arb(0)


def _larger(a: arb, b: arb) -> arb:
    return a.max(b)
