"""Sign forward with surrogates outside the engine's class: arctan and Laplace (asymmetric-kernels.md, T17)."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath

from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.verdict import Grade, Verdict

SOURCE = "asymmetric-kernels.md, section 3, T17"
LAW = r"$E[\operatorname{sgn}'(u)\tau(v)]=\sqrt{2/(\pi q_u)}\,E[\tau(Z)]$, $Z\sim N(0,w^2)$, $w^2=q_v-c^2/q_u$; "
HYPOTHESES = (
    r"$(u,v)$ centred Gaussian, $|c|<\sqrt{q_uq_v}$",
    r"three covariances, $\alpha=1/2,3$; the left is $2\int f_{u,v}(0,v)\tau(v)\,dv$, $\operatorname{sgn}'=2\delta$",
)
POINTS = [
    {"p": p, "q": q, "c": c, "alpha": alpha}
    for p, q, c in (
        (1, 1, 0),
        (2, Fraction(1, 2), Fraction(3, 4)),
        (Fraction(1, 3), 3, -Fraction(1, 2)),
    )
    for alpha in (Fraction(1, 2), 3)
]
DIGITS = 15
Surrogate = Callable[[mpmath.mpf, mpmath.mpf], mpmath.mpf]


def on_the_jump(tau: Surrogate) -> Callable[..., mpmath.mpf]:
    """Return E[sgn'(u) tau(v)] as twice the integral of tau against the joint density at u = 0."""

    def value(p: Any, q: Any, c: Any, alpha: Any) -> mpmath.mpf:
        with mpmath.workdps(30):
            p, q, c, alpha = (mpmath.mpf(t.numerator) / t.denominator for t in (p, q, c, alpha))
            det = p * q - c * c
            half = mpmath.quad(
                lambda v: tau(alpha, v) * mpmath.exp(-p * v * v / (2 * det)),
                [0, 1, 4, 16, mpmath.inf],
            )
            return 4 * half / (2 * mpmath.pi * mpmath.sqrt(det))

    return value


def as_printed(mean: Surrogate) -> Callable[..., mpmath.mpf]:
    """Return sqrt(2/(pi q_u)) E tau(Z), with E tau(Z) = mean(alpha, w)."""

    def value(p: Any, q: Any, c: Any, alpha: Any) -> mpmath.mpf:
        with mpmath.workdps(30):
            p, q, c, alpha = (mpmath.mpf(t.numerator) / t.denominator for t in (p, q, c, alpha))
            return mpmath.sqrt(2 / (mpmath.pi * p)) * mean(alpha, mpmath.sqrt(q - c * c / p))

    return value


def _arctan(two: int) -> Verdict:
    def mean(alpha: mpmath.mpf, w: mpmath.mpf) -> mpmath.mpf:
        edge = 1 / (alpha * w * mpmath.sqrt(two))
        return (
            mpmath.sqrt(mpmath.pi / 2)
            / (alpha * w)
            * mpmath.exp(1 / (2 * (alpha * w) ** 2))
            * mpmath.erfc(edge)
        )

    direct = on_the_jump(lambda alpha, x: 1 / (1 + (alpha * x) ** 2))
    return agree({"integral": direct, "printed": as_printed(mean)}, POINTS, digits=DIGITS)


@claim(
    "T17.arctan",
    statement=LAW
    + r"for $\tau(x)=1/(1+(\alpha x)^2)$: $E[\tau(Z)]=\frac{\sqrt{\pi/2}}{\alpha w}e^{1/(2\alpha^2w^2)}"
    r"\operatorname{erfc}(1/(\alpha w\sqrt2))$.",
    source=SOURCE,
    hypotheses=HYPOTHESES,
    aims_at=Grade.AGREES,
    mutant=lambda: _arctan(1),
)
def sign_against_arctan_surrogate() -> Verdict:
    """Integrate against the joint density on the line u = 0."""
    return _arctan(2)


def _laplace(two: int) -> Verdict:
    def mean(alpha: mpmath.mpf, w: mpmath.mpf) -> mpmath.mpf:
        return mpmath.exp((alpha * w) ** 2 / two) * mpmath.erfc(alpha * w / mpmath.sqrt(2))

    direct = on_the_jump(lambda alpha, x: mpmath.exp(-alpha * x))
    return agree({"integral": direct, "printed": as_printed(mean)}, POINTS, digits=DIGITS)


@claim(
    "T17.laplace",
    statement=LAW
    + r"for $\tau(x)=e^{-\alpha|x|}$: $E[\tau(Z)]=e^{\alpha^2w^2/2}\operatorname{erfc}(\alpha w/\sqrt2)$.",
    source=SOURCE,
    hypotheses=HYPOTHESES,
    aims_at=Grade.AGREES,
    mutant=lambda: _laplace(1),
)
def sign_against_laplace_surrogate() -> Verdict:
    """Integrate against the joint density on the line u = 0."""
    return _laplace(2)
