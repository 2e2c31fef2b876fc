"""Products of activations on three and four Gaussian variables (gaussian-expectations.md, G1-G3 beyond pairs)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, permutations, product
from math import factorial

import mpmath
import sympy as sp
from flint import acb, arb, fmpq

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.methods.domain import Domain
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every
from theory import quadrature
from theory.activations import Activation
from theory.gaussian import joint_expectation

SOURCE = "gaussian-expectations.md"
CENTRED = r"$u\sim N(0,K)$"
DIGITS = 20

Rows = list[list[int]]


# ------------------------------------------------------------------- J1: Isserlis


def _j1(pairings: int) -> Verdict:
    F = joint_expectation([th.identity()] * 4)
    k = F.K
    stated = [k[0, 1] * k[2, 3], k[0, 2] * k[1, 3], k[0, 3] * k[1, 2]][:pairings]
    symbols = sorted(F.expr.free_symbols, key=str)
    return identity(F.expr, sp.Add(*stated), on=Domain(dict.fromkeys(symbols, (-2, 2))))


@claim(
    "J1",
    statement=r"Isserlis: $E[u_1u_2u_3u_4]=K_{12}K_{34}+K_{13}K_{24}+K_{14}K_{23}$.",
    source=f"{SOURCE}, G2, iterated; Isserlis 1918",
    hypotheses=(CENTRED, "every covariance matrix"),
    aims_at=Grade.PROVED,
    mutant=lambda: _j1(2),
)
def isserlis() -> Verdict:
    """Compare the recursion by Stein's identity with the sum over pairings; the mutant leaves one out."""
    return _j1(3)


# ------------------------------------------------------------------- J2: Price in several variables


def _j2(factor: int) -> Verdict:
    def parts() -> Iterator[tuple[str, Verdict]]:
        x, r, H = th.identity(), th.relu(), th.heaviside()
        for functions in ((x, x, r), (x, r, r), (x, x, x, r), (H, H, H)):
            F = joint_expectation(functions)
            first, second, *rest = functions
            G = joint_expectation([first.derivative, second.derivative, *rest])
            slope = sp.diff(F.expr, F.K[0, 1])
            # Diagonally dominant, so that every point is a covariance.
            box = {s: (3, 6) if s.is_positive else (-1, 1) for s in F.K.free_symbols}
            used = slope.free_symbols | G.expr.free_symbols
            on = Domain({s: box[s] for s in sorted(used, key=str)})
            chart = {F.K[i, i]: sp.Symbol(f"s{i}", positive=True) ** 2 for i in range(F.K.rows)}
            yield (
                ", ".join(map(str, functions)),
                identity(slope, factor * G.expr, on=on, chart=chart, points=3),
            )

    return every(parts())


@claim(
    "J2",
    statement=r"Price's theorem for several variables: $\partial_{K_{12}}E[f_1(u_1)f_2(u_2)f_3(u_3)\cdots]=E[f_1'(u_1)"
    r"f_2'(u_2)f_3(u_3)\cdots]$ (distributional derivatives).",
    source=f"{SOURCE}, G2",
    hypotheses=(
        CENTRED,
        r"$K$ diagonally dominant; products of $x$, ReLU and Heaviside, two separate derivations a product",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _j2(2),
)
def price_in_several_variables() -> Verdict:
    """Differentiate one closed form and derive the other; the mutant doubles the right side."""
    return _j2(1)


# ------------------------------------------------------------------- J3, J4: three and four signs


@dataclass(frozen=True)
class Tree:
    """Differences along the edges of a directed tree: X_e = Z_head - Z_tail, Z iid standard normal."""

    edges: tuple[tuple[int, int], ...]

    @property
    def covariance(self) -> Rows:
        """Inner products of the edges."""
        rows = []
        for tail, head in self.edges:
            signs = {head: 1, tail: -1}
            rows.append([signs.get(h, 0) - signs.get(t, 0) for t, h in self.edges])
        return rows

    @property
    def probability(self) -> sp.Rational:
        """P(X > 0): all orders of Z are equally likely, and some put every head above its tail."""
        size = len(self.edges) + 1
        orders = sum(
            all(order[head] > order[tail] for tail, head in self.edges)
            for order in permutations(range(size))
        )
        return sp.Rational(orders, factorial(size))


SHAPES = {
    3: (((0, 1), (1, 2), (2, 3)), ((0, 1), (0, 2), (0, 3))),
    4: (
        ((0, 1), (1, 2), (2, 3), (3, 4)),
        ((0, 1), (0, 2), (0, 3), (0, 4)),
        ((0, 1), (1, 2), (2, 3), (2, 4)),
    ),
}


def trees(size: int) -> list[Tree]:
    """Return every shape of tree with ``size`` edges in every direction of its edges."""
    return [
        Tree(tuple((b, a) if turn else (a, b) for (a, b), turn in zip(shape, turns, strict=True)))
        for shape in SHAPES[size]
        for turns in product((False, True), repeat=size)
    ]


def engine(tree: Tree) -> arb:
    """P(X > 0) as the library has it."""
    H = th.heaviside()
    return joint_expectation([H] * len(tree.edges)).ball(tree.covariance, bits=100)


def arcsine(K: Rows, i: int, j: int) -> arb:
    """Return the arcsine of a correlation."""
    return (arb(K[i][j]) / arb(K[i][i] * K[j][j]).sqrt()).asin()


def _against_enumeration(size: int, printed: Callable[[Rows], arb]) -> Verdict:
    return agree(
        {
            "enumeration": lambda tree: tree.probability,
            "printed": lambda tree: printed(tree.covariance),
            "engine": engine,
        },
        [{"tree": tree} for tree in trees(size)],
        digits=DIGITS,
    )


def _j3(divisor: int) -> Verdict:
    def printed(K: Rows) -> arb:
        arcs = sum((arcsine(K, i, j) for i, j in combinations(range(3), 2)), arb(0))
        return arb(1) / 8 + arcs / (divisor * arb.pi())

    return _against_enumeration(3, printed)


@claim(
    "J3",
    statement=r"$P(u_1,u_2,u_3>0)=\frac18+\frac1{4\pi}\sum_{i<j}\arcsin\rho_{ij}$; so $E[\mathrm{sgn}\,u_1\,"
    r"\mathrm{sgn}\,u_2\,\mathrm{sgn}\,u_3]=0$.",
    source=f"{SOURCE}, G2; the three-variable case of Sheppard's formula",
    hypotheses=(
        CENTRED,
        "differences along the edges of every directed tree with three edges: there the probability is a count of "
        "orders of four independent variables",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _j3(5),
)
def three_signs() -> Verdict:
    """Compare with exact enumeration of orders."""
    return _j3(4)


def four_signs(K: Rows, weight: int) -> arb:
    """Return E[sgn u_1 ... sgn u_4] by the printed formula; ``weight`` = 4 is the printed one."""

    def minor(t: acb, rows: tuple[int, ...], columns: tuple[int, ...]) -> acb:
        def entry(i: int, j: int) -> acb:
            return K[i][j] * t if (i < 2) != (j < 2) else acb(K[i][j])

        a, b, c = rows
        x, y, z = columns
        total: acb = (
            entry(a, x) * (entry(b, y) * entry(c, z) - entry(b, z) * entry(c, y))
            - entry(a, y) * (entry(b, x) * entry(c, z) - entry(b, z) * entry(c, x))
            + entry(a, z) * (entry(b, x) * entry(c, y) - entry(b, y) * entry(c, x))
        )
        return total

    def integrand(t: acb, analytic: bool) -> acb:
        total = acb(0)
        for i, j in product((0, 1), (2, 3)):
            k, l = 1 - i, 5 - j
            mixed = minor(t, (i, j, k), (i, j, l))
            first, second = minor(t, (i, j, k), (i, j, k)), minor(t, (i, j, l), (i, j, l))
            # arcsin(x) = arctan(x/sqrt(1 - x^2)), whose cuts are easy to name.
            tangent = mixed * (first * second - mixed * mixed).rsqrt(analytic=analytic)
            if analytic and tangent.real.contains(0) and not abs(tangent.imag) < 1:
                return acb("nan")
            spread = K[i][i] * K[j][j] - (K[i][j] * t) * (K[i][j] * t)
            total += K[i][j] * tangent.atan() * spread.rsqrt(analytic=analytic)
        return total

    apart = 4 * arcsine(K, 0, 1) * arcsine(K, 2, 3)
    return (apart + weight * acb.integral(integrand, 0, 1).real) / (arb.pi() * arb.pi())


FOUR_SIGNS = (
    r"$E[\prod_{k\le4}\mathrm{sgn}\,u_k]=\frac4{\pi^2}\Bigl\{\arcsin\rho_{12}\arcsin\rho_{34}+\int_0^1\sum_{i\in\{1,2\},"
    r"j\in\{3,4\}}\frac{K_{ij}}{\sqrt{K_{ii}K_{jj}-t^2K_{ij}^2}}\arcsin\rho_{kl|ij}(t)\,dt\Bigr\}$, $k,l$ the other "
    r"two and $\rho_{kl|ij}(t)$ their partial correlation where the covariances between $(u_1,u_2)$ and $(u_3,u_4)$ "
    r"are multiplied by $t$"
)


def _j4(weight: int) -> Verdict:
    def printed(K: Rows) -> arb:
        arcs = sum((arcsine(K, i, j) for i, j in combinations(range(4), 2)), arb(0))
        return arb(1) / 16 + arcs / (8 * arb.pi()) + four_signs(K, weight) / 16

    return _against_enumeration(4, printed)


@claim(
    "J4",
    statement=FOUR_SIGNS
    + r"; $P(u>0)=\frac1{16}+\frac1{8\pi}\sum_{i<j}\arcsin\rho_{ij}+\frac1{16}E[\prod_k"
    r"\mathrm{sgn}\,u_k]$.",
    source=f"{SOURCE}, G2: Price's theorem along a path to two independent pairs; Plackett 1954",
    hypotheses=(
        CENTRED,
        "differences along the edges of every directed tree with four edges: there the probability is a count of "
        "orders of five independent variables",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _j4(2),
)
def four_signs_reduce_to_arcsines() -> Verdict:
    """Compare with exact enumeration of orders; the mutant halves the integral."""
    return _j4(4)


# ------------------------------------------------------------------- J5, J6: four factors of two variables


@dataclass(frozen=True)
class Product:
    """A pointwise product by its definition alone."""

    factors: tuple[Activation, ...]

    @property
    def expr(self) -> sp.Expr:
        """The product of the expressions."""
        return sp.Mul(*(f.expr for f in self.factors))

    @property
    def breakpoints(self) -> tuple[sp.Expr, ...]:
        """All thresholds."""
        return tuple(sorted({at for f in self.factors for at in f.breakpoints}, key=float))


COVARIANCES = (("13/10", "7/10", "2/5"), ("1/2", "3", "-1"), ("2", "1", "7/5"))


def by_quadrature(
    f: tuple[Activation, ...], g: tuple[Activation, ...], p: str, q: str, c: str
) -> mpmath.mpf:
    """E[f_1 f_2(u) g_1 g_2(v)] from the definitions."""
    return quadrature.expectation(Product(f), Product(g), p, q, c, digits=17)


def _j5(noise: int) -> Verdict:
    """Compare E[erf(u)^2 erf(v)^2] with four signs of u + z_1/sqrt 2, u + z_2/sqrt 2, v + ..., all z independent."""
    erf = th.erf(1)

    def printed(p: str, q: str, c: str) -> arb:
        P, Q, C = (fmpq(*map(int, str(sp.Rational(entry)).split("/"))) for entry in (p, q, c))
        s = fmpq(noise, 2)
        K = [[P + s, P, C, C], [P, P + s, C, C], [C, C, Q + s, Q], [C, C, Q, Q + s]]
        return four_signs(K, 4)  # type: ignore[arg-type]

    return agree(
        {
            "quadrature": lambda p, q, c: by_quadrature((erf, erf), (erf, erf), p, q, c),
            "printed": printed,
            "engine": lambda p, q, c: joint_expectation([erf] * 4, (0, 0, 1, 1)).ball(
                [[p, c], [c, q]], bits=80
            ),
        },
        [{"p": p, "q": q, "c": c} for p, q, c in COVARIANCES],
        digits=15,
    )


@claim(
    "J5",
    statement=r"$E[\mathrm{erf}(u)^2\mathrm{erf}(v)^2]=E[\prod_{k\le4}\mathrm{sgn}\,s_k]$ with $s_1,s_2=u+z_k/\sqrt2$, "
    r"$s_3,s_4=v+z_k/\sqrt2$, $z_k$ independent standard normal: each smoothed factor has a noise of its own; and "
    + FOUR_SIGNS
    + ".",
    source=f"{SOURCE}, G3; J4",
    hypotheses=(r"$(u,v)$ centred Gaussian", "three covariances of unequal variances"),
    aims_at=Grade.AGREES,
    mutant=lambda: _j5(2),
)
def squares_of_error_functions() -> Verdict:
    """Compare with quadrature of the definitions; the mutant doubles the variance of the noise."""
    return _j5(1)


def _j6(exchange: bool) -> Verdict:
    h, k, e, g, s, r = (
        th.hardtanh("1/2"),
        th.hardtanh(1),
        th.erf(1),
        th.gelu(),
        th.sign(),
        th.relu(),
    )
    cases = {
        "V of hardtanh": ((h, h), (h, h)),
        "V of gelu": ((g, g), (g, g)),
        "kk^2 of T43": ((h.derivative, h.derivative), (k.derivative, k.derivative)),
        "gg kk of T43": ((h, h.derivative), (h, k.derivative)),
        "gg kk of erf": ((e, e.derivative), (e, k.derivative)),
        "erf and hardtanh": ((e, h), (e, k)),
        "gelu and steps": ((g, s), (r, e)),
    }

    def derived(case: str, p: str, q: str, c: str) -> arb:
        (f, g_), (one, other) = cases[case]
        rows = [[q, c], [c, p]] if exchange else [[p, c], [c, q]]
        return joint_expectation([f, g_, one, other], (0, 0, 1, 1)).ball(rows, bits=80)

    def reference(case: str, p: str, q: str, c: str) -> mpmath.mpf:
        return by_quadrature(*cases[case], p, q, c)

    points = [
        {"case": case, "p": p, "q": q, "c": c} for case in cases for p, q, c in COVARIANCES[:2]
    ]
    return agree({"engine": derived, "quadrature": reference}, points, digits=14)


@claim(
    "J6",
    statement=r"$E[f_1(u)f_2(u)\,g_1(v)g_2(v)]$, the fourth moments behind $V_l$ of B2 and the variance of T43, as "
    "Stein's identity and orthants of up to four variables give it, equals the integral of the definitions.",
    source=f"{SOURCE}, G2, G3; T43; B2",
    hypotheses=(
        r"$(u,v)$ centred Gaussian; products that stay in the class and products that leave it; two covariances of "
        "unequal variances; that the quadrature has converged is judged by two resolutions, not proved",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _j6(True),
)
def four_factors_of_two_variables() -> Verdict:
    """Compare the two routes, which share only the definitions of the activations."""
    return _j6(False)
