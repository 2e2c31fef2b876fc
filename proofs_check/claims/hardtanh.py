"""Shifted ReLU, hardtanh and the bivariate normal (asymmetric-kernels.md, T19)."""

from collections.abc import Callable, Iterator

import sympy as sp

import theory as th
from proofs_check.families import HARDTANH, PARAMETERS, derived
from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.identity import Along, identity
from proofs_check.notation import VARIANCES, c, chart, p, q, rho
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import Activation
from theory.arithmetic import OwenT, Phi, Phi2, phi
from theory.gaussian import expectation

SECTION = "asymmetric-kernels.md, section 3"
HALF = sp.Rational(1, 2)
h, k, t = sp.symbols("h k t", positive=True)
r = sp.Symbol("r", real=True)
SHIFTS = Domain({h: (0, 3), k: (0, 3), r: (-1, 1)})
ANGLE = {r: (1 - t**2) / (1 + t**2)}


def density(h: sp.Expr, k: sp.Expr, r: sp.Expr) -> sp.Expr:
    """Return phi_2(h,k;r)."""
    square = 1 - r**2
    return sp.exp(-(h**2 - 2 * r * h * k + k**2) / (2 * square)) / (2 * sp.pi * sp.sqrt(square))


def ramps(h: sp.Expr, k: sp.Expr, r: sp.Expr, last: int = 2) -> sp.Expr:
    """Return R(h,k) as printed, with ``last`` = 2 in sr**last phi_2."""
    sr = sp.sqrt(1 - r**2)
    return (
        (r + h * k) * Phi2(-h, -k, r)
        - k * phi(h) * Phi(-(k - r * h) / sr)
        - h * phi(k) * Phi(-(h - r * k) / sr)
        + sr**last * density(h, k, r)
    )


def shifted(at: sp.Expr) -> Activation:
    """Return (x - at)_+."""
    x = th.activations.x
    return th.from_piecewise([(0, (-sp.oo, at)), (x - at, (at, sp.oo))])


def _t19_ramps(last: int) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        for signs in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
            one, other = signs[0] * h, signs[1] * k
            slope = sp.diff(ramps(one, other, r, last), r)
            where = f"slope at signs {signs}"
            yield where, identity(slope, Phi2(-one, -other, r), on=SHIFTS, chart=ANGLE)
        for one, other in ((HALF, -1), (1, 2), (-1, -sp.Rational(1, 3)), (0, 1)):
            engine = expectation(shifted(sp.sympify(one)), shifted(sp.sympify(other))).expr
            scaled = sp.sqrt(p * q) * ramps(one / sp.sqrt(p), other / sp.sqrt(q), rho, last)
            domain = Domain({**VARIANCES.box, c: (-2, 2)}, (c**2 < p * q,))
            yield (
                f"derived at ({one}, {other})",
                identity(scaled, engine, on=domain, chart=chart(), along=Along(c)),
            )

    return every(parts())


@claim(
    "T19.ramps",
    statement=r"For standard $X,Y$ with correlation $r$, $R(h,k):=E[(X-h)_+(Y-k)_+]=(r+hk)L(h,k;r)-"
    r"k\varphi(h)\Phi(-(k-rh)/s_r)-h\varphi(k)\Phi(-(h-rk)/s_r)+s_r^2\varphi_2(h,k;r)$, "
    r"$s_r=\sqrt{1-r^2}$, $L=P(X>h,Y>k)$; and $\partial R/\partial r=L$.",
    source=f"{SECTION}, T19",
    hypotheses=("$|r|<1$", "the slope for all h, k; the derivation at four pairs of shifts"),
    aims_at=Grade.PROVED,
    mutant=lambda: _t19_ramps(1),
)
def shifted_ramps() -> Verdict:
    """Differentiate R in r, and derive it at four pairs of shifts."""
    return _t19_ramps(2)


def _t19_dual(product: int) -> Verdict:
    def printed(a: sp.Expr, b: sp.Expr) -> sp.Expr:
        A, B = a / sp.sqrt(p), b / sp.sqrt(q)
        corners = ramps(-A, -B, rho) - ramps(-A, B, rho) - ramps(A, -B, rho) + ramps(A, B, rho)
        return (corners - product * A * B) / (A * B)

    return derived(HARDTANH, HARDTANH, printed)


@claim(
    "T19.dual",
    statement=r"$E[h_a(u)h_b(v)]=[R(-A,-B)-R(-A,B)-R(A,-B)+R(A,B)-AB]/(AB)$, $A=a/\sqrt{q_u}$, $B=b/\sqrt{q_v}$.",
    source=f"{SECTION}, T19",
    hypotheses=(r"$|c|<\sqrt{q_uq_v}$", "$a,b>0$"),
    aims_at=Grade.PROVED,
    mutant=lambda: _t19_dual(0),
)
def hardtanh_dual() -> Verdict:
    """Derive at two pairs of widths, then scale."""
    return _t19_dual(1)


def _t19_slope(sign: int) -> Verdict:
    def printed(a: sp.Expr, b: sp.Expr) -> sp.Expr:
        A, B = a / sp.sqrt(p), b / sp.sqrt(q)
        inside = Phi2(A, B, rho) - Phi2(-A, B, rho) - Phi2(A, -B, rho) + sign * Phi2(-A, -B, rho)
        return inside / (a * b)

    return derived(HARDTANH.derivative, HARDTANH.derivative, printed)


@claim(
    "T19.slope",
    statement=r"$E[h_a'(u)h_b'(v)]=P(|X|<A,|Y|<B)/(ab)=[\Phi_2(A,B)-\Phi_2(-A,B)-\Phi_2(A,-B)+"
    r"\Phi_2(-A,-B)]/(ab)$, $A=a/\sqrt{q_u}$, $B=b/\sqrt{q_v}$.",
    source=f"{SECTION}, T19",
    hypotheses=(r"$|c|<\sqrt{q_uq_v}$", "$a,b>0$"),
    aims_at=Grade.PROVED,
    mutant=lambda: _t19_slope(-1),
)
def hardtanh_derivative_dual() -> Verdict:
    """Derive at two pairs of widths, then scale."""
    return _t19_slope(1)


def on_diagonal(
    printed: Callable[[sp.Expr, sp.Expr], sp.Expr], function: Callable[[sp.Expr, sp.Expr], sp.Expr]
) -> Verdict:
    """Compare a printed diagonal with the engine's one-dimensional form, at exact parameters."""
    pairs = [(sp.sympify(a), sp.sympify(b)) for a, b in (*PARAMETERS, (2, HALF), (3, 3))]
    return every(
        (
            f"a = {a}, b = {b}",
            identity(printed(a, b), function(a, b), on=VARIANCES, chart=chart()),
        )
        for a, b in pairs
    )


def _second_moment(a: sp.Expr, density_factor: int) -> sp.Expr:
    A = a / sp.sqrt(p)
    inner = (sp.erf(A / sp.sqrt(2)) - density_factor * A * phi(A)) / A**2
    return inner + sp.erfc(A / sp.sqrt(2))


def _fourth_moment(a: sp.Expr, cubic: int) -> sp.Expr:
    A = a / sp.sqrt(p)
    inner = 3 * sp.erf(A / sp.sqrt(2)) - 2 * phi(A) * (A**3 + cubic * A)
    return inner / A**4 + sp.erfc(A / sp.sqrt(2))


def line(f: Activation, g: Activation) -> sp.Expr:
    """Return E[f(u) g(u)] in p."""
    return expectation(f, g).on_line(1).subs(q, p)


EXACT = "at $(a,b)\\in\\{(1,1),(1/2,3),(2,1/2),(3,3)\\}$, all variances"


@claim(
    "T19.square",
    statement=r"$E[h_a(u)^2]=(\operatorname{erf}(A/\sqrt2)-2A\varphi(A))/A^2+\operatorname{erfc}(A/\sqrt2)$, "
    r"$A=a/\sqrt{q}$.",
    source=f"{SECTION}, T19",
    hypotheses=("$u=v$, $q>0$", EXACT),
    aims_at=Grade.PROVED,
    mutant=lambda: on_diagonal(
        lambda a, _: _second_moment(a, 1), lambda a, _: line(th.hardtanh(a), th.hardtanh(a))
    ),
)
def hardtanh_square() -> Verdict:
    """Derive on the line, one-dimensional."""
    return on_diagonal(
        lambda a, _: _second_moment(a, 2), lambda a, _: line(th.hardtanh(a), th.hardtanh(a))
    )


def _t19_overlap(choose: Callable[..., sp.Expr]) -> Verdict:
    return on_diagonal(
        lambda a, b: sp.erf(choose(a, b) / sp.sqrt(2 * p)) / (a * b),
        lambda a, b: line(th.hardtanh(a).derivative, th.hardtanh(b).derivative),
    )


@claim(
    "T19.overlap",
    statement=r"For $u=v$: $E[h_a'(u)h_b'(u)]=\operatorname{erf}(\min(a,b)/\sqrt{2q})/(ab)$.",
    source=f"{SECTION}, T19",
    hypotheses=("$u=v$, $q>0$", EXACT),
    aims_at=Grade.PROVED,
    mutant=lambda: _t19_overlap(sp.Max),
)
def hardtanh_overlap() -> Verdict:
    """Derive on the line, one-dimensional."""
    return _t19_overlap(sp.Min)


def _t19_fourth(cubic: int) -> Verdict:
    def quartic(a: sp.Expr, _: sp.Expr) -> sp.Expr:
        square = th.hardtanh(a) * th.hardtanh(a)
        return expectation(square * square).expr

    return on_diagonal(lambda a, _: _fourth_moment(a, cubic), quartic)


@claim(
    "T19.fourth",
    statement=r"$E[h_a(u)^4]=(3\operatorname{erf}(A/\sqrt2)-2\varphi(A)(A^3+3A))/A^4+"
    r"\operatorname{erfc}(A/\sqrt2)$, $A=a/\sqrt q$.",
    source=f"{SECTION}, T19",
    hypotheses=("$q>0$", EXACT),
    aims_at=Grade.PROVED,
    mutant=lambda: _t19_fourth(1),
)
def hardtanh_fourth_moment() -> Verdict:
    """Derive the mean of the fourth power of the activation."""
    return _t19_fourth(3)


def _t19_owen(constant: sp.Expr) -> Verdict:
    """Owen's form: equal slopes in r; at r = 0 equal slopes in h; at h = 0 arctangents."""
    a = sp.Symbol("a", positive=True)
    sr = sp.sqrt(1 - r**2)

    def owen(h: sp.Expr, k: sp.Expr, r: sp.Expr, gap: sp.Expr) -> sp.Expr:
        root = sp.sqrt(1 - r**2)
        return (
            Phi(h) / 2
            + Phi(k) / 2
            - OwenT(h, (k / h - r) / root)
            - OwenT(k, (h / k - r) / root)
            - gap
        )

    def parts() -> Iterator[tuple[str, Verdict]]:
        ray = Domain({h: (0, 3), a: (0, 3)})
        for s, t in ((1, 1), (-1, -1), (1, -1), (-1, 1)):
            gap = sp.S.Zero if s * t > 0 else constant
            where = f"signs {s}, {t}"
            slope = sp.diff(owen(s * h, t * k, r, gap), r)
            target = density(s * h, t * k, r)
            yield f"slope in r, {where}", identity(slope, target, on=SHIFTS, chart=ANGLE)
            # On the ray through (s, t a) at r = 0 the claim is Phi Phi; its slope in h, then h = 0.
            independent = Phi(s * h) * Phi(t * a * h)
            at_zero = owen(s * h, t * a * h, sp.S.Zero, gap)
            yield (
                f"independent, slope in h, {where}",
                identity(sp.diff(at_zero, h), sp.diff(independent, h), on=ray),
            )
            apex = HALF - s * t * (sp.atan(a) + sp.atan(1 / a)) / (2 * sp.pi) - gap
            yield (
                f"apex, {where}",
                identity(apex, sp.Rational(1, 4), on=ray, along=Along(a, base=sp.S.One)),
            )
        for s in (1, -1):
            # k = 0: the term of that threshold is T(0, +-oo) = +-1/4, with the sign of h.
            gap = sp.S.Zero if s > 0 else constant
            edge = Phi(s * h) / 2 + (1 - s) / sp.S(4) - OwenT(s * h, -r / sr) - gap
            where = f"k = 0, sign {s}"
            yield (
                f"slope in r, {where}",
                identity(sp.diff(edge, r), density(s * h, 0, r), on=SHIFTS, chart=ANGLE),
            )
            yield f"at r = 0, {where}", identity(edge.subs(r, 0), Phi(s * h) / 2, on=SHIFTS)

    return every(parts())


@claim(
    "T19.owen",
    statement=r"$\Phi_2(h,k;r)=\tfrac12\Phi(h)+\tfrac12\Phi(k)-T(h,(k/h-r)/s_r)-T(k,(h/k-r)/s_r)-"
    r"[0\text{ if }hk>0\text{ or }(hk=0,\,h+k\ge0)\text{ else }\tfrac12]$ (Owen 1956).",
    source=f"{SECTION}, T19",
    hypotheses=(
        "$|r|<1$",
        r"$\partial_r\Phi_2=\varphi_2$ and $\Phi_2(h,k;0)=\Phi(h)\Phi(k)$ define $\Phi_2$",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t19_owen(sp.Rational(1, 4)),
)
def bivariate_by_owen() -> Verdict:
    """Integrate in r, in h at r = 0, and in the ratio at h = 0, for all signs."""
    return _t19_owen(HALF)


def _t19_owen_slopes(shift: sp.Expr) -> Verdict:
    """The h-slope by exchanging derivatives: equal a-slopes, and both 0 at a = 0."""
    a = sp.Symbol("a", real=True)
    domain = Domain({h: (0, 3), a: (-2, 2)})
    integrand = sp.exp(-(h**2) * (1 + a**2) / 2) / (2 * sp.pi * (1 + a**2))
    stated = -phi(h) * (Phi(a * h) - shift)
    return every(
        [
            ("mixed slope", identity(sp.diff(stated, a), sp.diff(integrand, h), on=domain)),
            ("at a = 0", identity(stated.subs(a, 0), sp.S.Zero, on=domain)),
            ("declared in h", identity(sp.diff(OwenT(h, a), h), stated, on=domain)),
            ("declared in a", identity(sp.diff(OwenT(h, a), a), integrand, on=domain)),
        ]
    )


@claim(
    "T19.owen-slopes",
    statement=r"$\partial_hT(h,a)=-\varphi(h)(\Phi(ah)-\tfrac12)$ and "
    r"$\partial_aT(h,a)=e^{-h^2(1+a^2)/2}/(2\pi(1+a^2))$, for $T(h,a)=\frac1{2\pi}\int_0^a"
    r"e^{-h^2(1+x^2)/2}/(1+x^2)\,dx$.",
    source=f"{SECTION}, preamble",
    hypotheses=("$h>0$; odd and even symmetry give the rest",),
    aims_at=Grade.PROVED,
    mutant=lambda: _t19_owen_slopes(sp.Rational(1, 3)),
)
def owen_slopes() -> Verdict:
    """Exchange the two derivatives, and compare at a = 0."""
    return _t19_owen_slopes(HALF)
