"""Staircase quantizers (asymmetric-kernels.md, T22)."""

from collections.abc import Iterator
from itertools import product

import sympy as sp

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.identity import Along, identity
from proofs_check.notation import COVARIANCES, c, chart, p, q, rho
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import Activation
from theory.arithmetic import Phi, Phi2
from theory.gaussian import expectation

SOURCE = "asymmetric-kernels.md, section 3, T22"
HYPOTHESES = (
    r"$(u,v)$ centred Gaussian, $|c|<\sqrt{q_uq_v}$",
    "thresholds (-1, 0, 1), (-3/2, 1/3) and (1/2, 1, 2), three steps $A$; all covariances",
)
QUANTIZERS = (
    ((-1, 0, 1), sp.S(-3), sp.S(2)),
    ((sp.Rational(-3, 2), sp.Rational(1, 3)), sp.S.Zero, sp.Rational(1, 2)),
    ((sp.Rational(1, 2), 1, 2), sp.S.One, sp.S(3)),
)
Quantizer = tuple[tuple[sp.Expr, ...], sp.Expr, sp.Expr]


def built(quantizer: Quantizer) -> Activation:
    """Return Q(x) = Q_0 + A sum_i H(x - g_i)."""
    thresholds, bottom, step = quantizer
    return th.staircase(thresholds, [bottom + i * step for i in range(len(thresholds) + 1)])


def covariance(quantizer: Quantizer, r: sp.Expr) -> sp.Expr:
    """Return the printed covariance, at correlation ``r``."""
    thresholds, _, step = quantizer

    def pair(g: sp.Expr, k: sp.Expr) -> sp.Expr:
        h, k = g / sp.sqrt(p), k / sp.sqrt(q)
        return Phi2(-h, -k, r) - Phi(-h) * Phi(-k)

    return step**2 * sp.Add(*(pair(g, k) for g, k in product(thresholds, repeat=2)))


def _t22_covariance(r: sp.Expr) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        for quantizer in QUANTIZERS:
            Q = built(quantizer)
            mean = expectation(Q).expr
            derived = expectation(Q, Q).expr - mean * mean.subs(p, q)
            printed = covariance(quantizer, r)
            yield (
                str(quantizer[0]),
                identity(derived, printed, on=COVARIANCES, chart=chart(), along=Along(c)),
            )

    return every(parts())


@claim(
    "T22.covariance",
    statement=r"For $Q(x)=Q_0+A\sum_iH(x-g_i)$: $\operatorname{Cov}(Q(u),Q(v))=A^2\sum_{ij}"
    r"[L(g_i/\sqrt{q_u},g_j/\sqrt{q_v};\rho)-P(u>g_i)P(v>g_j)]$, $L(h,k;r)=\Phi_2(-h,-k;r)$.",
    source=SOURCE,
    hypotheses=HYPOTHESES,
    aims_at=Grade.PROVED,
    mutant=lambda: _t22_covariance(-rho),
)
def staircase_covariance() -> Verdict:
    """Derive for three quantizers."""
    return _t22_covariance(rho)


def _joint_density(x: sp.Expr, y: sp.Expr, twice: int) -> sp.Expr:
    det = p * q - c**2
    return sp.exp(-(q * x**2 - twice * c * x * y + p * y**2) / (2 * det)) / (
        2 * sp.pi * sp.sqrt(det)
    )


def _t22_masses(twice: int) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        for quantizer in QUANTIZERS:
            thresholds, _, step = quantizer
            slope = built(quantizer).derivative
            printed = step**2 * sp.Add(
                *(_joint_density(g, k, twice) for g, k in product(thresholds, repeat=2))
            )
            yield (
                str(thresholds),
                identity(expectation(slope, slope).expr, printed, on=COVARIANCES, chart=chart()),
            )

    return every(parts())


@claim(
    "T22.masses",
    statement=r"$E[Q'(u)Q'(v)]=A^2\sum_{ij}\varphi_{u,v}(g_i,g_j)$, the joint density of $(u,v)$.",
    source=SOURCE,
    hypotheses=HYPOTHESES,
    aims_at=Grade.PROVED,
    mutant=lambda: _t22_masses(1),
)
def staircase_slopes() -> Verdict:
    """Derive for three quantizers."""
    return _t22_masses(2)


def _t22_hardtanh(variance: sp.Expr) -> Verdict:
    def probability(g: sp.Expr, b: sp.Expr) -> sp.Expr:
        mean, std = c * g / p, sp.sqrt(variance)
        return Phi((b - mean) / std) - Phi((-b - mean) / std)

    def parts() -> Iterator[tuple[str, Verdict]]:
        for quantizer, b in product(QUANTIZERS, (sp.S.One, sp.Rational(2, 3))):
            thresholds, _, step = quantizer
            printed = step * sp.Add(
                *(
                    sp.exp(-(sp.sympify(g) ** 2) / (2 * p))
                    / sp.sqrt(2 * sp.pi * p)
                    * probability(g, b)
                    / b
                    for g in thresholds
                )
            )
            derived = expectation(built(quantizer).derivative, th.hardtanh(b).derivative).expr
            yield (
                f"{thresholds}, b = {b}",
                identity(derived, printed, on=COVARIANCES, chart=chart()),
            )

    return every(parts())


@claim(
    "T22.hardtanh",
    statement=r"$E[Q'(u)h_b'(v)]=A\sum_ip_u(g_i)\,P(|v|<b\mid u=g_i)/b$, $p_u$ the density of $u$.",
    source=SOURCE,
    hypotheses=(*HYPOTHESES, r"$b\in\{1,2/3\}$"),
    aims_at=Grade.PROVED,
    mutant=lambda: _t22_hardtanh(q),
)
def staircase_against_hardtanh_surrogate() -> Verdict:
    """Derive for three quantizers and two widths."""
    return _t22_hardtanh(q - c**2 / p)
