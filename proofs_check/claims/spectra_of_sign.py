"""Sign networks with the hardtanh estimator are not positive (asymmetric-kernels.md, T27).

One hidden layer, no bias, beta = b/sqrt q: Theta/s_w^2 = (2/pi) arcsin rho + rho sqrt(2/pi) g(rho^2)/beta with
g(s) = erf(beta/sqrt(2(1 - s))). On the circle the eigenvalues are, for odd k and 0 for even k,
4/(pi k)^2 + sqrt(2/pi)/beta (1{k=1}/2 - (2/pi) int_0^{pi/2} cos t cos(k t) erfc(beta/(sqrt 2 sin t)) dt).
"""

from collections.abc import Iterator
from fractions import Fraction
from math import comb

import flint
import sympy as sp
from flint import acb, arb, arb_series

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.methods.exhaustive import exhaustive
from proofs_check.verdict import Grade, Verdict, every
from theory.errors import DomainError
from theory.kernels.brackets import fmpq, sign_change

SECTION = "asymmetric-kernels.md, section 4"
CRITICAL = "0.761625698284055133235001699477"
TRUSTS = (
    "Arb (ball arithmetic, and acb.integral of Petras)",
    "the closed forms T15 and T17",
    "four integrations by parts for high degrees",
)


# -- the power series ---------------------------------------------------------------------------------


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


# -- the circle -----------------------------------------------------------------------------------------

_END = Fraction(1, 50)


def eigenvalue(k: int, beta: arb) -> arb:
    """Return lambda_k on the circle, odd k, for a ball of beta >= 1/5."""
    smooth = (2 / arb.pi()).sqrt() / beta
    one = arb(1) / 2 if k == 1 else arb(0)
    return 4 / (arb.pi() * k) ** 2 + smooth * (one - 2 / arb.pi() * _wave(k, beta, slope=False))


def eigenvalue_slope(k: int, beta: arb) -> arb:
    """Return d lambda_k / d beta for a ball of beta."""
    smooth = eigenvalue(k, beta) - 4 / (arb.pi() * k) ** 2
    return -smooth / beta + 4 / (arb.pi() * arb.pi() * beta) * _wave(k, beta, slope=True)


def _wave(k: int, beta: arb, *, slope: bool) -> arb:
    """Integrate cos t cos(k t) times erfc(beta/(sqrt 2 sin t)), or its slope's exp(-beta^2/(2 sin^2 t))/sin t."""
    scaled = acb(beta / arb(2).sqrt())

    def integrand(t: acb, _: bool) -> acb:
        sine = t.sin()
        inner = scaled / sine
        factor = (-inner * inner).exp() / sine if slope else inner.erfc()
        return t.cos() * (k * t).cos() * factor

    end = arb(fmpq(_END))
    tolerance = arb(2) ** (8 - flint.ctx.prec)
    value = acb.integral(integrand, acb(end), acb(arb.pi() / 2), abs_tol=tolerance).real
    at_end = beta / (arb(2).sqrt() * end.sin())
    # Both factors increase with t while beta/sin t > 1.
    rest = (-at_end * at_end).exp() / end.sin() if slope else at_end.erfc()
    return value + end * rest.upper() * arb(0, 1)


def over(k: int, low: Fraction, high: Fraction) -> arb:
    """Return a ball for lambda_k over an interval of beta, by its slope."""
    middle, wide = arb(fmpq((low + high) / 2)), arb(fmpq(low)).union(arb(fmpq(high)))
    return eigenvalue(k, middle) + eigenvalue_slope(k, wide) * (wide - middle)


def bends(low: Fraction, high: Fraction) -> arb:
    """Bound the integral of |h''''| over [end, pi - end], h = cos t erfc(beta/(sqrt 2 sin t)), beta in [low, high]."""
    beta = arb(fmpq(low)).union(arb(fmpq(high)))
    scaled, total, left = beta / arb(2).sqrt(), arb(0), _END
    before, flint.ctx.cap = flint.ctx.cap, 5
    try:
        while left < Fraction(8, 5):
            right = left * Fraction(81, 80)
            t = arb_series([arb(fmpq(left)).union(arb(fmpq(right))), 1])
            fourth = (t.cos() * (scaled / t.sin()).erfc())[4]
            total += 24 * abs(fourth).upper() * arb(fmpq(right - left))
            left = right
    finally:
        flint.ctx.cap = before
    return 2 * total


def degree_beyond(low: Fraction, high: Fraction) -> int:
    """Return an odd degree from which lambda_k > 0 for beta in [low, high], by four integrations by parts.

    h vanishes at 0 and pi with all its derivatives, so there are no boundary terms; below the end, where
    exp(-beta^2/(2 sin^2 t)) < 10^-300 outweighs any power of 1/sin t met, the fourth derivative integrates to
    less than 10^-50.
    """
    beta = arb(fmpq(low))
    reach = (2 / arb.pi()).sqrt() / beta * (bends(low, high) + arb(10) ** -50) / arb.pi()
    degree = int(float((reach * arb.pi() ** 2 / 4).sqrt().upper())) + 1
    return degree + 1 - degree % 2


def _intervals(
    low: Fraction, high: Fraction, share: Fraction
) -> Iterator[tuple[Fraction, Fraction]]:
    while low < high:
        following = min(high, low * (1 + share))
        yield low, following
        low = following


def _positive_above(start: Fraction, end: Fraction, left_out: int = 0) -> Verdict:
    """Show lambda_k > 0 on [start, end] for all k but ``left_out``."""
    largest = 0
    with flint.ctx.workprec(48):
        for low, high in _intervals(start, end, Fraction(1, 40)):
            degree = degree_beyond(low, high)
            largest = max(largest, degree)
            for k in range(1, degree, 2):
                queue = [(low, high)] if k != left_out else []
                while queue:
                    left, right = queue.pop()
                    ball = over(k, left, right)
                    if ball < 0:
                        witness = f"lambda_{k} = {ball.str(5)} for beta in [{float(left)}, {float(right)}]"
                        return Verdict(Grade.REFUTED, "a negative eigenvalue", witness, TRUSTS)
                    if not ball > 0:
                        middle = (left + right) / 2
                        if right - left < Fraction(1, 10**6):
                            return Verdict(
                                Grade.UNDECIDED, f"lambda_{k} at beta near {float(left)}"
                            )
                        queue += [(left, middle), (middle, right)]
    return Verdict(
        Grade.ENCLOSED,
        f"eigenvalues positive for beta in [{float(start):.6g}, {float(end):.6g}], degrees up to {largest} by balls, "
        f"the rest by their fourth derivative",
        None,
        TRUSTS,
    )


def _negative_below(start: Fraction, end: Fraction) -> Verdict:
    """Show that some lambda_k < 0 everywhere on [start, end]."""
    queue, used = list(_intervals(start, end, Fraction(1, 60))), set()
    with flint.ctx.workprec(48):
        while queue:
            low, high = queue.pop()
            ball = arb(1)
            # The dip sits where k beta is about 6.
            nearest = max(3, round(6.2 / float(high)) // 2 * 2 + 1)
            for k in (nearest, nearest - 2, nearest + 2, nearest + 4):
                ball = over(k, low, high)
                if ball < 0:
                    used.add(k)
                    break
            else:
                if high - low < Fraction(1, 10**5):
                    return Verdict(
                        Grade.UNDECIDED, f"no negative eigenvalue found at beta {float(low)}"
                    )
                queue += [(low, (low + high) / 2), ((low + high) / 2, high)]
    shown = ", ".join(map(str, sorted(used)))
    return Verdict(
        Grade.ENCLOSED,
        f"a negative eigenvalue for every beta in [{float(start):.6g}, {float(end):.6g}], of degree {shown}",
        None,
        TRUSTS,
    )


def _crossing(printed: str) -> Verdict:
    """Enclose the zero of lambda_9 between 3/4 and 77/100, where its slope is positive."""
    low, high = Fraction(3, 4), Fraction(77, 100)
    with flint.ctx.workprec(64):
        slope = eigenvalue_slope(9, arb(fmpq(low)).union(arb(fmpq(high))))
    if not slope > 0:
        return Verdict(Grade.UNDECIDED, f"slope of lambda_9 is {slope.str(5)}")

    def value(beta: Fraction) -> arb:
        with flint.ctx.workprec(160):
            return eigenvalue(9, arb(fmpq(beta)))

    unit = Fraction(1, 10 ** (len(printed) - 2))
    ends = Fraction(printed) - unit, Fraction(printed) + unit
    try:
        root = sign_change(value, *ends, len(printed))
    except DomainError:  # no change of sign so close to the number stated
        found = sign_change(value, low, high, 32)
        return Verdict(
            Grade.REFUTED, "another zero", f"beta* = {found.str(30, radius=False)}", TRUSTS
        )
    with flint.ctx.workprec(160):
        return Verdict(
            Grade.ENCLOSED, f"lambda_9 changes sign once, at {root.str(31)}", None, TRUSTS
        )


def _circle(critical: str) -> Verdict:
    return every(
        [
            ("beta*", _crossing(critical)),
            ("below", _negative_below(Fraction(1, 5), Fraction(3, 4))),
            ("above", _positive_above(Fraction(77, 100), Fraction(2))),
            ("at beta*", _positive_above(Fraction(3, 4), Fraction(77, 100), left_out=9)),
        ]
    )


@claim(
    "T27.circle",
    statement=rf"On the circle ($d=2$) the kernel $\Theta$ of one hidden layer of sign, hardtanh estimator, $s_b=0$, "
    rf"has a negative eigenvalue for $\beta\in[\tfrac15,\beta^*)$ and none for $\beta\in[\beta^*,2]$, "
    rf"$\beta^*={CRITICAL}\ldots$, where the eigenvalue of degree 9 vanishes.",
    source=f"{SECTION}, T27 (printed: 0.76163, for all beta)",
    hypotheses=(r"$\beta=b/\sqrt q\in[\tfrac15,2]$", "T15, T17 for the kernel"),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: _crossing(CRITICAL[:-1] + "4"),
)
def critical_ratio_on_the_circle() -> Verdict:
    """The zero by a change of sign, both sides by balls over intervals of beta."""
    return _circle(CRITICAL)


def _library(dimension: int) -> Verdict:
    """Compare the closed integral with the library's certified spectrum."""
    arch = th.Architecture(1, th.sign(), th.hardtanh("3/4"))

    def closed(k: int) -> arb:
        with flint.ctx.workprec(96):
            return eigenvalue(k, arb("0.75"))

    balls = th.certified_spectrum(arch, 12, dimension=dimension, tolerance=1e-8)
    routes = {"integral over the angle": closed, "certified_spectrum": lambda k: balls[k]}
    return agree(routes, [{"k": k} for k in (1, 3, 9, 11)], digits=7)


@claim(
    "T25.routes",
    statement=r"The library's certified eigenvalues of a limit kernel on the circle are its Fourier coefficients: "
    r"sign, hardtanh estimator, $\beta=\tfrac34$, against the integral of the closed form by another quadrature.",
    source=f"{SECTION}, T25 and T27",
    hypotheses=("degrees 1, 3, 9, 11",),
    aims_at=Grade.AGREES,
    mutant=lambda: _library(3),
)
def certified_spectrum_is_the_fourier_series() -> Verdict:
    """Taylor models on a graded partition against Petras's quadrature of the closed form."""
    return _library(2)
