"""Closed Gaussian expectations: erf, sign, surrogates, ReLU (asymmetric-kernels.md, section 3)."""

import sympy as sp

import theory as th
from proofs_check.families import (
    ERF,
    HARDTANH,
    HEAVISIDE,
    IDENTITY,
    RELU,
    SIGN,
    TRIANGLE,
    derived,
    derived_mean,
)
from proofs_check.ledger import claim
from proofs_check.methods.identity import Along, identity
from proofs_check.notation import COVARIANCES, c, chart, noise, p, q, rho
from proofs_check.verdict import Grade, Verdict, every
from theory.arithmetic import OwenT, Phi, phi
from theory.gaussian import expectation

SECTION = "asymmetric-kernels.md, section 3"
GAUSSIAN = r"$(u,v)$ centred Gaussian, $\operatorname{Var}u=q_u$, $\operatorname{Var}v=q_v$, $\operatorname{Cov}=c$"
OPEN = r"$|c|<\sqrt{q_uq_v}$"
HALF = sp.Rational(1, 2)
w = sp.sqrt(q - c**2 / p)


def inflated(b1: sp.Expr, b2: sp.Expr, half: sp.Expr = HALF) -> sp.Expr:
    """Return (q_u + s1^2)(q_v + s2^2), s_i^2 = half/b_i^2."""
    return (p + half / b1**2) * (q + half / b2**2)


def _t13(half: sp.Expr) -> Verdict:
    return derived(
        ERF, ERF, lambda b1, b2: 2 / sp.pi * sp.asin(c / sp.sqrt(inflated(b1, b2, half)))
    )


@claim(
    "T13",
    statement=r"$E[\operatorname{erf}(\beta_1u)\operatorname{erf}(\beta_2v)]=\frac2\pi\arcsin"
    r"\frac{c}{\sqrt{(q_u+s_1^2)(q_v+s_2^2)}}$, $s_i^2=1/(2\beta_i^2)$ (Williams 1997).",
    source=f"{SECTION}, T13",
    hypotheses=(GAUSSIAN, OPEN, r"$\beta_1,\beta_2>0$"),
    aims_at=Grade.PROVED,
    mutant=lambda: _t13(sp.S.One),
)
def erf_dual() -> Verdict:
    """Derive at two pairs of slopes, then scale."""
    return _t13(HALF)


def _t14(sign: int) -> Verdict:
    return derived(
        ERF.derivative,
        ERF.derivative,
        lambda b1, b2: 2 / sp.pi / sp.sqrt(inflated(b1, b2) - sign * c**2),
    )


@claim(
    "T14",
    statement=r"$E[(\operatorname{erf}\beta_1u)'(\operatorname{erf}\beta_2v)']=\frac2\pi\big/"
    r"\sqrt{(q_u+s_1^2)(q_v+s_2^2)-c^2}$, $s_i^2=1/(2\beta_i^2)$.",
    source=f"{SECTION}, T14",
    hypotheses=(GAUSSIAN, OPEN, r"$\beta_1,\beta_2>0$"),
    aims_at=Grade.PROVED,
    mutant=lambda: _t14(-1),
)
def erf_derivative_dual() -> Verdict:
    """Derive at two pairs of slopes, then scale."""
    return _t14(1)


def _t15(quarter: sp.Expr) -> Verdict:
    diagonal = expectation(th.sign().derivative, th.sign().derivative).on_line(1).subs(q, p)
    infinite = Verdict(
        Grade.PROVED if diagonal == sp.oo else Grade.UNDECIDED, f"the line form is {diagonal}"
    )
    return every(
        [
            ("signs", derived(SIGN, SIGN, lambda _, __: 2 / sp.pi * sp.asin(rho))),
            (
                "steps",
                derived(HEAVISIDE, HEAVISIDE, lambda _, __: quarter + sp.asin(rho) / (2 * sp.pi)),
            ),
            (
                "masses",
                derived(
                    SIGN.derivative,
                    SIGN.derivative,
                    lambda _, __: 2 / sp.pi / sp.sqrt(p * q - c**2),
                ),
            ),
            ("diagonal", infinite),
        ]
    )


@claim(
    "T15",
    statement=r"$E[\operatorname{sgn}u\operatorname{sgn}v]=\frac2\pi\arcsin\rho$; $E[H(u)H(v)]="
    r"\frac14+\frac1{2\pi}\arcsin\rho$; $E[\operatorname{sgn}'u\operatorname{sgn}'v]=\frac2\pi\big/"
    r"\sqrt{q_uq_v-c^2}$, infinite on the diagonal.",
    source=f"{SECTION}, T15",
    hypotheses=(GAUSSIAN, OPEN),
    aims_at=Grade.PROVED,
    mutant=lambda: _t15(HALF),
)
def sign_duals() -> Verdict:
    """Derive the three duals; read the diagonal off the line form."""
    return _t15(sp.Rational(1, 4))


def _t17_hardtanh(root: sp.Expr) -> Verdict:
    return derived(
        SIGN.derivative,
        HARDTANH.derivative,
        lambda _, b: sp.sqrt(2 / (sp.pi * p)) * sp.erf(b / (w * root)) / b,
    )


T17 = (
    r"$E[\operatorname{sgn}'(u)\tau(v)]=\sqrt{2/(\pi q_u)}\,E[\tau(Z)]$, $Z\sim N(0,w^2)$, "
    r"$w^2=q_v-c^2/q_u$; "
)


@claim(
    "T17.hardtanh",
    statement=T17 + r"for $\tau=h_b'$: $E[\tau(Z)]=\operatorname{erf}(b/(w\sqrt2))/b$.",
    source=f"{SECTION}, T17",
    hypotheses=(GAUSSIAN, OPEN, "$b>0$"),
    aims_at=Grade.PROVED,
    mutant=lambda: _t17_hardtanh(sp.S(2)),
)
def sign_against_hardtanh_surrogate() -> Verdict:
    """Derive at two widths, then scale."""
    return _t17_hardtanh(sp.sqrt(2))


def _t17_identity(mean: sp.Expr) -> Verdict:
    return derived(
        SIGN.derivative, IDENTITY.derivative, lambda _, __: sp.sqrt(2 / (sp.pi * p)) * mean
    )


@claim(
    "T17.identity",
    statement=T17 + r"for $\tau=1$: $E[\tau(Z)]=1$.",
    source=f"{SECTION}, T17",
    hypotheses=(GAUSSIAN, OPEN),
    aims_at=Grade.PROVED,
    mutant=lambda: _t17_identity(sp.sqrt(p / q)),
)
def sign_against_identity_surrogate() -> Verdict:
    """Derive; there is nothing to scale."""
    return _t17_identity(sp.S.One)


def _t17_erf(variance: sp.Expr) -> Verdict:
    def printed(_: sp.Expr, b: sp.Expr) -> sp.Expr:
        mean = 2 * b / sp.sqrt(sp.pi) / sp.sqrt(1 + 2 * b**2 * variance)
        return sp.sqrt(2 / (sp.pi * p)) * mean

    return derived(SIGN.derivative, ERF.derivative, printed)


@claim(
    "T17.erf",
    statement=T17
    + r"for $\tau(x)=(2b/\sqrt\pi)e^{-b^2x^2}$: $E[\tau(Z)]=(2b/\sqrt\pi)/\sqrt{1+2b^2w^2}$.",
    source=f"{SECTION}, T17",
    hypotheses=(GAUSSIAN, OPEN, "$b>0$"),
    aims_at=Grade.PROVED,
    mutant=lambda: _t17_erf(p - c**2 / q),
)
def sign_against_erf_surrogate() -> Verdict:
    """Derive at two slopes, then scale."""
    return _t17_erf(w**2)


def _t17_triangle(exponent: sp.Expr) -> Verdict:
    def printed(_: sp.Expr, b: sp.Expr) -> sp.Expr:
        falling = w / b * sp.sqrt(2 / sp.pi) * (1 - sp.exp(-(b**2) * exponent / w**2))
        return sp.sqrt(2 / (sp.pi * p)) * (sp.erf(b / (w * sp.sqrt(2))) - falling)

    return derived(SIGN.derivative, TRIANGLE, printed)


@claim(
    "T17.triangle",
    statement=T17 + r"for $\tau(x)=\max(0,1-|x|/b)$: $E[\tau(Z)]=\operatorname{erf}(b/(w\sqrt2))"
    r"-(w/b)\sqrt{2/\pi}\,(1-e^{-b^2/2w^2})$.",
    source=f"{SECTION}, T17",
    hypotheses=(GAUSSIAN, OPEN, "$b>0$"),
    aims_at=Grade.PROVED,
    mutant=lambda: _t17_triangle(sp.S.One),
)
def sign_against_triangle_surrogate() -> Verdict:
    """Derive at two widths, then scale."""
    return _t17_triangle(HALF)


def _t18(angle: sp.Expr) -> Verdict:
    t = sp.acos(rho)
    ramps = sp.sqrt(p * q) / (2 * sp.pi) * (sp.sqrt(1 - rho**2) + angle * rho)
    return every(
        [
            ("ramps", derived(RELU, RELU, lambda _, __: ramps)),
            ("steps", derived(HEAVISIDE, HEAVISIDE, lambda _, __: (sp.pi - t) / (2 * sp.pi))),
        ]
    )


@claim(
    "T18",
    statement=r"$E[\operatorname{relu}u\operatorname{relu}v]=\frac{\sqrt{q_uq_v}}{2\pi}"
    r"(\sin t+(\pi-t)\cos t)$, $t=\arccos\rho$; $E[H(u)H(v)]=(\pi-t)/(2\pi)$ (Cho and Saul 2009).",
    source=f"{SECTION}, T18",
    hypotheses=(GAUSSIAN, OPEN),
    aims_at=Grade.PROVED,
    mutant=lambda: _t18(sp.acos(rho)),
)
def relu_duals() -> Verdict:
    """Derive both kernels."""
    return _t18(sp.pi - sp.acos(rho))


def _t20(slope: sp.Expr) -> Verdict:
    def printed(_: sp.Expr, b: sp.Expr) -> sp.Expr:
        B = b / sp.sqrt(q)
        al = rho / sp.sqrt(1 - rho**2)
        tilt = slope * (Phi(B / sp.sqrt(1 - rho**2)) - HALF)
        return 4 / B * (B * OwenT(B, al) - phi(B) * (Phi(al * B) - HALF) + tilt)

    at_one = printed(sp.S.One, sp.S.One)
    surrogate = sp.sqrt(2 / (sp.pi * p)) * sp.erf(1 / (w * sp.sqrt(2)))
    return every(
        [
            ("dual", derived(SIGN, HARDTANH, printed)),
            ("slope", identity(sp.diff(at_one, c), surrogate, on=COVARIANCES, chart=chart())),
        ]
    )


@claim(
    "T20",
    statement=r"$E[\operatorname{sgn}(u)h_b(v)]=\frac4B\big[B\,T(B,\alpha)-\varphi(B)(\Phi(\alpha B)-"
    r"\tfrac12)+\frac{\rho}{\sqrt{2\pi}}(\Phi(B/\sqrt{1-\rho^2})-\tfrac12)\big]$, $B=b/\sqrt{q_v}$, "
    r"$\alpha=\rho/\sqrt{1-\rho^2}$; its $c$-derivative is T17 for hardtanh.",
    source=f"{SECTION}, T20",
    hypotheses=(GAUSSIAN, OPEN, "$b>0$"),
    aims_at=Grade.PROVED,
    mutant=lambda: _t20(rho / (2 * sp.pi)),
)
def sign_against_hardtanh() -> Verdict:
    """Derive at two widths, scale, and differentiate the printed form."""
    return _t20(rho / sp.sqrt(2 * sp.pi))


def _t21(half: sp.Expr) -> Verdict:
    def printed(a: sp.Expr, b: sp.Expr) -> sp.Expr:
        inner = q + half / b**2
        spread = a * sp.sqrt(inner / (2 * (p * inner - c**2)))
        return sp.sqrt(2 / sp.pi) / sp.sqrt(inner) * sp.erf(spread) / a

    return derived(HARDTANH.derivative, ERF.derivative, printed)


@claim(
    "T21",
    statement=r"$E[h_a'(u)(\operatorname{erf}\beta v)']=\frac1a\sqrt{\tfrac2\pi}\,(q_v+s^2)^{-1/2}"
    r"\operatorname{erf}\!\big(a\sqrt{(q_v+s^2)/(2\Delta)}\big)$, $\Delta=q_u(q_v+s^2)-c^2$, "
    r"$s^2=1/(2\beta^2)$.",
    source=f"{SECTION}, T21",
    hypotheses=(GAUSSIAN, OPEN, r"$a,\beta>0$"),
    aims_at=Grade.PROVED,
    mutant=lambda: _t21(sp.S(2)),
)
def hardtanh_against_erf_surrogate() -> Verdict:
    """Derive at two pairs of parameters, then scale."""
    return _t21(HALF)


def _t23(width: sp.Expr) -> Verdict:
    def printed(a: sp.Expr) -> sp.Expr:
        return sp.erf(a / sp.sqrt(width * p)) / a

    return every(
        [
            ("mean", derived_mean(HARDTANH.derivative, printed)),
            ("pair", derived(HARDTANH.derivative, IDENTITY.derivative, lambda a, _: printed(a))),
        ]
    )


@claim(
    "T23",
    statement=r"For $h_a$ forward and the identity surrogate, $E[h_a'(u)\cdot1]=E[h_a'(u)]="
    r"\operatorname{erf}(a/\sqrt{2q_u})/a$.",
    source=f"{SECTION}, T23",
    hypotheses=(GAUSSIAN, OPEN, "$a>0$"),
    aims_at=Grade.PROVED,
    mutant=lambda: _t23(sp.S.One),
)
def hardtanh_against_identity_surrogate() -> Verdict:
    """Derive the mean and the pair, then scale."""
    return _t23(sp.S(2))


T16_FORWARD = (
    "sign",
    "relu",
    "hardtanh(1/2)",
    "staircase((-1, 0, 1), (-3, -1, 1, 3))",
    "erf(1)",
    "gelu",
)


def _t16(exchanged: bool) -> Verdict:
    known = th.activations.catalogue()
    stds = (HALF, sp.Rational(3, 2))
    first, second = reversed(stds) if exchanged else stds
    parts = []
    for name in T16_FORWARD:
        for other in T16_FORWARD:
            f, g = known[name], known[other]
            inflating = {p: p + first**2, q: q + second**2}
            smooth = expectation(f.smoothed(stds[0]), g.smoothed(stds[1])).expr
            plain = expectation(f, g).expr.subs(inflating, simultaneous=True)
            where = chart(noise(f) + stds[0] ** 2, noise(g) + stds[1] ** 2)
            verdict = identity(smooth, plain, on=COVARIANCES, chart=where, along=Along(c), points=3)
            parts.append((f"{name}, {other}", verdict))
            if verdict.grade is Grade.REFUTED:
                return every(parts)
    return every(parts)


@claim(
    "T16",
    statement=r"If $\sigma_i=\sigma*N(0,s_i^2)$ (Gaussian smoothing), its mixed dual is the dual of "
    r"$\sigma$ with $q_u\to q_u+s_1^2$, $q_v\to q_v+s_2^2$, $c$ unchanged.",
    source=f"{SECTION}, T16",
    hypotheses=(
        GAUSSIAN,
        OPEN,
        "checked for all pairs of " + ", ".join(T16_FORWARD),
        "$s_1=1/2$, $s_2=3/2$",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t16(exchanged=True),
)
def smoothing_inflates_variances() -> Verdict:
    """Derive with smoothed activations, and substitute in the plain duals."""
    return _t16(exchanged=False)
