r"""Certified balls of expectations without closed form, by ``acb.integral`` with explicit tail bounds.

Dirac masses evaluate the other function. Ranges are cut at r standard deviations; what is left out is, by Cauchy's
inequality twice, at most \|f\|_4 \|g\|_4 P(|u| > r \sqrt p)^{1/2} (the same for v), norms in L^4 of the Gaussian.
"""

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import flint
import sympy as sp
from flint import acb, arb

from theory.activations import Activation
from theory.activations.atoms import Atom, x
from theory.activations.evaluation import intervals, pieces, vanishing
from theory.arithmetic.balls import Balls
from theory.arithmetic.holomorphic import holomorphic
from theory.arithmetic.lowering import lower
from theory.errors import DomainError
from theory.gaussian.averages import STD, average, is_tame, value_at

_FLOOR = 1100

Function = Callable[[acb], acb]


def pair_ball(
    outer: Activation, inner: Activation, P: sp.Expr, Q: sp.Expr, C: sp.Expr, bits: int
) -> arb:
    """Return E[outer(u) inner(v)], |C| < sqrt(PQ), as a ball with ``bits`` good bits."""

    def attempt(reach: arb, small: arb) -> arb:
        p, q, c = (lower(value, {}, Balls()) for value in (P, Q, C))
        slope, std = c / p, ((p * q - c * c) / p).sqrt()
        total, beyond = arb(0), (-(reach * reach) / 4).exp()
        for mass in (a for a in outer.atoms if a.is_dirac):
            place = lower(mass.at, {}, Balls())
            mean, weight = slope * place, lower(mass.coef, {}, Balls()) * _density(place, p)
            mean_at = _conditional(inner, slope, std, abs(mean) + reach * std, small)
            cut = beyond * _norm(inner, mean * mean + std * std)
            total += weight * (mean_at(acb(place)).real + arb(0, cut.upper()))
        if any(not a.is_dirac for a in outer.atoms):
            mean_at, kernel = _conditional(inner, slope, std, reach * q.sqrt(), small), _gaussian(p)
            total += _integral(
                outer, lambda u: kernel(u) * mean_at(u), reach * p.sqrt(), small
            ).real
            total += arb(0, (2 * beyond * _norm(outer, p) * _norm(inner, q)).upper())
        return total

    return _settle(attempt, bits, f"E[{outer}(u) {inner}(v)] at p={P}, q={Q}, c={C}")


def line_ball(f: Activation, g: Activation, P: sp.Expr, k: sp.Expr, bits: int) -> arb:
    """Return E[f(u) g(k u)], u ~ N(0, P), as a ball; k a non-zero exact number."""
    masses = [(a, g, k) for a in f.atoms if a.is_dirac]
    if any(
        a.is_dirac and b.is_dirac and (a.at * k - b.at).equals(0) for a in f.atoms for b in g.atoms
    ):
        raise DomainError(f"E[{f}(u) {g}(v)] is infinite: two Dirac masses meet on the line")
    image = [a for a in g.atoms if a.is_dirac]

    def attempt(reach: arb, small: arb) -> arb:
        p, slope = lower(P, {}, Balls()), lower(k, {}, Balls())
        total = arb(0)
        for mass, other, factor in masses:
            value = mass.coef * value_at(other, mass.at * factor)
            total += lower(value, {}, Balls()) * _density(lower(mass.at, {}, Balls()), p)
        for mass in image:
            value = mass.coef * value_at(f, mass.at / k) / abs(k)
            total += lower(value, {}, Balls()) * _density(lower(mass.at / k, {}, Balls()), p)
        kernel = _gaussian(p)
        for low, high, expr in pieces(g.atoms):
            ends = sorted((low / k, high / k), key=float)
            image_of = holomorphic(expr.subs(x, k * x), x)
            integrand = lambda u, g=image_of: kernel(u) * g(u)  # noqa: E731
            radius = reach * p.sqrt()
            total += _integral(f, integrand, radius, small, (ends[0], ends[1])).real
        cut = (-(reach * reach) / 4).exp() * _norm(f, p) * _norm(g, p * slope * slope)
        return total + arb(0, cut.upper())

    return _settle(attempt, bits, f"E[{f}(u) {g}({k} u)] at p={P}")


def _settle(attempt: Callable[[arb, arb], arb], bits: int, what: str) -> arb:
    """Raise precision and reach until ``bits`` good bits come out."""
    working, size = bits + 32, arb(1)
    while True:
        with flint.ctx.workprec(working):
            # exp(-reach^2/4) falls below 2^-working; an integral may be wrong by ``small``.
            reach = (4 * arb(working) * arb(2).log()).sqrt()
            small = size * arb(2) ** -(bits + 16)
            result = attempt(reach, small)
            done = result.is_finite() and (
                result.rel_accuracy_bits() >= bits or bool(result.rad() < arb(2) ** -_FLOOR)
            )
            if done:
                return result
            if result.is_finite():
                nearest = abs(result).lower() if bool(abs(result) > 0) else arb(0)
                size = nearest if nearest > 0 else arb(result.rad()) * arb(2) ** -8
        if working > 2 * (bits + _FLOOR):
            raise DomainError(f"{what} does not settle to a finite number at {working} bits")
        working = working * 3 // 2 + 32


def _density(place: arb, p: arb) -> arb:
    return (-(place * place) / (2 * p)).exp() / (2 * arb.pi() * p).sqrt()


def _gaussian(p: arb) -> Function:
    front, half = acb(1 / (2 * arb.pi() * p).sqrt()), acb(-1 / (2 * p))
    return lambda u: front * (half * u * u).exp()


def _conditional(
    g: Activation, slope: arb, std: arb, radius: arb, small: arb
) -> Callable[[acb], acb]:
    """Return u -> E[g(v) | u], cut at |v| < ``radius`` where it has to be integrated."""
    closed = average(g)
    if closed is not None and is_tame(g, float(std.mid())):
        inner = holomorphic(closed, x, {STD: std})
        return lambda u: inner(acb(slope) * u)
    front, half = acb(1 / ((2 * arb.pi()).sqrt() * std)), acb(-1 / (2 * std * std))
    masses = [
        (acb(lower(a.at, {}, Balls())), acb(lower(a.coef, {}, Balls())))
        for a in g.atoms
        if a.is_dirac
    ]

    def value(u: acb) -> acb:
        mean = acb(slope) * u

        def kernel(v: acb) -> acb:
            return front * (half * (v - mean) * (v - mean)).exp()

        # A wide ball of means only bounds the outer integrand: little effort is enough.
        wide = not bool(abs(mean.real.rad()) + abs(mean.imag.rad()) < std * arb(2) ** -20)
        total = _integral(g, kernel, radius, small, effort=200 if wide else 10**6)
        return sum((weight * kernel(place) for place, weight in masses), total)

    return value


def _integral(
    f: Activation,
    kernel: Function,
    radius: arb,
    small: arb,
    within: tuple[sp.Expr, sp.Expr] = (-sp.oo, sp.oo),
    effort: int = 10**6,
) -> acb:
    """Integrate (regular part of f) * kernel over |u| < ``radius``, piece by piece."""
    total = acb(0)
    for low, high, expr in _pieces(f):
        start, end = sp.Max(low, within[0]), sp.Min(high, within[1])
        if not bool(start < end):
            continue
        left = -radius if start == -sp.oo else _clamped(start, radius)
        right = radius if end == sp.oo else _clamped(end, radius)
        if not left < right:
            continue
        function = holomorphic(expr, x)
        cuts = [left, arb(0), right] if left < 0 and right > 0 else [left, right]
        for a, b in itertools.pairwise(cuts):
            total += acb.integral(
                lambda u, _: function(u) * kernel(u),  # noqa: B023
                acb(a),
                acb(b),
                rel_tol=arb(2) ** -flint.ctx.prec,
                abs_tol=small,
                eval_limit=effort,
            )
    return total


@lru_cache(maxsize=256)
def _pieces(f: Activation) -> tuple[tuple[sp.Expr, sp.Expr, sp.Expr], ...]:
    return tuple(pieces(f.atoms))


def _clamped(place: sp.Expr, radius: arb) -> arb:
    return arb.max(-radius, arb.min(radius, lower(place, {}, Balls())))


def _norm(f: Activation, p: arb) -> arb:
    """Bound 1 and the L^4 norm of the regular part of f under any normal law of second moment p.

    Minkowski and Cauchy: E w^(2n) <= (2n - 1)!! p^n also where the mean is not 0, and
    E exp(8t|w|) <= 2 exp(1 + 32 t^2 p).
    """
    total = arb(1)
    sharp, upper, below = vanishing(f.atoms)
    for low, high, terms in _between(sharp):
        for atom in terms:
            # exp(tilt*x) is largest at one end of its interval; where that is infinite, the tilt stays.
            peak = high if bool(atom.tilt > 0) else low
            if atom.tilt == 0 or peak.is_finite:
                lift = sp.exp(atom.tilt * peak) if atom.tilt != 0 else sp.S.One
                total += _term_norm(replace(atom, coef=atom.coef * lift, tilt=sp.S.Zero), p)
            else:
                total += _term_norm(atom, p)
    for side, noisy in ((1, upper), (-1, below)):
        for atom in noisy:
            # exp(tilt*x) Phi is at most exp(tilt*at + tilt^2 scale^2/2) where the two pull against each other.
            if bool(side * atom.tilt < 0):
                lift = sp.exp(atom.tilt * atom.at + atom.tilt**2 * atom.scale**2 / 2)
                total += _term_norm(replace(atom, coef=atom.coef * lift, tilt=sp.S.Zero), p)
            else:
                total += _term_norm(atom, p)
    for atom in f.atoms:
        if atom.kind is not atom.kind.STEP and not atom.is_dirac:
            total += _term_norm(atom, p)
    return total


def _between(steps: list[Atom]) -> list[tuple[sp.Expr, sp.Expr, tuple[Atom, ...]]]:
    places, active = intervals(steps)
    return list(zip([-sp.oo, *places], [*places, sp.oo], active, strict=True))


def _term_norm(atom: Atom, p: arb) -> arb:
    """Bound the L^4 norm of one term, its step or wave replaced by 1."""
    size, power, extra = abs(lower(atom.coef, {}, Balls())), atom.power, arb(0)
    if atom.curve is not None and atom.order > 0:
        size *= lower(atom.curve.bound(atom.order), {}, Balls())
    elif atom.curve is not None:  # |R(y)| <= size |y|, y = u - at
        size *= lower(atom.curve.size, {}, Balls())
        extra = size * abs(lower(atom.at, {}, Balls())) * _power_norm(power, p)
        power += 1
    elif atom.kind is atom.kind.BUMP:
        size /= lower(atom.scale, {}, Balls())
    tilt = lower(abs(atom.tilt), {}, Balls())
    return extra + size * _power_norm(power, p) * arb(3) * (4 * tilt * tilt * p).exp()


def _power_norm(k: int, p: arb) -> arb:
    # (E u^(8k))^(1/8) = p^(k/2) ((8k - 1)!!)^(1/8), and x^(1/8) <= 1 + x.
    moment = arb(1)
    for odd in range(1, 8 * k, 2):
        moment *= odd
    return p.sqrt() ** k * moment.root(8) if k else arb(1)
