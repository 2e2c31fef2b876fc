"""Deep networks of sign, hardtanh estimator, are indefinite on the circle too (asymmetric-kernels.md, T27).

With every further layer the dip of the spectrum moves out, to degrees far beyond those that a scan reaches: there the
Fourier integral is taken along a path into the upper half plane, where it does not oscillate.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

import flint
from flint import acb, arb

import theory as th
from proofs_check.claims.spectra import SECTION
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.methods.erratum import erratum
from proofs_check.verdict import Grade, Verdict, every
from theory.kernels.brackets import fmpq

TRUSTS = ("Arb (ball arithmetic, and acb.integral of Petras)", "the closed forms T15 and T17")
# Below this angle all factors but sqrt(2/pi)/beta are bounded by 1.
_NEAREST = Fraction(1, 10**40)
# The path ends where exp(-k Im theta) is exp(-120), and leaves 0 at a slope below 1: erf decays there.
_HEIGHT, _SLOPE = 120, Fraction(3, 5)


def kernel(theta: acb, layers: int, beta: arb, analytic: bool) -> acb:
    """Return Theta at rho = cos theta, s_w = 1, s_b = 0; it is analytic for 0 < Re theta < pi.

    With rho = cos a, the next layer has cos a' = 1 - 2a/pi, so sin(a'/2)^2 = a/pi: no digit of 1 - rho is lost. Not
    finite where ``analytic`` is asked for and a branch cut is near.
    """
    angle, total = theta, theta.cos()
    for _ in range(layers):
        slope = (beta / (arb(2).sqrt() * angle.sin())).erf() * (2 / arb.pi()).sqrt() / beta
        half = (angle / arb.pi()).sqrt(analytic=analytic)
        if analytic and half.imag.contains(0) and not abs(half.real) < 1:
            return acb("nan")
        angle = 2 * half.asin()
        total = angle.cos() + total * slope
    return total


def eigenvalue(k: int, layers: int, beta: Fraction, bits: int = 200) -> arb:
    """Return a ball for lambda_k = 1/pi int_0^pi Theta cos(k theta), k odd, along a path upwards from 0.

    Theta is odd about pi/2: the other half of the path, mirrored, adds the same real part.
    """
    with flint.ctx.workprec(bits):
        width, near = arb(fmpq(beta)), arb(fmpq(_NEAREST))

        def integrand(t: acb, analytic: bool) -> acb:
            return kernel(t, layers, width, analytic) * (acb(0, 1) * k * t).exp()

        height = arb(_HEIGHT) / k
        corner = acb(near + height / arb(fmpq(_SLOPE)), height)
        tolerance = arb(2) ** -70 / k
        # Panels that double away from the branch point at 0.
        places = [acb(near)]
        length = abs(corner - near)
        while near * (2 ** len(places) - 1) < length:
            places.append(near + (corner - near) / length * near * (2 ** len(places) - 1))
        places += [corner, acb(arb.pi() / 2, height)]
        total = sum(
            (
                acb.integral(integrand, left, right, abs_tol=tolerance)
                for left, right in pairwise(places)
            ),
            acb(0),
        )
        slope = (2 / arb.pi()).sqrt() / width
        bound = near * sum((slope**j for j in range(layers + 1)), arb(0)).upper()
        return 2 / arb.pi() * (total.real + bound * arb(0, 1))


DIPS = ((3, Fraction(1, 4), 132965), (4, Fraction(1, 10), 10**14 + 1))


def _deep(cases: Sequence[tuple[int, Fraction, int]]) -> Verdict:
    """Put "three hidden layers or more: none" to the test, for (layers, beta, degree)."""

    def parts() -> Iterator[tuple[str, Verdict]]:
        for layers, beta, degree in cases:
            ball = eigenvalue(degree, layers, beta)
            label = f"{layers} hidden layers, beta = {beta}"
            shown = f"lambda_{degree} = {ball.str(5)}"
            if ball < 0:
                yield label, Verdict(Grade.ENCLOSED, shown, None, TRUSTS)
            elif ball > 0:
                yield label, Verdict(Grade.REFUTED, shown, f"{label}: {shown}", TRUSTS)
            else:
                yield label, Verdict(Grade.UNDECIDED, shown)

    return every(parts())


def _none(cases: Sequence[tuple[int, Fraction, int]]) -> Verdict:
    """Judge the printed statement by what is found."""
    found = _deep(cases)
    printed = found
    if found.grade is Grade.ENCLOSED:
        printed = Verdict(Grade.REFUTED, "fails at far degrees", found.evidence, TRUSTS)
    return erratum(printed=printed, corrected=found)


@claim(
    "T27.three-layers",
    statement=r"Three or more hidden layers of sign, hardtanh estimator: no negative Fourier coefficients on the "
    r"circle (printed: none at the $\beta$ tested).",
    source=f"{SECTION}, T27",
    hypotheses=(r"$s_w=1$, $s_b=0$, unit norms, circle",),
    aims_at=Grade.REFUTED_AS_PRINTED,
    correction=r"Three layers have one at degree 132965 for $\beta=\tfrac14$, four at degree $10^{14}+1$ for "
    r"$\beta=\tfrac1{10}$.",
    mutant=lambda: _none([(3, Fraction(1, 2), 8805)]),
)
def deep_sign_networks_are_indefinite_too() -> Verdict:
    """Fourier integrals in balls, along paths on which they do not oscillate."""
    return _none(DIPS)


def _paths(turn: int) -> Verdict:
    """Compare the path with the library's spectrum, at two layers."""
    beta = Fraction(2, 5)
    balls = th.certified_spectrum(
        th.Architecture(2, th.sign(), th.hardtanh(beta)), [3, 21, 103], tolerance=1e-8
    )
    library = dict(zip((3, 21, 103), balls, strict=True))
    routes = {
        "upper half plane": lambda k: eigenvalue(k + turn, 2, beta),
        "certified_spectrum": lambda k: library[k],
    }
    return agree(routes, [{"k": k} for k in library], digits=3)


@claim(
    "T27.path",
    statement=r"For odd $k$: $\lambda_k=\frac2\pi\operatorname{Re}\int\Theta(\cos\theta)e^{ik\theta}d\theta$ from 0 to "
    r"$\frac\pi2+ih$ through $0<\operatorname{Re}\theta<\pi$, $\operatorname{Im}\theta\ge0$.",
    source=f"{SECTION}, T27, derived here",
    hypotheses=(r"two hidden layers of sign, hardtanh estimator, $\beta=.4$; degrees 3, 21, 103",),
    aims_at=Grade.AGREES,
    mutant=lambda: _paths(2),
)
def eigenvalues_along_a_path() -> Verdict:
    """The path in the upper half plane against Taylor models on the circle."""
    return _paths(0)
