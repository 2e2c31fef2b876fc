r"""Mismatched hardtanhs that are positive on the circle after all (asymmetric-kernels.md, T29: "none").

Forward h_a, backward h_b', q = 1, one hidden layer, no bias. With D_ab(rho) = E[h_a'(u) h_b'(v)], whose derivative is a
sum of two Gaussian densities, integration by parts leaves elementary integrals: for even m > 0

    d_m(a, b) = 1/pi int_0^pi D_ab(cos t) cos(m t) dt = 2/(pi^2 a b m) int_0^pi E_ab(t) sin(m t) dt,
    E_ab(t) = exp(-(a^2 - 2 a b cos t + b^2)/(2 sin(t)^2)),

and lambda_k = (d_(k-1)(a, a) - d_(k+1)(a, a))/(2k) + (d_(k-1)(a, b) + d_(k+1)(a, b))/2 for odd k >= 3. The first
part, of E[h_a(u) h_a(v)], falls like k^-4, since E_aa does not vanish at t = 0; E_ab, a != b, is flat at both ends.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from math import factorial

import flint
from flint import acb, arb, arb_series

import theory as th
from proofs_check.claims.spectra import BALLS, SECTION
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.verdict import Grade, Verdict, every
from theory.kernels.brackets import fmpq

PAIRS = (("1/10", "1"), ("1/10", "2"), ("3/10", "2"), ("3/5", "2"))
TRUSTS = (
    *BALLS,
    "acb.integral of Petras",
    "integration by parts, for the integrals and for high degrees",
)
_BITS = 100
# The least degree for which the estimate of high ones is written down.
_LEAST = 21


@cache
def mode(a: Fraction, b: Fraction, m: int) -> arb:
    """Return d_m(a, b), m even and positive."""
    left, right = arb(fmpq(a)), arb(fmpq(b))

    def integrand(t: acb, _: bool) -> acb:
        if a == b:
            # (1 - cos t)/sin(t)^2 = 1/(1 + cos t): nothing is singular at 0.
            exponent = -(left * left) / (1 + t.cos())
        else:
            exponent = -(left * left - 2 * left * right * t.cos() + right * right) / (
                2 * t.sin() ** 2
            )
        return exponent.exp() * (m * t).sin()

    # Up to pi/2 E_ab <= exp(-(a - b)^2/(2 sin^2 t)), beyond exp(-(a^2 + b^2)/(2 sin^2 t)): 10^-40 where left out.
    low = arb(0) if a == b else abs(left - right) / 14
    high = (left * left + right * right).sqrt() / 14
    tolerance = arb(2) ** -_BITS
    value = acb.integral(integrand, acb(low), acb(arb.pi() - high), abs_tol=tolerance).real
    value += (low + high) * arb(10) ** -40 * arb(0, 1)
    return 2 / (arb.pi() ** 2 * left * right * m) * value


def eigenvalue(a: Fraction, b: Fraction, k: int) -> arb:
    """Return lambda_k on the circle, k odd and at least 3."""
    with flint.ctx.workprec(_BITS + 20):
        forward = (mode(a, a, k - 1) - mode(a, a, k + 1)) / (2 * k)
        return forward + (mode(a, b, k - 1) + mode(a, b, k + 1)) / 2


def bends(a: Fraction, b: Fraction, order: int) -> arb:
    """Bound the integral over [0, pi] of the absolute value of a derivative of E_ab.

    Within 1/20 of its width of an end where it is flat, E_ab is below 10^-80, which outweighs any power of 1/sin t met:
    10^-20 is added for these parts.
    """
    left, right = arb(fmpq(a)), arb(fmpq(b))
    before, flint.ctx.cap = flint.ctx.cap, order + 1

    def over(first: Fraction, last: Fraction, sign: int) -> arb:
        """Bound it over [first, last], or with sign -1 over the mirrored interval."""
        t = arb_series([arb(fmpq(first)).union(arb(fmpq(last))), 1])
        cosine = sign * t.cos()
        if a == b:
            exponent = -(left * left) / (1 + cosine)
        else:
            exponent = -(left * left - 2 * left * right * cosine + right * right) / (
                2 * t.sin() ** 2
            )
        bound: arb = abs(exponent.exp()[order]).upper() * arb(fmpq(last - first))
        return bound

    try:
        total = arb(10) ** -20
        for sign, width in ((1, abs(a - b)), (-1, a + b)):
            here = width / 20 if width else Fraction(0)
            while here < Fraction(8, 5):
                ahead = here + max(here / 80, Fraction(1, 2000) if not width else Fraction(0))
                total += over(here, ahead, sign)
                here = ahead
    finally:
        flint.ctx.cap = before
    return total * factorial(order)


def degree_beyond(a: Fraction, b: Fraction) -> int:
    """Return an odd degree from which lambda_k > 0.

    With x = k - 1, C = 2/(pi^2 a^2), E_aa = exp(-a^2/2) and E_aa'' < 0 at 0, integrals I of |E_aa''''| and M of
    |E_ab^(6)| times 2/(pi^2 a b), and k >= 21, so that 1.158 >= (k/x)^3:

        forward part >= 0.475 C x^-4 (3.45 exp(-a^2/2) - 2 I/x^2),    |other part| <= M x^-7.
    """
    with flint.ctx.workprec(64):
        left, right = arb(fmpq(a)), arb(fmpq(b))
        front = arb("0.475") * 2 / (arb.pi() * left) ** 2
        fourth = bends(a, a, 4)
        other = 2 / (arb.pi() ** 2 * left * right) * bends(a, b, 6)
        x = _LEAST - 1
        while (
            not front * (arb("3.45") * (-left * left / 2).exp() - 2 * fourth / x**2) > other / x**3
        ):
            x += 2
    return x + 1


def _definite(pairs: Sequence[tuple[str, str]]) -> Verdict:
    """Show that no eigenvalue is negative."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        for first, second in pairs:
            a, b = Fraction(first), Fraction(second)
            arch = th.Architecture(1, th.hardtanh(first), th.hardtanh(second))
            (lowest,) = th.certified_spectrum(arch, [1], tolerance=1e-6)
            end = degree_beyond(a, b)
            values = {1: lowest} | {k: eigenvalue(a, b, k) for k in range(3, end, 2)}
            bad = [k for k, value in values.items() if not value > 0]
            label = f"a = {first}, b = {second}"
            if not bad:
                shown = f"positive up to degree {end} by balls, beyond by derivatives"
                yield label, Verdict(Grade.ENCLOSED, shown, None, TRUSTS)
                continue
            shown = f"lambda_{bad[0]} = {values[bad[0]].str(5)}"
            if values[bad[0]] < 0:
                yield label, Verdict(Grade.REFUTED, shown, f"{label}: {shown}", TRUSTS)
            else:
                yield label, Verdict(Grade.UNDECIDED, shown)

    return every(parts())


@claim(
    "T29.none",
    statement=r"Forward $h_a$, backward $h_b'$, circle: no negative eigenvalue of any degree for "
    r"$(a,b)=(.1,1),(.1,2),(.3,2),(.6,2)$.",
    source=f"{SECTION}, T29",
    hypotheses=(
        r"one hidden layer, $s_w=1$, $s_b=0$, unit norms",
        "even degrees vanish: the kernel is odd",
    ),
    aims_at=Grade.ENCLOSED,
    mutant=lambda: _definite([("3/10", "1")]),
)
def some_mismatched_hardtanhs_are_positive() -> Verdict:
    """Fourier integrals in balls up to a degree, estimates by integration by parts beyond."""
    return _definite(PAIRS)


def _routes(shift: int) -> Verdict:
    """Compare the elementary integrals with the library's spectrum."""
    a, b = Fraction(3, 10), Fraction(1)
    balls = th.certified_spectrum(
        th.Architecture(1, th.hardtanh(a), th.hardtanh(b)), [3, 7, 9], tolerance=1e-8
    )
    library = dict(zip((3, 7, 9), balls, strict=True))
    routes = {
        "by parts": lambda k: eigenvalue(a, b, k + shift),
        "certified_spectrum": lambda k: library[k],
    }
    return agree(routes, [{"k": k} for k in library], digits=5)


@claim(
    "T29.parts",
    statement=r"For odd $k\ge3$: $\lambda_k=\frac{d_{k-1}(a,a)-d_{k+1}(a,a)}{2k}"
    r"+\frac{d_{k-1}(a,b)+d_{k+1}(a,b)}2$ with "
    r"$d_m(a,b)=\frac2{\pi^2abm}\int_0^\pi e^{-(a^2-2ab\cos t+b^2)/(2\sin^2t)}\sin mt\,dt$.",
    source=f"{SECTION}, T29, derived here",
    hypotheses=(r"$(a,b)=(.3,1)$, degrees 3, 7, 9",),
    aims_at=Grade.AGREES,
    mutant=lambda: _routes(2),
)
def eigenvalue_of_mismatched_hardtanhs() -> Verdict:
    """Elementary integrals against Taylor models of the kernel."""
    return _routes(0)
