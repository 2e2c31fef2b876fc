r"""Atoms: the alphabet of activations, closed under derivative, primitive and Gaussian smoothing.

A *step* atom is ``coef * x**power * E[H(x + scale*z - at)]`` with z standard normal, that is
``coef * x**power * Phi((x - at)/scale)``; scale 0 is a sharp step and ``at = -oo`` no step at all.
A *bump* atom is ``coef * x**power`` times the density of N(at, scale**2) at x; scale 0 is a Dirac
mass. A step atom may be *tilted* by ``exp(tilt*x)``, and one without step may also *oscillate*, by
``cos(omega*x)`` or ``sin(omega*x)``; a tilted bump is a bump elsewhere. A *curve* atom is ``coef * x**power``
times a derivative of a declared function at ``x - at`` that has no closed Gaussian expectation
(``theory.activations.curves``). Source: claim G1.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import sympy as sp

from theory.activations.curves import Curve
from theory.arithmetic.functions import Phi, phi
from theory.errors import ActivationError

x = sp.Symbol("x", real=True)


class Kind(StrEnum):
    """What an atom multiplies its monomial with."""

    STEP = "step"
    BUMP = "bump"
    CURVE = "curve"


@dataclass(frozen=True)
class Atom:
    """One term of an activation.

    Exact ``coef``, ``power`` >= 0, location ``at``, ``scale`` >= 0; ``tilt``, frequency ``omega`` >= 0 with
    ``odd`` for a sine; ``curve`` with the ``order`` of its derivative.
    """

    coef: sp.Expr
    power: int
    at: sp.Expr
    scale: sp.Expr
    kind: Kind
    tilt: sp.Expr = sp.S.Zero
    omega: sp.Expr = sp.S.Zero
    odd: bool = False
    curve: Curve | None = None
    order: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether this is a polynomial times a step or a bump: neither tilted, nor a wave, nor a curve."""
        return self.curve is None and self.tilt == 0 and self.omega == 0

    @property
    def is_smooth(self) -> bool:
        """Whether there is no step: a polynomial, possibly times an exponential or a wave."""
        return bool(self.at == -sp.oo)

    @property
    def is_polynomial(self) -> bool:
        """Whether this is a plain monomial."""
        return self.is_smooth and self.is_plain

    @property
    def is_sharp(self) -> bool:
        """Whether this is a step of scale 0, or no step."""
        return self.kind is Kind.STEP and bool(self.scale == 0)

    @property
    def is_dirac(self) -> bool:
        """Whether the atom is a point mass."""
        return self.kind is Kind.BUMP and bool(self.scale == 0)

    @property
    def exponent(self) -> sp.Expr:
        """The complex number tau with which the atom is the real part of ``phase * exp(tau*x) * ...``."""
        return self.tilt + sp.I * self.omega

    @property
    def phase(self) -> sp.Expr:
        """1 for a cosine (or no wave), -i for a sine."""
        return -sp.I if self.odd else sp.S.One

    @property
    def monomial(self) -> sp.Expr:
        """The atom without its step, bump or curve."""
        wave = sp.sin(self.omega * x) if self.odd else sp.cos(self.omega * x)
        return self.coef * x**self.power * sp.exp(self.tilt * x) * wave

    @property
    def expr(self) -> sp.Expr:
        """The atom as SymPy, in ``x``."""
        if self.is_dirac:
            return self.coef * sp.DiracDelta(x - self.at)
        if self.curve is not None:
            return self.monomial * self.curve.expr(self.order, x - self.at)
        if self.is_smooth:
            return self.monomial
        if self.kind is Kind.BUMP:
            return self.monomial * phi((x - self.at) / self.scale).rewrite(sp.exp) / self.scale
        if self.scale == 0:
            return self.monomial * sp.Heaviside(x - self.at, sp.Rational(1, 2))
        return self.monomial * Phi((x - self.at) / self.scale).rewrite(sp.erf)


def step(
    coef: sp.Expr,
    power: int,
    at: sp.Expr = -sp.oo,
    scale: sp.Expr = sp.S.Zero,
    tilt: sp.Expr = sp.S.Zero,
) -> Atom:
    """Return a step atom."""
    return Atom(coef, power, at, sp.S.Zero if at == -sp.oo else scale, Kind.STEP, tilt)


def bump(coef: sp.Expr, power: int, at: sp.Expr, scale: sp.Expr, tilt: sp.Expr = sp.S.Zero) -> Atom:
    """Return a bump atom; a Dirac mass absorbs its monomial, and a tilt moves a bump."""
    if scale == 0:
        return Atom(coef * at**power * sp.exp(tilt * at), 0, at, scale, Kind.BUMP)
    lifted = coef * sp.exp(tilt * at + tilt**2 * scale**2 / 2)
    return Atom(lifted, power, at + tilt * scale**2, scale, Kind.BUMP)


def curve(coef: sp.Expr, power: int, at: sp.Expr, shape: Curve, order: int) -> Atom:
    """Return a curve atom: derivative ``order`` of ``shape``, centred at ``at``."""
    return Atom(coef, power, at, sp.S.Zero, Kind.CURVE, curve=shape, order=order)


def waves(coef: sp.Expr, power: int, exponent: sp.Expr) -> list[Atom]:
    """Return the real part of ``coef * x**power * exp(exponent*x)``, both numbers complex, as atoms."""
    tilt, omega = exponent.as_real_imag()
    even, odd = sp.expand(coef).as_real_imag()
    if omega == 0:
        return [step(even, power, tilt=tilt)]
    if bool(omega < 0):
        omega, odd = -omega, -odd
    cosine = Atom(even, power, -sp.oo, sp.S.Zero, Kind.STEP, tilt, omega)
    return [cosine, replace(cosine, coef=-odd, odd=True)]


def combine(atoms: Iterable[Atom]) -> tuple[Atom, ...]:
    """Merge equal atoms, drop zeros, and order them: one representation for each function."""
    total: dict[Atom, sp.Expr] = {}
    for atom in atoms:
        key = replace(atom, coef=sp.S.One)
        total[key] = total.get(key, sp.S.Zero) + atom.coef
    merged = []
    for key, coef in total.items():
        simple = coef if coef.is_Rational else sp.radsimp(sp.expand(coef))
        if simple != 0:
            merged.append(replace(key, coef=simple))
    return tuple(sorted(merged, key=_order))


def _order(atom: Atom) -> tuple[object, ...]:
    where = (atom.kind.value, float(atom.at), float(atom.scale), atom.power)
    return (*where, float(atom.tilt), float(atom.omega), atom.odd, str(atom.curve), atom.order)


def derivative(atom: Atom) -> list[Atom]:
    """Return the distributional derivative of one atom."""
    i = atom.power
    lowered = [replace(atom, coef=i * atom.coef, power=i - 1)] if i else []
    if atom.is_dirac:
        raise ActivationError(
            f"the derivative of a Dirac mass at {atom.at} leaves the class of activations; "
            f"differentiate at most once past a jump, or smooth the activation first"
        )
    if atom.curve is not None:
        jump = atom.coef * atom.curve.jump(atom.order)
        mass = [bump(jump, i, atom.at, sp.S.Zero)] if jump != 0 else []
        return [*lowered, replace(atom, order=atom.order + 1), *mass]
    if atom.kind is Kind.STEP:
        if atom.tilt != 0:
            lowered.append(replace(atom, coef=atom.tilt * atom.coef))
        if atom.omega != 0:
            turned = atom.coef * (atom.omega if atom.odd else -atom.omega)
            lowered.append(replace(atom, coef=turned, odd=not atom.odd))
        if atom.is_smooth:
            return lowered
        return [*lowered, bump(atom.coef, i, atom.at, atom.scale, atom.tilt)]
    slope = atom.coef / atom.scale**2
    return [
        *lowered,
        bump(-slope, i + 1, atom.at, atom.scale),
        bump(slope * atom.at, i, atom.at, atom.scale),
    ]


def primitive(atom: Atom) -> list[Atom]:
    """Return a primitive of one atom, up to a constant.

    Raises
    ------
    ActivationError
        For a curve whose primitive was not declared.
    """
    i, a, e = atom.power, atom.at, atom.scale
    if atom.curve is not None:
        return _curve_primitive(atom)
    if atom.kind is Kind.BUMP:
        return _bump_primitive(atom)
    if atom.exponent != 0:
        return _tilted_primitive(atom)
    raised = atom.coef / (i + 1)
    if atom.is_smooth:
        return [step(raised, i + 1)]
    if e == 0:
        return [step(raised, i + 1, a), step(-raised * a ** (i + 1), 0, a)]
    return [step(raised, i + 1, a, e), *_bump_primitive(bump(-raised, i + 1, a, e))]


def _tilted_primitive(atom: Atom) -> list[Atom]:
    # By parts: x**i exp(tau x) has the primitive sum_k f_k x**k exp(tau x), f_i = 1/tau.
    coefficients = {atom.power: atom.coef * atom.phase / atom.exponent}
    for k in range(atom.power, 0, -1):
        coefficients[k - 1] = -k * coefficients[k] / atom.exponent
    if atom.is_smooth:
        return [w for k, f in coefficients.items() for w in waves(f, k, atom.exponent)]
    a, e, tilt = atom.at, atom.scale, atom.tilt
    result = [step(f, k, a, e, tilt) for k, f in coefficients.items()]
    if e == 0:
        at_step = sp.Add(*(f * a**k for k, f in coefficients.items())) * sp.exp(tilt * a)
        return [*result, step(-at_step, 0, a)]
    masses = [bump(-f, k, a, e, tilt) for k, f in coefficients.items()]
    return [*result, *(term for mass in masses for term in _bump_primitive(mass))]


def _bump_primitive(atom: Atom) -> list[Atom]:
    # x**k phi = a x**(k-1) phi + e**2 (k-1) x**(k-2) phi - e**2 (x**(k-1) phi)'
    k, a, e = atom.power, atom.at, atom.scale
    if k == 0:
        return [step(atom.coef, 0, a, e)]
    result = [bump(-atom.coef * e**2, k - 1, a, e)]
    result += _bump_primitive(bump(atom.coef * a, k - 1, a, e))
    if k > 1:
        result += _bump_primitive(bump(atom.coef * e**2 * (k - 1), k - 2, a, e))
    return result


def _curve_primitive(atom: Atom) -> list[Atom]:
    assert atom.curve is not None
    if atom.order == 0:
        raise ActivationError(
            f"the primitive of {atom.expr} leaves the class of activations: none is declared for it"
        )
    # By parts; the derivative of a curve that jumps is the next curve and a Dirac mass.
    raised = replace(atom, order=atom.order - 1)
    result = [raised]
    if (jump := atom.curve.jump(raised.order)) != 0:
        result.append(step(-atom.coef * jump * atom.at**atom.power, 0, atom.at))
    if atom.power:
        lower = replace(raised, coef=-atom.power * atom.coef, power=atom.power - 1)
        result += _curve_primitive(lower)
    return result


def smoothed(atom: Atom, std: sp.Expr) -> list[Atom]:
    """Return the atom averaged over x + std*z', z' standard normal (claim G3).

    Raises
    ------
    ActivationError
        For a curve: its average has no closed form.
    """
    if atom.curve is not None:
        raise ActivationError(
            f"the Gaussian average of {atom.expr} leaves the class of activations: it has no closed form"
        )
    if atom.exponent == 0:
        return _smoothed_plain(atom, std)
    # E[exp(tau (x + std z)) h(x + std z)] = exp(tau x + tau^2 std^2/2) E[h(x + tau std^2 + std z)].
    tau = atom.exponent
    plain = replace(atom, tilt=sp.S.Zero, omega=sp.S.Zero, odd=False)
    factor = atom.phase * sp.exp(sp.expand(tau**2 * std**2 / 2, complex=False))
    result: list[Atom] = []
    for term in _smoothed_plain(plain, std):
        moved = sp.Poly((x + tau * std**2) ** term.power, x)
        for (k,), c in moved.terms():
            coef = factor * term.coef * c
            if term.is_smooth:
                result += waves(coef, k, tau)
            elif term.kind is Kind.BUMP:
                result.append(bump(coef, k, term.at - tau * std**2, term.scale, tau))
            else:
                result.append(step(coef, k, term.at - tau * std**2, term.scale, tau))
    return result


def _smoothed_plain(atom: Atom, std: sp.Expr) -> list[Atom]:
    i, a, e = atom.power, atom.at, atom.scale
    if atom.is_smooth:
        moments = _monomial_moments(i, x, std**2)
        return _spread(atom.coef * moments[i], lambda c, k: step(c, k))
    t2 = std**2 + e**2
    t = sp.sqrt(t2)
    # Given that the smoothed step fires exactly at a, x + std*z' is Gaussian with these moments.
    mean, variance = x + std**2 * (a - x) / t2, std**2 * e**2 / t2
    given = _monomial_moments(i, mean, variance)
    if atom.kind is Kind.BUMP:
        return _spread(atom.coef * given[i], lambda c, k: bump(c, k, a, t))
    # Stein for y = x + std*z':  E[y**j H] = x E[y**(j-1) H] + std**2 ((j-1) E[y**(j-2) H] + E[y**(j-1) delta])
    steps = [sp.S.One]
    bumps = [sp.S.Zero]
    for j in range(1, i + 1):
        older = (steps[j - 2], bumps[j - 2]) if j > 1 else (sp.S.Zero, sp.S.Zero)
        steps.append(sp.expand(x * steps[-1] + std**2 * (j - 1) * older[0]))
        bumps.append(sp.expand(x * bumps[-1] + std**2 * ((j - 1) * older[1] + given[j - 1])))
    return [
        *_spread(atom.coef * steps[i], lambda c, k: step(c, k, a, t)),
        *_spread(atom.coef * bumps[i], lambda c, k: bump(c, k, a, t)),
    ]


def _monomial_moments(order: int, mean: sp.Expr, variance: sp.Expr) -> list[sp.Expr]:
    moments = [sp.S.One, mean]
    for k in range(2, order + 1):
        moments.append(sp.expand(mean * moments[-1] + (k - 1) * variance * moments[-2]))
    return moments


def _spread(polynomial: sp.Expr, make) -> list[Atom]:  # type: ignore[no-untyped-def]
    return [make(c, k) for (k,), c in sp.Poly(polynomial, x).terms() if c != 0]


def product(left: Atom, right: Atom) -> list[Atom]:
    """Return the product of two atoms where it stays in the class.

    Raises
    ------
    ActivationError
        For two smoothed atoms, a wave or a curve with a step, or a Dirac mass on top of a jump.
    """
    power = left.power + right.power
    for one, other in ((left, right), (right, left)):
        if one.is_polynomial:
            raised = replace(other, coef=one.coef * other.coef, power=power)
            return (
                [bump(raised.coef, raised.power, raised.at, raised.scale)]
                if other.is_dirac
                else [raised]
            )
    both = left.coef * right.coef
    if left.is_smooth and right.is_smooth:
        # Re a Re b = Re(a b + a conj(b)) / 2.
        half = both * left.phase / 2
        return [
            *waves(half * right.phase, power, left.exponent + right.exponent),
            *waves(
                half * right.phase.conjugate(), power, left.exponent + right.exponent.conjugate()
            ),
        ]
    for one, other in ((left, right), (right, left)):
        if one.is_smooth and one.omega == 0 and other.curve is None:
            make = bump if other.kind is Kind.BUMP else step
            return [make(both, power, other.at, other.scale, left.tilt + right.tilt)]
    if left.is_sharp and right.is_sharp and left.omega == right.omega == 0:
        later = sp.Max(left.at, right.at)
        return [step(both, power, later, tilt=left.tilt + right.tilt)]
    for mass, other in ((left, right), (right, left)):
        if mass.is_dirac and other.is_sharp and other.omega == 0 and mass.at != other.at:
            fires = bool(mass.at > other.at)
            value = other.coef * mass.at**other.power * sp.exp(other.tilt * mass.at)
            return [bump(mass.coef * (value if fires else sp.S.Zero), 0, mass.at, sp.S.Zero)]
    raise ActivationError(
        f"the product of {left.expr} and {right.expr} leaves the class of activations; "
        f"products are closed for piecewise polynomials away from their jumps"
    )
