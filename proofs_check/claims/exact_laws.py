"""Laws of finite networks that hold exactly at every width (asymmetric-kernels.md, T12, T44; bounds.md, section 5)."""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import comb
from typing import Any

import mpmath
import sympy as sp

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.methods.domain import Domain
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.identity import Along, identity
from proofs_check.verdict import Grade, Verdict, every
from theory.gaussian import expectation
from theory.networks import linear_law, relu_law

NETWORKS = "asymmetric-kernels.md"
BOUNDS = "bounds.md, section 5"
HALF = Fraction(1, 2)

Law = dict[Any, Fraction]


def signs(n: int) -> list[tuple[int, ...]]:
    """Return all vectors of n signs."""
    return list(product((1, -1), repeat=n))


def inner(x: tuple[int, ...], y: tuple[int, ...]) -> int:
    """Return the inner product of two integer vectors."""
    return sum(a * b for a, b in zip(x, y, strict=True))


def frequencies(values: list[Any]) -> Law:
    """Return the law of a uniform draw from ``values``, in order of the values."""
    return {value: Fraction(n, len(values)) for value, n in sorted(Counter(values).items())}


def fair_sum(n: int) -> Law:
    """Return the law of 2 Bin(n, 1/2) - n."""
    return {2 * k - n: Fraction(comb(n, k), 2**n) for k in range(n + 1)}


# ---------------------------------------------------------------------------- T12: no hidden layer


INPUTS = (
    ((1, 1, 1, 1, 1), (1, 1, 1, 1, 1)),
    ((1, -2, 3, 0), (2, 1, -1, 5)),
    ((Fraction(1, 2), Fraction(-4, 3), 2, 1, Fraction(7, 5)), (1, 1, 3, -2, Fraction(1, 9))),
)
T12_CASES = [
    {"x": x, "y": y, "p": p, "ab": ab}
    for x, y in INPUTS
    for p in (Fraction(1, 3), Fraction(2, 3), Fraction(9, 10))
    for ab in (Fraction(1, 2), Fraction(3))
]


def enumerated(x: Any, y: Any, p: Fraction, ab: Fraction) -> Law:
    """Return the law of (1/d) sum_j D_j x_j y_j, D_j in {0, 1/(ab)}, by going through all latent outcomes."""
    law: Law = {}
    for outcome in product((0, 1), repeat=len(x)):
        weight = p ** sum(outcome) * (1 - p) ** (len(x) - sum(outcome))
        terms = (b / ab * u * v for b, u, v in zip(outcome, x, y, strict=True))
        value = sum(terms, Fraction(0)) / len(x)
        law[value] = law.get(value, Fraction(0)) + weight
    return law


def central_moments(x: Any, y: Any, p: Fraction, ab: Fraction) -> tuple[Fraction, ...]:
    """Return mean, variance and third central moment of the enumerated law."""
    law = enumerated(x, y, p, ab)
    mean = sum(v * w for v, w in law.items())
    second, third = (sum((v - mean) ** k * w for v, w in law.items()) for k in (2, 3))
    return Fraction(mean), Fraction(second), Fraction(third)


def stated_moments(x: Any, y: Any, p: Fraction, ab: Fraction) -> tuple[Fraction, ...]:
    """Return the moments as printed, the third from the cumulant of a Bernoulli variable."""
    d, products = len(x), [u * v for u, v in zip(x, y, strict=True)]
    power = [Fraction(sum(t**k for t in products)) for k in range(4)]
    mean = p / ab * power[1] / d
    variance = p * (1 - p) / ab**2 * power[2] / Fraction(d) ** 2
    third = p * (1 - p) * (1 - 2 * p) / ab**3 * power[3] / Fraction(d) ** 3
    return mean, variance, third


def scaled_binomial(d: int, p: Fraction, ab: Fraction) -> Law:
    """Return the law of Bin(d, p)/(ab d)."""
    return {Fraction(k) / (ab * d): comb(d, k) * p**k * (1 - p) ** (d - k) for k in range(d + 1)}


def _t12(width: Fraction) -> Verdict:
    """Check m, moments and law; the edge of the Bernoulli event is ``width`` times min(a, b)."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        for a, b in ((1, 1), (HALF, 1), (2, Fraction(1, 3))):
            slopes = th.hardtanh(a).derivative * th.hardtanh(b).derivative
            least = sp.Rational(width) * sp.Rational(min(a, b))
            stated = sp.erf(least / sp.sqrt(2)) / (sp.Rational(a) * sp.Rational(b))
            yield f"m at a = {a}, b = {b}", identity(latent_mean(slopes), stated, on=Domain({}))
        yield "moments", exhaustive(T12_CASES, central_moments, stated_moments)
        ones = [{"d": d, "p": Fraction(2, 3), "ab": HALF} for d in range(1, 9)]
        yield (
            "binomial",
            exhaustive(
                ones,
                lambda d, p, ab: dict(sorted(enumerated((1,) * d, (1,) * d, p, ab).items())),
                scaled_binomial,
            ),
        )

    return every(parts())


def latent_mean(f: th.activations.Activation) -> sp.Expr:
    """Return E f(W) for a standard normal latent weight."""
    engine = expectation(f)
    return engine.expr.subs(dict.fromkeys(engine.expr.free_symbols, 1))


@claim(
    "T12",
    statement=r"With no hidden layer, $\omega=h_a$ and $\tau_w=h_b'$: $\Theta_d(x,x')=\frac{s_w^2}{ab\,d}\sum_j B_j"
    r"x_jx'_j+s_b^2$, $B_j$ iid Bernoulli($p$), $p=\mathrm{erf}(\min(a,b)/\sqrt2)$. Mean $s_w^2m\langle x,x'\rangle"
    r"/d+s_b^2$, $m=p/(ab)$; variance $\frac{s_w^4p(1-p)}{(ab)^2d^2}\sum_jx_j^2x_j'^2$; third central moment"
    r" $\frac{s_w^6p(1-p)(1-2p)}{(ab)^3d^3}\sum_jx_j^3x_j'^3$; for $x=x'=(1,\dots,1)$ a scaled Binomial($d,p$).",
    source=f"{NETWORKS}, section 2, T12",
    hypotheses=(
        r"that $\omega'(W)\tau_w(W)$ is $1/(ab)$ where $|W|<\min(a,b)$ and 0 elsewhere, by definition of $h_a$",
        "$s_w=1$, $s_b=0$ (scale and shift); $m$ at three pairs $(a,b)$; moments for three pairs of inputs, "
        "the binomial for $d\\leq8$",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t12(Fraction(101, 100)),
)
def no_hidden_layer_is_binomial() -> Verdict:
    """Derive m from the engine; enumerate latent outcomes for the moments and the law."""
    return _t12(Fraction(1))


# ------------------------------------------------------------------- sign networks, Gaussian readout


def conditional_variance(x: tuple[int, ...]) -> Fraction:
    """Return the variance of the output given these last features, s_w^2 = 3/2 and s_b^2 = 1/7."""
    return Fraction(3, 2) * Fraction(inner(x, x), len(x)) + Fraction(1, 7)


def stated_variance(x: tuple[int, ...]) -> Fraction:  # noqa: ARG001 - it does not depend on them
    """Return s_w^2 + s_b^2."""
    return Fraction(3, 2) + Fraction(1, 7)


def _t44i(values: tuple[int, ...]) -> Verdict:
    cases = [{"x": x} for n in range(1, 8) for x in product(values, repeat=n)]
    return exhaustive(cases, conditional_variance, stated_variance)


@claim(
    "T44.i",
    statement=r"With sign forward, for any depth and width, $f(x)$ at one input is exactly $N(0,s_w^2+s_b^2)$:"
    r" whatever the last features in $\{\pm1\}^n$ are, they give the output this same conditional law.",
    source=f"{NETWORKS}, section 6, T44 (i); {BOUNDS}, B54, first sentence",
    hypotheses=(
        "Gaussian readout and bias; hidden weights of any law",
        "no pre-activation is exactly 0 (probability 1 for Gaussian weights and x not 0), or sgn 0 = +-1",
        "all feature vectors up to width 7; the sum of n squares of signs is n at any width",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t44i((-1, 0, 1)),
)
def one_input_is_gaussian() -> Verdict:
    """Go through all feature vectors: the conditional variance never depends on them."""
    return _t44i((-1, 1))


def _t44ii(sign: int) -> Verdict:
    # y stands for exp(A): cosh A and sinh A are rational in it.
    y, r = sp.Symbol("y", positive=True), sp.Symbol("r", real=True)
    domain = Domain({y: (HALF, 2), r: (-1, 1)})

    def parts() -> Iterator[tuple[str, Verdict]]:
        for n in range(1, 7):
            mixture = sum(
                sp.binomial(n, k) * ((1 + r) / 2) ** k * ((1 - r) / 2) ** (n - k) * y ** (n - 2 * k)
                for k in range(n + 1)
            )
            power = ((y + 1 / y) / 2 - sign * r * (y - 1 / y) / 2) ** n
            yield f"n = {n}", identity(mixture, power, on=domain)
        yield "agreement", identity(*agreement(), on=Domain({rho: (-1, 1)}), along=Along(rho))
        yield "quadratic form", exhaustive(pairs_of_features(5), quadratic, overlap_form)

    return every(parts())


rho = sp.Symbol("rho", real=True)


def agreement() -> tuple[sp.Expr, sp.Expr]:
    """Return E sgn(u) sgn(v) at unit variances, as derived and as 2 P(agree) - 1."""
    engine = expectation(th.sign(), th.sign())
    p, q, c = th.gaussian.p, th.gaussian.q, th.gaussian.c
    stated = 2 * (1 - sp.acos(rho) / sp.pi) - 1
    return engine.expr.subs({p: 1, q: 1, c: rho}), stated


def pairs_of_features(last: int) -> list[dict[str, Any]]:
    """Return all pairs of sign vectors up to width ``last``."""
    return [{"x": x, "y": y} for n in range(1, last + 1) for x in signs(n) for y in signs(n)]


T1, T2 = Fraction(2, 3), Fraction(-5, 4)


def quadratic(x: tuple[int, ...], y: tuple[int, ...]) -> Fraction:
    """Return Var(t1 f(x) + t2 f(x')) given the features, s_w = 1 and no bias: |t1 x + t2 x'|^2 / n."""
    return sum((T1 * a + T2 * b) ** 2 for a, b in zip(x, y, strict=True)) / Fraction(len(x))


def overlap_form(x: tuple[int, ...], y: tuple[int, ...]) -> Fraction:
    """Return the same variance from the number of agreements."""
    agreements = sum(a == b for a, b in zip(x, y, strict=True))
    return T1**2 + T2**2 + 2 * T1 * T2 * Fraction(2 * agreements - len(x), len(x))


@claim(
    "T44.ii",
    statement=r"With sign forward, one hidden layer, two inputs and $s_b=0$: $E\,e^{i(t_1f_1+t_2f_2)}="
    r"e^{-(s_w^2/2)(t_1^2+t_2^2)}(\cosh A-r_1\sinh A)^n$, $A=s_w^2t_1t_2/n$, $r_1=\frac2\pi\arcsin\rho$.",
    source=f"{NETWORKS}, section 6, T44 (ii)",
    hypotheses=(
        "the n neurons are iid, so the power law needs one neuron; the binomial sum is checked for n = 1, ..., 6",
        "given the features the outputs are Gaussian (readout), $E\\,e^{iN(0,v)}=e^{-v/2}$",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _t44ii(-1),
)
def characteristic_function_of_two_outputs() -> Verdict:
    """Sum the binomial mixture, and prove the law of one neuron behind it."""
    return _t44ii(1)


# ------------------------------------------------------------------------- +-1 readout


def readout_law(x: tuple[int, ...]) -> Law:
    """Return the law of sqrt(n) f = sum_j v_j x_j over all fair +-1 readouts."""
    return frequencies([inner(v, x) for v in signs(len(x))])


def hidden_features(n: int, zero: int) -> set[tuple[int, ...]]:
    """Return every feature vector of a +-1 layer on n +-1 features, with sgn 0 = ``zero``."""
    below = signs(n)
    outcomes = {inner(w, below[0]) for w in below}
    return set(product(sorted({(h > 0) - (h < 0) or zero for h in outcomes}), repeat=3))


def _b54(zero: int) -> Verdict:
    cases = [
        {"x": x} for n in range(1, 6) for x in sorted(hidden_features(n, zero) | set(signs(n)))
    ]
    return exhaustive(cases, readout_law, lambda x: fair_sum(len(x)))


@claim(
    "B54",
    statement=r"With sign forward and Rademacher readout, $f$ at one input is exactly $(2\,\mathrm{Bin}(n,1/2)-n)"
    r"/\sqrt n$, for any hidden weights (odd fan-in or sgn 0 = +1).",
    source=f"{BOUNDS}, B54",
    hypotheses=(
        "every feature vector of width 1 to 5, and those behind +-1 layers of fan-in 1 to 5",
        "with sgn 0 = 0 and even fan-in the statement is false: that is the mutant",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _b54(0),
)
def sign_readout_is_binomial() -> Verdict:
    """Go through all readouts behind all features."""
    return _b54(1)


# ----------------------------------------------------------------- ReLU and linear networks, one input


def second_moment(n: int, active: bool) -> tuple[Fraction, Fraction]:
    """Return E R and E R^2, from E chi^2_j = j and E (chi^2_j)^2 = j (j + 2)."""
    if not active:
        return Fraction(1), Fraction(n * (n + 2), n * n)
    law = {j: Fraction(comb(n, j), 2**n) for j in range(n + 1)}
    first = sum((w * j for j, w in law.items()), Fraction(0)) * Fraction(2, n)
    return first, sum((w * j * (j + 2) for j, w in law.items()), Fraction(0)) * Fraction(4, n * n)


def _b57(five: int) -> Verdict:
    cases = [{"n": n, "active": active} for n in range(1, 31) for active in (True, False)]

    def stated(n: int, active: bool) -> tuple[Fraction, Fraction]:
        return Fraction(1), 1 + Fraction(five if active else 2, n)

    return exhaustive(cases, second_moment, stated)


@claim(
    "B57",
    statement=r"ReLU or linear, one input, no bias: the conditional output variance is $A=K\prod_lR_l$ with independent"
    r" $R_l=\frac2{n_l}\chi^2_{\mathrm{Bin}(n_l,1/2)}$ (ReLU), $\chi^2_{n_l}/n_l$ (linear). Hence $\mathrm{Var}(A)/K^2"
    r"=\prod(1+5/n_l)-1$ (ReLU), $\prod(1+2/n_l)-1$ (linear), and the excess kurtosis of $f$ is three times this.",
    source=f"{BOUNDS}, B57",
    hypotheses=(
        r"given layer $l$, its pre-activations are iid $N(0,A_l)$: each is positive with probability 1/2, and its "
        r"square is $A_l\chi^2_1$ independently of its sign",
        r"n = 1, ..., 30; $n^2E R$ and $n^2E R^2$ are polynomials of degree at most 2 in n, so three n decide",
        r"$E f^4=3E A^2$ (Gaussian given A)",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _b57(3),
)
def product_of_chi_squares() -> Verdict:
    """Compare exact second moments of one factor with the printed ones."""
    return _b57(5)


def chi_root(j: int) -> mpmath.mpf:
    """Return E sqrt(chi^2_j) by integrating its density: no Gamma function of a half-integer ratio."""
    weight = mpmath.quad(lambda t: t ** (j - 1) * mpmath.exp(-t * t / 2), [0, 2, 6, 20])
    return mpmath.quad(lambda t: t**j * mpmath.exp(-t * t / 2), [0, 2, 6, 20]) / weight


def roots_by_quadrature(widths: tuple[int, ...], active: bool) -> mpmath.mpf:
    """Return the product of E sqrt(R_l), every chi by quadrature."""
    total = mpmath.mpf(1)
    for n in widths:
        law = {j: mpmath.mpf(comb(n, j)) / 2**n for j in range(1, n + 1)} if active else {n: 1}
        scale = mpmath.sqrt(mpmath.mpf(2 if active else 1) / n)
        total *= mpmath.fsum(w * chi_root(j) for j, w in law.items()) * scale
    return total


def _b57_root(factor: float) -> Verdict:
    def closed(widths: tuple[int, ...], active: bool) -> float:
        return factor * (relu_law if active else linear_law)(widths).mean_root

    points = [
        {"widths": widths, "active": active}
        for widths in ((1,), (2,), (3, 5), (8, 16))
        for active in (True, False)
    ]
    return agree({"quadrature": roots_by_quadrature, "closed": closed}, points, digits=11)


@claim(
    "B57.root",
    statement=r"ReLU or linear, one input, no bias: $E\sqrt A=\sqrt K\prod_lE\sqrt{R_l}$ with $E\sqrt{\chi^2_j}="
    r"\sqrt2\,\Gamma(\frac{j+1}2)/\Gamma(\frac j2)$.",
    source=f"{BOUNDS}, B57",
    hypotheses=("widths (1), (2), (3, 5), (8, 16)",),
    aims_at=Grade.AGREES,
    mutant=lambda: _b57_root(1 + 1e-9),
)
def mean_root_of_products() -> Verdict:
    """Compare the Gamma formula with integrals of the chi density."""
    return _b57_root(1.0)
