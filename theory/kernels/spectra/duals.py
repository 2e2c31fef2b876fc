"""E[f(u) g(v)] along a curve of correlations, as an expansion with a rigorous remainder.

Closed forms made of elementary functions are expanded as they stand. The others hold bivariate
normal orthants; Price's theorem, d/drho E[f(u) g(v)] = sqrt(pq) E[f'(u) g'(v)], leads from them to
elementary ones in a step or two, and integration leads back.
"""

from dataclasses import dataclass
from functools import cache

import sympy as sp
from flint import arb

from theory.activations import Activation
from theory.arithmetic.balls import Balls
from theory.arithmetic.functions import Arc, Cross, JointDensity, phi
from theory.arithmetic.lowering import lower
from theory.errors import InputError
from theory.gaussian import c, expectation, p, q
from theory.kernels.spectra.expansion import RULES, Expansion, Expansions

_STEPS = 4


@dataclass(frozen=True)
class Form:
    """A closed form, with the slopes by Price's theorem where it is not elementary."""

    expr: sp.Expr
    slopes: tuple["Form", ...] | None


def along(f: Activation, g: Activation, variance: arb, rho: Expansion) -> Expansion:
    """Return E[f(u) g(v)] for both variances equal and the correlation an expansion.

    Raises
    ------
    InputError
        Where no closed form exists, or Price's theorem does not lead to elementary functions.
    """
    return _expand(form(f, g), variance, rho)


def mean_square(f: Activation, variance: arb) -> arb:
    """Return E[f(u)^2]."""
    return mean_product(f, f, variance)


def mean_product(f: Activation, g: Activation, variance: arb) -> arb:
    """Return E[f(u) g(u)].

    Raises
    ------
    InputError
        Where there is no closed form.
    """
    expr = expectation(f, g).on_line(1).subs(q, p)
    if expr.has(sp.Integral):
        raise _no_closed_form(f, g)
    return lower(expr, {p: variance}, Balls())


@cache
def form(f: Activation, g: Activation, steps: int = _STEPS) -> Form:
    """Return how E[f(u) g(v)] is expanded."""
    derived = expectation(f, g).expr
    if derived.has(sp.Integral):
        raise _no_closed_form(f, g)
    plain = derived.replace(lambda e: isinstance(e, JointDensity), lambda e: e.rewrite(phi))
    expr = plain.replace(lambda e: isinstance(e, Cross | Arc), lambda e: e.doit())
    if all(type(e).__name__ in RULES for e in expr.atoms(sp.Function)):
        return Form(expr, None)
    if steps == 0:
        raise InputError(
            f"differentiating E[{f}(u) {g}(v)] {_STEPS} times does not lead to elementary functions, which "
            f"certified spectra need; use th.zonal_spectrum"
        )
    if f.has_dirac or g.has_dirac:
        # Masses against anything are elementary; what is left has derivatives.
        parts = [(a, b) for a in _parted(f) for b in _parted(g)]
        return (
            Form(expr, None)
            if len(parts) == 1
            else Form(sp.S.NaN, tuple(form(a, b, steps) for a, b in parts))
        )
    return Form(expr, (form(f.derivative, g.derivative, steps - 1),))


def _no_closed_form(f: Activation, g: Activation) -> InputError:
    return InputError(
        f"E[{f}(u) {g}(v)] has no closed form, and certified values need one; use the function in float64, "
        f"th.zonal_spectrum or th.singular_law"
    )


def _parted(f: Activation) -> list[Activation]:
    masses = [atom for atom in f.atoms if atom.is_dirac]
    rest = [atom for atom in f.atoms if not atom.is_dirac]
    return [Activation.of(part, f.name) for part in (masses, rest) if part]


def _expand(this: Form, variance: arb, rho: Expansion) -> Expansion:
    if this.slopes is None:
        known = {p: variance, q: variance, c: rho * variance}
        value = lower(this.expr, known, Expansions())
        return value if isinstance(value, Expansion) else rho * 0 + value
    if this.expr is sp.S.NaN:
        return sum((_expand(part, variance, rho) for part in this.slopes), rho * 0)
    here = lower(this.expr, {p: variance, q: variance, c: rho.value * variance}, Balls())
    slope = _expand(this.slopes[0], variance, rho) * variance * rho.derivative()
    return slope.antiderivative(here)
