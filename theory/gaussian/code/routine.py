"""What every target writes: the branches of one expectation, in functions that a target can know."""

from dataclasses import dataclass

import sympy as sp

from theory.arithmetic.functions import Cross, JointDensity, Orthant, OwenT, Phi, Phi2, phi
from theory.gaussian.expectation import Expectation, expectation
from theory.gaussian.line import Coincidence


class Step(sp.Function):
    """``Step(x, size)``: 1 above 0, 0 below, 1/2 where x vanishes against ``size``."""

    nargs = 2


class Meeting(sp.Function):
    """``Meeting(x, size)``: infinite where x vanishes against ``size``, else 0."""

    nargs = 2


class Tail(sp.Function):
    """``Tail(x)``: 1 - Phi(x) for x > 0, which is small."""

    nargs = 1


class Centre(sp.Function):
    """``Centre(x)``: Phi(x) - 1/2, which is small where x is."""

    nargs = 1


@dataclass(frozen=True)
class Mean:
    """E[f(u)]: its expression for a positive variance ``p``, and its value at variance 0."""

    expr: sp.Expr
    at_zero: sp.Expr


@dataclass(frozen=True)
class Routine:
    """One expectation, branch by branch.

    Attributes
    ----------
    expectation
        What it is of.
    title
        Such as ``E[sign(u) erf(1)(v)]``.
    definitions
        The functions in words of SymPy.
    means
        Of f and of g; of f alone where the expectation is of one function.
    inside
        For |c| < sqrt(pq), in ``theory.gaussian.p``, ``q``, ``c``; None for a single function.
    line
        For c = sqrt(pq) and c = -sqrt(pq), in p and q.
    """

    expectation: Expectation
    title: str
    definitions: tuple[str, ...]
    means: tuple[Mean, ...]
    inside: sp.Expr | None
    line: tuple[sp.Expr, ...]

    @classmethod
    def of(cls, F: Expectation) -> "Routine":
        """Take an expectation apart."""
        single = F._single
        functions = (F.f,) if single else (F.f, F.g)
        title = f"E[{F.f}(u)]" if single else f"E[{F.f}(u) {F.g}(v)]"
        return cls(
            expectation=F,
            title=title,
            definitions=tuple(f"{h}: x -> {h.expr}" for h in dict.fromkeys(functions)),
            means=tuple(Mean(portable(expectation(h)._derived), h.at_zero) for h in functions),
            inside=None if single else portable(F._generic.expr),
            line=() if single else tuple(portable(F._line(sign).expr) for sign in (1, -1)),
        )


def portable(expr: sp.Expr) -> sp.Expr:
    """Rewrite an expression for targets without loss of digits.

    Orthants become Owen's T; jumps carry the size that rounding is judged by; determinants that are
    equal look equal; and Phi of a positive argument becomes 1 - Phi(-x), so that large parts cancel
    exactly before anything is rounded.
    """
    for kind, rewritten in (
        ((Orthant, Phi2), lambda e: e.rewrite(OwenT)),
        ((JointDensity,), lambda e: e.rewrite(phi)),
        ((sp.Heaviside,), lambda e: Step(e.args[0], _size(e.args[0]))),
        ((Coincidence,), lambda e: Meeting(e.args[0], _size(e.args[0]))),
        ((Cross,), _ordered),
        ((Phi,), _by_tail),
    ):
        expr = expr.replace(lambda e, kind=kind: isinstance(e, kind), rewritten)
    total: dict[sp.Expr, sp.Expr] = {}
    for term in sp.Add.make_args(expr):
        sums = any(k.is_Add and k.has(sp.Function) for k in sp.Mul.make_args(term))
        for part in sp.Add.make_args(sp.expand_mul(term, deep=False) if sums else term):
            coefficient, leaf = part.as_independent(sp.Function, sp.Max, sp.Min, as_Add=False)
            leaf = _one_exponential(leaf)
            total[leaf] = total.get(leaf, sp.S.Zero) + coefficient
    total = _centred({leaf: sp.factor_terms(sp.expand(k)) for leaf, k in total.items()})
    return sp.Add(*(k * leaf for leaf, k in total.items()))


def _centred(total: dict[sp.Expr, sp.Expr]) -> dict[sp.Expr, sp.Expr]:
    """Write k (2 Phi(x) - 1), alone in a sum, as 2 k (Phi(x) - 1/2), which has all its digits at small x."""
    normals = [leaf for leaf in total if isinstance(leaf, Phi | Tail)]
    constant = total.get(sp.S.One, sp.S.Zero)
    if len(normals) != 1 or constant == 0:
        return total
    (leaf,) = normals
    if sp.expand(2 * constant + total[leaf]) != 0:
        return total
    rest = {other: k for other, k in total.items() if other not in (leaf, sp.S.One)}
    sign = 1 if isinstance(leaf, Phi) else -1
    return {**rest, Centre(leaf.args[0]): sign * total[leaf]}


def _one_exponential(leaf: sp.Expr) -> sp.Expr:
    # Apart, the factors of exp(c - p/2 - q/2) overflow and underflow where the product does not.
    factors = sp.Mul.make_args(leaf)
    exponents = [factor.args[0] for factor in factors if isinstance(factor, sp.exp)]
    rest = [factor for factor in factors if not isinstance(factor, sp.exp)]
    return sp.Mul(*rest, sp.exp(sp.Add(*exponents))) if exponents else leaf


def _ordered(cross: sp.Expr) -> sp.Expr:
    a, b, c, d = cross.args
    if c.could_extract_minus_sign() and d.could_extract_minus_sign():
        c, d = -c, -d
    first, second = (sorted(pair, key=sp.default_sort_key) for pair in ((a, b), (c, d)))
    return Cross(*first, *second)


def _by_tail(normal: sp.Expr) -> sp.Expr:
    (x,) = normal.args
    if x.is_positive:
        return 1 - Tail(x)
    return Tail(-x) if x.is_negative else normal


def _size(expr: sp.Expr) -> sp.Expr:
    return sp.Add(*(sp.Abs(term) for term in sp.Add.make_args(sp.expand(expr))))
