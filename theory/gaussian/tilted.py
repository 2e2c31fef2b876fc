r"""Moments of atoms that carry exponentials or waves: a tilt moves a Gaussian (claim G1).

E[exp(tau u + kappa v) F(u, v)] = exp((tau^2 p + 2 tau kappa c + kappa^2 q)/2) E[F(u + mu, v + nu)] with
mu = tau p + kappa c, nu = tau c + kappa q: thresholds move by -mu and -nu. For waves tau is imaginary, and Phi
is needed at complex arguments; ``PhiCos`` and ``PhiSin`` are its real form. A wave never sits on a step, so at
most one threshold is complex.
"""

from functools import cache
from math import comb

import sympy as sp

from theory.activations.atoms import Atom
from theory.arithmetic.functions import Cross, Phi, PhiCos, PhiSin, phi
from theory.gaussian.linear import Linear
from theory.gaussian.stein import NONE, Factor, PairMoments

_PLACE = sp.Symbol("b", real=True)

Complex = tuple[sp.Expr, sp.Expr]


def tilted_pair(f: Atom, g: Atom, p: sp.Expr, q: sp.Expr, c: sp.Expr) -> Linear:
    """Return E[f(u) g(v)] where at least one atom is tilted or a wave, coefficients included."""
    result = Linear()
    if f.omega == 0 and g.omega == 0:
        result.add_all(_real(f, g, p, q, c), f.coef * g.coef)
    elif f.omega == 0 or (not f.is_smooth and g.is_smooth):
        result.add_all(tilted_pair(g, f, q, p, c))
    elif g.omega == 0:
        _waves(result, f, g, g.tilt, f.phase, (p, q, c))
    else:
        # Re a Re b = Re(a b + a conj(b)) / 2.
        half = sp.Rational(1, 2)
        _waves(result, f, g, g.exponent, half * f.phase * g.phase, (p, q, c))
        conjugate = g.exponent.conjugate()
        _waves(result, f, g, conjugate, half * f.phase * g.phase.conjugate(), (p, q, c))
    return result


def tilted_mean(f: Atom, p: sp.Expr) -> Linear:
    """Return E[f(u)], u ~ N(0, p), of an atom that is tilted or a wave."""
    one = Atom(sp.S.One, 0, -sp.oo, sp.S.Zero, f.kind.STEP)
    return tilted_pair(f, one, p, p, sp.S.Zero)


def tilted_on_line(f: Atom, g: Atom, p: sp.Expr, k: sp.Expr, sign: int) -> Linear:
    """Return E[f(u) g(k u)], u ~ N(0, p), for two sharp atoms without Dirac mass; k has the given sign."""
    result = Linear()
    power, outside = f.power + g.power, f.coef * g.coef * k**g.power
    ends = [(sp.S.One, -sp.oo)]
    if not f.is_smooth:
        ends = [(sp.S.One, f.at)]
    if not g.is_smooth:
        image = g.at / k
        if sign > 0:
            ends = [(w, image if at == -sp.oo else sp.Max(at, image)) for w, at in ends]
        else:  # the second step fires below its image
            ends = [(w, at if at == -sp.oo else sp.Min(at, image)) for w, at in ends]
            ends.append((-sp.S.One, image))
    half = sp.Rational(1, 2) if f.omega != 0 and g.omega != 0 else sp.S.One
    kinds = [(g.tilt + sp.I * g.omega, g.phase)]
    if half != 1:
        kinds.append((g.tilt - sp.I * g.omega, g.phase.conjugate()))
    for weight, at in ends:
        for kappa, phase in kinds:
            exponent, turned = sp.expand(f.exponent + k * kappa), half * f.phase * phase
            _one_variable(result, weight * outside * turned, power, exponent, at, p)
    return result


def _one_variable(
    result: Linear, outside: sp.Expr, power: int, theta: sp.Expr, at: sp.Expr, p: sp.Expr
) -> None:
    """Add the real part of outside * E[u^power e^(theta u) 1{u > at}], theta complex."""
    mu, exponent = sp.expand(theta * p), _parts(sp.expand(theta**2 * p / 2))
    moments = PairMoments(p, p, sp.S.Zero, sp.S.Zero, sp.S.Zero)
    factor = NONE if at == -sp.oo else Factor(_PLACE)
    root = sp.sqrt(p)
    for m in range(power + 1):
        shift = outside * comb(power, m) * mu ** (power - m)
        for leaf, k in moments.moment(m, 0, factor, NONE).terms.items():
            if leaf == 1:
                coefficient = k if at == -sp.oo else k.subs(_PLACE, at - mu)
                _add(result, shift * coefficient, exponent, sp.S.One)
                continue
            tilt, omega = _parts(theta)
            near, turn = (tilt * p - at) / root, omega * root
            coefficient = shift * sp.expand(k).subs(_PLACE, at - mu)
            joined = sp.expand(exponent[0] + turn**2 / 2)
            if leaf.has(phi):
                _add(result, coefficient, (joined, exponent[1] - near * turn), phi(near))
            else:
                _add(result, coefficient, exponent, sp.S.One)
                for unit, part in ((1, PhiCos(near, turn)), (sp.I, PhiSin(near, turn))):
                    _add(result, -coefficient * unit, (joined, exponent[1]), part)


def _real(f: Atom, g: Atom, p: sp.Expr, q: sp.Expr, c: sp.Expr) -> Linear:
    tau, kappa = f.tilt, g.tilt
    mu, nu = tau * p + kappa * c, tau * c + kappa * q
    moments = PairMoments(p, q, c, f.scale, g.scale)
    S, T = _moved(f, mu), _moved(g, nu)
    result = Linear()
    lift = sp.exp(sp.expand((tau**2 * p + 2 * tau * kappa * c + kappa**2 * q) / 2))
    for m in range(f.power + 1):
        for n in range(g.power + 1):
            shift = comb(f.power, m) * mu ** (f.power - m) * comb(g.power, n) * nu ** (g.power - n)
            if shift != 0:
                for leaf, coefficient in moments.moment(m, n, S, T).terms.items():
                    result.add(lift * leaf, shift * coefficient)
    return result


def _moved(atom: Atom, shift: sp.Expr) -> Factor:
    factor = Factor.of(atom)
    return factor if factor.at is None else Factor(sp.expand(factor.at - shift), factor.mass)


def _waves(
    result: Linear,
    f: Atom,
    g: Atom,
    kappa: sp.Expr,
    phase: sp.Expr,
    covariance: tuple[sp.Expr, sp.Expr, sp.Expr],
) -> None:
    """Add the real part of phase * E[u^i e^(tau u) v^j e^(kappa v) T(t)], f being the wave u^i e^(tau u)."""
    p, q, c = covariance
    tau, Q = f.exponent, q + g.scale**2
    mu, nu = sp.expand(tau * p + kappa * c), sp.expand(tau * c + kappa * q)
    exponent = _parts(sp.expand((tau**2 * p + 2 * tau * kappa * c + kappa**2 * q) / 2))
    moments = PairMoments(p, q, c, sp.S.Zero, g.scale)
    for m in range(f.power + 1):
        for n in range(g.power + 1):
            shift = comb(f.power, m) * mu ** (f.power - m) * comb(g.power, n) * nu ** (g.power - n)
            outside = phase * f.coef * g.coef * shift
            if g.is_smooth:
                value = sp.Add(*(k * w for w, k in moments.moment(m, n, NONE, NONE).terms.items()))
                _add(result, outside * value, exponent, sp.S.One)
                continue
            factor = Factor(_PLACE, Factor.of(g).mass)
            root = sp.sqrt(Q)
            near, turn = (part / root for part in _parts(sp.expand(nu - g.at)))
            # The exponent of the wave and the exp(turn^2/2) hidden in Phi and phi: one, not positive.
            size, angle = exponent
            joined = sp.expand(size + f.omega**2 * p / 2) - f.omega**2 * Cross(p, Q, c, c) / (2 * Q)
            for leaf, k in moments.moment(m, n, NONE, factor).terms.items():
                coefficient = outside * sp.expand(k).subs(_PLACE, g.at - nu)
                if leaf == 1:
                    _add(result, coefficient, exponent, sp.S.One)
                elif leaf.has(phi):
                    # phi(near + i turn) = phi(near) exp(turn^2/2 - i near turn)
                    _add(result, coefficient, (joined, angle - near * turn), phi(near))
                else:
                    assert leaf == Phi(_PLACE / root)
                    _add(result, coefficient, exponent, sp.S.One)
                    parts = PhiCos(near, turn), PhiSin(near, turn)
                    for unit, part in zip((1, sp.I), parts, strict=True):
                        _add(result, -coefficient * unit, (joined, angle), part)


def _add(result: Linear, coefficient: sp.Expr, exponent: Complex, leaf: sp.Expr) -> None:
    """Add Re(coefficient * exp(exponent)) * leaf for a real leaf."""
    even, odd = _parts(sp.expand(coefficient))
    size, angle = sp.exp(exponent[0]) * leaf, sp.expand(exponent[1])
    result.add(size * sp.cos(angle), even)
    result.add(size * sp.sin(angle), -odd)


@cache
def _parts(value: sp.Expr) -> Complex:
    """Return real and imaginary part of a polynomial in i with real symbols."""
    terms = sp.Add.make_args(sp.expand(value))
    even = sp.Add(*(term for term in terms if not term.has(sp.I)))
    odd = sp.Add(*(term / sp.I for term in terms if term.has(sp.I)))
    return even, odd
