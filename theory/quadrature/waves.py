"""Waves that turn too fast to be followed: most of them average to nothing, and by how much is known."""

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp
from flint import arb

from theory.quadrature.axis import axis
from theory.quadrature.certify import Sum
from theory.quadrature.covariance import Covariance
from theory.quadrature.definition import Definition
from theory.quadrature.growth import growth
from theory.quadrature.line import density, gaussian_sums
from theory.quadrature.numeric import number

# Beyond this exponent the mean of |sin| within a Gaussian is 2/pi to all digits of a mass.
_FAST = 40


@dataclass(frozen=True)
class Wave:
    """height * sin(pace x + phase)."""

    height: arb
    pace: sp.Expr

    def damping(self, variance: sp.Expr) -> arb:
        """Return the exponent with which a Gaussian damps the wave, by a shift of the path off the real axis."""
        return number(self.pace**2 * variance / 2)


@lru_cache(maxsize=512)
def wave(f: Definition) -> Wave | None:
    """Recognise a definition that is one sine or cosine on the whole line."""
    if f.diracs or len(f.pieces) != 1 or f.pieces[0].lo != -sp.oo or f.pieces[0].hi != sp.oo:
        return None
    height, call = f.pieces[0].expr.as_independent(f.x, as_Add=False)
    if call.func not in (sp.sin, sp.cos) or sp.diff(call.args[0], f.x).has(f.x):
        return None
    return Wave(number(abs(height)), sp.diff(call.args[0], f.x))


def negligible(
    f: Definition, g: Definition, moments: Covariance, bits: int, settled: float, digits: int
) -> Sum | None:
    """Bound E[f(u) g(v)] of a wave f that the spread of u given v damps, or return nothing.

    Notes
    -----
    |E[exp(i w u) | v]| = exp(-w^2 Var(u|v)/2), so |E[f(u) g(v)]| <= height exp(-w^2 Var(u|v)/2) E|g(v)|.
    """
    of_u = wave(f)
    if of_u is None:
        return None
    damping = of_u.damping(moments.determinant / moments.q)
    if not damping > _FAST:
        return None
    std = number(moments.q).sqrt()
    radius = of_u.height * (-damping).exp() * _size(g, std)
    mean = _mean(g, moments.q, bits, settled)
    if mean is None:
        return None
    mass = 2 * of_u.height * mean / arb.pi()
    if not radius < mass * arb(10) ** -digits:
        return None
    return Sum(arb(0, radius.upper()), mass)


def _size(g: Definition, std: arb) -> arb:
    """Bound E|g(v)|: E|z|^k <= sqrt((2k - 1)!!)."""
    majorant = growth(g).of_normal(arb(0), std)
    if majorant.rate != 0:
        return arb("inf")
    total = sum(
        (a * arb(int(sp.factorial2(2 * k - 1))).sqrt() for k, a in enumerate(majorant.powers)),
        arb(0),
    )
    for place, weight in g.diracs:
        total += number(abs(weight)) * density(number(place) / std) / std
    return total


def _mean(g: Definition, variance: sp.Expr, bits: int, settled: float) -> arb | None:
    """Estimate E|g(v)|."""
    of_v = wave(g)
    if of_v is not None and of_v.damping(variance) > _FAST:
        return 2 * of_v.height / arb.pi()
    (found,) = gaussian_sums(axis((g,), bits, settled), arb(0), number(variance).sqrt(), 3)
    return None if found is None else found.mass
