"""The one-dimensional form behind float64 (gaussian-expectations.md, G5)."""

from fractions import Fraction
from typing import Any

import flint
from flint import acb, arb, fmpq

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.verdict import Grade, Verdict
from theory.activations import Activation
from theory.gaussian import expectation

DIGITS = 25
CASES = {
    "h_1": th.hardtanh(1),
    "h_{1/2}": th.hardtanh("1/2"),
    "crelu": th.clipped_relu(2),
    "tri": th.triangle(1),
}
POINTS = [
    ("h_1", "h_{1/2}", "13/10", "7/10", "2/5"),
    ("h_1", "h_1", "40", "1/3", "-7/2"),
    ("h_{1/2}", "crelu", "2", "5", "3"),
    ("crelu", "tri", "1/4", "2", "-7/10"),
    ("tri", "tri", "3", "3", "299/100"),
]


def _kinks(f: Activation) -> list[tuple[arb, arb]]:
    """Return places and changes of slope: the Dirac masses of the second derivative."""
    return [(_exact(a.at), _exact(a.coef)) for a in f.derivative.derivative.atoms]


def _exact(value: Any) -> arb:
    return arb(fmpq(int(value.p), int(value.q)))


def _path(f: str, g: str, p: str, q: str, c: str, kernel: int) -> arb:
    one, other = CASES[f], CASES[g]
    with flint.ctx.workprec(160):
        P, Q, C = (arb(fmpq(*Fraction(x).as_integer_ratio())) for x in (p, q, c))
        root = (P * Q).sqrt()
        end = (C / root).asin()
        kinks = [(a, s, b, t) for a, s in _kinks(one) for b, t in _kinks(other)]

        def integrand(angle: acb, _: bool) -> acb:
            sine, cosine = angle.sin(), angle.cos()
            total = acb(0)
            for a, s, b, t in kinks:
                x, y = a / P.sqrt(), b / Q.sqrt()
                square = x * x + y * y - 2 * x * y * sine
                total += s * t * (-square / (2 * cosine * cosine)).exp()
            return total * (C - kernel * root * sine) / (2 * arb.pi())

        straight = [expectation(h).ball(v, bits=140) for h, v in ((one, p), (other, q))]
        slopes = [expectation(h.derivative).ball(v, bits=140) for h, v in ((one, p), (other, q))]
        integral = acb.integral(integrand, 0, end).real
        return straight[0] * straight[1] + C * slopes[0] * slopes[1] + integral


def _check(kernel: int) -> Verdict:
    def closed(f: str, g: str, p: str, q: str, c: str) -> arb:
        return expectation(CASES[f], CASES[g]).ball(p, q, c, bits=140)

    def path(**point: str) -> arb:
        return _path(**point, kernel=kernel)

    points = [dict(zip(("f", "g", "p", "q", "c"), point, strict=True)) for point in POINTS]
    return agree({"closed form": closed, "path": path}, points, digits=DIGITS)


@claim(
    "G5",
    statement=r"$E[f(u)g(v)] = E f\,E g + c\,E f'\,E g' + "
    r"\int_0^c (c-t)\sum_{ij} s_i t_j\,\varphi_2(a_i,b_j;p,q,t)\,dt$ "
    "for piecewise linear $f$, $g$ with changes of slope $s_i$ at $a_i$, $t_j$ at $b_j$.",
    source="gaussian-expectations.md, G5",
    hypotheses=(
        "five pairs of $h_1$, $h_{1/2}$, clipped ReLU and triangle, unequal variances, both signs of $c$, one "
        r"point near $|\rho| = 1$; the integral in Arb's rigorous integration",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _check(2),
)
def path_integral() -> Verdict:
    """Compare the closed form with the integral along the path of covariances."""
    return _check(1)
