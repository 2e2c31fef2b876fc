"""Inequalities over whole boxes of variances and correlations, each with a constant sharp to 1 %.

Coordinates: p = Var u, q = Var v, rho = c/sqrt(pq). Every mutant is the same statement with its constant
moved by 1 %, which the check refutes at a rational point.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flint import arb, fmpq

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.enclose import positive
from proofs_check.verdict import Grade, Verdict, every
from theory.activations import Activation

Number = Any  # a ball at a point, a jet over a box
Function = Callable[..., Number]

SOURCE = "asymmetric-kernels.md"
ENGINE = "the closed form of E[f(u) g(v)] (claims G2, T13-T23)"
PRICE = r"Price's theorem, $\partial_c E[fg]=E[f'g']$, and scaling, $2p\,\partial_pE[fg]=E[uf'g]$ at fixed $\rho$ (G2)"
MORE, LESS = fmpq(101, 100), fmpq(99, 100)
H1, H2, SIGN, GELU = th.hardtanh(1), th.hardtanh(2), th.sign(), th.gelu()
IDENTITY, ONE = th.identity(), th.identity().derivative


def cone(p: tuple[Any, Any], rho: tuple[Any, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the box of both variances in one interval and of the correlation in another."""
    return {"p": p, "q": p, "rho": rho}


def decimal(text: str, factor: fmpq | int = 1) -> arb:
    """Return a decimal constant, times a mutant's factor."""
    return arb(text) * factor


def mean(f: Activation) -> Callable[[Number], Number]:
    """Return E[f(u)] as a function of p."""
    value = th.over_boxes(f, ONE)
    return lambda p: value(p, arb(1), arb(0))


def covariance(p: Number, q: Number, rho: Number) -> Number:
    """Return c."""
    return rho * (p * q).sqrt()


# -- positivity of E[f'g'], and monotonicity in c ---------------------------------------------------


def least(f: Activation, g: Activation, constant: arb, box: Mapping[str, Any]) -> Verdict:
    """Show E[f(u) g(v)] > constant on the box."""
    value = th.over_boxes(f, g)
    return positive(lambda **at: value(**at) - constant, box)


WIDE = cone(("1/16", 16), ("-99/100", "99/100"))


@claim(
    "T17.positive",
    statement=r"$E[\mathrm{sgn}'(u)\,h_1'(v)]\ge0.0393$ for $p,q\in[1/16,16]$, $|\rho|\le99/100$; the least "
    r"value is $0.03937\dots$, at $p=q=16$, $\rho=0$.",
    source=f"{SOURCE}, T17",
    hypotheses=(ENGINE,),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: least(SIGN.derivative, H1.derivative, decimal("0.0393", MORE), WIDE),
)
def sign_hardtanh_slope_is_positive() -> Verdict:
    """The factor that carries the kernel of a sign network trained with the hardtanh surrogate."""
    return least(SIGN.derivative, H1.derivative, decimal("0.0393"), WIDE)


MONOTONE: dict[str, tuple[Activation, Activation, str]] = {
    "hardtanh(1), hardtanh(2)": (H1, H2, "0.130"),
    "hardtanh(1), erf(1)": (H1, th.erf(1), "0.144"),
    "erf(1), erf(1)": (th.erf(1), th.erf(1), "0.141"),
    "sign, erf(1)": (SIGN, th.erf(1), "0.150"),
    "ternary(1/2), hardtanh(1)": (th.ternary("1/2"), H1, "0.148"),
    "relu, hardtanh(1)": (th.relu(), H1, "0.191"),
}
MIDDLE = cone(("1/4", 4), ("-9/10", "9/10"))


def monotone(factor: fmpq | int) -> Verdict:
    """Show E[f'g'] > m for every pair of the table, m times ``factor``."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        for name, (f, g, constant) in MONOTONE.items():
            yield name, least(f.derivative, g.derivative, decimal(constant, factor), MIDDLE)

    return every(parts())


@claim(
    "G2.monotone",
    statement=r"For $p,q\in[1/4,4]$ and $|c|\le\tfrac9{10}\sqrt{pq}$ the map $c\mapsto E[f(u)g(v)]$ increases at "
    r"least at the rate $m$: $m=0.130$ for $(h_1,h_2)$, $0.144$ for $(h_1,\mathrm{erf})$, $0.141$ for "
    r"$(\mathrm{erf},\mathrm{erf})$, $0.150$ for $(\mathrm{sgn},\mathrm{erf})$, $0.148$ for "
    r"$(\mathrm{tern}_{1/2},h_1)$, $0.191$ for $(\mathrm{relu},h_1)$.",
    source="gaussian-expectations.md, G2",
    hypotheses=(ENGINE, PRICE),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: monotone(MORE),
)
def expectations_of_monotone_pairs_increase() -> Verdict:
    """By Price the rate is E[f'g'], bounded over the box."""
    return monotone(1)


def gelu_increases(largest: str) -> Verdict:
    """Show E[gelu' gelu'] > 0 for all correlations and variances up to ``largest``."""
    return least(GELU.derivative, GELU.derivative, arb(0), cone(("1/1000", largest), (-1, 1)))


@claim(
    "G2.gelu",
    statement=r"For the function $g(x)=x\Phi(x)$, which is not monotone, $c\mapsto E[g(u)g(v)]$ still increases, on "
    r"the whole interval $|c|\le\sqrt{pq}$, for all $p,q\in[1/1000,\,2.87]$; at $p=q=2.8702\dots$ its slope at "
    r"$c=-\sqrt{pq}$ turns negative.",
    source="gaussian-expectations.md, G1 and G2",
    hypotheses=(ENGINE, PRICE),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: gelu_increases("28987/10000"),
)
def gelu_dual_increases_up_to_a_variance() -> Verdict:
    """A region of positivity whose end is sharp; the mutant's variances reach 1 % further."""
    return gelu_increases("287/100")


CURVED = cone(("1/2", 2), ("1/4", "9/10"))


@claim(
    "T17.triangle-slope",
    statement=r"$E[\Lambda_1'(u)\Lambda_1'(v)]\ge0.0084$ for the triangle $\Lambda_1$, $p,q\in[1/2,2]$ and "
    r"$\rho\in[1/4,9/10]$: its dual increases with a positive correlation, though $\Lambda_1'$ has two signs.",
    source=f"{SOURCE}, T17",
    hypotheses=(ENGINE,),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: least(
        th.triangle(1).derivative, th.triangle(1).derivative, decimal("0.0084", MORE), CURVED
    ),
)
def triangle_dual_increases() -> Verdict:
    """The least value is 0.008448..., at p = q = 2, rho = 1/4."""
    return least(th.triangle(1).derivative, th.triangle(1).derivative, decimal("0.0084"), CURVED)


# -- Lipschitz constants of K -> dual(K) -------------------------------------------------------------


class DualMap:
    """Partial derivatives of F12(p, q, c) = E[f(u) f(v)] at fixed c in the first two."""

    def __init__(self, f: Activation) -> None:
        slope = f.derivative
        self.by_c = th.over_boxes(slope, slope)
        self.scaled = th.over_boxes(IDENTITY * slope, f)

    def __call__(self, p: Number, q: Number, rho: Number) -> tuple[Number, Number, Number]:
        """Return dF/dp, dF/dq, dF/dc."""
        rate = self.by_c(p, q, rho)
        moved = covariance(p, q, rho) * rate
        by_p = (self.scaled(p, q, rho) - moved) / (2 * p)
        by_q = (self.scaled(q, p, rho) - moved) / (2 * q)
        return by_p, by_q, rate


SIGN_CONE = cone((1, 4), ("-9/10", "9/10"))


def sign_lipschitz(constant: arb) -> Verdict:
    """Show that the norm of the derivative stays below the constant."""
    slopes = DualMap(SIGN)

    def room(p: Number, q: Number, rho: Number) -> Number:
        by_p, by_q, by_c = slopes(p, q, rho)
        return constant * constant - (by_c * by_c + 2 * (by_p * by_p + by_q * by_q))

    return positive(room, SIGN_CONE)


@claim(
    "T46.sign",
    statement=r"For sign, $F(K)=E[\sigma(u)\sigma(v)^T]$ of $2\times2$ covariances is Lipschitz in the Frobenius "
    r"norm with constant $1.966$ on the convex set $p,q\in[1,4]$, $|\rho|\le9/10$; the least constant is "
    r"$\frac2{\pi p_0}\sqrt{\frac{1+\rho_0^2}{1-\rho_0^2}}=1.9649\dots$, larger by $\sqrt{1+\rho_0^2}$ than that of "
    r"$\frac2\pi\arcsin$ on $|\rho|\le\rho_0$ (here $p_0=1$, $\rho_0=9/10$).",
    source=f"{SOURCE}, T46 (sign)",
    hypotheses=(ENGINE, PRICE, "mean value inequality on a convex set"),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: sign_lipschitz(decimal("1.966", LESS)),
)
def dual_of_sign_is_lipschitz() -> Verdict:
    """Norm of the derivative with respect to (dp, dq, sqrt 2 dc); the diagonal of F is constant."""
    return sign_lipschitz(decimal("1.966"))


HARDTANH_CONE = cone((1, 2), (0, "4/5"))


def hardtanh_lipschitz(constant: arb) -> Verdict:
    """Show that all singular values of the derivative stay below the constant."""
    slopes, square = DualMap(H1), mean(IDENTITY * (H1 * H1).derivative)
    level = constant * constant

    def diagonal(p: Number) -> Number:
        rate = square(p) / (2 * p)
        return rate * rate

    def room(p: Number, q: Number, rho: Number) -> Number:
        by_p, by_q, by_c = slopes(p, q, rho)
        a, b = diagonal(p), diagonal(q)
        # Schur complement of constant^2 - J J^T, J the derivative in (dp, dq, sqrt 2 dc).
        first, second = by_p * by_p / (level - a), by_q * by_q / (level - b)
        rest = level - by_c * by_c - 2 * (by_p * by_p + by_q * by_q)
        return rest - 2 * (a * first + b * second)

    def parts() -> Iterator[tuple[str, Verdict]]:
        yield "diagonal entries", positive(lambda p: level - diagonal(p), {"p": HARDTANH_CONE["p"]})
        yield "Schur complement", positive(room, HARDTANH_CONE)

    return every(parts())


@claim(
    "T46.hardtanh",
    statement=r"For $h_1$, $F(K)=E[\sigma(u)\sigma(v)^T]$ of $2\times2$ covariances is Lipschitz in the Frobenius "
    r"norm with constant $0.654$ on the convex set $p,q\in[1,2]$, $|\rho|\le4/5$: a contraction; at $p=q=1$, "
    r"$\rho=4/5$ the norm of its derivative is $0.6502\dots$",
    source=f"{SOURCE}, T46",
    hypotheses=(
        ENGINE,
        PRICE,
        "mean value inequality on a convex set",
        r"$F$ at $-\rho$ by oddness",
    ),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: hardtanh_lipschitz(decimal("0.654", LESS)),
)
def dual_of_hardtanh_contracts() -> Verdict:
    """The whole 3 by 3 derivative, diagonal entries included."""
    return hardtanh_lipschitz(decimal("0.654"))


# -- kernels of one hidden layer, s_w = 1, s_b = 0 ----------------------------------------------------


def tangent(f: Activation, left: Activation, right: Activation) -> Function:
    """Return the tangent kernel of one hidden layer, backward passes ``left`` and ``right``."""
    forward, backward = th.over_boxes(f, f), th.over_boxes(left, right)
    return lambda p, q, rho: forward(p, q, rho) + covariance(p, q, rho) * backward(p, q, rho)


def tangent_on_diagonal(
    f: Activation, left: Activation, right: Activation
) -> Callable[[Number], Number]:
    """Return the same kernel at x = x'."""
    forward, backward = mean(f * f), mean(left * right)
    return lambda p: forward(p) + p * backward(p)


KERNEL_CONE = cone(("1/2", 2), (0, "9/10"))


def cauchy_schwarz(tau: Activation, apart: arb, equal: arb) -> Verdict:
    """Show K_tt(x,x) K_ss(x',x') - K_ts(x,x')^2 above its constants, for x' apart from x and for x' = x."""
    true = H1.derivative
    tt, ss = tangent_on_diagonal(H1, true, true), tangent_on_diagonal(H1, tau, tau)
    ts, ts_equal = tangent(H1, true, tau), tangent_on_diagonal(H1, true, tau)

    def gap(p: Number, q: Number, rho: Number) -> Number:
        mixed = ts(p, q, rho)
        return tt(p) * ss(q) - mixed * mixed - apart

    def gap_on_diagonal(p: Number) -> Number:
        mixed = ts_equal(p)
        return tt(p) * ss(p) - mixed * mixed - equal

    def parts() -> Iterator[tuple[str, Verdict]]:
        yield "x' apart from x", positive(gap, KERNEL_CONE)
        yield "x' = x", positive(gap_on_diagonal, {"p": KERNEL_CONE["p"]})

    return every(parts())


@claim(
    "T38.gap",
    statement=r"One hidden layer of $h_1$ with the surrogate $h_2'$ ($s_w=1$, $s_b=0$): the Cauchy-Schwarz gap "
    r"$K_{tt}(x,x)K_{ss}(x',x')-K_{ts}(x,x')^2$ is at least $0.121$ for $p,q\in[1/2,2]$, $|\rho|\le9/10$, and at "
    r"least $0.0542$ for $x'=x$, $p\in[1/2,2]$: true and surrogate gradients are nowhere parallel.",
    source=f"{SOURCE}, T38 and section 12 (Cauchy-Schwarz)",
    hypotheses=(ENGINE, PRICE, r"$K_{ts}$ at $-\rho$ by oddness"),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: cauchy_schwarz(H2.derivative, decimal("0.121", MORE), decimal("0.0542", MORE)),
)
def true_and_surrogate_gradients_are_not_parallel() -> Verdict:
    """Least values 0.1219... at p = q = 1/2, rho = 9/10, and 0.05420... at p = 1/2."""
    return cauchy_schwarz(H2.derivative, decimal("0.121"), decimal("0.0542"))


PLANE = cone(("1/4", 4), (0, "9/10"))


def symmetric_part(share: arb) -> Verdict:
    """Show ((K12 + K21)/2)^2 < share K11 K22 for two inputs of a sign network trained with h_1'."""
    ts = tangent(SIGN, SIGN.derivative, H1.derivative)
    jump = (2 / arb.pi()).sqrt()

    def room(p: Number, q: Number, rho: Number) -> Number:
        half = (ts(p, q, rho) + ts(q, p, rho)) / 2
        # At x = x' the jump of sign meets the surrogate at its centre, h_1'(0) = 1 (T33).
        return share - half * half / ((1 + jump * p.sqrt()) * (1 + jump * q.sqrt()))

    return positive(room, PLANE)


@claim(
    "T36.two-inputs",
    statement=r"One hidden layer of sign trained with the surrogate $h_1'$ ($s_w=1$, $s_b=0$), two inputs with "
    r"$p,q\in[1/4,4]$, $|\rho|\le9/10$: $\left(\frac{\Theta_{12}+\Theta_{21}}2\right)^2\le0.623\,\Theta_{11}"
    r"\Theta_{22}$. So the symmetric part of $\Theta$ is positive definite, and the squared error falls at all "
    r"times; the constant $0.620$ would not do.",
    source=f"{SOURCE}, T35 and T36",
    hypotheses=(
        ENGINE,
        PRICE,
        r"diagonal by T33",
        r"$\Theta_{12},\Theta_{21}$ at $-\rho$ by oddness",
    ),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: symmetric_part(decimal("0.623", LESS)),
)
def two_inputs_never_grow() -> Verdict:
    """Largest share 0.62008... near p = q = 59/64, rho = 9/10."""
    return symmetric_part(decimal("0.623"))


def conditioning(constant: arb) -> Verdict:
    """Show E[h(u)^2] - E[h(u) h(v)] < constant (1 - rho) for equal variances."""
    dual, square = th.over_boxes(H1, H1), mean(H1 * H1)
    return positive(
        lambda p, rho: constant * (1 - rho) - square(p) + dual(p, p, rho),
        {"p": ("1/4", 4), "rho": (0, "9/10")},
    )


@claim(
    "G4.gap",
    statement=r"For equal variances $p\in[1/4,4]$ and $\rho\in[0,9/10]$ the gap of $h_1$ is of the order of "
    r"$1-\rho$: $E[h_1(u)^2]-E[h_1(u)h_1(v)]\le 1.20\,(1-\rho)$; at $p=4$, $\rho=9/10$ the ratio "
    r"is $1.1966\dots$",
    source="gaussian-expectations.md, G4",
    hypotheses=(ENGINE, PRICE),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: conditioning(decimal("1.20", LESS)),
)
def gap_is_linear() -> Verdict:
    """The gap that decides the conditioning of a kernel matrix."""
    return conditioning(decimal("1.20"))
