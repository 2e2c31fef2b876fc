"""The identities that the engine runs on, and its degenerate ends (gaussian-expectations.md)."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise, product

import sympy as sp

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.methods.identity import Along, identity
from proofs_check.notation import COVARIANCES, VARIANCES, c, chart, noise, p, q
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import Activation, catalogue
from theory.arithmetic import Phi, Phi2, phi
from theory.gaussian import expectation

SOURCE = "gaussian-expectations.md"
GAUSSIAN = r"$(u,v)$ centred Gaussian, $\operatorname{Var}u=p$, $\operatorname{Var}v=q$, $\operatorname{Cov}=c$"


PARTNERS = ("sign", "hardtanh(1/2)", "relu", "erf(1)")


def _g2(second: Callable[[sp.Expr, sp.Expr], sp.Expr]) -> Verdict:
    """Compare E[u f g] with p E[f' g] + second(c E[f g'])."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        known = catalogue()
        for (name, f), other in product(known.items(), PARTNERS):
            g = known[other]
            raised = th.identity() * f
            left = expectation(raised, g).expr
            right = p * expectation(f.derivative, g).expr + second(
                expectation(f, g.derivative).expr, expectation(f.derivative, g).expr
            )
            where = chart(noise(f), noise(g))
            yield f"{name}, {other}", identity(left, right, on=COVARIANCES, chart=where, points=2)

    return every(parts())


@claim(
    "G2.Stein",
    statement=r"$E[u\,F(u,v)]=p\,E[\partial_uF]+c\,E[\partial_vF]$, for $F(u,v)=f(u)g(v)$ "
    "(distributional derivatives).",
    source=f"{SOURCE}, G2",
    hypotheses=(
        GAUSSIAN,
        "$c^2<pq$",
        f"$f$ over the catalogue, $g$ in {', '.join(PARTNERS)}; three separate derivations a pair",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _g2(lambda _, across: c * across),
)
def stein_identity() -> Verdict:
    """Derive the three expectations separately."""
    return _g2(lambda along, _: c * along)


def printed_moments(signs: int) -> Callable[[int, int, sp.Expr, sp.Expr], sp.Expr]:
    """Return M_ij(a,b) by the printed recursion; ``signs`` = 1 is the printed one."""

    def density(variance: sp.Expr, x: sp.Expr) -> sp.Expr:
        return phi(x / sp.sqrt(variance)) / sp.sqrt(variance)

    @cache
    def m(j: int, b: sp.Expr, mu: sp.Expr, s: sp.Expr) -> sp.Expr:
        if j < 0:
            return sp.S.Zero
        if j == 0:
            return Phi((mu - b) / sp.sqrt(s))
        step = (j - 1) * m(j - 2, b, mu, s) + b ** (j - 1) * density(s, b - mu)
        return mu * m(j - 1, b, mu, s) + signs * s * step

    @cache
    def M(i: int, j: int, a: sp.Expr, b: sp.Expr) -> sp.Expr:
        if i < 0 or j < 0:
            return sp.S.Zero
        if i == j == 0:
            return Phi2(-a / sp.sqrt(p), -b / sp.sqrt(q), c / sp.sqrt(p * q))
        if i == 0:
            return M(j, 0, b, a).subs({p: q, q: p}, simultaneous=True)
        own = (i - 1) * M(i - 2, j, a, b) + a ** (i - 1) * density(p, a) * m(
            j, b, c * a / p, q - c**2 / p
        )
        cross = j * M(i - 1, j - 1, a, b) + b**j * density(q, b) * m(
            i - 1, a, c * b / q, p - c**2 / q
        )
        return p * own + c * cross

    return M


def monomial_step(power: int, at: sp.Expr) -> Activation:
    """Return x**power H(x - at)."""
    x = th.activations.x
    return th.from_piecewise([(0, (-sp.oo, at)), (x**power, (at, sp.oo))])


def _g2_moments(signs: int) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        M = printed_moments(signs)
        for a, b in (
            (sp.S(-1), sp.Rational(1, 2)),
            (sp.S(1), sp.S(2)),
            (sp.S(-2), sp.Rational(-1, 3)),
        ):
            for i, j in product(range(3), range(3)):
                derived = expectation(monomial_step(i, a), monomial_step(j, b)).expr
                yield (
                    f"M_{i}{j}({a}, {b})",
                    identity(derived, M(i, j, a, b), on=COVARIANCES, chart=chart(), points=2),
                )

    return every(parts())


@claim(
    "G2.moments",
    statement=r"$M_{ij}(a,b)=E[u^iH(u-a)v^jH(v-b)]$ obeys $M_{ij}=p[(i-1)M_{i-2,j}+a^{i-1}\varphi_p(a)"
    r"m_j(b;ca/p,q-c^2/p)]+c[jM_{i-1,j-1}+b^j\varphi_q(b)m_{i-1}(a;cb/q,p-c^2/q)]$ for $i\ge1$, "
    r"$m_j=\mu m_{j-1}+s[(j-1)m_{j-2}+b^{j-1}\varphi_s(b-\mu)]$, $m_0=\Phi((\mu-b)/\sqrt s)$.",
    source=f"{SOURCE}, G2",
    hypotheses=(GAUSSIAN, "$c^2<pq$", "$i,j\\le2$ at three pairs of thresholds, all p, q, c"),
    aims_at=Grade.PROVED,
    mutant=lambda: _g2_moments(-1),
)
def truncated_moments() -> Verdict:
    """Run the printed recursion beside the engine."""
    return _g2_moments(1)


def _g3(inflated: sp.Expr) -> Verdict:
    """Stein for u H(u + z) against g(v): the step is met in the noisy variable, at variance p + 1."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        gelu, step = th.gelu(), th.heaviside()
        for name, g in catalogue().items():
            left = expectation(gelu, g).expr
            masses = expectation(step.derivative, g).expr.subs(p, inflated)
            steps = expectation(step, g.derivative).expr.subs(p, inflated)
            where = chart(1, noise(g))
            yield (
                name,
                identity(left, p * masses + c * steps, on=COVARIANCES, chart=where, along=Along(c)),
            )

    return every(parts())


@claim(
    "G3",
    statement=r"With $u'=u+z$, $z\sim N(0,1)$ independent: $E[uH(u')g(v)]=p\,E[\delta(u')g(v)]+c\,"
    r"E[H(u')g'(v)]$, where in the two expectations on the right $p$ becomes $p+1$ and $c$ stays.",
    source=f"{SOURCE}, G3 (GELU; T16 is the case without powers of u)",
    hypotheses=(GAUSSIAN, "$c^2<pq$", "$g$ over the catalogue"),
    aims_at=Grade.PROVED,
    mutant=lambda: _g3(p),
)
def smoothed_powers() -> Verdict:
    """Derive GELU against g, and its two Stein terms without noise."""
    return _g3(p + 1)


SHARP_PARTNERS = ("heaviside", "hardtanh(1/2)", "leaky_relu(1/10)", "triangle(1)")


def sharp() -> dict[str, Activation]:
    """Return the piecewise polynomials of the catalogue: their products stay in the class."""
    return {name: f for name, f in catalogue().items() if f.is_sharp}


def mirrored(f: Activation) -> Activation:
    """Return x -> f(-x)."""
    x = th.activations.x
    ends = [-sp.oo, *f.breakpoints, sp.oo]
    pieces = []
    for low, high in pairwise(ends):
        inside = _between(low, high)
        branch = f.expr if not f.expr.has(sp.Piecewise) else _branch(f.expr, inside)
        pieces.append((branch.subs(x, -x), (-high, -low)))
    return th.from_piecewise(pieces[::-1])


def _between(low: sp.Expr, high: sp.Expr) -> sp.Expr:
    if low == -sp.oo:
        return sp.S.Zero if high == sp.oo else high - 1
    return low + 1 if high == sp.oo else (low + high) / 2


def _branch(expr: sp.Expr, point: sp.Expr) -> sp.Expr:
    """Return the branch of a piecewise expression that holds around a point."""
    x = th.activations.x
    return expr.replace(
        lambda e: isinstance(e, sp.Piecewise),
        lambda e: next(
            value for value, where in e.args if where == sp.true or where.subs(x, point) == sp.true
        ),
    )


def _g4_line(sign: int) -> Verdict:
    """Compare the line c = +-p (equal variances) with the mean of one product."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        known = sharp()
        for (name, f), other in product(known.items(), SHARP_PARTNERS):
            g = known[other]
            for side in (1, -1):
                image = g if side * sign > 0 else mirrored(g)
                ends = expectation(f, g).on_line(side).subs(q, p)
                mean = expectation(f * image).expr
                yield (
                    f"{name}, {other}, {side}",
                    identity(ends, mean, on=VARIANCES, chart=chart(), points=2),
                )

    return every(parts())


@claim(
    "G4.line",
    statement=r"At $c=\pm\sqrt{pq}$ the pair is one variable: for $p=q$, $E[f(u)g(v)]$ is "
    r"$E[f(u)g(u)]$ for $c=p$ and $E[f(u)g(-u)]$ for $c=-p$.",
    source=f"{SOURCE}, G4",
    hypotheses=(
        "$p=q>0$",
        f"$f$ over the piecewise polynomials of the catalogue, $g$ in {', '.join(SHARP_PARTNERS)}",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _g4_line(-1),
)
def ends_on_the_line() -> Verdict:
    """Derive the mean of one product of activations."""
    return _g4_line(1)


NEAR = sp.Rational(1, 10**44)


def _g4_limits(power: int) -> Verdict:
    """Compare balls of the generic form close to an end with the end's own form."""
    known = sharp()
    pairs = list(product(known.values(), (known[name] for name in SHARP_PARTNERS)))

    def close(pair: int, side: int) -> object:
        f, g = pairs[pair]
        return expectation(f, g).ball(sp.Rational(9, 4), 1, side * sp.Rational(3, 2) * (1 - NEAR))

    def end(pair: int, side: int) -> object:
        f, g = pairs[pair]
        return expectation(f, g).ball(
            sp.Rational(9, 4) ** power, 1, side * sp.Rational(3, 2) ** power
        )

    points = [{"pair": i, "side": s} for i in range(len(pairs)) for s in (1, -1)]
    # Steps approach the line like the angle, sqrt(2 * 10**-44): 20 digits are below what they differ by.
    return agree({"near the line": close, "on the line": end}, points, digits=20)


@claim(
    "G4.continuity",
    statement=r"The forms for $|c|<\sqrt{pq}$ tend to the forms for $c=\pm\sqrt{pq}$.",
    source=f"{SOURCE}, G4",
    hypotheses=(
        r"at $p=9/4$, $q=1$, $1-|\rho|=10^{-44}$, where the two may differ by about $10^{-22}$",
        f"$f$ over the piecewise polynomials of the catalogue, $g$ in {', '.join(SHARP_PARTNERS)}",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _g4_limits(2),
)
def line_is_the_limit() -> Verdict:
    """Compare balls next to the line with balls on it."""
    return _g4_limits(1)
