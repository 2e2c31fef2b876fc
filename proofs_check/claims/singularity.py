"""The diagonal of the kernels of sign (asymmetric-kernels.md, T31 and T33)."""

from collections.abc import Iterator

import sympy as sp

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.methods.domain import Domain
from proofs_check.methods.erratum import erratum
from proofs_check.methods.identity import identity
from proofs_check.notation import COVARIANCES, VARIANCES, c, chart, p, q
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import Activation
from theory.gaussian import expectation

SECTION = "asymmetric-kernels.md, section 4"
s_w, s_b, m, t = sp.symbols("s_w s_b m t", positive=True)
HALF = sp.Rational(1, 2)
SIGN_SLOPE = th.sign().derivative


def square_of_slope(m: sp.Expr, variance: sp.Expr, factor: int) -> sp.Expr:
    """Return E[erf_m'^2] as printed, with ``factor`` = 4 in front of m^2 q."""
    return 4 * m**2 / sp.pi / sp.sqrt(1 + factor * m**2 * variance)


def scaled_diagonals(hidden: int, factor: int) -> tuple[sp.Expr, sp.Expr]:
    """Return t^L Theta(x,x) and t^L times its stated asymptote, t = 1/m, both continuous at t = 0."""
    variance, theta, asymptote = p, p, p
    for depth in range(hidden):
        following = s_w**2 * 2 / sp.pi * sp.asin(variance / (variance + t**2 / 2)) + s_b**2
        t_slope = s_w**2 * 4 / sp.pi / sp.sqrt(t**2 + factor * variance)
        theta = t ** (depth + 1) * following + theta * t_slope
        asymptote *= s_w**2 * 2 / (sp.pi * sp.sqrt(variance))
        variance = following
    return theta, asymptote


def _t31(factor: int) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        for slope in (sp.S.One, sp.S(5), sp.S(40)):
            f = th.erf(slope).derivative
            derived = expectation(f, f).on_line(1).subs(q, p)
            printed = square_of_slope(slope, p, factor)
            yield f"layer factor, m = {slope}", identity(derived, printed, on=VARIANCES)
        layer = Domain({p: (0, 4), m: (0, 9), t: (0, 1)})
        scaled = m**2 * square_of_slope(sp.S.One, m**2 * p, factor)
        yield "scaling in m", identity(square_of_slope(m, p, factor), scaled, on=layer)
        bounded = 4 / sp.pi / sp.sqrt(t**2 + factor * p)
        yield (
            "times t = 1/m",
            identity(t * square_of_slope(1 / t, p, factor), bounded, on=layer),
        )
        everywhere = Domain({p: (0, 4), s_w: (0, 2), s_b: (0, 2)})
        for hidden in (1, 2, 3, 4):
            theta, asymptote = (side.subs(t, 0) for side in scaled_diagonals(hidden, factor))
            yield f"limit, L = {hidden}", identity(theta / asymptote, sp.S.One, on=everywhere)
            unit = asymptote.subs({p: 1, s_w: 1, s_b: 0})
            yield (
                f"unit variances, L = {hidden}",
                identity(unit, (2 / sp.pi) ** hidden, on=Domain({})),
            )
        off = 2 / sp.pi / sp.sqrt((p + t**2 / 2) * (q + t**2 / 2) - c**2)
        sign = expectation(SIGN_SLOPE, SIGN_SLOPE).expr
        yield "off the diagonal", identity(off.subs(t, 0), sign, on=COVARIANCES, chart=chart())

    return every(parts())


@claim(
    "T31",
    statement=r"NTK of sign by $\operatorname{erf}_m$, $m\to\infty$: on the diagonal each layer factor is "
    r"$E[\operatorname{erf}_m'^2]=(4m^2/\pi)/\sqrt{1+4m^2q}\sim2m/(\pi\sqrt q)$, and "
    r"$\Theta(x,x)\sim\prod_ls_w^2(2m/(\pi\sqrt{q^l}))\,\Sigma^1$ ($=(2m/\pi)^L$ for unit $q$, $s_w=1$, "
    r"$s_b=0$). Off the diagonal the limit is finite.",
    source=f"{SECTION}, T31",
    hypotheses=(
        "the limit for $L=1,2,3,4$",
        "recursion T5 on the diagonal, with T13 for the variances",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t31(2),
)
def erf_diagonal_diverges() -> Verdict:
    """Derive the layer factor, then let 1/m go to 0 in the continuous form."""
    return _t31(4)


def continuous_at_zero() -> tuple[tuple[Activation, sp.Expr], ...]:
    """Return surrogate derivatives with their values at 0, written by hand."""
    return (
        (th.hardtanh(1).derivative, sp.S.One),
        (th.hardtanh("2/3").derivative, sp.Rational(3, 2)),
        (th.erf(2).derivative, 4 / sp.sqrt(sp.pi)),
        (th.triangle(3), sp.S.One),
        (th.identity().derivative, sp.S.One),
        (th.gelu().derivative, HALF),
    )


def _t33_value(factor: sp.Expr) -> Verdict:
    return every(
        (
            str(tau),
            identity(
                expectation(SIGN_SLOPE, tau).on_line(1).subs(q, p),
                factor * value / sp.sqrt(p),
                on=VARIANCES,
                chart=chart(),
            ),
        )
        for tau, value in continuous_at_zero()
    )


@claim(
    "T33.value",
    statement=r"For $\sigma=\operatorname{sign}$ and $\tau$ continuous at 0: $D(x,x)=s_w^2\sqrt{2/(\pi q)}\,\tau(0)$.",
    source=f"{SECTION}, T33",
    hypotheses=(
        r"$\tau$: derivatives of hardtanh(1), hardtanh(2/3), erf(2), identity, GELU; triangle(3)",
        r"all $q>0$",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t33_value(2 / sp.pi),
)
def sign_diagonal_with_surrogate() -> Verdict:
    """Derive on the line, against values at 0 written by hand."""
    return _t33_value(sp.sqrt(2 / sp.pi))


def jumping_at_zero() -> tuple[tuple[Activation, sp.Expr, sp.Expr], ...]:
    """Return surrogate derivatives with their one-sided limits at 0, written by hand."""
    return (
        (th.relu().derivative, sp.S.Zero, sp.S.One),
        (th.leaky_relu("1/10").derivative, sp.Rational(1, 10), sp.S.One),
        (th.clipped_relu(1).derivative, sp.S.Zero, sp.S.One),
        (th.staircase((-1, 0, 1), (-3, -1, 1, 3)), sp.S(-1), sp.S.One),
    )


def _t33_printed() -> Verdict:
    """Put the printed "only if" to the test: a jump of tau at 0 should make the diagonal infinite."""
    tau, _, _ = jumping_at_zero()[0]
    for_every_c = identity(
        expectation(SIGN_SLOPE, tau).expr, 1 / sp.sqrt(2 * sp.pi * p), on=COVARIANCES, chart=chart()
    )
    if for_every_c.grade is not Grade.PROVED:
        return for_every_c
    return Verdict(
        Grade.REFUTED,
        "fails in its 'only if': a jump of tau at 0 leaves the diagonal finite",
        r"tau = H (surrogate ReLU): E[sgn'(u) H(v)] = 1/sqrt(2 pi q_u) for every covariance, up to the diagonal",
        for_every_c.trusts,
    )


def _t33_corrected(weight: sp.Expr) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        for tau, left, right in jumping_at_zero():
            F = expectation(SIGN_SLOPE, tau)
            mean = (1 - weight) * left + weight * right
            stated = sp.sqrt(2 / (sp.pi * p)) * mean
            yield (
                f"{tau} on the diagonal",
                identity(F.on_line(1).subs(q, p), stated, on=VARIANCES, chart=chart()),
            )
            yield (
                f"{tau} towards the diagonal",
                agree(
                    {
                        "c = q (1 - 10^-44)": lambda q, F=F: F.ball(
                            q, q, q * (1 - sp.Rational(1, 10**44))
                        ),
                        "diagonal": lambda q, F=F: F.ball(q, q, q),
                    },
                    [{"q": sp.Rational(1, 9)}, {"q": sp.S.One}, {"q": sp.S(25)}],
                    digits=20,
                ),
            )
        infinite = expectation(SIGN_SLOPE, SIGN_SLOPE).on_line(1).subs(q, p) == sp.oo
        yield (
            "a point mass at 0",
            Verdict(Grade.PROVED if infinite else Grade.UNDECIDED, "the line form is infinite"),
        )

    return every(parts())


@claim(
    "T33",
    statement=r"$K_{ts}$ of sign is finite iff $\tau$ is continuous at 0: $D(x,x)=s_w^2\sqrt{2/(\pi q)}\,\tau(0)$.",
    source=f"{SECTION}, T33",
    hypotheses=(
        "diagonal = limit of $x'\\to x$",
        r"the correction for $\tau$ = the derivatives of ReLU, leaky ReLU(1/10), clipped ReLU(1), and a staircase",
    ),
    aims_at=Grade.REFUTED_AS_PRINTED,
    correction=r"If $\tau$ has one-sided limits at 0, $K_{ts}$ of sign has a finite diagonal, "
    r"$D(x,x)=s_w^2\sqrt{2/(\pi q)}\,\tfrac12(\tau(0^-)+\tau(0^+))$; continuity at 0 is sufficient, not "
    r"necessary. A point mass of $\tau$ at 0 makes it infinite.",
    mutant=lambda: erratum(printed=_t33_printed(), corrected=_t33_corrected(sp.S.One)),
)
def sign_diagonal_is_finite() -> Verdict:
    """Refute the "only if" by a jump, and prove the corrected value."""
    return erratum(printed=_t33_printed(), corrected=_t33_corrected(HALF))
