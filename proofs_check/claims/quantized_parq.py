"""Constants in PARQ's convergence theorem, as displayed and as they follow (S6)."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import flint
import sympy as sp
from flint import arb

from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.enclose import TRUSTS, positive
from proofs_check.methods.erratum import erratum
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every

SOURCE = "quantized-training.md, section 1, S6; PARQ, appendix, as read for that text"
Number = Any  # a ball at a point, a jet over a box
F = Fraction
LAST = 2000


def _constant(stated: sp.Expr) -> Verdict:
    return identity(3 / sp.sqrt(2) + sp.sqrt(2), stated, on=Domain({}))


@claim(
    "S6.a",
    statement=r"PARQ, from (34) to (35): $\frac3{\sqrt2}+\sqrt2=2\sqrt2$, which gives the last iterate "
    r"$(2+1.5\ln T)GR/\sqrt T$.",
    correction=r"$\frac3{\sqrt2}+\sqrt2=\frac5{\sqrt2}$, and the displayed chain gives $(2.5+1.5\ln T)GR/\sqrt T$.",
    source=SOURCE,
    hypotheses=(
        "the paper was read for the theory text; its equation (28) is not restated there, nor checked here",
    ),
    aims_at=Grade.REFUTED_AS_PRINTED,
    mutant=lambda: _constant(sp.Rational(7, 2) * sp.sqrt(2)),
)
def slip_in_a_constant() -> Verdict:
    """Add two roots."""
    return erratum(printed=_constant(2 * sp.sqrt(2)), corrected=_constant(5 / sp.sqrt(2)))


def regret(distance: Fraction, steps: int, share: Fraction) -> Iterator[tuple[int, arb]]:
    """Yield t and claimed - proved, times sqrt(t)/(GR): [D + sum eta^2 G^2]/sum eta with eta = R/(2G sqrt s).

    ``distance`` is D over R^2; the claim is ``share`` * (2 + 1.5 ln t).
    """
    harmonic, roots = arb(0), arb(0)
    for t in range(1, steps + 1):
        harmonic += 1 / arb(t)
        roots += 1 / arb(t).sqrt()
        proved = (arb(distance.numerator) / distance.denominator + harmonic / 4) / (roots / 2)
        claimed = (2 + 3 * arb(t).log() / 2) / arb(t).sqrt()
        yield t, arb(share.numerator) / share.denominator * claimed - proved


def at_every(distance: Fraction, first: int, share: Fraction) -> Verdict:
    """Decide claimed >= proved at every t from ``first`` to LAST, by balls."""
    least: float = float("inf")
    with flint.ctx.workprec(128):
        for t, gap in regret(distance, LAST, share):
            if t < first:
                continue
            if gap < 0:
                return Verdict(
                    Grade.REFUTED, f"fails at t = {t}", f"t = {t}: {gap.str(6)} GR", TRUSTS
                )
            if not gap >= 0:
                return Verdict(
                    Grade.UNDECIDED, f"balls cannot tell at t = {t}: {gap.str(6)}", None, TRUSTS
                )
            least = min(least, float(gap.lower()))
    return Verdict(
        Grade.ENCLOSED, f"t = {first}, ..., {LAST}, least gap {least:.3g} GR", None, TRUSTS
    )


def tail(distance: Fraction) -> Iterator[tuple[str, Verdict]]:
    """Every t >= LAST: sum s^(-1/2) >= 2 sqrt(t + 1) - 2 >= sqrt(t), and H_t <= 1 + ln t."""
    # In s = 1/sqrt(t): 2 sqrt(1 + s^2) - 2 s - 1 > 0.
    yield (
        "roots",
        positive(lambda s: 2 * (1 + s * s).sqrt() - 2 * s - 1, {"s": (0, F(708, 1000))}),
    )
    # Then claimed - proved >= [2 + 1.5 L - 2 D - (1 + L)/2]/sqrt(t), which grows with L = ln t.
    start = 3 * arb(2).log() / 2 + 2 - 2 * arb(distance.numerator) / distance.denominator
    room = start - (1 + arb(2).log()) / 2
    yield "room at t = 2", positive(lambda one: one * room, {"one": F(1)})


def _display(first: int) -> Verdict:
    return every([("each t", at_every(F(1), first, F(1))), *tail(F(1))])


@claim(
    "S6.b",
    statement=r"PARQ, appendix, diminishing steps $\eta_t=\frac R{2G}t^{-1/2}$ with $R^2=\min D_h$: (23) implies "
    r"$GR(2+1.5\ln t)/\sqrt t$ for every $t\geq1$.",
    correction=r"It does so for every $t\geq2$; at $t=1$ (23) gives $2.5\,GR$.",
    source=SOURCE,
    hypotheses=(
        r"(23) with $\sum\eta^2G^2$, as the proof has it, without the factor 2 of theorem A.2",
        r"$t\leq2000$ one by one; beyond by $\sum s^{-1/2}\geq2\sqrt{t+1}-2\geq\sqrt t$ and $H_t\leq1+\ln t$",
    ),
    aims_at=Grade.REFUTED_AS_PRINTED,
    mutant=lambda: _display(1),
)
def display_at_the_first_step() -> Verdict:
    """Compare sums with the bound; the mutant asks for t = 1 too."""
    return erratum(printed=_display(1), corrected=_display(2))


@claim(
    "S6.c",
    statement=r"PARQ, theorem 3.1, $R=\min\|w^0-w^*\|$, $D_h=R^2/2$: $[D_h+G^2\sum\eta^2]/\sum\eta\leq "
    r"GR(2+1.5\ln t)/\sqrt t$ for every $t\geq1$.",
    source=SOURCE,
    hypotheses=(
        r"$t\leq2000$ one by one; beyond by $\sum s^{-1/2}\geq2\sqrt{t+1}-2\geq\sqrt t$ and $H_t\leq1+\ln t$",
        "theorem 3.2 (last iterate) is not covered",
    ),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: every([("each t", at_every(F(1, 2), 1, F(7, 10)))]),
)
def averaged_iterate_of_parq() -> Verdict:
    """Compare sums with the bound at every t; the mutant claims 0.7 of it."""
    return every([("each t", at_every(F(1, 2), 1, F(1))), *tail(F(1, 2))])
