"""Sign networks with the hardtanh estimator are not positive (asymmetric-kernels.md, T27).

One hidden layer, no bias, beta = b/sqrt q: Theta/s_w^2 = (2/pi) arcsin rho + rho sqrt(2/pi) g(rho^2)/beta with
g(s) = erf(beta/sqrt(2(1 - s))). On the circle the eigenvalues are, for odd k and 0 for even k,
4/(pi k)^2 + sqrt(2/pi)/beta (1{k=1}/2 - (2/pi) int_0^{pi/2} cos t cos(k t) erfc(beta/(sqrt 2 sin t)) dt).
"""

from collections.abc import Callable, Iterator
from fractions import Fraction

import flint
from flint import acb, arb, arb_series

import theory as th
from proofs_check.claims import spectra_of_sign_ends as ends
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.verdict import Grade, Verdict, every
from theory.errors import DomainError
from theory.kernels.brackets import fmpq, sign_change

SECTION = "asymmetric-kernels.md, section 4"
WINDOW = Fraction(11, 2)
CRITICAL = "0.761625698284055133235001699477"
TRUSTS = (
    "Arb (ball arithmetic, and acb.integral of Petras)",
    "the closed forms T15 and T17",
    "four integrations by parts for high degrees",
)


# -- the circle -----------------------------------------------------------------------------------------

_END = Fraction(1, 50)


def eigenvalue(k: int, beta: arb) -> arb:
    """Return lambda_k on the circle, odd k, for a ball of beta."""
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

    # erfc and exp(-x^2) are below 10^-22 where beta/sin t > 10.
    end = (beta / 10).lower().min(arb(fmpq(_END)))
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
            ("towards 0", ends.negative_near_zero(WINDOW)),
            ("below", _negative_below(ends.SMALL, Fraction(3, 4))),
            ("at beta*", _positive_above(Fraction(3, 4), Fraction(77, 100), left_out=9)),
            ("above", _positive_above(Fraction(77, 100), ends.LARGE)),
            ("towards infinity", ends.positive_beyond(ends.LARGE)),
        ]
    )


@claim(
    "T27.circle",
    statement=rf"On the circle ($d=2$) the kernel $\Theta$ of one hidden layer of sign, hardtanh estimator, $s_b=0$, "
    rf"has a negative eigenvalue if and only if $\beta<\beta^*={CRITICAL}\ldots$, for every $\beta=b/\sqrt q>0$; at "
    r"$\beta^*$ the eigenvalue of degree 9 vanishes.",
    source=f"{SECTION}, T27 (printed: 0.76163)",
    hypotheses=("T15, T17 for the kernel",),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: _crossing(CRITICAL[:-1] + "4"),
)
def critical_ratio_on_the_circle() -> Verdict:
    """The zero by a change of sign, both sides by balls over intervals of beta, and both ends by estimates."""
    return _circle(CRITICAL)


@claim(
    "T27.small",
    statement=r"For every $\beta\in(0,\tfrac1{20}]$ the eigenvalue of the odd degree $k$ with "
    r"$k\beta\in[5.5,5.6)$ is negative: as $\beta\to0$, $\lambda_k\to\frac4{\pi^2\kappa}\int_0^\infty"
    r"\sin(\kappa/v)e^{-v^2/2}dv$, $\kappa=k\beta$, and anti-learning modes do not go away with sharper "
    r"surrogates.",
    source=f"{SECTION}, T27 (the range left open)",
    hypotheses=("T15, T17 for the kernel", "one integration by parts: T27.parts"),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: ends.negative_near_zero(Fraction(3)),
)
def negative_for_every_small_ratio() -> Verdict:
    """The limit integral in balls, and a bound on the distance to it that holds for all small beta at once."""
    return ends.negative_near_zero(WINDOW)


def _parts(step: int) -> Verdict:
    """Compare the eigenvalue with its form after the integration by parts."""

    def at(route: Callable[[int, arb], arb], k: int, beta: Fraction) -> arb:
        with flint.ctx.workprec(96):
            return route(k, arb(fmpq(beta)))

    routes = {
        "erfc over the angle": lambda k, beta: at(eigenvalue, k, beta),
        "by parts": lambda k, beta: at(ends.by_parts, k + step, beta),
    }
    cases = ((3, "1/20"), (9, "3/4"), (21, "3/10"), (111, "1/20"), (5, "2"))
    points = [{"k": k, "beta": Fraction(beta)} for k, beta in cases]
    return agree(routes, points, digits=18)


@claim(
    "T27.parts",
    statement=r"For odd $k\ge3$: $\lambda_k=\frac4{\pi^2}\big(\frac1{k^2}+\frac1\beta\int_\beta^\infty "
    r"A_k(\arcsin\tfrac\beta v)e^{-v^2/2}dv\big)$ with $A_k(t)=\frac{\sin(k-1)t}{2(k-1)}+"
    r"\frac{\sin(k+1)t}{2(k+1)}$.",
    source=f"{SECTION}, T27, derived here",
    hypotheses=(r"five pairs $(k,\beta)$, $\beta$ from $\tfrac1{20}$ to 2",),
    aims_at=Grade.AGREES,
    mutant=lambda: _parts(2),
)
def eigenvalue_by_parts() -> Verdict:
    """Two integrands, one eigenvalue."""
    return _parts(0)


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
