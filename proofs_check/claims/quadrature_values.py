"""The engine against reference quadrature over the catalogue (gaussian-expectations.md, G6)."""

from collections.abc import Callable

import mpmath

import theory as th
from proofs_check.ledger import claim
from proofs_check.methods.agree import agree
from proofs_check.verdict import Grade, Verdict
from theory import quadrature
from theory.activations import Activation, catalogue
from theory.gaussian import expectation

DIGITS = 15
# Unequal variances, both signs of the covariance: an exchange or a sign error shows.
COVARIANCES = (("13/10", "7/10", "2/5"), ("1/2", "3", "-1"))
PARTNERS: dict[str, Callable[[Activation], Activation]] = {
    "itself": lambda f: f,
    "erf(1)": lambda _: th.erf(1),
    "hardtanh(1)'": lambda _: th.hardtanh(1).derivative,
}


def _g6(exchange: bool) -> Verdict:
    cases = catalogue()

    def pair(name: str, partner: str) -> tuple[Activation, Activation]:
        f = cases[name]
        return f, PARTNERS[partner](f)

    def engine(name: str, partner: str, p: str, q: str, c: str) -> mpmath.mpf:
        f, g = pair(name, partner)
        at = (q, p, c) if exchange else (p, q, c)
        return expectation(f, g).mp(*at, digits=DIGITS + 5)

    def reference(name: str, partner: str, p: str, q: str, c: str) -> mpmath.mpf:
        return quadrature.expectation(*pair(name, partner), p, q, c, digits=DIGITS + 2)

    points = [
        {"name": name, "partner": partner, "p": p, "q": q, "c": c}
        for name in cases
        for partner, (p, q, c) in zip(PARTNERS, (*COVARIANCES, COVARIANCES[0]), strict=True)
    ]
    return agree({"engine": engine, "quadrature": reference}, points, digits=DIGITS)


@claim(
    "G6",
    statement=r"$E[f(u)g(v)]$ as the engine derives it equals the integral of $f$ and $g$ against the Gaussian "
    "density, computed by quadrature that sees no closed form.",
    source="gaussian-expectations.md, G6",
    hypotheses=(
        "every $f$ of the catalogue; $g$ one of $f$ itself, $\\mathrm{erf}(x)$, $h_1'$; one covariance each, unequal"
        " variances; the quadrature is certified: its radius is a proof (rules bounded on complex ellipses, tails"
        " by majorants), not a comparison of two resolutions",
    ),
    aims_at=Grade.AGREES,
    mutant=lambda: _g6(True),
)
def engine_against_quadrature() -> Verdict:
    """Compare the two routes, which share only the definitions of the activations."""
    return _g6(False)
