r"""How E[f(u) g(v)] moves with the covariance of (u, v): the derivatives that hyper-parameters need.

In the coordinates p, q and rho = c/sqrt(pq) no term of

    dE = A dlog p + B dlog q + C sqrt(pq) drho,    sqrt(pq) drho = dc - (c/2)(dlog p + dlog q),
    A = E[u f'(u) g(v)]/2,   B = E[f(u) v g'(v)]/2,   C = E[f'(u) g'(v)]   (scaling, and Price's theorem)

is large where the others cancel it: on the line c = +-sqrt(pq) a motion along it has drho = 0, whatever C is.
A function is a sum of *masses* coef * delta_(a,e), normal densities of mean a and variance e (Dirac masses where
e is 0), derivatives of such, and a rest. Given a mass at a on u, with P = p + e, v is N(c a/P, q - c^2/P), and

    E[delta'_(a,e)(u) k(v)] = (a E[delta_(a,e) k] - c E[delta_(a,e) k'])/P,
    x delta_(a,e) = a delta_(a,e) - e delta'_(a,e).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.special import ndtr

from theory.activations import Activation
from theory.activations.atoms import Atom, Kind, bump, step
from theory.gaussian.expectation import expectation

Float = NDArray[np.float64]

_IDENTITY = Activation.of([step(sp.S.One, 1)], "x")


@dataclass(frozen=True)
class Mass:
    """``coef`` times derivative ``order`` of the density of N(at, noise); a Dirac mass where the noise is 0."""

    coef: sp.Expr
    at: sp.Expr
    noise: sp.Expr
    order: int

    @property
    def activation(self) -> Activation:
        """The density itself, without its coefficient."""
        return Activation.of([bump(sp.S.One, 0, self.at, sp.sqrt(self.noise))], "mass")


@dataclass(frozen=True)
class Split:
    """A function or its derivative: masses and a rest without them."""

    masses: tuple[Mass, ...]
    rest: Activation

    @cached_property
    def bare(self) -> "Split":
        """The rest alone."""
        return Split((), self.rest)

    @cached_property
    def derivative(self) -> "Split":
        """The derivative, that of Dirac masses included."""
        below = _split(self.rest.derivative)
        raised = tuple(replace(mass, order=mass.order + 1) for mass in self.masses)
        return Split(below.masses + raised, below.rest)

    @cached_property
    def scaled(self) -> "tuple[Split, ...]":
        """The rest times x, with sharp x H(x - a) as (x - a) H(x - a) and a H(x - a), both evaluated fast."""
        slopes, jumps = [], []
        for atom in (_IDENTITY * self.rest).atoms:
            if atom.is_sharp and atom.is_plain and atom.power == 1 and not atom.is_smooth:
                slopes += [atom, step(-atom.coef * atom.at, 0, atom.at)]
                jumps.append(step(atom.coef * atom.at, 0, atom.at))
            else:
                jumps.append(atom)
        parts = map(Activation.of, (slopes, jumps))
        return tuple(Split((), part) for part in parts if part.atoms)


@cache
def _split(f: Activation) -> Split:
    masses = tuple(Mass(a.coef, a.at, a.scale**2, 0) for a in f.atoms if _is_mass(a))
    return Split(masses, Activation.of([a for a in f.atoms if not _is_mass(a)], f.name))


def _is_mass(atom: Atom) -> bool:
    return atom.kind is Kind.BUMP and atom.power == 0 and atom.tilt == 0 and atom.omega == 0


@dataclass(frozen=True)
class Sensitivities:
    """The coefficients A, B (``first``, ``second``) and C (``angle``) of dE, arrays of one shape."""

    first: Float
    second: Float
    angle: Float

    def along(self, dlog_p: Float, dlog_q: Float, turn: Float) -> Float:
        """Return dE for motions dlog p, dlog q and sqrt(pq) drho; without the last, C does not count."""
        with np.errstate(invalid="ignore", over="ignore"):
            turned = np.where(turn == 0, 0.0, self.angle * turn)
        return self.first * dlog_p + self.second * dlog_q + turned


def sensitivities(
    f: Activation, g: Activation, p: Float, q: Float, c: Float, det: Float
) -> Sensitivities:
    """Return the derivatives of E[f(u) g(v)] with respect to log p, log q (at fixed correlation) and c.

    Parameters
    ----------
    f, g
        Activations, Dirac masses included.
    p, q, c, det
        Variances, covariance, and the determinant p q - c^2 as well as it is known, one-dimensional arrays of
        equal length, in the domain of ``Expectation.float64``. Where a variance is 0 its coefficient is 0.

    Returns
    -------
    Sensitivities
        On the line c = +-sqrt(pq) densities of coinciding Dirac masses are left out: the sum of ``first`` and
        ``second`` is the derivative along p = q = c, and ``angle`` means nothing unless f' and g' are functions.

    Notes
    -----
    Error about 1e-13 of the value or of the natural size sqrt(E[f^2] E[g^2]) (Dirac masses left out), whichever is
    larger, for ``angle`` times sqrt(pq); where variances are 1e4 times the squares of all thresholds, 1e-11.
    Functions with curves, waves or exponentials take as long as ``Expectation`` does for them. Source: claims G2, G3.
    """
    one, other = _split(f), _split(g)
    at = _Points(p, q, c, det)
    return Sensitivities(
        _radial(one, other, at) / 2,
        _radial(other, one, at.exchanged) / 2,
        _product(one.derivative, other.derivative, at),
    )


@dataclass(frozen=True)
class _Points:
    """Covariances (p, q, c); p = 0 counts as a mean 0 without spread, where masses away from 0 do not count."""

    p: Float
    q: Float
    c: Float
    det: Float

    @property
    def exchanged(self) -> "_Points":
        return _Points(self.q, self.p, self.c, self.det)


def _product(f: Split, g: Split, at: _Points) -> Float:
    """Return E[f(u) g(v)]."""
    total = _expected(f.rest, g.rest, at)
    for mass in f.masses:
        total = total + _against(mass, g, at)
    for mass in g.masses:
        total = total + _against(mass, f.bare, at.exchanged)
    return total


def _radial(f: Split, g: Split, at: _Points) -> Float:
    """Return E[u f'(u) g(v)]."""
    slope = f.derivative
    total = np.zeros_like(at.p)
    for part in slope.scaled:
        total = total + _product(part, g, at)
    for mass in slope.masses:
        coef, a, e = float(mass.coef), float(mass.at), float(mass.noise)
        P = at.p + e
        zeroth, first, second = (_given(mass, g, at, n) for n in range(3))
        with np.errstate(invalid="ignore", divide="ignore"):
            if mass.order == 0:
                value = (a * at.p * zeroth + e * at.c * first) / P
            else:
                turned = (a * zeroth - at.c * first) / P
                value = at.p / P * (a * turned - zeroth)
                value += at.c * e / P**2 * (a * first - at.c * second)
        total = total + np.where(at.p > 0, coef * value, 0.0)
    return total


def _against(mass: Mass, g: Split, at: _Points) -> Float:
    """Return E[m(u) g(v)] of a mass of order 0 or 1."""
    coef = float(mass.coef)
    if mass.order == 0:
        return coef * _given(mass, g, at, 0)
    P = at.p + float(mass.noise)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = (float(mass.at) * _given(mass, g, at, 0) - at.c * _given(mass, g, at, 1)) / P
    return np.where(P > 0, coef * value, 0.0)


def _given(mass: Mass, g: Split, at: _Points, order: int) -> Float:
    """Return E[delta_(a,e)(u) g^(order)(v)], the density at a times a mean of a normal v."""
    a, P = float(mass.at), at.p + float(mass.noise)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        density = np.where(P > 0, np.exp(-a * a / (2 * P)) / np.sqrt(2 * np.pi * P), 0.0)
        mean = np.where(P > 0, at.c * a / P, 0.0)
        spread = np.where(P > 0, (at.det + float(mass.noise) * at.q) / P, at.q)
    total = np.zeros_like(P)
    for part in g.masses:
        noise = float(part.noise)
        total += float(part.coef) * _density(
            mean - float(part.at), spread + noise, part.order + order
        )
    known = [_closed(atom) for atom in g.rest.atoms]
    for mean_of in known:
        if mean_of is not None:
            total += mean_of(mean, spread, order)
    result = density * total
    left = [atom for atom, m in zip(g.rest.atoms, known, strict=True) if m is None]
    if left:
        rest = Activation.of(left)
        if order == 0:
            result = result + _expected(mass.activation, rest, at)
        else:
            result = result + _given(mass, _split(rest.derivative), at, order - 1)
    return result


def _expected(f: Activation, g: Activation, at: _Points) -> Float:
    if not (f.atoms and g.atoms):
        return np.zeros_like(at.p)
    return expectation(f, g).float64(at.p, at.q, at.c)


Mean = Callable[[Float, Float, int], Float]


@cache
def _closed(atom: Atom) -> Mean | None:
    """Return (mu, s, n) -> the n-th derivative in mu of E[atom(N(mu, s))] for a step of power 0 or 1, or None."""
    if atom.kind is not Kind.STEP or not atom.is_plain or atom.power > 1:
        return None
    coef, sharp = float(atom.coef), bool(atom.scale == 0)
    if atom.is_smooth:
        powers = (lambda mean: mean, np.ones_like) if atom.power else (np.ones_like,)
        return lambda mean, _, n: coef * powers[n](mean) if n < len(powers) else np.zeros_like(mean)
    b, noise = float(atom.at), float(atom.scale**2)
    if atom.power == 0:
        return lambda mean, s, n: coef * _step(mean - b, s + noise, n)
    return (lambda mean, s, n: coef * _ramp(mean, b, s, n)) if sharp else None


def _ramp(mean: Float, b: float, s: Float, order: int) -> Float:
    if order == 0:
        return mean * _step(mean - b, s, 0) + s * _density(mean - b, s, 0)
    return _step(mean - b, s, order - 1) + b * _density(mean - b, s, order - 1)


def _step(mean: Float, s: Float, order: int) -> Float:
    if order > 0:
        return _density(mean, s, order - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(s > 0, ndtr(mean / np.sqrt(s)), np.heaviside(mean, 0.5))


def _density(mean: Float, s: Float, order: int) -> Float:
    """Return derivative ``order`` <= 3 of the density of N(0, s) at ``mean``; 0 where s = 0."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        z = mean / np.sqrt(s)
        hermite = (1.0, -z, z * z - 1.0, z * (3.0 - z * z))[order]
        value = hermite * np.exp(-z * z / 2) / np.sqrt(2 * np.pi) / s ** ((order + 1) / 2)
        return np.where(s > 0, value, 0.0)
