"""Printed formulas for families of activations against what the engine derives.

The engine derives at exact parameters. A printed formula for all parameters follows from two facts
that are proved separately: it equals the derived one at given parameters, and it scales as the family
does, f_a(u) = weight(a) f_1(u/stretch(a)).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

import theory as th
from proofs_check.methods.identity import Along, identity
from proofs_check.notation import COVARIANCES, VARIANCES, c, chart, covariances, p, q
from proofs_check.verdict import Verdict, every
from theory.activations import Activation
from theory.gaussian import expectation

TRUST = "the scaling f_a(u) = weight(a) f_1(u/stretch(a)), which is each family's definition"
PARAMETERS = ((1, 1), (sp.Rational(1, 2), 3))


@dataclass(frozen=True)
class Family:
    """Activations with one positive parameter (or none: then ``build`` ignores it).

    Parameters
    ----------
    build
        Exact parameter -> activation.
    stretch, weight
        f_a(u) = weight(a) f_1(u/stretch(a)).
    noise
        Variance of the smoothing noise that f_a contains, for the chart.
    """

    build: Callable[[Any], Activation]
    stretch: Callable[[Any], Any] = lambda _: sp.S.One
    weight: Callable[[Any], Any] = lambda _: sp.S.One
    noise: Callable[[Any], Any] = lambda _: sp.S.Zero

    @property
    def derivative(self) -> "Family":
        """The family of derivatives: one more power of the stretch."""
        return replace(
            self,
            build=lambda a: self.build(a).derivative,
            weight=lambda a: self.weight(a) / self.stretch(a),
        )


IDENTITY = Family(lambda _: th.identity())
SIGN = Family(lambda _: th.sign())
HEAVISIDE = Family(lambda _: th.heaviside())
RELU = Family(lambda _: th.relu())
HARDTANH = Family(th.hardtanh, stretch=lambda a: a)
TRIANGLE = Family(th.triangle, stretch=lambda b: b)
ERF = Family(th.erf, stretch=lambda b: 1 / b, noise=lambda b: 1 / (2 * b**2))

a, b = sp.symbols("a b", positive=True)
Printed = Callable[[Any, Any], sp.Expr]


def derived(f: Family, g: Family, printed: Printed) -> Verdict:
    """Prove that ``printed(a, b)`` is E[f_a(u) g_b(v)], for all a, b > 0 and all covariances.

    ``printed`` may use the symbols p, q, c of ``proofs_check.notation``.
    """
    return _trusting_scale(every(_parts(f, g, printed)))


def derived_mean(f: Family, printed: Callable[[Any], sp.Expr]) -> Verdict:
    """Prove that ``printed(a)`` is E[f_a(u)], u ~ N(0, p), for all a, p > 0."""
    return _trusting_scale(every(_mean_parts(f, printed)))


def _parts(f: Family, g: Family, printed: Printed) -> Iterator[tuple[str, Verdict]]:
    for one, other in PARAMETERS:
        value = expectation(f.build(one), g.build(other)).expr
        where = chart(f.noise(sp.sympify(one)), g.noise(sp.sympify(other)))
        verdict = identity(
            printed(sp.sympify(one), sp.sympify(other)),
            value,
            on=COVARIANCES,
            chart=where,
            along=Along(c),
        )
        yield f"derived at a = {one}, b = {other}", verdict
    s, t = f.stretch(a), g.stretch(b)
    scaled = printed(sp.S.One, sp.S.One).subs({p: p / s**2, q: q / t**2, c: c / (s * t)})
    yield (
        "scaling in a, b",
        identity(
            printed(a, b),
            f.weight(a) * g.weight(b) * scaled,
            on=covariances({a: (0, 3), b: (0, 3)}),
            chart=chart(f.noise(a), g.noise(b)),
        ),
    )


def _mean_parts(f: Family, printed: Callable[[Any], sp.Expr]) -> Iterator[tuple[str, Verdict]]:
    for one, _ in PARAMETERS:
        yield (
            f"derived at a = {one}",
            identity(
                printed(sp.sympify(one)),
                expectation(f.build(one)).expr,
                on=VARIANCES,
                chart=chart(),
            ),
        )
    scaled = f.weight(a) * printed(sp.S.One).subs(p, p / f.stretch(a) ** 2)
    domain = replace(VARIANCES, box={**VARIANCES.box, a: (0, 3)})
    yield "scaling in a", identity(printed(a), scaled, on=domain, chart=chart(f.noise(a)))


def _trusting_scale(verdict: Verdict) -> Verdict:
    return replace(verdict, trusts=(*verdict.trusts, TRUST))
