r"""The power series of the kernel of sign with the hardtanh estimator (asymmetric-kernels.md, T27).

One hidden layer, no bias, beta = b/sqrt q, x = beta^2/2: Theta/s_w^2 = rho F(rho^2),
F(s) = (2/pi) arcsin(sqrt s)/sqrt s + sqrt(2/pi) g(s)/beta with g(s) = erf(beta/sqrt(2(1 - s))).
"""

from collections.abc import Iterator
from fractions import Fraction
from math import comb

import flint
import sympy as sp
from flint import arb

from proofs_check.ledger import claim
from proofs_check.methods.domain import Domain
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.methods.identity import identity
from proofs_check.verdict import Grade, Verdict, every
from theory.kernels.brackets import fmpq

SECTION = "asymmetric-kernels.md, section 4"
TRUSTS = ("Arb (ball arithmetic)", "the closed forms T15 and T17")


def series_term(n: int, order: sp.Expr) -> tuple[Fraction, ...]:
    """Return the coefficients in x of L_n^{(order)}(x), the printed n-th coefficient of g'."""
    x = sp.Symbol("x")
    return _rationals(sp.Poly(sp.assoc_laguerre(n, order, x), x))


def derived_term(n: int) -> tuple[Fraction, ...]:
    """Return the coefficient of s^n in (1 - s)^(-3/2) exp(-x s/(1 - s)), as a polynomial in x.

    g'(s) = beta/sqrt(2 pi) (1 - s)^(-3/2) exp(-beta^2/(2(1 - s))), and 1/(1 - s) = 1 + s/(1 - s); the sum over
    j of (-x)^j s^j (1 - s)^(-3/2-j)/j! is expanded by the binomial series.
    """
    x = sp.Symbol("x")
    total = sum(
        (-x) ** j / sp.factorial(j) * sp.binomial(sp.Rational(1, 2) + n, n - j)
        for j in range(n + 1)
    )
    return _rationals(sp.Poly(sp.expand(sp.expand_func(total)), x))


def _rationals(polynomial: sp.Poly) -> tuple[Fraction, ...]:
    return tuple(Fraction(int(c.p), int(c.q)) for c in polynomial.all_coeffs())


@claim(
    "T27.series",
    statement=r"$g(s)=\operatorname{erf}(\beta/\sqrt{2(1-s)})=\operatorname{erf}(\beta/\sqrt2)+\frac{\beta}{\sqrt{2\pi}}"
    r"e^{-\beta^2/2}\sum_{n\ge0}L_n^{(1/2)}(\beta^2/2)\,\frac{s^{n+1}}{n+1}$.",
    source=f"{SECTION}, T27",
    hypotheses=(r"coefficients up to $n=30$, as polynomials in $\beta^2/2$",),
    aims_at=Grade.PROVED,
    mutant=lambda: exhaustive(
        [{"n": n} for n in range(3)], derived_term, lambda n: series_term(n, sp.Rational(3, 2))
    ),
)
def laguerre_series() -> Verdict:
    """Compare coefficients exactly."""
    half = sp.Rational(1, 2)
    return exhaustive([{"n": n} for n in range(31)], derived_term, lambda n: series_term(n, half))


def power_coefficient(n: int, beta: arb) -> arb:
    """Return the coefficient of rho^(2n+1) of Theta/s_w^2."""
    arcsine = arb(2) / arb.pi() * arb(flint.fmpq(comb(2 * n, n), 4**n * (2 * n + 1)))
    x, lead = beta * beta / 2, (2 / arb.pi()).sqrt() / beta
    if n == 0:
        return arcsine + lead * (beta / arb(2).sqrt()).erf()
    laguerre, before = arb(1), arb(0)  # the three-term recurrence of L_m^{(1/2)}
    for m in range(n - 1):
        half = arb(1) / 2
        laguerre, before = (
            ((2 * m + 1 + half - x) * laguerre - (m + half) * before) / (m + 1),
            laguerre,
        )
    return arcsine + lead * beta / (2 * arb.pi()).sqrt() * (-x).exp() * laguerre / n


def _first_negative(shift: int) -> Verdict:
    """Show that the first negative power is the printed one plus ``shift``."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        for beta, power in (("1/2", 45), ("1", 15), ("3/2", 9)):
            with flint.ctx.workprec(128):
                value = arb(fmpq(Fraction(beta)))
                last = (power + shift - 1) // 2
                balls = [power_coefficient(n, value) for n in range(last + 1)]
            wrong = [n for n, ball in enumerate(balls[:-1]) if not ball > 0]
            shown = f"coefficient of rho^{2 * last + 1} is {balls[-1].str(8)}"
            if wrong or not balls[-1] < 0:
                place = wrong[0] if wrong else last
                witness = (
                    f"beta = {beta}: coefficient of rho^{2 * place + 1} is {balls[place].str(8)}"
                )
                yield f"beta = {beta}", Verdict(Grade.REFUTED, "other signs", witness, TRUSTS)
            yield f"beta = {beta}", Verdict(Grade.ENCLOSED, shown, None, TRUSTS)

    return every(parts())


@claim(
    "T27.first-negative",
    statement=r"The first negative power-series coefficient of $\Theta$ (sign forward, hardtanh estimator, one "
    r"hidden layer, $s_b=0$) stands at $\rho^{45}$, $\rho^{15}$, $\rho^9$ for $\beta=\tfrac12,1,\tfrac32$: it is not "
    r"positive semidefinite on spheres of high dimension.",
    source=f"{SECTION}, T27",
    hypotheses=("T15, T17 for the kernel; T27.series for its coefficients", "Schoenberg's theorem"),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: _first_negative(-2),
)
def power_series_has_negative_coefficients() -> Verdict:
    """Signs of all coefficients up to the first negative one, as balls."""
    return _first_negative(0)


def _horocycle(power: int) -> Verdict:
    """Show the two facts of the proof: the slope's closed form, and what it is where Re 1/(1 - s) = 1."""
    s, beta, T = sp.symbols("s beta T", positive=True)
    left = sp.diff(sp.sqrt(2 / sp.pi) / beta * sp.erf(beta / sp.sqrt(2 * (1 - s))), s)
    stated = sp.exp(-(beta**2) / (2 * (1 - s))) / (sp.pi * sp.sqrt(1 - s) ** power)
    inside = Domain({s: (0, 1), beta: (0, 3)})
    root = {s: 1 - sp.Symbol("w", positive=True) ** 2}
    # s = 1 - 1/(1 + i T): 1 - s = (1 - i T)/(1 + T^2).
    real, imag = 1 - 1 / (1 + T**2), T / (1 + T**2)
    away = (1 - real) ** 2 + imag**2
    line = Domain({T: (0, 40)})
    return every(
        [
            ("slope", identity(left, stated, on=inside, chart=root)),
            ("Re 1/(1-s)", identity((1 - real) / away, sp.S.One, on=line)),
            ("1 - |s|^2", identity(1 - real**2 - imag**2, away, on=line)),
        ]
    )


@claim(
    "T27.every",
    statement=r"For *every* $\beta>0$ infinitely many power-series coefficients are negative. With $x=\beta^2/2$, "
    r"$F'(s)=A'(s)+\frac1\pi(1-s)^{-3/2}e^{-x/(1-s)}$, where $A'$ has coefficients between 0 and those of "
    r"$\frac1{\pi s}(1-s)^{-1/2}$. At $s=1-1/(1+iT)$ and $\epsilon=|1-s|$: $\mathrm{Re}\frac1{1-s}=1$ and "
    r"$1-|s|^2=\epsilon^2$, so $|F'(s)|\ge\frac1\pi e^{-x}\epsilon^{-3/2}-O(\epsilon^{-1})$ while "
    r"$F'(|s|)=O(\epsilon^{-1})$. Were all coefficients from some place on non-negative, $|F'(s)|\le F'(|s|)+O(1)$.",
    source=f"{SECTION}, T27",
    hypotheses=(
        "T15, T17 for the kernel",
        r"a power series with non-negative coefficients is largest on the positive axis",
        r"$n\binom{2n}n4^{-n}/(2n+1)\le\frac12\binom{2n}n4^{-n}$, coefficients of $\frac12(1-s)^{-1/2}$",
    ),
    aims_at=Grade.PROVED,
    mutant=lambda: _horocycle(1),
)
def every_ratio_has_negative_coefficients() -> Verdict:
    """The closed form of the slope, and the circle on which its exponential stays put."""
    return _horocycle(3)


def _oscillation(share: int) -> Verdict:
    """Compare n times the estimator's coefficient of rho^(2n+3) with a sine of sqrt(2n) beta/share, within 2/sqrt n."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        # The alternating sum of a Laguerre polynomial loses about 2 sqrt(n x) e-folds.
        with flint.ctx.workprec(1500):
            for beta in ("0.5", "1", "1.5"):
                value = arb(beta)
                x = value * value / 2
                for n in (400, 2500, 10_000, 40_000):
                    term = (-x).exp() / arb.pi() * x.laguerre_l(n, arb(1) / 2) / (n + 1)
                    scaled = term * n * (arb.pi() ** 3 * x).sqrt() * (x / 2).exp()
                    gap = abs(scaled - ((2 * arb(n)).sqrt() * value / share).sin())
                    shown = f"gap {gap.str(4)} at n = {n}, beta = {beta}"
                    if gap < 2 / arb(n).sqrt():
                        yield (
                            f"beta = {beta}, n = {n}",
                            Verdict(Grade.ENCLOSED, shown, None, TRUSTS),
                        )
                    elif gap > 2 / arb(n).sqrt():
                        yield (
                            f"beta = {beta}, n = {n}",
                            Verdict(Grade.REFUTED, shown, shown, TRUSTS),
                        )
                    else:
                        yield f"beta = {beta}, n = {n}", Verdict(Grade.UNDECIDED, shown)

    return every(parts())


@claim(
    "T27.oscillation",
    statement=r"The estimator's part of the coefficient of $\rho^{2n+3}$ is $\sim\frac{e^{-x/2}}{\pi^{3/2}x^{1/2}}"
    r"\frac{\sin(\sqrt{2n}\beta)}n$, $x=\beta^2/2$, which outweighs the arcsine's $n^{-3/2}$.",
    source=f"{SECTION}, T27 (constant derived here)",
    hypotheses=(
        r"$\beta=.5,1,1.5$; $n=400,2500,10^4,4\cdot10^4$; $\sim$ read as within $2n^{-1/2}$ of the sine",
        "T27.series for the coefficient",
    ),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: _oscillation(2),
)
def coefficients_oscillate() -> Verdict:
    """Laguerre polynomials in balls against the sine."""
    return _oscillation(1)
