"""How the ordinary kernel of sign networks blows up towards its diagonal (asymmetric-kernels.md, T32)."""

from collections.abc import Callable
from fractions import Fraction

import flint
from flint import arb

from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.verdict import Grade, Verdict

DEPTHS = (1, 2, 3, 4, 5)


def tangent_kernel(hidden: int, exponent: int) -> arb:
    """Return Theta for sign, s_w = 1, s_b = 0, unit norms, at the angle 10^-exponent, by T5 and T15."""
    rho = (arb(10) ** -exponent).cos()
    theta = rho
    for _ in range(hidden):
        slope = 2 / (arb.pi() * (1 - rho * rho).sqrt())
        rho = 2 / arb.pi() * rho.asin()
        theta = rho + theta * slope
    return theta


def measured(hidden: int) -> arb:
    """Return the slope of log Theta against log angle, with its sign turned, between 10^-300 and 10^-301."""
    with flint.ctx.workprec(3000):
        rise = tangent_kernel(hidden, 301) / tangent_kernel(hidden, 300)
        return rise.log() / arb(10).log()


def _exponents(stated: Callable[[int], Fraction]) -> Verdict:
    points = [{"hidden": hidden} for hidden in DEPTHS]
    return agree({"recursion in balls": measured, "stated": stated}, points, digits=8)


@claim(
    "T32",
    statement=r"Off the diagonal the ordinary tangent kernel of sign is like $C\cdot\mathrm{angle}^{-(2-2^{1-L})}$: "
    r"exponents $1,\tfrac32,\tfrac74,\tfrac{15}8,\tfrac{31}{16}$ for $L=1,\dots,5$.",
    source="asymmetric-kernels.md, section 4, T32",
    hypotheses=("angles of $10^{-300}$; $s_w=1$, $s_b=0$, unit norms",),
    aims_at=Grade.AGREES,
    mutant=lambda: _exponents(lambda hidden: 2 - Fraction(1, hidden)),
)
def exponents_of_the_singular_kernel() -> Verdict:
    """The recursion's own growth over a decade of angles, far inside the asymptotic range."""
    return _exponents(lambda hidden: 2 - Fraction(2, 2**hidden))
