"""The ends of the domain, where two dimensions collapse to one or none, as exact definitions."""

import sympy as sp

from theory.errors import DomainError
from theory.quadrature.definition import Definition, Piece, definition


def value_at_zero(f: Definition) -> sp.Expr:
    """Return f(0), or raise ``DomainError`` if a Dirac delta sits there."""
    if f.pole(sp.S.Zero):
        raise DomainError(
            "the variance is 0 and a Dirac delta sits at 0: the density there is infinite; "
            "use a positive variance"
        )
    return f.value(sp.S.Zero)


def constant_times(constant: Definition, f: Definition) -> Definition:
    """Return x -> constant(0) f(x), the integrand when the first variance is 0."""
    factor = value_at_zero(constant)
    if factor == 0:
        return definition(f.x, (), ())
    return definition(
        f.x,
        tuple(Piece(piece.lo, piece.hi, sp.expand(factor * piece.expr)) for piece in f.pieces),
        tuple((place, factor * weight) for place, weight in f.diracs),
    )


def product_on_line(f: Definition, g: Definition, slope: sp.Expr) -> Definition:
    """Return x -> f(x) g(slope x), the integrand when v = slope u."""
    image = _rescaled(g, slope, f.x)
    pieces = [
        Piece(sp.Max(a.lo, b.lo), sp.Min(a.hi, b.hi), sp.expand(a.expr * b.expr))
        for a in f.pieces
        for b in image.pieces
        if sp.Max(a.lo, b.lo) < sp.Min(a.hi, b.hi)
    ]
    diracs = []
    for place, weight in f.diracs:
        if image.pole(place):
            raise DomainError(
                f"u and v are proportional and both functions have a Dirac delta at u = {place}: "
                f"the value is infinite; keep |c| below sqrt(p q)"
            )
        diracs.append((place, weight * image.value(place)))
    diracs += [(place, weight * f.value(place)) for place, weight in image.diracs]
    return definition(
        f.x, tuple(pieces), tuple((place, weight) for place, weight in diracs if weight != 0)
    )


def _rescaled(g: Definition, slope: sp.Expr, x: sp.Symbol) -> Definition:
    """Return x -> g(slope x)."""
    pieces = []
    for piece in g.pieces:
        ends = sorted((piece.lo / slope, piece.hi / slope), key=lambda end: sp.N(end, 50))
        pieces.append(Piece(ends[0], ends[1], piece.expr.subs(g.x, slope * x)))
    diracs = ((sp.simplify(place / slope), weight / sp.Abs(slope)) for place, weight in g.diracs)
    return definition(x, tuple(pieces), tuple(diracs))
